"""The letter page: what a clerk reads, corrects and opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.desk.services.reading import segments
from tests.desk.conftest import SECRET, Clients, Desk, queries_of

if TYPE_CHECKING:
    from django.test import Client


GOOD = {"change": "safety=yes", "reason": "text"}
POSTS = [("correct", GOOD, "clerk"), ("apart", {"reason": "text"}, "clerk"), ("original", {"purpose": "联系来信人核实"}, "handler")]


def page(client: Client, letter_id: str = "S2") -> str:
    return client.get(f"/letter/{letter_id}/").content.decode()


# ---- the door ----


def test_the_page_shows_the_masked_letter_and_its_score(clients: Clients) -> None:
    shown = page(clients("clerk"))
    assert "玉米种子出苗率低" in shown
    assert "［手机］" in shown
    assert SECRET not in shown
    assert "同类信件约七成属于苗头件" in shown
    assert "模型版本 m1" in shown
    assert "还没有划出依据" in shown


def test_who_may_not_correct_or_open_is_refused_and_sees_no_button(clients: Clients) -> None:
    for act, form, _ in POSTS:
        assert clients("analyst").post(f"/letter/S2/{act}/", form).status_code == 403
    shown = page(clients("analyst"))
    assert "查看原件" not in shown
    assert "改类别" not in shown
    assert "玉米种子出苗率低" in shown


def test_a_letter_with_an_odd_id_has_an_address(filled: Desk) -> None:
    filled.add("a/b?c 信#1", "路口没有红绿灯\n请装红绿灯。")
    from django.urls import reverse

    assert "路口没有红绿灯" in filled.client(filled.person("clerk")).get(reverse("letter", args=["a/b?c 信#1"])).content.decode()


# ---- marks ----

TEXT = "标题\n老人说不想活了。孩子没钱上学，明天就断粮。"


def test_segments_joined_give_the_text_and_marks_overlap() -> None:
    parts = segments(
        TEXT, [["livelihood", "孩子没钱上学，明天就断粮。", 0.4], ["deadline", "明天就断粮。", 0.6], ["risk", "老人说不想活了。", 0.9]]
    )
    assert "".join(part.text for part in parts) == TEXT
    marked = [(part.text, part.answers) for part in parts if part.answers]
    assert marked == [("老人说不想活了。", ("risk",)), ("孩子没钱上学，", ("livelihood",)), ("明天就断粮。", ("deadline", "livelihood"))]


def test_the_risk_is_named_after_the_signals_that_share_its_sentence() -> None:
    (_, mark, _) = segments("甲。乙。丙。", [["risk", "乙。", 0.9], ["safety", "乙。", 0.2]])
    assert mark.answers == ("safety", "risk")
    assert mark.names == "人身安全、苗头风险"


def test_a_sentence_that_is_not_there_marks_nothing() -> None:
    assert [part.answers for part in segments(TEXT, [["safety", "别的话。", 0.5], ["safety", " \n", 0.5]])] == [()]
    assert segments("", []) == []


def test_marks_are_shown_and_the_letter_is_escaped(filled: Desk) -> None:
    from pipeline.desk.models import Score

    text = "<b>坝体</b>渗水\n水库<script>alert(1)</script>大坝渗水。没有人来。"
    filled.add("X1", text, signals=("safety",))
    Score.objects.filter(letter="X1").update(evidence=[["safety", "水库<script>alert(1)</script>大坝渗水。", 0.5]])
    shown = page(filled.client(filled.person("clerk")), "X1")
    assert '<mark class="mark mark-safety" data-name="人身安全">水库&lt;script&gt;alert(1)&lt;/script&gt;大坝渗水。</mark>' in shown
    assert "<b>坝体" not in shown
    assert "<script>alert" not in shown
    assert "还没有划出依据" not in shown


def test_a_model_that_is_not_sure_says_so(filled: Desk) -> None:
    from pipeline.desk.models import Score

    Score.objects.filter(letter="S2").update(abstain=True)
    assert "模型拿不准类别，请您定" in page(filled.client(filled.person("clerk")))


# ---- corrections ----


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({"change": "safety=yes"}, "人身安全：无 → 有"),
        ({"change": "collective=no"}, "群体：有 → 无"),
        ({"change": "issue=经济管理"}, "类别：农村农业 → 经济管理"),
        ({"change": "issue", "issue": "国土资源"}, "类别：农村农业 → 国土资源"),
        ({"change": "level=3"}, "等级：苗头 → 紧急"),
    ],
)
def test_one_click_corrects_and_tells_who(clients: Clients, filled: Desk, change: dict[str, str], shown: str) -> None:
    clerk = clients("clerk")
    answer = clerk.post("/letter/S2/correct/", change | {"reason": "checked"}, follow=True)
    text = answer.content.decode()
    assert "已更正" in text
    assert f"{shown}<span" in text.replace("\n", "")
    assert "已向来信人或单位核实" in text
    assert "人工定" in text
    assert "同类信件约七成属于苗头件" in text  # what the model said stays readable


def test_the_second_choice_of_the_model_is_one_click_away(clients: Clients) -> None:
    from pipeline.desk.models import QueueItem
    from pipeline.desk.services.reading import read

    item = QueueItem.objects.select_related("letter", "score").get(pk="S2")
    second = read(item.letter, item).second.name
    shown = page(clients("clerk"))
    assert f'value="issue={second}"' in shown
    clients("clerk").post("/letter/S2/correct/", {"change": f"issue={second}", "reason": "text"})
    assert QueueItem.objects.get(pk="S2").human_issue == second


def test_the_reason_is_remembered(clients: Clients) -> None:
    clerk = clients("clerk")
    assert '<option value="text" selected>' in page(clerk)
    clerk.post("/letter/S2/correct/", GOOD | {"reason": "policy"})
    assert '<option value="policy" selected>' in page(clerk)


@pytest.mark.parametrize(
    "form",
    [{"change": "safety=yes"}, {"change": "level=7", "reason": "text"}, {"change": "anger=yes", "reason": "text"}, {"reason": "text"}],
)
def test_what_is_no_correction_changes_nothing(clients: Clients, form: dict[str, str]) -> None:
    from pipeline.desk.models import Correction

    assert clients("clerk").post("/letter/S2/correct/", form).status_code == 422
    assert not Correction.objects.exists()


def test_the_same_again_is_no_correction(clients: Clients) -> None:
    from pipeline.desk.models import Correction

    answer = clients("clerk").post("/letter/S2/correct/", {"change": "issue", "issue": "农村农业", "reason": "text"}, follow=True)
    assert "没有改动" in answer.content.decode()
    assert not Correction.objects.exists()


def test_a_letter_of_a_matter_in_another_hand_is_not_corrected(clients: Clients, filled: Desk) -> None:
    from pipeline.desk.services.claims import claim

    claim(filled.matter("M-S1"), filled.person("supervisor", name="李科长"))
    assert "李科长正在查看" in page(clients("clerk"))
    answer = clients("clerk").post("/letter/S2/correct/", GOOD)
    assert answer.status_code == 409
    assert "李科长" in answer.content.decode()


# ---- not of this matter ----


def test_a_letter_is_taken_out_and_kept_for_training(clients: Clients, filled: Desk) -> None:
    from pipeline.desk.models import Correction

    text = clients("clerk").post("/letter/S2/apart/", {"reason": "text"}, follow=True).content.decode()
    assert "现在属于事项 M-S2" in text
    assert filled.matter("M-S1").letters == 2
    kept = Correction.objects.get()
    assert (kept.answer, kept.before, kept.after, kept.letter_id) == ("matter", "M-S1", "M-S2", "S2")


def test_a_letter_goes_into_a_matter_that_is_named(clients: Clients, filled: Desk) -> None:
    clients("clerk").post("/letter/S2/apart/", {"reason": "text", "to": " M-F1 "})
    assert filled.matter("M-F1").letters == 3
    assert filled.matter("M-S1").letters == 2


@pytest.mark.parametrize(("letter", "form"), [("L1", {"reason": "text"}), ("S2", {"reason": "text", "to": "M-none"}), ("S2", {})])
def test_what_cannot_be_taken_out_stays(clients: Clients, filled: Desk, letter: str, form: dict[str, str]) -> None:
    from pipeline.desk.models import Correction

    assert clients("clerk").post(f"/letter/{letter}/apart/", form).status_code == 422
    assert filled.matter("M-S1").letters == 3
    assert not Correction.objects.exists()


# ---- similar ----


def test_letters_of_the_matter_and_matters_alike_are_listed(clients: Clients, filled: Desk) -> None:
    from pipeline.desk.models import Suggestion

    Suggestion.objects.create(one_id="M-F1", other_id="M-S1", bond=0.6)
    shown = page(clients("clerk"))
    assert "/letter/S3/" in shown
    assert "林蛙" in shown
    assert "是同一件，并入" in shown
    Suggestion.objects.update(declined=True)
    assert "是同一件，并入" not in page(clients("clerk"))


def test_a_handler_sees_no_suggested_matter_of_another_unit(filled: Desk) -> None:
    from pipeline.desk.models import Suggestion
    from pipeline.desk.services import steps

    steps.take_step(filled.matter("M-S1"), filled.person("clerk"), "forward", {"unit": "农业农村局"})
    Suggestion.objects.create(one_id="M-S1", other_id="M-W1", bond=0.6)
    shown = page(filled.client(filled.person("handler")))
    assert "种子" in shown
    assert "M-W1" not in shown


# ---- the original ----


def test_the_original_is_shown_once_and_recorded(clients: Clients) -> None:
    from pipeline.desk.models import Access

    clerk = clients("clerk")
    answer = clerk.post("/letter/S2/original/", {"purpose": "联系来信人核实"})
    text = answer.content.decode()
    assert SECRET in text
    assert "本次查看已记录" in text
    assert answer["Cache-Control"] == "no-store"
    kept = Access.objects.get()
    assert (kept.kind, kept.letter_id, kept.purpose, kept.address) == ("original", "S2", "联系来信人核实", "127.0.0.1")
    assert SECRET not in page(clerk)


def test_without_a_purpose_the_original_stays_shut(clients: Clients) -> None:
    from pipeline.desk.models import Access

    answer = clients("clerk").post("/letter/S2/original/", {"purpose": " "})
    assert answer.status_code == 422
    assert SECRET not in answer.content.decode()
    assert not Access.objects.exists()


def test_an_erased_original_is_told_with_its_day(clients: Clients) -> None:
    from datetime import UTC, datetime

    from pipeline.desk.models import Access, Erasure

    Erasure.objects.create(at=datetime(2026, 4, 20, 2, tzinfo=UTC), letter_id="S2", rule="办结满两年")
    shown = page(clients("clerk"))
    assert "2026年4月20日" in shown
    assert "办结满两年" in shown
    assert "登记并查看" not in shown
    assert clients("clerk").post("/letter/S2/original/", {"purpose": "联系来信人"}).status_code == 422
    assert not Access.objects.exists()


# ---- what never shows, what never grows ----


def test_nothing_tells_who_wrote(filled: Desk) -> None:
    filled.add("P1", writer="WRITER-77", matter="M-S1")
    clerk = filled.client(filled.person("clerk"))
    assert "WRITER-77" not in page(clerk, "P1")


def test_queries_do_not_grow_with_the_letters(filled: Desk) -> None:
    clerk = filled.client(filled.person("clerk"))
    few = queries_of(clerk, "/letter/S2/")
    for number in range(30):
        filled.add(f"Q{number}", matter="M-S1")
    assert queries_of(clerk, "/letter/S2/") == few
