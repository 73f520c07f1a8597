"""A day at the desk in a real browser."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.browser.conftest import Site, Watched

Open = Callable[..., Watched]
AXE = Path(find_spec("axe_playwright_python").origin or "").with_name("axe.min.js")  # type: ignore[union-attr]


def ask(site: Site, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """What stands in the queue's file."""
    with closing(sqlite3.connect(site.database)) as connection:
        return connection.execute(sql, values).fetchall()


def tab_to(page: Any, name: str) -> None:
    """Tab to the button or link of this name, as somebody without a mouse does."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText").strip().startswith(name):
            return
    raise AssertionError(f"{name}: the Tab key does not reach it")


def test_ten_matters_by_keyboard_alone(open_browser: Open, site: Site) -> None:
    """Log in, then for each of ten matters: move to it, claim, open, accept, back to the queue; no mouse."""
    page = open_browser().login("wangmin")
    for _ in range(10):
        row = page.locator("[data-row].is-cursor")
        page.keyboard.press("j")
        while "王敏" in row.inner_text():
            page.keyboard.press("j")
        page.keyboard.press("c")
        page.wait_for_selector("[data-row].is-cursor:has-text('王敏')")
        with page.expect_navigation(wait_until="networkidle"):
            page.keyboard.press("Enter")
        tab_to(page, "受理")
        with page.expect_navigation(wait_until="networkidle"):
            page.keyboard.press("Enter")
        assert "已受理" in page.inner_text("main")
        page.keyboard.press("g")
        with page.expect_navigation(wait_until="networkidle"):
            page.keyboard.press("q")
    told = ask(site, "SELECT kind, count(*) FROM desk_event WHERE by_id IS NOT NULL GROUP BY kind")
    assert dict(told) == {"claimed": 10, "accept": 10}


def test_an_issue_corrected_in_one_click_holds_for_letter_matter_and_training(open_browser: Open, site: Site) -> None:
    page = open_browser().login("liqiang")
    letter, matter = "X04", "M-X04"
    page.goto(f"{site.url}/letter/{letter}/", wait_until="networkidle")
    page.select_option("[name=issue]", "交通运输") if page.locator("select[name=issue]").count() else page.select_option(
        "select[name=value]", "交通运输"
    )
    with page.expect_navigation(wait_until="networkidle"):
        page.get_by_role("button", name="改类别").click()
    assert "交通运输" in page.inner_text("main")
    assert ask(site, "SELECT answer, after, model_version FROM desk_correction WHERE letter_id = ?", letter) == [
        ("issue", '"交通运输"', "m1")
    ]
    assert ask(site, "SELECT issue FROM desk_matter WHERE matter_id = ?", matter) == [("交通运输",)]


def test_two_matters_are_merged_and_the_merge_undone(open_browser: Open, site: Site) -> None:
    page = open_browser().login("liqiang")
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto(f"{site.url}/matter/M-X05/", wait_until="networkidle")
    page.fill("[name=other]", "M-X13")
    with page.expect_navigation(wait_until="networkidle"):
        page.get_by_role("button", name="并入").click()
    assert "来信 2 封" in page.inner_text("main")
    assert ask(site, "SELECT letters, united_into_id FROM desk_matter WHERE matter_id IN ('M-X05', 'M-X13') ORDER BY 1") == [
        (0, "M-X05"),
        (2, None),
    ]
    with page.expect_navigation(wait_until="networkidle"):
        page.get_by_role("button", name="撤销").click()
    assert ask(site, "SELECT letters, united_into_id FROM desk_matter WHERE matter_id IN ('M-X05', 'M-X13')") == [(1, None), (1, None)]


def test_the_ledger_goes_to_excel_and_back(open_browser: Open, site: Site, tmp_path: Path) -> None:
    page = open_browser().login("zhaoke")
    page.goto(f"{site.url}/figures/ledger/", wait_until="networkidle")
    page.fill("[name=purpose]", "四月调度会")
    with page.expect_download() as download:
        page.get_by_role("button", name="导出台账").click()
    path = tmp_path / "台账.xlsx"
    download.value.save_as(path)
    book = load_workbook(path)
    sheet = book.worksheets[0]
    head = {cell.value: cell.column for cell in sheet[1]}
    row = next(row for row in range(2, sheet.max_row + 1) if sheet.cell(row, head["事项编号"]).value == "M-X21")
    sheet.cell(row, head["包保领导"]).value = "李副县长"
    book.save(path)
    page.set_input_files("[name=file]", path)
    with page.expect_navigation(wait_until="networkidle"):
        page.get_by_role("button", name="上传并预览").click()
    assert "李副县长" in page.inner_text("main")
    assert ask(site, "SELECT leader FROM desk_matter WHERE matter_id = 'M-X21'") == [("",)]
    with page.expect_navigation(wait_until="networkidle"):
        page.get_by_role("button", name="写入").click()
    assert ask(site, "SELECT leader FROM desk_matter WHERE matter_id = 'M-X21'") == [("李副县长",)]
    assert ask(site, "SELECT purpose FROM desk_access WHERE kind = 'export'") == [("四月调度会",)]


def test_two_browsers_claim_the_same_matter(open_browser: Open, site: Site) -> None:
    one, other = open_browser(), open_browser()
    first, second = one.login("liqiang"), other.login("zhaoke")
    row = "[data-row='M-X20']"
    for page in (first, second):
        page.goto(f"{site.url}/?q=M-X20", wait_until="networkidle")
    first.click(f"{row} [data-key=c]")
    first.wait_for_selector(f"{row}:has-text('李强')")
    second.click(f"{row} [data-key=c]")
    second.wait_for_selector(f"{row}:has-text('李强正在查看')")
    assert ask(site, "SELECT user.name FROM desk_matter JOIN desk_user user ON user.id = holder_id WHERE matter_id = 'M-X20'") == [
        ("李强",)
    ]
    other.faults = [fault for fault in other.faults if "409" not in fault]


def serious(page: Any) -> list[tuple[str, str]]:
    """What axe-core finds serious or critical: rule and element."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [(one["id"], one["nodes"][0]["html"]) for one in found["violations"] if one["impact"] in ("serious", "critical")]


PAGES = {
    "wangmin": (
        "/",
        "/?level=3&q=工资",
        "/matter/M-S0/",
        "/letter/S0/",
        "/emerging/",
        "/figures/",
        "/figures/ledger/",
        "/password/",
        "/matter/none/",
    ),
    "zhaoke": ("/model/",),
    "shenji": ("/audit/",),
    "guanli": ("/admin/", "/admin/office/"),
}


@pytest.mark.parametrize("who", PAGES)
@pytest.mark.parametrize(("width", "height"), [(1366, 768), (390, 844)])
def test_pages_can_be_read_by_all_and_fit_the_window(open_browser: Open, site: Site, who: str, width: int, height: int) -> None:
    """axe-core finds nothing serious, and no page is wider than the window (a table scrolls in its own box)."""
    watched = open_browser(width, height)
    page = watched.login(who)
    for path in PAGES[who]:
        page.goto(site.url + path, wait_until="networkidle")
        assert serious(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
    watched.faults = [fault for fault in watched.faults if "404" not in fault]  # /matter/none/


def test_the_login_page_and_a_wrong_password(open_browser: Open, site: Site) -> None:
    page = open_browser().go("/login/")
    assert serious(page) == []
    page.fill("[name=username]", "nobody")
    page.fill("[name=password]", "wrong-password-1")
    with page.expect_navigation(wait_until="networkidle"):
        page.keyboard.press("Enter")
    assert "不对" in page.inner_text("main")
