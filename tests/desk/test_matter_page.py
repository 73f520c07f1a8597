"""The matter page: where it stands, what is done next, and that nobody's work is lost."""

from __future__ import annotations

import ast
import io
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from docx import Document

from pipeline.desk.services import steps
from pipeline.desk.services.dossiers import file_name
from pipeline.desk.services.timeline import TOLD, said
from pipeline.desk.workflow import STEPS
from tests.desk.conftest import SECRET, Clients, Desk, queries_of

if TYPE_CHECKING:
    from django.test import Client


TRIAGE_ACTS: dict[str, dict[str, Any]] = {
    "priority": {"priority": "95", "reason": "春耕在即"},
    "issue": {"issue": "经济管理"},
    "merge": {"other": "M-F1"},
    "decline": {"other": "M-F1"},
    "split": {"letters": ["S2"]},
    "move": {"letters": ["S2"], "other": "M-F1"},
    "undo": {"decision": "1"},
}
WORK_ACTS: dict[str, dict[str, Any]] = {
    "claim": {},
    "release": {},
    "step": {"step": "accept"},
    "edit": {"plan": "座谈"},
    "note": {"kind": "step", "text": "已去村里看过"},
    "pause": {"rule": "conclude", "key": "appraisal", "reason": "送检"},
    "resume": {"rule": "conclude"},
}
ASSIGN_ACTS: dict[str, dict[str, Any]] = {"extend": {"rule": "conclude", "days": "10", "reason": "等鉴定"}}
EXPORT_ACTS: dict[str, dict[str, Any]] = {"dossier": {"purpose": "提交联席会议研究"}}
ACTS = TRIAGE_ACTS | WORK_ACTS | ASSIGN_ACTS | EXPORT_ACTS


def page(client: Client, query: str = "", matter: str = "M-S1") -> str:
    return client.get(f"/matter/{matter}/{query}").content.decode()


def post(client: Client, act: str, form: dict[str, Any] | None = None, matter: str = "M-S1", **more: Any) -> Any:
    return client.post(f"/matter/{matter}/{act}/", ACTS[act] if form is None else form, **more)


def opened(desk: Desk, matter: str = "M-S1") -> dict[str, int]:
    """What a form carries that is opened now."""
    row = desk.matter(matter)
    return {"token": row.token, "version": row.version}


# ---- the door ----


def test_the_page_shows_where_the_matter_stands(clients: Clients) -> None:
    shown = page(clients("clerk"))
    for word in (
        "农村农业",
        "待分拣",
        "柳河镇",
        "农业农村局",
        "登记受理还剩 2 天",
        "《信访工作条例》第二十二条",
        "3 封，3 人反映",
        "我家和邻居买的丰禾种子都不出苗",
        "受理",
        "转办",
    ):
        assert word in shown, word
    assert "群体" in shown
    assert SECRET not in shown


def test_an_analyst_reads_and_gets_no_button(clients: Clients) -> None:
    shown = page(clients("analyst"))
    assert "丰禾玉米种子" in shown
    for word in ("认领", "受理</button>", "保存", "并入", "打印卷宗", "改优先级"):
        assert word not in shown, word


# ---- in hand ----


def test_claim_and_release(clients: Clients, filled: Desk) -> None:
    clerk = clients("clerk")
    assert "在您手里" in post(clerk, "claim", follow=True).content.decode()
    assert "正在查看" in page(clients("supervisor"))
    refused = post(clients("supervisor"), "claim")
    assert refused.status_code == 409
    assert "已放回" in post(clerk, "release", follow=True).content.decode()
    assert filled.matter("M-S1").holder is None


def test_who_looks_at_it_keeps_it(clients: Clients, filled: Desk) -> None:
    from datetime import timedelta

    from django.utils import timezone

    from pipeline.desk.models import Matter

    clerk = clients("clerk")
    post(clerk, "claim")
    soon = timezone.now() + timedelta(minutes=1)
    Matter.objects.filter(pk="M-S1").update(held_until=soon)
    page(clerk)
    kept = filled.matter("M-S1").held_until
    assert kept is not None
    assert kept > soon
    Matter.objects.filter(pk="M-S1").update(held_until=soon)
    page(clients("supervisor"))
    assert filled.matter("M-S1").held_until == soon


# ---- steps ----


def test_a_matter_goes_from_the_desk_to_the_unit_and_to_its_end(clients: Clients, filled: Desk) -> None:
    clerk, handler = clients("clerk"), clients("handler")
    post(clerk, "step", {"step": "forward", "unit": "农业农村局", **opened(filled)})
    post(clerk, "release")
    assert "接办" in page(handler)
    post(handler, "step", {"step": "take", **opened(filled)})
    done = post(
        handler, "step", {"step": "answer", "text": "已赔付每亩三百元。", "outcome": "settled", **opened(filled)}, follow=True
    ).content.decode()
    assert "已答复" in done
    assert "办理结果：化解" in done
    assert "答复：已赔付每亩三百元。" in done
    post(handler, "release")
    post(clerk, "step", {"step": "close", "outcome": "settled", **opened(filled)})
    assert filled.matter("M-S1").status == "closed"


def test_a_step_says_what_is_missing_and_leaves_the_matter(clients: Clients, filled: Desk) -> None:
    clerk = clients("clerk")
    answer = post(clerk, "step", {"step": "forward", **opened(filled)})
    assert answer.status_code == 422
    assert "责任单位" in answer.content.decode()
    assert post(clerk, "step", {"step": "forward", "unit": "没有这个局", **opened(filled)}).status_code == 422
    assert post(clerk, "step", {"step": "close", "outcome": "settled", **opened(filled)}).status_code == 422
    assert filled.matter("M-S1").status == "open"


def test_a_unit_that_returns_a_matter_no_longer_sees_it(clients: Clients, filled: Desk) -> None:
    steps.take_step(filled.matter("M-S1"), filled.person("clerk"), "forward", {"unit": "农业农村局"})
    from pipeline.desk.models import Matter

    Matter.objects.update(holder=None, held_until=None)
    answer = post(clients("handler"), "step", {"step": "return", "reason": "属市场监管局职权", **opened(filled)})
    assert answer["Location"] == "/"
    assert clients("handler").get("/matter/M-S1/").status_code == 404


# ---- two people at once ----


def typed(desk: Desk, **form: str) -> dict[str, Any]:
    return form | opened(desk)


def test_a_late_save_shows_both_versions_and_can_be_sent_again(clients: Clients, filled: Desk) -> None:
    mine = typed(filled, leader="王副县长", plan="我写的方案", way="mediation", satisfaction="")
    boss = filled.person("supervisor")
    steps.edit(filled.matter("M-S1"), boss, {"plan": "别人写的方案", "way": "court"})
    from pipeline.desk.services.claims import release

    release(filled.matter("M-S1"), boss)
    answer = post(clients("clerk"), "edit", mine)
    shown = answer.content.decode()
    assert answer.status_code == 409
    for word in ("您的修改", "现在的内容", "我写的方案", "别人写的方案", "王副县长", "诉讼"):
        assert word in shown, word
    assert filled.matter("M-S1").plan == "别人写的方案"
    now = opened(filled)
    assert f'name="token" value="{now["token"]}"' in shown
    assert post(clients("clerk"), "edit", mine | now).status_code == 302
    assert filled.matter("M-S1").plan == "我写的方案"
    assert "原一案一策" in page(clients("clerk"))


def test_what_was_typed_stays_when_somebody_holds_the_matter(clients: Clients, filled: Desk) -> None:
    from pipeline.desk.services.claims import claim

    mine = typed(filled, plan="写了半小时的方案")
    claim(filled.matter("M-S1"), filled.person("supervisor", name="李科长"))
    answer = post(clients("clerk"), "edit", mine)
    assert answer.status_code == 409
    assert "写了半小时的方案" in answer.content.decode()
    assert "李科长" in answer.content.decode()


def test_a_late_step_keeps_the_answer_that_was_typed(clients: Clients, filled: Desk) -> None:
    from pipeline.desk.models import Matter

    form = typed(filled, step="forward", unit="住建局")
    steps.take_step(filled.matter("M-S1"), filled.person("supervisor"), "decline", {"reason": "已有结论"})
    Matter.objects.update(holder=None, held_until=None)
    answer = post(clients("clerk"), "step", form)
    shown = answer.content.decode()
    assert answer.status_code == 409
    assert '<option value="住建局" selected>' in shown
    assert "不予受理" in shown
    assert "仍然办理" not in shown  # nothing can be forwarded from there


def test_a_save_that_changes_what_nobody_else_touched_goes_through(clients: Clients, filled: Desk) -> None:
    post(clients("clerk"), "edit", typed(filled, leader="王副县长", plan="甲", way="mediation", satisfaction="good"))
    row = filled.matter("M-S1")
    assert (row.leader, row.plan, row.way, row.satisfaction) == ("王副县长", "甲", "mediation", "good")
    assert "包保领导：未填 → 王副县长" in page(clients("clerk"))


def test_a_form_without_its_version_is_refused(clients: Clients, filled: Desk) -> None:
    assert post(clients("clerk"), "edit", {"plan": "甲"}).status_code == 409
    assert filled.matter("M-S1").plan == ""


# ---- clocks ----


def test_extend_pause_and_resume_are_told(clients: Clients, filled: Desk) -> None:
    boss = clients("supervisor")
    post(boss, "step", {"step": "accept", **opened(filled)})
    assert "办结还剩 60 天" in page(boss)
    assert "办结还剩 70 天" in post(boss, "extend", follow=True).content.decode()
    assert "办结延期，到期日 2026-06-20 → 2026-06-30（等鉴定）" in page(boss)
    assert post(boss, "extend").status_code == 422  # once only
    assert "办结暂停中（鉴定检测" in post(boss, "pause", follow=True).content.decode()
    assert "办结还剩 70 天" in post(boss, "resume", follow=True).content.decode()


@pytest.mark.parametrize(
    "form",
    [
        {"rule": "conclude", "days": "x", "reason": "等"},
        {"rule": "conclude", "days": "31", "reason": "等"},
        {"rule": "conclude", "days": "9"},
        {"rule": "review", "days": "9", "reason": "等"},
    ],
)
def test_an_extension_that_the_regulation_does_not_know(clients: Clients, filled: Desk, form: dict[str, str]) -> None:
    post(clients("supervisor"), "step", {"step": "accept", **opened(filled)})
    assert post(clients("supervisor"), "extend", form).status_code == 422


# ---- priority, issue, notes ----


def test_a_persons_priority_needs_a_reason_and_can_be_given_back(clients: Clients, filled: Desk) -> None:
    clerk = clients("clerk")
    assert post(clerk, "priority", {"priority": "95"}).status_code == 422
    assert post(clerk, "priority", {"priority": "96", "reason": "急"}).status_code == 422
    post(clerk, "priority")
    assert filled.matter("M-S1").rank == 95
    assert "优先级定为 95（理由：春耕在即）" in page(clerk)
    post(clerk, "priority", {"priority": ""})
    assert filled.matter("M-S1").human_priority is None


def test_a_persons_issue_stands_before_the_models(clients: Clients, filled: Desk) -> None:
    post(clients("clerk"), "issue")
    assert "事项类别：农村农业 → 经济管理" in page(clients("clerk"))
    assert post(clients("clerk"), "issue", {"issue": "天气"}).status_code == 422
    assert filled.matter("M-S1").shown_issue == "经济管理"


def test_notes_are_escaped_and_signed(clients: Clients, filled: Desk) -> None:
    clerk = clients("clerk")
    post(clerk, "note", {"kind": "reply", "text": "<b>已电话答复</b>\n约定下周再谈"})
    shown = page(clerk)
    assert "&lt;b&gt;已电话答复&lt;/b&gt;<br>约定下周再谈" in shown
    assert post(clerk, "note", {"kind": "step", "text": " "}).status_code == 422
    assert post(clerk, "note", {"kind": "plan", "text": "甲"}).status_code == 422


# ---- together and apart ----


def test_merge_is_listed_and_undone(clients: Clients, filled: Desk) -> None:
    from pipeline.desk.models import Decision

    clerk = clients("clerk")
    steps.note(filled.matter("M-F1"), filled.person("clerk"), "step", "与保险公司通过电话")
    merged = post(clerk, "merge", follow=True).content.decode()
    assert "事项 M-F1 并入本事项（2 封）" in merged
    assert "与保险公司通过电话" in merged  # what was done about the other stays with the matter
    assert filled.matter("M-S1").letters == 5
    assert clerk.get("/matter/M-F1/").status_code == 404
    decision = str(Decision.objects.get().pk)
    assert f'name="decision" value="{decision}"' in merged
    undone = post(clerk, "undo", {"decision": decision}, follow=True).content.decode()
    assert "已撤销" in undone
    assert 'name="decision"' not in undone
    assert filled.matter("M-F1").letters == 2


def test_split_and_undo_from_the_new_matter_leads_back(clients: Clients, filled: Desk) -> None:
    from pipeline.desk.models import Decision

    clerk = clients("clerk")
    post(clerk, "split", {"letters": ["S2", "S3"]})
    assert filled.matter("M-S2").letters == 2
    answer = post(clerk, "undo", {"decision": str(Decision.objects.get().pk)}, matter="M-S2")
    assert answer["Location"] == "/matter/M-S1/"
    assert filled.matter("M-S1").letters == 3


def test_move_and_what_cannot_be_moved(clients: Clients, filled: Desk) -> None:
    clerk = clients("clerk")
    post(clerk, "move")
    assert (filled.matter("M-S1").letters, filled.matter("M-F1").letters) == (2, 3)
    assert post(clerk, "move", {"letters": ["L1"], "other": "M-F1"}).status_code == 422
    assert post(clerk, "move", {"letters": ["S1"], "other": "M-none"}).status_code == 422
    assert post(clerk, "split", {"letters": ["S1", "S3"]}).status_code == 422  # all of them
    assert post(clerk, "split", {}).status_code == 422
    assert post(clerk, "undo", {"decision": "999"}).status_code == 422
    assert post(clerk, "undo", {"decision": "²"}).status_code == 422


def test_a_decision_about_other_matters_is_not_undone_from_here(clients: Clients, filled: Desk) -> None:
    from pipeline.desk.models import Decision

    clerk = clients("clerk")
    post(clerk, "merge", {"other": "M-F1"})
    assert post(clerk, "undo", {"decision": str(Decision.objects.get().pk)}, matter="M-W1").status_code == 422
    assert filled.matter("M-S1").letters == 5


@pytest.mark.parametrize("act", ["merge", "move", "decline"])
def test_nobody_regroups_what_another_has_in_hand(clients: Clients, filled: Desk, act: str) -> None:
    from pipeline.desk.services.claims import claim

    claim(filled.matter("M-F1"), filled.person("supervisor", name="李科长"))
    answer = post(clients("clerk"), act)
    assert answer.status_code == 409
    assert "李科长" in answer.content.decode()
    assert (filled.matter("M-S1").letters, filled.matter("M-F1").letters) == (3, 2)
    assert filled.matter("M-S1").holder is None  # nothing is left half done


def test_a_suggestion_that_was_declined_is_gone(clients: Clients) -> None:
    from pipeline.desk.models import Suggestion

    Suggestion.objects.create(one_id="M-F1", other_id="M-S1", bond=0.6)
    clerk = clients("clerk")
    assert "是同一件，并入" in page(clerk)
    back = post(clerk, "decline", {"other": "M-F1", "next": "/letter/S2/"})
    assert back["Location"] == "/letter/S2/"
    assert "是同一件，并入" not in page(clerk)
    assert "与事项 M-F1 不是同一件，不合并" in page(clerk)


# ---- course and growth ----


def test_every_kind_of_event_has_words(filled: Desk) -> None:
    from pipeline.desk.models import Decision, Event

    through_a_name = {"extended", "paused", "resumed", "queued", "rescored", *Decision.Kind.values}
    kinds = _recorded_about_matters() | set(STEPS) | through_a_name
    assert {"claimed", "edited", "corrected", "brought_back"} <= kinds
    assert kinds <= set(TOLD) | set(STEPS)
    for kind in kinds:
        for told in (
            {},
            {"priority": 3.0, "fields": ["plan", "way"], "rule": "conclude", "answer": "level", "value": 2, "state": "watched"},
        ):
            sentence = said(Event(kind=kind, before={}, after=told))
            assert sentence
            assert kind not in sentence


def _recorded_about_matters() -> set[str]:
    """The kinds that services write as record("kind", …, matter=…) or keep(matter, user, "kind", …)."""
    found = set()
    for file in Path("pipeline/desk/services").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            about_a_matter = node.func.id == "record" and any(word.arg == "matter" for word in node.keywords)
            kind = node.args[0] if about_a_matter else node.args[2] if node.func.id == "keep" else None
            if isinstance(kind, ast.Constant):
                found.add(str(kind.value))
    return found


def test_the_course_is_newest_first_and_whole_on_demand(clients: Clients, filled: Desk) -> None:
    person = filled.person("clerk")
    for number in range(40):
        steps.note(filled.matter("M-S1"), person, "step", f"第{number}次走访。")
    clerk = clients("clerk")
    short, whole = page(clerk), page(clerk, "?all=1")
    assert short.index("第39次走访") < short.index("第38次走访")
    assert "第5次走访" not in short
    assert "全部显示" in short
    assert "第0次走访" in whole
    assert "收到来信《丰禾玉米种子不出苗》" in whole


def test_growth_is_drawn_and_told_in_a_table(clients: Clients) -> None:
    shown = page(clients("clerk"))
    assert '<script id="growth" type="application/json">' in shown
    assert '"data": [2, 1]' in shown
    assert '"data": [2, 3]' in shown
    assert '<td>2026-04-06</td><td class="num">2</td><td class="num">2</td>' in shown


def test_more_than_fifty_letters_are_behind_a_link(filled: Desk) -> None:
    for number in range(52):
        filled.add(f"Q{number:02}", f"第{number:02}封\n种子不出苗。", matter="M-S1")
    clerk = filled.client(filled.person("clerk"))
    assert page(clerk).count("data-row=") == 50
    assert page(clerk, "?all=1").count("data-row=") == 55


def test_queries_do_not_grow_with_letters_events_or_decisions(filled: Desk) -> None:
    person = filled.person("clerk")
    clerk = filled.client(person)
    few = queries_of(clerk, "/matter/M-S1/")
    for number in range(30):
        filled.add(f"Q{number}", matter="M-S1")
        steps.note(filled.matter("M-S1"), person, "step", f"第{number}次走访。")
    assert queries_of(clerk, "/matter/M-S1/") == few


def test_nothing_tells_who_wrote(filled: Desk) -> None:
    filled.add("P1", writer="WRITER-77", matter="M-S1")
    filled.add("P2", writer="WRITER-77", matter="M-S1", day=date(2026, 4, 20))
    shown = page(filled.client(filled.person("clerk")), "?all=1")
    assert "WRITER-77" not in shown
    assert "5 封，4 人反映" in shown


# ---- the dossier ----


def test_the_dossier_is_a_word_file_and_recorded(clients: Clients, filled: Desk) -> None:
    from pipeline.desk.models import Access

    clerk = clients("clerk")
    post(clerk, "edit", typed(filled, plan="先赔后查", leader="王副县长", way="mediation"))
    post(clerk, "note")
    answer = post(clerk, "dossier")
    assert answer.status_code == 200
    assert "attachment" in answer["Content-Disposition"]
    document = Document(io.BytesIO(answer.content))
    text = "\n".join(
        [paragraph.text for paragraph in document.paragraphs]
        + [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    )
    for word in ("M-S1", "先赔后查", "王副县长", "种子不发芽", "已去村里看过", "农业农村局", "登记受理"):
        assert word in text, word
    assert SECRET not in text
    kept = Access.objects.get()
    assert (kept.kind, kept.matter_id, kept.purpose) == ("dossier", "M-S1", "提交联席会议研究")
    assert kept.detail == {"file": "卷宗-M-S1.docx", "letters": 3}


def test_without_a_purpose_no_dossier(clients: Clients) -> None:
    from pipeline.desk.models import Access

    assert post(clients("clerk"), "dossier", {"purpose": ""}).status_code == 422
    assert not Access.objects.exists()


def test_the_name_of_the_file_is_safe() -> None:
    assert file_name("M-../a b\r\n信#1") == "卷宗-M-_a_b_信_1.docx"


def test_an_answered_matter_says_why_it_stands_behind(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.services.steps import take_step

    clerk = filled.person("clerk")
    for step, given in (("accept", {}), ("handle", {}), ("answer", {"text": "已拨付工资。", "outcome": "settled"})):
        take_step(filled.matter("M-W1"), clerk, step, given)
    for address in ("/", "/matter/M-W1/"):
        page = clients("supervisor").get(address).content.decode()
        assert "已答复，等来信人" in page
        assert "再加 -" not in page
