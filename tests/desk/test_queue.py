"""The queue page: what a person sees, asks for and does there."""

from __future__ import annotations

import re
from datetime import date, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from openpyxl import load_workbook

from tests.desk.conftest import SECRET, TODAY, Clients, Desk, queries_of

if TYPE_CHECKING:
    from django.http import HttpResponse
    from django.test import Client

HTMX = {"HX-Request": "true"}


def listed(client: Client, **query: object) -> list[str]:
    """The matters on the page, in order."""
    answer = client.get("/?" + urlencode(query))
    assert answer.status_code == 200
    return re.findall(r'data-row="([^"]+)"', answer.content.decode())


def text_of(answer: HttpResponse) -> str:
    return answer.content.decode()


def told(client: Client, answer: HttpResponse) -> str:
    """The page that a form leads to."""
    assert answer.status_code == 302, text_of(answer)
    return text_of(client.get(answer["Location"]))


def many(desk: Desk, count: int, **fields: Any) -> None:
    """Matters without letters, as many as it takes."""
    from pipeline.desk.models import Matter

    given = {"title": "路灯不亮", "issue": "城乡建设", "rank": 5.0, "first_on": TODAY, "last_on": TODAY} | fields
    Matter.objects.bulk_create(Matter(matter_id=f"X{at:05}", **given) for at in range(count))


# ---- the page ----


def test_the_most_urgent_matter_comes_first(clients: Clients) -> None:
    found = listed(clients("clerk"))
    assert found[0] == "M-W1"
    assert set(found) == {"M-W1", "M-S1", "M-F1", "M-L1"}
    assert found[-1] == "M-L1"


def test_a_line_shows_where_today_s_work_ends(clients: Clients) -> None:
    """Only where the rows stand in the order by which the share is reckoned."""
    client = clients("clerk")
    first, line, rest = text_of(client.get("/", {"take": 2})).partition("以上 2 件是今天处理的")
    assert line
    assert (first.count("data-row="), rest.count("data-row=") > 0) == (2, True)
    assert "件是今天处理的" not in text_of(client.get("/", {"take": 2, "level": 3}))
    assert "件是今天处理的" not in text_of(client.get("/", {"take": 2, "order": "due"}))


def test_a_row_says_in_words_what_the_matter_is_and_how_long_it_may_wait(clients: Clients) -> None:
    page = text_of(clients("clerk").get("/"))
    row = page[page.index('data-row="M-S1"') : page.index("</tr>", page.index('data-row="M-S1"'))]
    for words in (
        "苗头",
        "农村农业",
        "群体",
        "柳河镇",
        "农业农村局",
        "3 封来信",
        "3 封新来信待登记",
        "登记受理还剩 2 天",
        "4月23日前",
        "已等 13 天",
        "苗头可能 70%",
        "待分拣",
        "期限将到加 4 分",
    ):
        assert words in row, words
    assert "/matter/M-S1/" in row


def test_no_personal_data_and_nothing_inline_stands_in_the_page(clients: Clients) -> None:
    page = text_of(clients("supervisor").get("/"))
    assert SECRET not in page
    assert not re.search(r"\sstyle=|\son[a-z]+=|<script>", page)


def test_closed_matters_are_shown_only_when_asked_for(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.services.steps import take_step

    take_step(filled.matter("M-L1"), filled.person("clerk"), "decline", {"reason": "属于咨询，已电话答复。"})
    assert "M-L1" not in listed(clients("clerk"))
    assert listed(clients("clerk"), status="declined") == ["M-L1"]


def test_a_handler_sees_what_was_handed_to_the_unit(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.services.steps import take_step

    assert listed(clients("handler")) == []
    assert "现在没有转给本单位的事项" in text_of(clients("handler").get("/"))
    take_step(filled.matter("M-S1"), filled.person("clerk"), "forward", {"unit": "农业农村局"})
    assert listed(clients("handler")) == ["M-S1"]
    row = text_of(clients("handler").get("/"))
    assert "书面告知" in row or "退回异议" in row


def test_a_paused_clock_is_told_as_paused(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.services import steps

    supervisor = filled.person("supervisor")
    steps.take_step(filled.matter("M-S1"), supervisor, "accept")
    steps.pause(filled.matter("M-S1"), supervisor, "conclude", "appraisal", "等种子鉴定")
    assert "办结暂停中" in text_of(clients("clerk").get("/"))


def test_nothing_is_offered_that_the_role_may_not_do(clients: Clients) -> None:
    offered = {role: text_of(clients(role).get("/")) for role in ("supervisor", "clerk", "analyst")}
    assert [role for role, page in offered.items() if 'data-key="a"' in page] == ["supervisor"]
    assert [role for role, page in offered.items() if 'data-key="c"' in page and "data-select" in page] == ["supervisor", "clerk"]
    assert [role for role, page in offered.items() if "/queue/export/" in page] == ["supervisor", "clerk"]


def test_more_rows_take_no_more_queries(filled: Desk, clients: Clients) -> None:
    few = queries_of(clients("supervisor"), "/")
    for at in range(20):
        filled.add(f"Q{at}")
    assert queries_of(clients("supervisor"), "/") == few
    assert len(listed(clients("supervisor"))) == 24


# ---- filters, order, pages ----


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"issue": "农村农业"}, {"M-S1", "M-F1"}),
        ({"signal": "livelihood"}, {"M-W1"}),
        ({"signal": "collective"}, {"M-W1", "M-S1", "M-F1"}),
        ({"level": "3"}, {"M-W1"}),
        ({"level": "2+"}, {"M-W1", "M-S1", "M-F1"}),
        ({"town": "白桦镇"}, {"M-W1"}),
        ({"unit": "住建局"}, {"M-L1"}),
        ({"band": "3"}, {"M-W1"}),
        ({"band": "1"}, {"M-S1"}),
        ({"since": "2026-04-17"}, {"M-S1", "M-L1"}),
        ({"until": "2026-04-05"}, {"M-W1"}),
        ({"since": "2026-04-15", "until": "2026-04-16"}, {"M-S1", "M-F1"}),
        ({"channel": "12345热线"}, {"M-L1"}),
        ({"status": "open", "issue": "城乡建设"}, {"M-L1"}),
        ({"issue": "教育文体"}, set()),
    ],
)
def test_filters_leave_what_fits(clients: Clients, query: dict[str, str], found: set[str]) -> None:
    assert set(listed(clients("clerk"), **query)) == found


def test_a_person_s_issue_counts_before_the_model_s(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.services.steps import set_issue

    set_issue(filled.matter("M-S1"), filled.person("clerk"), "商贸旅游")
    assert listed(clients("clerk"), issue="商贸旅游") == ["M-S1"]
    assert "M-S1" not in listed(clients("clerk"), issue="农村农业")


def test_mine_free_and_fresh(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.services.steps import take_step

    client = clients("clerk")
    client.post("/queue/claim/M-F1/")
    assert listed(client, mine=1) == ["M-F1"]
    assert "M-F1" not in listed(client, free=1)
    take_step(filled.matter("M-S1"), filled.person("clerk"), "accept")
    assert "M-S1" not in listed(client, fresh=1)
    assert "M-F1" in listed(client, fresh=1)


@pytest.mark.parametrize(
    "name", ["status", "level", "issue", "signal", "town", "unit", "band", "channel", "order", "since", "until", "cols"]
)
def test_a_value_that_is_not_known_is_left_out_and_told(clients: Clients, name: str) -> None:
    answer = clients("clerk").get("/", {name: "不存在<b>"})
    page = text_of(answer)
    assert "没有按它筛选" in page
    assert "不存在&lt;b&gt;" in page
    assert page.count("data-row=") == 4


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999", "9" * 30, "²"])
def test_a_strange_page_number_breaks_nothing(clients: Clients, page: str) -> None:
    assert clients("clerk").get("/", {"page": page}).status_code == 200


def test_other_orders(filled: Desk, clients: Clients) -> None:
    client = clients("clerk")
    assert listed(client, order="letters")[:2] == ["M-S1", "M-F1"]
    assert listed(client, order="due")[0] == "M-W1"
    assert listed(client, order="new")[0] == "M-L1"


def test_pages_follow_on_without_gap_or_double(desk: Desk) -> None:
    many(desk, 60)
    client = desk.client(desk.person("clerk"))
    pages = [listed(client, page=number, issue="城乡建设") for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [25, 25, 10]
    assert [one for page in pages for one in page] == [f"X{at:05}" for at in range(60)]
    second = text_of(client.get("/?issue=城乡建设&page=2"))
    assert "共 60 件" in second
    assert urlencode({"issue": "城乡建设"}) + "&amp;page=3" in second
    assert "这一页没有事项了" in text_of(client.get("/?page=9"))


def test_counting_stops_at_a_thousand_and_pages_go_on(desk: Desk) -> None:
    many(desk, 1_040)
    client = desk.client(desk.person("clerk"))
    assert "1,000 件以上" in text_of(client.get("/"))
    assert listed(client, page=41)[0] == "X01000"
    assert listed(client, page=42) == [f"X{at:05}" for at in range(1_025, 1_040)]


def test_chosen_columns(clients: Clients) -> None:
    page = text_of(clients("clerk").get("/?cols=kind&cols=risk"))
    assert "类别和迹象</th>" in page
    assert "期限和等候</th>" not in page
    assert "登记受理还剩" not in page
    assert "期限和等候</th>" in text_of(clients("clerk").get("/"))


def test_empty_pages_say_why(desk: Desk) -> None:
    clerk = desk.client(desk.person("clerk"))
    assert "队列里没有待办的事项" in text_of(clerk.get("/"))
    assert "没有符合条件的事项" in text_of(clerk.get("/?level=3"))
    lost = desk.person("handler")
    lost.unit = ""
    lost.save()
    assert "没有填写单位" in text_of(desk.client(lost).get("/"))


# ---- the line on top ----


def test_the_share_is_the_risk_of_the_first_by_that_of_all(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.models import Matter

    risks = list(Matter.objects.order_by("-rank").values_list("risk", flat=True))
    page = text_of(clients("clerk").get("/?take=1"))
    assert f"预计覆盖 <strong>{risks[0] / sum(risks):.0%}</strong> 的苗头件" in page
    assert "预计覆盖 <strong>100%</strong>" in text_of(clients("clerk").get("/?take=4"))


def test_how_many_can_be_taken_is_kept_for_the_session(clients: Clients) -> None:
    client = clients("clerk")
    assert 'name="take" value="40"' in text_of(client.get("/"))
    client.get("/?take=7")
    assert 'name="take" value="7"' in text_of(client.get("/"))
    assert 'name="take" value="7"' in text_of(client.get("/?take=-3"))


# ---- one row ----


def test_the_fold_shows_the_letters_masked(clients: Clients) -> None:
    page = text_of(clients("clerk").get("/queue/letters/M-S1/", headers=HTMX))
    for words in ("丰禾玉米种子不出苗", "种子不发芽", "2026-04-18", "网上信访", "待登记", "/letter/S3/"):
        assert words in page
    assert page.index("/letter/S3/") < page.index("/letter/S1/")
    assert SECRET not in page
    assert "<html" not in page


def test_claiming_by_htmx_answers_with_the_row_alone(filled: Desk, clients: Clients) -> None:
    answer = clients("clerk").post("/queue/claim/M-S1/", {"next": "/?cols=hand"}, headers=HTMX)
    row = text_of(answer)
    assert answer.status_code == 200
    assert row.count("<tr") == 1
    assert "<html" not in row
    assert 'data-key="r"' in row
    assert "正在查看" in row
    assert "登记受理" not in row  # the columns stay as they were chosen
    assert filled.matter("M-S1").holder is not None
    row = text_of(clients("clerk").post("/queue/release/M-S1/", headers=HTMX))
    assert 'data-key="c"' in row
    assert filled.matter("M-S1").holder is None


def test_what_somebody_holds_is_answered_with_who_it_is(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.services.claims import take

    take(filled.matter("M-S1"), filled.person("clerk", name="王丽"))
    answer = clients("supervisor").post("/queue/claim/M-S1/", headers=HTMX)
    assert answer.status_code == 409
    assert "王丽正在查看" in text_of(answer)
    assert 'data-row="M-S1"' in text_of(answer)
    plain = clients("supervisor").post("/queue/claim/M-S1/")
    assert plain.status_code == 409
    assert "王丽正在查看" in text_of(plain)


def test_claiming_works_without_scripts(filled: Desk, clients: Clients) -> None:
    client = clients("clerk")
    answer = client.post("/queue/claim/M-S1/", {"next": "/?level=2%2B&page=1"})
    assert answer["Location"] == "/?level=2%2B&page=1"
    assert "已认领" in told(client, answer)
    assert "已放回" in told(client, client.post("/queue/release/M-S1/"))
    assert "不在您手里" in told(client, client.post("/queue/release/M-S1/"))


def test_the_supervisor_gives_a_matter_to_somebody(filled: Desk, clients: Clients) -> None:
    clerk, client = filled.person("clerk", name="王丽"), clients("supervisor")
    form = text_of(client.get("/queue/assign/M-S1/?next=/", headers=HTMX))
    assert "王丽（信访局）" in form
    assert "<html" not in form
    assert "<html" in text_of(client.get("/queue/assign/M-S1/"))
    assert "已指派给王丽" in told(client, client.post("/queue/assign/M-S1/", {"person": clerk.pk, "next": "/"}))
    assert filled.matter("M-S1").assignee == clerk


def test_a_matter_is_not_given_to_somebody_who_cannot_see_or_work_on_it(filled: Desk, clients: Clients) -> None:
    client = clients("supervisor")
    for person, words in ((filled.person("handler"), "请先转办"), (filled.person("analyst"), "不能办理事项")):
        answer = client.post("/queue/assign/M-S1/", {"person": person.pk})
        assert answer.status_code == 422
        assert words in text_of(answer)
    assert client.post("/queue/assign/M-S1/", {"person": "x"}).status_code == 422
    assert filled.matter("M-S1").holder is None


# ---- many rows ----


def test_many_are_given_to_somebody(filled: Desk, clients: Clients) -> None:
    clerk = filled.person("clerk", name="王丽")
    page = told(clients("supervisor"), clients("supervisor").post("/queue/bulk/assign/", {"m": ["M-S1", "M-F1"], "person": clerk.pk}))
    assert "已指派给王丽：2 件" in page
    assert {filled.matter(name).assignee for name in ("M-S1", "M-F1")} == {clerk}


def test_what_somebody_holds_is_named_and_the_others_are_done(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.services.claims import take

    take(filled.matter("M-F1"), filled.person("clerk", name="王丽"))
    client = clients("clerk")
    page = told(client, client.post("/queue/bulk/route/", {"m": ["M-S1", "M-F1", "M-none"], "unit": "住建局"}))
    assert "责任单位已改为住建局：1 件" in page
    assert "M-F1：王丽正在查看" in page
    assert "有 1 件没有找到" in page
    assert (filled.matter("M-S1").unit, filled.matter("M-F1").unit) == ("住建局", "农业农村局")


def test_forwarding_many_names_those_that_cannot_be(filled: Desk, clients: Clients) -> None:
    client = clients("clerk")
    client.post("/queue/bulk/forward/", {"m": ["M-S1"], "unit": "农业农村局"})
    page = told(client, client.post("/queue/bulk/forward/", {"m": ["M-S1", "M-W1"], "unit": "人社局"}))
    assert "已转办人社局：1 件" in page
    assert "M-S1：现在是“已转办”" in page
    assert filled.matter("M-W1").status == "forwarded"


def test_an_act_on_many_keeps_only_what_was_in_hand_before(filled: Desk, clients: Clients) -> None:
    client = clients("clerk")
    client.post("/queue/claim/M-W1/")
    client.post("/queue/bulk/route/", {"m": ["M-S1", "M-W1"], "unit": "住建局"})
    client.post("/queue/bulk/merge/", {"m": ["M-S1", "M-F1"]})
    assert listed(client, mine=1) == ["M-W1"]


def test_the_issue_of_many(filled: Desk, clients: Clients) -> None:
    client = clients("clerk")
    assert "类别已改为商贸旅游：2 件" in told(client, client.post("/queue/bulk/issue/", {"m": ["M-S1", "M-F1"], "issue": "商贸旅游"}))
    assert filled.matter("M-F1").shown_issue == "商贸旅游"


def test_duplicates_go_into_the_one_that_stands_first(filled: Desk, clients: Clients) -> None:
    client = clients("clerk")
    page = told(client, client.post("/queue/bulk/merge/", {"m": ["M-F1", "M-S1"]}))
    assert "已并入事项 M-S1：1 件" in page
    assert filled.matter("M-F1").united_into_id == "M-S1"
    assert filled.matter("M-S1").letters == 5
    assert "M-F1" not in listed(client)


def test_what_is_held_is_not_merged(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.services.claims import take

    take(filled.matter("M-F1"), filled.person("clerk", name="王丽"))
    page = told(clients("clerk"), clients("clerk").post("/queue/bulk/merge/", {"m": ["M-F1", "M-S1"]}))
    assert "王丽正在查看" in page
    assert filled.matter("M-F1").united_into_id is None


@pytest.mark.parametrize(
    ("act", "given", "words"),
    [
        ("route", {"m": ["M-S1"], "unit": "不存在的局"}, "没有名为“不存在的局”的单位"),
        ("forward", {"m": ["M-S1"], "unit": ""}, "请选一个单位"),
        ("issue", {"m": ["M-S1"], "issue": "别的"}, "没有这个类别"),
        ("route", {"unit": "住建局"}, "没有选中事项"),
        ("merge", {"m": ["M-S1"]}, "至少要选两件"),
        ("route", {"m": [f"X{at}" for at in range(201)], "unit": "住建局"}, "一次最多选 200 件"),
    ],
)
def test_what_cannot_be_done_at_all_is_refused_in_words(clients: Clients, act: str, given: dict[str, Any], words: str) -> None:
    answer = clients("clerk").post(f"/queue/bulk/{act}/", given)
    assert answer.status_code == 422
    assert words in text_of(answer)


# ---- export ----


def test_the_selection_as_a_sheet_is_kept_in_the_register(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.models import Access

    filled.add("E1", '=HYPERLINK("http://x")\n村里路灯坏了。', day=date(2026, 4, 20))
    answer = clients("clerk").post("/queue/export/", {"m": ["M-S1", "M-E1"], "purpose": "周例会研判", "form": "xlsx"})
    assert answer.status_code == 200
    assert "attachment" in answer["Content-Disposition"]
    sheet = load_workbook(BytesIO(answer.content)).worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row]
    values = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert {row[0] for row in values} == {"M-S1", "M-E1"}
    assert all(cell.data_type != "f" for cell in cells)
    assert SECRET not in str(values)
    kept = Access.objects.get()
    assert (kept.kind, kept.purpose, kept.detail["count"]) == ("export", "周例会研判", 2)


def test_with_nothing_selected_all_that_fits_the_page_is_written(clients: Clients) -> None:
    answer = clients("clerk").post("/queue/export/", {"purpose": "周例会", "form": "csv", "next": "/?issue=农村农业&page=1"})
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("事项编号,事项,等级")
    assert sorted(line.split(",")[0] for line in lines[1:]) == ["M-F1", "M-S1"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"purpose": " "}, "用途"),
        ({"purpose": "周例会", "form": "exe"}, "格式"),
        ({"purpose": "周例会", "m": "M-none"}, "没有可以导出的事项"),
    ],
)
def test_an_export_that_is_refused_is_not_kept(clients: Clients, given: dict[str, str], words: str) -> None:
    from pipeline.desk.models import Access

    answer = clients("clerk").post("/queue/export/", given)
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert not Access.objects.exists()


def test_no_export_of_more_than_five_thousand(desk: Desk) -> None:
    many(desk, 5_001)
    answer = desk.client(desk.person("clerk")).post("/queue/export/", {"purpose": "周例会"})
    assert answer.status_code == 422
    assert "最多导出 5,000 件" in text_of(answer)


def test_a_handler_takes_out_nothing_of_other_units(clients: Clients) -> None:
    assert "没有可以导出的事项" in text_of(clients("handler").post("/queue/export/", {"m": "M-W1", "purpose": "周例会"}))


# ---- saved views ----


def test_a_view_is_saved_and_shared_within_the_unit(filled: Desk, clients: Clients) -> None:
    client = clients("clerk")
    given = {"name": "本周苗头件", "shared": "1", "next": "/?level=2%2B&band=1&issue=不存在&page=3"}
    page = told(client, client.post("/queue/views/", given))
    assert "已保存视图“本周苗头件”" in page
    link = f'href="/?{urlencode({"level": "2+", "band": "1"})}"'.replace("&", "&amp;")
    assert link in text_of(client.get("/"))
    assert "本周苗头件" in text_of(clients("supervisor").get("/"))
    assert "本周苗头件" not in text_of(clients("handler").get("/"))
    client.post("/queue/views/", {"name": "本周苗头件", "next": "/?level=3"})
    assert "本周苗头件" not in text_of(clients("supervisor").get("/"))


def test_a_view_keeps_no_name_of_a_person(clients: Clients) -> None:
    from pipeline.desk.models import SavedView

    clients("clerk").post("/queue/views/", {"name": "查", "next": "/?q=张三 拖欠工资"})
    assert "张三" not in SavedView.objects.get().query
    assert urlencode({"q": "［姓名］ 拖欠工资"}) == SavedView.objects.get().query


def test_only_one_s_own_view_is_deleted(clients: Clients) -> None:
    from pipeline.desk.models import SavedView

    clients("clerk").post("/queue/views/", {"name": "查", "shared": "1", "next": "/"})
    view = SavedView.objects.get()
    assert clients("supervisor").post(f"/queue/views/{view.pk}/delete/").status_code == 404
    assert "视图已删除" in told(clients("clerk"), clients("clerk").post(f"/queue/views/{view.pk}/delete/"))
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("name", ["", "  ", "长" * 41])
def test_a_view_needs_a_name(clients: Clients, name: str) -> None:
    assert clients("clerk").post("/queue/views/", {"name": name, "next": "/"}).status_code == 422


def test_waiting_is_counted_from_the_first_letter(desk: Desk) -> None:
    desk.add("D1", day=TODAY - timedelta(days=9))
    assert "已等 9 天" in text_of(desk.client(desk.person("clerk")).get("/"))
