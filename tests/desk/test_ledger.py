"""The ledger: out with no petitioner in it, back with what the office filled in, never over somebody else's work."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from tests.desk.conftest import SECRET, Clients, Desk

if TYPE_CHECKING:
    from django.test import Client

EXPORT, RETURN, CONFIRM = "/figures/ledger/export/", "/figures/ledger/return/", "/figures/ledger/confirm/"
TAKEN = {"from": "2026-04", "until": "2026-04", "purpose": "四月调度会"}


def sheet_of(answer: Any) -> Any:
    import openpyxl

    return openpyxl.load_workbook(io.BytesIO(answer.content))


def rows_of(book: Any) -> dict[str, dict[str, object]]:
    """Rows by matter, cells by heading."""
    lines = [[cell.value for cell in row] for row in book.worksheets[0].iter_rows()]
    return {str(line[0]): dict(zip(lines[0], line, strict=True)) for line in lines[1:]}


def taken(client: Client) -> Any:
    return sheet_of(client.post(EXPORT, TAKEN))


def write(book: Any, changes: Mapping[str, Mapping[str, object]]) -> io.BytesIO:
    """The book with cells changed: matter -> heading -> value."""
    sheet = book.worksheets[0]
    head = [cell.value for cell in sheet[1]]
    for row in sheet.iter_rows(min_row=2):
        for name, value in changes.get(row[0].value, {}).items():
            row[head.index(name)].value = value
    file = io.BytesIO()
    book.save(file)
    file.seek(0)
    file.name = "ledger.xlsx"
    return file


def give_back(client: Client, file: io.BytesIO) -> tuple[str, str]:
    """The preview's page and number."""
    answer = client.post(RETURN, {"file": file})
    assert answer.status_code == 200
    return answer.content.decode(), answer.context["number"]


def test_the_ledger_goes_out_without_the_petitioner_and_is_recorded(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.models import Access, Matter

    Matter.objects.filter(pk="M-S1").update(
        title="玉米种子不出苗", plan=f"联系来信人，电话{SECRET}，限期整改。", leader="=HYPERLINK(1)", way="mediation"
    )
    answer = clients("clerk").post(EXPORT, TAKEN)
    assert "attachment" in answer["Content-Disposition"]
    rows = rows_of(sheet_of(answer))
    assert set(rows) == {"M-S1", "M-W1", "M-L1", "M-F1"}
    told = rows["M-S1"]
    assert (told["标题"], told["责任单位"], told["来信件数"], told["化解渠道"]) == ("玉米种子不出苗", "农业农村局", 3, "调解")
    assert SECRET not in str(rows)
    assert "限期整改" in str(told["一案一策"])
    assert told["包保领导"] == "'=HYPERLINK(1)"
    access = Access.objects.get()
    assert (access.kind, access.purpose, access.detail["rows"]) == ("export", "四月调度会", 4)


def test_no_purpose_no_ledger(clients: Clients) -> None:
    from pipeline.desk.models import Access

    answer = clients("clerk").post(EXPORT, TAKEN | {"purpose": " "}, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert "用途" in answer.content.decode()
    assert not Access.objects.exists()


def test_a_handler_takes_out_only_what_is_the_units(filled: Desk) -> None:
    from pipeline.desk.models import Matter

    Matter.objects.filter(pk="M-W1").update(handed=True)
    handler = filled.client(filled.person("handler", unit="人社局"))
    assert set(rows_of(taken(handler))) == {"M-W1"}


def test_period_unit_and_open_only(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.models import Matter

    Matter.objects.filter(pk="M-L1").update(status="closed", live=False, closed_on="2026-04-20")
    clerk = clients("clerk")
    assert set(rows_of(sheet_of(clerk.post(EXPORT, TAKEN | {"live": "1"})))) == {"M-S1", "M-W1", "M-F1"}
    assert set(rows_of(sheet_of(clerk.post(EXPORT, TAKEN | {"unit": "人社局"})))) == {"M-W1"}
    march = TAKEN | {"from": "2026-03", "until": "2026-03"}
    assert clerk.post(EXPORT, march, headers={"HX-Request": "true"}).status_code == 422  # nothing had come yet


def test_what_was_filled_in_is_shown_first_and_written_when_confirmed(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.models import Event

    supervisor = clients("supervisor")
    cells = {"包保领导": "副县长 赵", "化解渠道": "调解", "满意度": "基本满意", "一案一策": "一是核实；\n二是赔付。"}
    page, number = give_back(supervisor, write(taken(supervisor), {"M-S1": cells}))
    assert "将改 1 件" in page
    assert "副县长 赵" in page
    assert filled.matter("M-S1").leader == ""  # not before it is confirmed
    answer = supervisor.post(CONFIRM, {"number": number}, follow=True)
    assert "已更新 1 件事项" in answer.content.decode()
    matter = filled.matter("M-S1")
    assert (matter.leader, matter.way, matter.satisfaction, matter.plan) == ("副县长 赵", "mediation", "fair", "一是核实；\n二是赔付。")
    assert matter.holder is None  # nobody finds it in the supervisor's hand afterwards
    assert set(Event.objects.get(kind="edited").after["fields"]) == {"leader", "plan", "way", "satisfaction"}


def test_a_ledger_that_comes_back_as_it_went_changes_nothing(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.models import Matter

    Matter.objects.filter(pk="M-S1").update(plan="一是核实；\r\n二是赔付。", leader="'=1+1", way="court", satisfaction="poor")
    Matter.objects.filter(pk="M-F1").update(plan=f"电话{SECRET}")
    page, _ = give_back(clients("supervisor"), write(taken(clients("supervisor")), {}))
    assert "没有要写入的修改" in page
    assert "有问题的" not in page


def test_emptied_cells_empty_the_field(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.models import Matter

    Matter.objects.filter(pk="M-S1").update(leader="副县长 赵", way="court")
    supervisor = clients("supervisor")
    page, number = give_back(supervisor, write(taken(supervisor), {"M-S1": {"包保领导": None, "化解渠道": None}}))
    assert "（清空）" in page
    supervisor.post(CONFIRM, {"number": number})
    assert (filled.matter("M-S1").leader, filled.matter("M-S1").way) == ("", "")


def test_what_was_changed_since_the_export_is_refused_with_both_values(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.services import steps

    supervisor = clients("supervisor")
    file = write(taken(supervisor), {"M-S1": {"包保领导": "副县长 赵"}, "M-F1": {"包保领导": "副县长 钱"}})
    clerk = filled.person("clerk")
    steps.edit(filled.matter("M-S1"), clerk, {"leader": "县长 孙"})
    page, number = give_back(supervisor, file)
    assert "将改 1 件" in page
    assert "副县长 赵" in page
    assert "县长 孙" in page
    supervisor.post(CONFIRM, {"number": number})
    assert (filled.matter("M-S1").leader, filled.matter("M-F1").leader) == ("县长 孙", "副县长 钱")


def test_what_changes_between_preview_and_confirming_is_refused_too(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.models import Matter
    from pipeline.desk.services import steps
    from pipeline.desk.services.claims import take

    supervisor = clients("supervisor")
    changes = {name: {"包保领导": "副县长 赵"} for name in ("M-S1", "M-F1", "M-W1", "M-L1")}
    _, number = give_back(supervisor, write(taken(supervisor), changes))
    clerk = filled.person("clerk", name="刘分拣")
    steps.edit(filled.matter("M-S1"), clerk, {"leader": "县长 孙"})
    Matter.objects.filter(pk="M-S1").update(holder=None, held_until=None)
    take(filled.matter("M-F1"), clerk)
    Matter.objects.filter(pk="M-L1").update(united_into="M-W1", live=False)
    page = supervisor.post(CONFIRM, {"number": number}, follow=True).content.decode()
    assert "已更新 1 件事项" in page
    assert "台账“副县长 赵”，现在“县长 孙”" in page
    assert "刘分拣正在查看" in page
    assert "M-L1：找不到了" in page
    assert [filled.matter(name).leader for name in ("M-S1", "M-F1", "M-W1")] == ["县长 孙", "", "副县长 赵"]


def test_a_masked_plan_is_never_written_over_the_whole_one(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.models import Matter

    plan = f"联系人电话{SECRET}，限期整改。"
    Matter.objects.filter(pk="M-S1").update(plan=plan)
    supervisor = clients("supervisor")
    page, number = give_back(supervisor, write(taken(supervisor), {"M-S1": {"一案一策": "换一个办法。", "包保领导": "副县长 赵"}}))
    assert "不能从台账改" in page
    supervisor.post(CONFIRM, {"number": number})
    assert (filled.matter("M-S1").plan, filled.matter("M-S1").leader) == (plan, "副县长 赵")


def test_the_outcome_does_not_come_in_by_the_ledger(filled: Desk, clients: Clients) -> None:
    supervisor = clients("supervisor")
    page, _ = give_back(supervisor, write(taken(supervisor), {"M-S1": {"办理结果": "化解"}}))
    assert "办理结果：不能从台账改" in page
    assert "没有要写入的修改" in page


def test_wrong_cells_are_told_in_words(filled: Desk, clients: Clients) -> None:
    supervisor = clients("supervisor")
    changes = {
        "M-S1": {"化解渠道": "打官司"},
        "M-F1": {"事项编号": "M-不存在"},
        "M-L1": {"事项编号": "M-W1"},
        "M-W1": {"包保领导": "副县长 赵"},
    }
    page, _ = give_back(supervisor, write(taken(supervisor), changes))
    assert "化解渠道：应为" in page
    assert "没有 M-不存在 这个事项" in page
    assert "出现了两次" in page


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", "事项编号,包保领导".encode()])
def test_what_is_no_ledger_is_refused_in_words(clients: Clients, content: bytes) -> None:
    file = io.BytesIO(content)
    file.name = "x.xlsx"
    answer = clients("supervisor").post(RETURN, {"file": file}, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert clients("supervisor").post(RETURN, headers={"HX-Request": "true"}).status_code == 422


def test_a_file_that_is_too_big_is_not_opened(clients: Clients, settings: Any) -> None:
    settings.UPLOAD_MOST_BYTES = 100
    file = io.BytesIO(b"PK" + b"0" * 200)
    file.name = "x.xlsx"
    answer = clients("supervisor").post(RETURN, {"file": file}, headers={"HX-Request": "true"})
    assert answer.status_code == 422
    assert "超过" in answer.content.decode()


def test_only_what_the_server_kept_is_written_and_only_once(filled: Desk, clients: Clients) -> None:
    supervisor = clients("supervisor")
    _, number = give_back(supervisor, write(taken(supervisor), {"M-S1": {"包保领导": "副县长 赵"}}))
    forged = {"number": "other", "changes": '[{"matter_id": "M-W1", "version": 0, "fields": {"leader": "x"}}]'}
    assert supervisor.post(CONFIRM, forged, headers={"HX-Request": "true"}).status_code == 422
    assert (filled.matter("M-S1").leader, filled.matter("M-W1").leader) == ("", "")
    assert supervisor.post(CONFIRM, {"number": number}).status_code == 302
    assert supervisor.post(CONFIRM, {"number": number}, headers={"HX-Request": "true"}).status_code == 422
