"""Administration: people, their passwords, the office's tables."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.desk.conftest import Clients, Desk, queries_of

if TYPE_CHECKING:
    pass

DATA = Path(__file__).resolve().parents[2] / "data"
NEW = {"username": "zhouhe", "name": "周禾", "role": "handler", "unit": "农业农村局"}


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The office's tables in a folder of their own."""
    for name in ("units.csv", "routing.csv", "places.csv"):
        shutil.copyfile(DATA / name, tmp_path / name)
    monkeypatch.setenv("ZHIWEI_OFFICE", str(tmp_path))
    return tmp_path


def events(kind: str) -> list[Any]:
    from pipeline.desk.models import Event

    return list(Event.objects.filter(kind=kind).order_by("pk"))


def brought(text: str, name: str = "units.csv") -> dict[str, Any]:
    from django.core.files.uploadedfile import SimpleUploadedFile

    return {"file": SimpleUploadedFile(name, text.encode("utf-8"), "text/csv")}


def test_a_person_is_made_with_a_password_that_is_shown_once(clients: Clients, desk: Desk) -> None:
    from pipeline.desk.models import User

    admin = clients("admin")
    page = admin.post("/admin/people/new/", NEW).content.decode()
    password = re.search(r"<code>([a-z0-9]{4}-[a-z0-9]{4}-[a-z0-9]{4})</code>", page)
    assert password
    person = User.objects.get(username="zhouhe")
    assert (person.check_password(password[1]), person.must_change, person.unit) == (True, True, "农业农村局")
    listed = admin.get("/admin/").content.decode()
    assert "周禾" in listed
    assert password[1] not in listed
    (event,) = events("person_made")
    assert (event.after["username"], event.by.role) == ("zhouhe", "admin")
    assert password[1] not in str(event.after)
    browser = desk.client(None)
    assert browser.post("/login/", {"username": "zhouhe", "password": password[1]}).status_code == 302


@pytest.mark.parametrize(
    ("changed", "told"),
    [({"unit": ""}, "必须选单位"), ({"username": ""}, "username"), ({"role": "emperor"}, "role"), ({"username": "ZhouHe"}, "已有人用")],
)
def test_a_person_who_does_not_fit_is_refused_and_nothing_typed_is_lost(clients: Clients, changed: dict[str, str], told: str) -> None:
    from pipeline.desk.models import User

    admin = clients("admin")
    if told == "已有人用":
        admin.post("/admin/people/new/", NEW)
    before = User.objects.count()
    answer = admin.post("/admin/people/new/", NEW | changed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert told in page
    assert 'value="周禾"' in page
    assert User.objects.count() == before


def test_a_person_is_changed_and_put_out_of_use_at_once(clients: Clients, filled: Desk) -> None:
    person = filled.person("clerk", name="陈晓")
    browser = filled.client(person)
    assert browser.get("/").status_code == 200
    address = f"/admin/people/{person.pk}/"
    answer = clients("admin").post(address, {"name": "陈晓", "role": "clerk", "unit": ""})
    assert answer.headers["Location"] == "/admin/"
    person.refresh_from_db()
    assert not person.is_active
    assert browser.get("/").headers["Location"].startswith("/login/"), "who is out of use is out at once"
    (event,) = events("person_changed")
    assert (event.before["is_active"], event.after["is_active"]) == (True, False)
    clients("admin").post(address, {"name": "陈晓", "role": "clerk", "unit": ""})
    assert len(events("person_changed")) == 1, "saving the same again changes nothing"


def test_the_last_administrator_stays_one(filled: Desk) -> None:
    admin = filled.person("admin", name="王管")
    filled.person("admin", name="旧管").__class__.objects.filter(name="旧管").update(is_active=False)
    browser = filled.client(admin)
    for given in ({"name": "王管", "role": "clerk", "is_active": "on"}, {"name": "王管", "role": "admin"}):
        answer = browser.post(f"/admin/people/{admin.pk}/", given)
        assert answer.status_code == 422
        assert "唯一在用的管理员" in answer.content.decode()
    admin.refresh_from_db()
    assert (admin.role, admin.is_active) == ("admin", True)
    filled.person("admin", name="新管")
    assert browser.post(f"/admin/people/{admin.pk}/", {"name": "王管", "role": "clerk", "is_active": "on"}).status_code == 302


def test_a_password_is_reset_and_the_person_logged_out(clients: Clients, filled: Desk) -> None:
    person = filled.person("clerk")
    browser = filled.client(person)
    page = clients("admin").post(f"/admin/people/{person.pk}/password/").content.decode()
    password = re.search(r"<code>(\S+)</code>", page)
    assert password
    person.refresh_from_db()
    assert person.check_password(password[1])
    assert person.must_change
    assert browser.get("/").headers["Location"].startswith("/login/")
    assert events("password_reset")[0].after == {"username": person.username}


def test_the_tables_are_shown_and_downloaded(office: Path, clients: Clients) -> None:
    admin = clients("admin")
    page = admin.get("/admin/office/").content.decode()
    assert "农业农村局" in page
    assert "柳河镇" in page
    assert "2026 年的工作日按国务院公布的安排计" in page
    answer = admin.get("/admin/office/units/file/")
    assert answer.content == (office / "units.csv").read_bytes()
    assert "units.csv" in answer.headers["Content-Disposition"]


def test_a_good_table_is_put_in_place_and_the_old_one_kept(office: Path, clients: Clients) -> None:
    before = (office / "units.csv").read_text(encoding="utf-8-sig")
    answer = clients("admin").post("/admin/office/units/", brought(before.rstrip("\n") + "\n林业局,政府部门\n"))
    assert answer.status_code == 302
    assert "林业局" in (office / "units.csv").read_text(encoding="utf-8-sig")
    assert (office / "units.csv.bak").read_text(encoding="utf-8-sig") == before
    assert {path.name for path in office.iterdir()} == {"units.csv", "units.csv.bak", "routing.csv", "places.csv"}
    (event,) = events("office_file")
    assert event.after["file"] == "units.csv"
    assert "林业局" in clients("admin").get("/admin/").content.decode(), "the new unit can be given to a person"


@pytest.mark.parametrize(
    ("key", "text", "row"),
    [
        ("units", "单位,类别\n信访局,党委机构\n信访局,党委机构\n", "第 3 行"),
        ("units", "单位,类别\n信访局,党委机构\n", "分办规则表"),  # the rules name units that would be gone
        ("units", "单位;类别\n信访局;党委机构\n", "第 1 行"),
        ("routing", "类别,迹象,地点,词语,责任单位,属,说明\n,,,,没有的局,属事,试\n", "第 2 行"),
        ("places", "名称,类型,上级,别名\n柳河镇,镇,没有的县,\n", "第 2 行"),
        ("places", "\x00\x01\x02", "没有换上"),
    ],
)
def test_a_wrong_table_is_refused_with_its_row_and_nothing_changes(office: Path, clients: Clients, key: str, text: str, row: str) -> None:
    before = {path.name: path.read_bytes() for path in office.iterdir()}
    answer = clients("admin").post(f"/admin/office/{key}/", brought(text, f"{key}.csv"))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "原表不变" in page
    assert row in page
    assert "/tmp" not in page
    assert {path.name: path.read_bytes() for path in office.iterdir()} == before
    assert events("office_file") == []


def test_no_file_and_too_large_a_file_are_refused(office: Path, clients: Clients, settings: Any) -> None:
    settings.UPLOAD_MOST_BYTES = 100
    admin = clients("admin")
    assert "还没有选文件" in admin.post("/admin/office/units/").content.decode()
    answer = admin.post("/admin/office/units/", brought("单位,类别\n" + "信访局,党委机构\n" * 50))
    assert answer.status_code == 422
    assert "超过" in answer.content.decode()


def test_a_broken_table_does_not_keep_the_administrator_out(office: Path, clients: Clients) -> None:
    (office / "units.csv").write_text("broken", encoding="utf-8")
    admin = clients("admin")
    assert admin.get("/admin/").status_code == 200
    assert "读不出来" in admin.get("/admin/office/").content.decode()


def test_the_list_of_people_takes_as_many_queries_for_many(clients: Clients, filled: Desk) -> None:
    few = queries_of(clients("admin"), "/admin/")
    for _ in range(12):
        filled.person("clerk")
    assert queries_of(clients("admin"), "/admin/") == few


def test_an_administrator_sees_no_letter(office: Path, clients: Clients) -> None:
    admin = clients("admin")
    shown = "".join(admin.get(address).content.decode() for address in ("/admin/", "/admin/office/", "/model/"))
    assert not any(word in shown for word in ("不出苗", "工地拖欠工资", "林蛙冻死"))
