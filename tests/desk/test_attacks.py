"""What somebody with a browser and bad intent must not get: other units' matters, other people's rights, clear text, a broken page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from openpyxl import load_workbook

from pipeline.desk.keys import Key
from tests.desk.conftest import PASSWORD, SECRET, Clients, Desk

if TYPE_CHECKING:
    from pipeline.desk.models import User

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'{{ 7|add:7 }}{% now 'Y' %}\u202e"
"""What is never to arrive as it was written in a page."""
ODD = ("..", ".", "a/b", "%2e%2e", "~", "~41.", 'x"><script>alert(1)</script>', "空 格　信", "\u202egnp.", "长" * 200)
OTHERS = ("M-W1", "W1", "工地", "农民工", "M-F1", "F1", "林蛙", "M-L1", "路灯")
"""Of matters that 农业农村局 does not have in hand."""
FORMULA = '=HYPERLINK("http://evil.example","点我")'


@pytest.fixture
def handed(filled: Desk) -> Desk:
    """seed is in the hand of 农业农村局, wages in that of 人社局; the others are with nobody."""
    from pipeline.desk.models import Matter

    Matter.objects.filter(pk__in=("M-S1", "M-W1")).update(handed=True, status="forwarded")
    return filled


def body(answer: Any) -> str:
    return answer.content.decode("utf-8", "replace")


def with_password(desk: Desk, role: str, **names: str) -> User:
    """A person who logs in by hand."""
    user = desk.person(role, **names)
    user.set_password(PASSWORD)
    user.save()
    return user


def cells(answer: Any) -> list[object]:
    """All that stands in the sheets of an xlsx file."""
    book = load_workbook(BytesIO(answer.content))
    return [cell.value for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]


def opened(desk: Desk, matter_id: str) -> dict[str, int]:
    matter = desk.matter(matter_id)
    return {"token": matter.token, "version": matter.version}


def pages(role: str, parts: dict[str, Any]) -> Iterator[str]:
    """Every page that a role may open, with these parts of addresses."""
    from django.urls import reverse

    from pipeline.desk.roles import abilities
    from pipeline.desk.urls import urlpatterns

    for pattern in urlpatterns:
        needed = pattern.pattern.converters
        view = pattern.callback
        if "GET" in getattr(view, "methods", ()) and view.ability in abilities(role) and needed.keys() <= parts.keys():
            yield reverse(pattern.name, kwargs={part: parts[part] for part in needed})


# ---- whose matters ----


def test_a_unit_takes_out_nothing_of_another_by_naming_it_in_a_form(handed: Desk, clients: Clients) -> None:
    told = {"m": ["M-W1", "M-F1", "M-S1"], "purpose": "周例会", "form": "xlsx"}
    chosen = cells(clients("handler").post("/queue/export/", told))
    assert "M-S1" in chosen
    ledger = cells(clients("handler").post("/figures/ledger/export/", {"purpose": "周例会", "from": "2026-01", "until": "2026-04"}))
    assert "M-S1" in ledger
    for found in (chosen, ledger):
        assert not any(word in str(cell) for cell in found for word in OTHERS)
    for address, form in (
        ("/queue/export/", {"m": ["M-W1"], "purpose": "周例会"}), ("/queue/export/", {"next": "/?q=工地", "purpose": "周例会"}),
        ("/figures/ledger/export/", {"unit": "人社局", "purpose": "周例会"}),
    ):  # fmt: skip
        assert clients("handler").post(address, form).status_code == 422


@pytest.mark.parametrize(
    "question", ["M-W1", "W1", "工地拖欠", "*", '"', "NEAR(工地 工资)", "工地 OR 工资", "matter_id:M-W1", "工地\\", "' OR 1=1 --"]
)
def test_a_search_for_another_units_matter_is_answered_like_one_for_nothing(handed: Desk, clients: Clients, question: str) -> None:
    page = body(clients("handler").get("/", {"q": question}))
    assert "没有符合条件的事项" in page
    assert "data-row=" not in page
    assert "农民工" not in page
    answers = {
        clients("handler").get(f"/{kind}/{name}/").content for kind, name in (("matter", "M-W1"), ("matter", "M-none"), ("letter", "W1"))
    }
    assert len({re.sub(rb'"X-CSRFToken[^}]*|csrfmiddlewaretoken[^>]*', b"", answer) for answer in answers}) == 1


def test_behind_the_figures_a_unit_finds_only_its_own(handed: Desk, clients: Clients) -> None:
    for by, value in (("unit", "人社局"), ("issue", "劳动和社会保障"), ("place", "白桦镇"), ("month", "2026-04")):
        page = body(clients("handler").get("/figures/letters/", {"rate": "register", "by": by, "value": value}))
        assert not any(word in page for word in ("W1", "农民工", "F1", "林蛙")), by


def test_a_unit_does_not_learn_of_matters_that_were_taken_apart_from_or_compared_with_its_own(handed: Desk, clients: Clients) -> None:
    clerk = clients("clerk")
    assert clerk.post("/matter/M-S1/split/", {"letters": ["S3"]}).status_code == 302
    assert clerk.post("/matter/M-S1/decline/", {"other": "M-F1"}).status_code == 302
    handed.matter("M-S3")
    from pipeline.desk.models import Matter

    Matter.objects.filter(pk="M-S3").update(handed=False)
    page = body(clients("handler").get("/matter/M-S1/?all=1"))
    assert "M-S1" in page
    assert "M-S3" not in page
    assert "M-F1" not in page


def test_a_change_of_role_unit_or_use_holds_from_the_next_click(handed: Desk) -> None:
    from pipeline.desk.models import User

    user = handed.person("handler")
    client = handed.client(user)
    assert client.get("/matter/M-S1/").status_code == 200
    User.objects.filter(pk=user.pk).update(unit="人社局")
    assert [client.get(f"/matter/{one}/").status_code for one in ("M-S1", "M-W1")] == [404, 200]
    User.objects.filter(pk=user.pk).update(unit="")
    assert [client.get(f"/matter/{one}/").status_code for one in ("M-S1", "M-W1")] == [404, 404]
    User.objects.filter(pk=user.pk).update(role="auditor")
    assert client.post("/letter/S1/original/", {"purpose": "核对用途"}).status_code == 403
    User.objects.filter(pk=user.pk).update(role="no such role")
    assert {client.get(page).status_code for page in ("/", "/figures/", "/audit/", "/admin/", "/model/")} == {403}
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert client.get("/").headers["Location"].startswith("/login/")


def test_a_handler_takes_no_step_of_the_desk_and_approves_nothing(handed: Desk, clients: Clients) -> None:
    for key in ("accept", "forward", "decline", "register", "close", "reopen", "handle"):
        form = {"step": key, "unit": "人社局", "reason": "试", "outcome": "settled", **opened(handed, "M-S1")}
        assert clients("handler").post("/matter/M-S1/step/", form).status_code == 422, key
    assert clients("handler").post("/matter/M-S1/extend/", {"rule": "conclude", "days": "30", "reason": "试"}).status_code == 403
    assert handed.matter("M-S1").status == "forwarded"


# ---- hostile words ----


def test_what_people_and_letters_say_never_becomes_part_of_a_page(desk: Desk) -> None:
    from pipeline.desk.models import Flag, Matter, Note, SavedView

    desk.add("E1", f"{EVIL}\n{EVIL}", matter="M-E1", channel=EVIL, unit=EVIL, town="柳河镇")
    desk.add("E2", f"{EVIL}\n另一封{EVIL}", matter="M-E1", day=date(2026, 4, 18))
    told = {
        "kind": "matter", "key": "k", "matter_id": "M-E1", "title": EVIL, "place": EVIL, "since": "2026-04-08", "on": "2026-04-18", "seen": 3, "writers": 3,
        "expected": 1.2, "p": 0.001, "q": 0.01, "words": [EVIL], "letters": [["E1", EVIL]], "like": EVIL, "text": EVIL,
    }  # fmt: skip
    flag = Flag.objects.create(run_id=desk.run, on="2026-04-18", kind="matter", key="k", matter_id="M-E1", told=told)
    Matter.objects.update(handed=True, unit=EVIL)
    people = {role: desk.person(role, name=EVIL[:60], unit=EVIL) for role in ("supervisor", "auditor", "admin")}
    clients = {role: desk.client(person) for role, person in people.items()}
    work = clients["supervisor"]
    work.post("/matter/M-E1/edit/", {"plan": EVIL, "leader": EVIL[:60], **opened(desk, "M-E1")})
    work.post("/matter/M-E1/note/", {"kind": "remark", "text": EVIL})
    work.post("/matter/M-E1/priority/", {"priority": "95", "reason": EVIL})
    work.post("/queue/views/", {"name": EVIL[:40], "next": f"/?q={quote(EVIL)}"})
    work.post(f"/emerging/{flag.pk}/act/", {"state": "watched", "reason": EVIL, "seen": "0"})
    work.post("/letter/E1/original/", {"purpose": EVIL})
    assert (Note.objects.count(), SavedView.objects.count(), flag.acts.count()) == (1, 1, 1)
    parts = {"matter_id": "M-E1", "letter_id": "E1", "flag_id": flag.pk, "pk": people["admin"].pk, "key": "units"}
    for role, client in clients.items():
        for address in (
            *pages(role, parts),
            f"/?q={quote(EVIL)}&status={quote(EVIL)}",
            "/audit/?what=events",
            f"/audit/?matter={quote(EVIL)}",
        ):
            page = body(client.get(address))
            assert "<script>alert" not in page, address
            assert "<img src=x" not in page, address
            assert "7|add" not in page or "{{ 7|add:7 }}" in page, address  # shown, not reckoned
            assert not re.search(r'\son\w+="', page), address


@pytest.mark.parametrize("name", ODD)
def test_an_odd_id_has_a_page_of_its_own_and_is_shown_as_text(desk: Desk, name: str) -> None:
    desk.add(name, matter=f"M-{name}", writer="w1")
    desk.add("S1", matter=f"M-{name}")
    client = desk.client(desk.person("supervisor"))
    key = Key().to_url
    for address in (f"/letter/{key(name)}/", f"/matter/{key(f'M-{name}')}/", f"/queue/letters/{key(f'M-{name}')}/"):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "<script>alert" not in body(answer)
    assert client.post(f"/matter/{key(f'M-{name}')}/split/", {"letters": [name]}).status_code == 302
    answer = client.post(f"/matter/{key(f'M-{name}')}/dossier/", {"purpose": "核对用途"})
    assert answer.status_code == 200
    assert not set('\r\n"/\\<>') & set(re.sub(r'filename\*?=("[^"]*"|utf-8\'\'[\w.%-]*)', "", answer.headers["Content-Disposition"]))


def test_an_address_that_no_page_writes_leads_nowhere(filled: Desk, clients: Clients) -> None:
    for part in ("~00.", "S1%00", "~ff.", "~4.", "%2e%2e", "..%2fS1", "~53.1%0a"):
        for page in ("letter", "matter"):
            assert clients("supervisor").get(f"/{page}/{part}/").status_code == 404, (page, part)


STRANGE: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("supervisor", "POST /queue/views/", {"name": "视图", "next": "//["}),
    ("supervisor", "POST /queue/export/", {"purpose": "核对用途", "next": "http://["}),
    ("supervisor", "GET /figures/", {"from": "0001-01", "until": "9999-12"}),
    ("supervisor", "GET /figures/", {"until": "0001-01"}),
    ("supervisor", "GET /figures/letters/", {"rate": "register", "by": "month", "value": "没有这个月"}),
    ("supervisor", "GET /figures/letters/", {"rate": "register", "by": "month", "value": "2026-" + "9" * 5000}),
    ("supervisor", "GET /figures/letters/", {"rate": "register", "by": "unit", "value": "a\0b"}),
    ("supervisor", "GET /figures/ledger/", {"from": "0001-01"}),
    ("supervisor", "POST /figures/ledger/export/", {"purpose": "核对用途", "until": "0001-01"}),
    ("supervisor", "POST /figures/ledger/confirm/", {"number": "不是号码"}),
    ("supervisor", "GET /", {"q": "\0\"*:-(" + "长" * 10_000, "since": "0001-01-01", "until": "9999-12-31", "page": "9" * 5000, "take": "²"}),
    ("supervisor", "POST /matter/M-S1/undo/", {"decision": "9" * 5000}),
    ("supervisor", "POST /matter/M-S1/edit/", {"plan": "甲", "token": "9" * 5000, "version": "9" * 30}),
    ("supervisor", "POST /matter/M-S1/note/", {"kind": "remark", "text": "甲\0乙"}),
    ("supervisor", "POST /matter/M-S1/merge/", {"other": "M-F1\0"}),
    ("supervisor", "POST /queue/bulk/assign/", {"m": "M-S1\0", "person": "9" * 30}),
    ("auditor", "GET /audit/", {"since": "0001-01-01", "what": "events"}),
    ("auditor", "GET /audit/", {"until": "9999-12-31", "what": "logins"}),
    ("auditor", "POST /audit/export/", {"since": "0001-01-01", "until": "9999-12-31", "purpose": "季度\0审计"}),
    ("admin", "GET /admin/people/" + "9" * 30 + "/", {}),
    ("admin", "POST /admin/people/new/", {"username": "a\0b", "name": "甲", "role": "clerk"}),
)  # fmt: skip


@pytest.mark.parametrize(("role", "what", "form"), STRANGE)
def test_what_no_page_sends_breaks_nothing(handed: Desk, clients: Clients, role: str, what: str, form: dict[str, str]) -> None:
    method, address = what.split(" ")
    client = clients(role)
    answer = client.get(address, form) if method == "GET" else client.post(address, form)
    assert answer.status_code < 500
    assert not any("\0" in text for text in _kept())


def _kept() -> list[str]:
    from pipeline.desk.models import Access, Note

    return [*Note.objects.values_list("text", flat=True), *Access.objects.values_list("purpose", flat=True)]


def test_a_text_longer_than_the_pages_boxes_take_is_not_kept(handed: Desk, clients: Clients) -> None:
    long = "长" * 20_001
    for address, form in (
        ("/matter/M-S1/note/", {"kind": "remark", "text": long}), ("/matter/M-S1/edit/", {"plan": long}), ("/matter/M-S1/edit/", {"leader": "长" * 61}),
        ("/matter/M-S1/step/", {"step": "notify", "reason": long}), ("/matter/M-S1/priority/", {"priority": "95", "reason": long}),
    ):  # fmt: skip
        answer = clients("supervisor").post(address, form | opened(handed, "M-S1"))
        assert answer.status_code == 422, address
    matter = handed.matter("M-S1")
    assert (matter.plan, matter.leader, matter.notes.count(), matter.human_priority) == ("", "", 0, None)
    answer = clients("supervisor").post("/matter/M-S1/note/", {"kind": "remark", "text": "长" * 1_000_000})
    assert (answer.status_code, "没有收下" in body(answer)) == (400, True)
    fits = "行\r\n" * 10_000  # as a browser sends twenty thousand characters
    assert clients("supervisor").post("/matter/M-S1/note/", {"kind": "remark", "text": fits}).status_code == 302


AWAY = (
    "http://evil.example/", "//evil.example", "/\\evil.example", "///evil.example", "/\t/evil.example", "javascript:alert(1)", "\\\\evil.example",
    "http:evil", "/\r\nX-Evil: 1",
)  # fmt: skip


def test_no_form_leads_out_of_the_desk(handed: Desk, clients: Clients) -> None:
    user = with_password(handed, "clerk")
    for there in AWAY:
        answers = [
            clients("supervisor").post("/queue/claim/M-S1/", {"next": there}),
            clients("supervisor").post("/matter/M-S1/note/", {"kind": "remark", "text": "甲", "next": there}),
            handed.client(None).post("/login/", {"username": user.username, "password": PASSWORD, "next": there}),
        ]
        for answer in answers:
            target = answer.headers["Location"]
            assert answer.status_code == 302
            assert re.match(r"/([^/\\\s]|$)", target), (there, target)
            assert not urlsplit(target).netloc
            assert "X-Evil" not in answer.headers
        refused = body(clients("supervisor").post("/matter/M-S1/note/", {"next": there}))
        assert not re.search(r'href="(?![/#])', refused), there


# ---- files ----


def test_no_file_that_leaves_holds_a_formula(desk: Desk) -> None:
    desk.add("E1", f"{FORMULA}\n甲", matter="=M+1", unit="@SUM(1)", channel="+1", signals=())
    supervisor = desk.person("supervisor", name="=1+1")
    work = desk.client(supervisor)
    work.post(f"/matter/{Key().to_url('=M+1')}/edit/", {"plan": FORMULA, "leader": "-1+1", **opened(desk, "=M+1")})
    files = [
        work.post("/queue/export/", {"purpose": "=1+1", "form": "xlsx"}),
        work.post("/figures/ledger/export/", {"purpose": "=1+1", "from": "2026-04", "until": "2026-04"}),
        *(desk.client(desk.person("auditor")).post("/audit/export/", {"purpose": "@审计", "what": what}) for what in ("access", "events")),
    ]
    for answer in files:
        book = load_workbook(BytesIO(answer.content))
        for sheet in book:
            for row in sheet.iter_rows():
                assert not any(cell.data_type == "f" for cell in row)
                assert not any(isinstance(cell.value, str) and re.match(r"\s*[=+\-@]", cell.value) for cell in row)
    lines = work.post("/queue/export/", {"purpose": "=1+1", "form": "csv"}).content.decode("utf-8-sig")
    assert not re.search(r'(^|,|\n)"?[=+\-@]', lines)


def test_a_sheet_wider_than_any_ledger_is_read_only_as_far_as_a_ledger_goes(handed: Desk, clients: Clients) -> None:
    """Ten megabytes of zip hold a hundred million characters: rows without end of columns would fill the memory."""
    from pipeline.desk.spreadsheet_reading import MAX_COLUMNS, _lines

    answer = clients("supervisor").post("/figures/ledger/export/", {"purpose": "核对用途", "from": "2026-01", "until": "2026-04"})
    wide = BytesIO()
    with ZipFile(BytesIO(answer.content)) as before, ZipFile(wide, "w", ZIP_DEFLATED) as after:
        for name in before.namelist():
            part = before.read(name)
            if name == "xl/worksheets/sheet1.xml":
                part = part.replace(b"</sheetData>", b"<row>" + b"<c><v>1</v></c>" * 5_000 + b"</row></sheetData>")
            after.writestr(name, part)
    assert max(len(row) for _, row in _lines(wide)) <= MAX_COLUMNS
    wide.seek(0)
    wide.name = "台账.xlsx"
    assert clients("supervisor").post("/figures/ledger/return/", {"file": wide}).status_code == 200


@pytest.mark.parametrize("content", [b"", b"MZ\x90\0", b"PK\x03\x04junk", b"<html><script>alert(1)</script>", b"\xd0\xcf\x11\xe0" * 99])
def test_what_is_no_ledger_is_refused_in_words(handed: Desk, clients: Clients, content: bytes) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    for name in ("台账.xlsx", "../../x.xlsx", "a\r\nb.xlsx"):
        answer = clients("supervisor").post("/figures/ledger/return/", {"file": SimpleUploadedFile(name, content)})
        assert answer.status_code == 422
        assert "<script>alert" not in body(answer)
    assert clients("admin").post("/admin/office/units/", {"file": SimpleUploadedFile("units.csv", content)}).status_code == 422


def test_a_plan_of_several_lines_goes_out_and_comes_back_and_only_what_was_shown_is_written(handed: Desk, clients: Clients) -> None:
    clients("supervisor").post("/matter/M-S1/edit/", {"plan": "一是查勘；\n二是赔付。", **opened(handed, "M-S1")})
    work, period = clients("supervisor"), {"purpose": "核对用途", "from": "2026-01", "until": "2026-04"}
    found = work.post("/figures/ledger/export/", period)
    assert "一是查勘；\n二是赔付。" in cells(found)
    book, filled = load_workbook(BytesIO(found.content)), BytesIO()
    heads = [cell.value for cell in book["台账"][1]]
    line = next(at for at in range(2, 9) if book["台账"].cell(at, 1).value == "M-S1")
    book["台账"].cell(line, heads.index("一案一策") + 1).value = "一是查勘；\n二是赔付；\n三是回访。"
    book.save(filled)
    filled.seek(0)
    filled.name = "台账.xlsx"
    preview = work.post("/figures/ledger/return/", {"file": filled})
    assert work.post("/figures/ledger/confirm/", {"number": "不是号码"}).status_code == 422
    assert work.post("/figures/ledger/confirm/", {"number": preview.context["number"]}).status_code == 302
    assert handed.matter("M-S1").plan == "一是查勘；\n二是赔付；\n三是回访。"


# ---- coming in ----


def test_every_form_needs_the_token_of_its_own_page(handed: Desk) -> None:
    from django.test import Client
    from django.urls import reverse

    from pipeline.desk.urls import urlpatterns

    client = Client(enforce_csrf_checks=True)
    client.force_login(handed.person("supervisor"), backend="pipeline.desk.login.PasswordBackend")
    parts = {"matter_id": "M-S1", "letter_id": "S1", "flag_id": 1, "pk": 1, "key": "units", "view_id": 1}
    for pattern in urlpatterns:
        methods = getattr(pattern.callback, "methods", ("POST",))
        if "POST" in methods and pattern.name != "home":
            address = reverse(pattern.name, kwargs={part: parts[part] for part in pattern.pattern.converters})
            assert client.post(address, {"purpose": "核对用途"}).status_code == 403, address
    assert handed.matter("M-S1").holder is None


def test_a_session_that_was_there_before_the_login_is_worth_nothing_after_it(handed: Desk) -> None:
    from django.test import Client

    user = with_password(handed, "clerk")
    victim, thief = Client(), Client()
    victim.session["x"] = 1
    fixed = victim.session.session_key
    victim.cookies["sessionid"] = fixed or "a" * 32
    victim.post("/login/", {"username": user.username, "password": PASSWORD})
    assert victim.get("/").status_code == 200
    thief.cookies["sessionid"] = fixed or "a" * 32
    assert thief.get("/").headers["Location"].startswith("/login/")
    old = victim.cookies["sessionid"].value
    victim.post("/logout/")
    thief.cookies["sessionid"] = old
    assert thief.get("/").headers["Location"].startswith("/login/")


def test_another_way_of_writing_the_same_user_name_is_no_further_guess(handed: Desk) -> None:
    user = with_password(handed, "clerk")
    assert user.username == "clerk0"
    client = handed.client(None)
    for name in ("clerk0", " clerk0 ", "ｃｌｅｒｋ０", "clerｋ0", "clerk0\t"):
        client.post("/login/", {"username": name, "password": "wrong-password"})
    answer = client.post("/login/", {"username": "clerk0", "password": PASSWORD})
    assert answer.status_code == 429


def test_the_one_time_password_cannot_be_kept(handed: Desk) -> None:
    from pipeline.desk.services.people import make

    user, password = make("newbie", "新人", "clerk")
    client = handed.client(user)
    answer = client.post("/password/", {"old_password": password, "new_password1": password, "new_password2": password})
    assert answer.status_code == 200
    assert "不能和现在的密码相同" in body(answer)
    user.refresh_from_db()
    assert user.must_change


def test_a_user_name_is_kept_as_the_login_reads_it(handed: Desk) -> None:
    from pipeline.desk.services.people import PersonError, make

    _, password = make("ｃｈｅｎ", "陈", "clerk")
    assert handed.client(None).post("/login/", {"username": "ｃｈｅｎ", "password": password}).status_code == 302
    with pytest.raises(PersonError):
        make("chen", "另一个陈", "clerk")


def test_nothing_but_the_programs_own_files_is_kept_by_a_browser(handed: Desk, clients: Clients) -> None:
    work = clients("supervisor")
    answers = [
        work.get("/"), work.get("/letter/S1/"), work.get("/letter/none/"), work.post("/letter/S1/original/", {"purpose": "核对用途"}), work.get("/audit/"),
        work.post("/queue/export/", {"purpose": "核对用途"}), work.post("/matter/M-S1/dossier/", {"purpose": "核对用途"}), work.delete("/"),
        clients("nobody").get("/"), clients("nobody").get("/login/"),
    ]  # fmt: skip
    for answer in answers:
        assert "no-store" in answer.headers["Cache-Control"]
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


# ---- personal data ----


def test_what_is_kept_for_good_holds_no_number_that_somebody_typed(handed: Desk, clients: Clients) -> None:
    """Events and readings can never be taken back, and the auditor reads no letters."""
    typed = f"周例会研判：已电话联系来信人（{SECRET}）"
    work = clients("supervisor")
    work.post("/matter/M-S1/step/", {"step": "return", "reason": typed, **opened(handed, "M-S1")})
    work.post("/matter/M-S1/priority/", {"priority": "95", "reason": typed})
    work.post("/letter/S1/original/", {"purpose": typed})
    work.post("/matter/M-S1/dossier/", {"purpose": typed})
    work.post("/queue/export/", {"purpose": typed})
    work.post("/figures/ledger/export/", {"purpose": typed, "from": "2026-04", "until": "2026-04"})
    work.get("/", {"q": typed})
    assert SECRET in body(work.get("/matter/M-S1/"))  # who works on the matter reads it in full, in the note of the step
    told = [body(clients("auditor").get(f"/audit/?what={what}")) for what in ("access", "events")]
    told += [str(cells(clients("auditor").post("/audit/export/", {"purpose": typed, "what": what}))) for what in ("access", "events")]
    told.append(body(clients("auditor").get("/audit/?what=access")))
    for one in told:
        assert "周例会研判：已电话联系来信人（［手机］）" in one
        assert SECRET not in one


def test_nothing_is_listed_sorted_or_found_by_writer(filled: Desk, clients: Clients) -> None:
    from pipeline.desk.models import Letter

    filled.add("S9", matter="M-F1", writer="writer-77")
    filled.add("S8", matter="M-S1", writer="writer-77")
    assert Letter.objects.filter(writer_ref="writer-77").count() == 2
    work = clients("supervisor")
    for query in (
        "q=writer-77",
        "writer=writer-77",
        "writer_ref=writer-77",
        "order=writers",
        "letter__writer_ref=writer-77",
        f"q={SECRET}",
        f"q={quote('张三')}",
    ):
        page = body(work.get(f"/?{query}"))
        rows = re.findall('data-row="([^"]+)"', page)
        assert rows == [] or len(rows) == 4, query
        assert query.startswith("q=") == (rows == []), query
    for address in pages("supervisor", {"matter_id": "M-S1", "letter_id": "S8"}):
        page = body(work.get(address))
        assert "writer-77" not in page, address
        assert SECRET not in page, address


def test_what_went_wrong_below_is_told_without_paths(
    handed: Desk, clients: Clients, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("ZHIWEI_MODELS", str(tmp_path))
    answer = clients("supervisor").post("/matter/M-S1/merge/", {"other": "M-F1"})
    assert answer.status_code == 503
    assert str(tmp_path) not in body(answer)
    assert "请稍后再试" in body(answer)
    assert handed.matter("M-F1").united_into is None


# ---- twice, late, crosswise ----


def test_the_same_form_sent_twice_does_nothing_twice(handed: Desk, clients: Clients) -> None:
    from pipeline.desk.models import Clock, Event, Note

    work, form = clients("supervisor"), {"step": "take", **opened(handed, "M-S1")}
    assert [work.post("/matter/M-S1/step/", form).status_code for _ in "12"] == [302, 409]
    assert Event.objects.filter(kind="take").count() == Clock.objects.filter(rule="conclude").count() == 1
    form = {"step": "answer", "text": "已赔付。", "outcome": "settled", **opened(handed, "M-S1")}
    assert [work.post("/matter/M-S1/step/", form).status_code for _ in "12"] == [302, 422]
    assert Note.objects.filter(kind="reply").count() == 1
    assert [work.post("/matter/M-S1/split/", {"letters": ["S3", "S3"]}).status_code for _ in "12"] == [302, 422]
    assert "拆出 1 封" in body(work.get("/matter/M-S1/"))
    assert [work.post("/matter/M-S1/merge/", {"other": "M-F1"}).status_code for _ in "12"] == [302, 422]


def test_two_who_merge_crosswise_leave_one_matter_with_all_letters(handed: Desk, clients: Clients) -> None:
    assert clients("clerk").post("/matter/M-S1/merge/", {"other": "M-F1"}).status_code == 302
    assert clients("supervisor").post("/matter/M-F1/merge/", {"other": "M-S1"}).status_code == 404
    assert clients("supervisor").post("/queue/bulk/merge/", {"m": ["M-F1", "M-S1"]}).status_code == 422
    assert handed.matter("M-S1").letters == 5
    assert handed.matter("M-F1").united_into_id == "M-S1"


def test_a_matter_is_not_said_to_be_another_than_itself(handed: Desk, clients: Clients) -> None:
    """Training would learn that letters of one matter are none."""
    from pipeline.desk.services.decisions import pairs

    assert clients("clerk").post("/matter/M-S1/decline/", {"other": "M-S1"}).status_code == 422
    assert clients("clerk").post("/matter/M-S1/merge/", {"other": "M-S1"}).status_code == 422
    assert clients("clerk").post("/matter/M-S1/move/", {"other": "M-S1", "letters": ["S1"]}).status_code == 422
    assert pairs() == []


def test_a_decision_is_undone_once_from_its_own_matters_and_not_past_later_ones(handed: Desk, clients: Clients) -> None:
    from pipeline.desk.models import Decision

    work = clients("clerk")
    work.post("/matter/M-S1/merge/", {"other": "M-F1"})
    merged = Decision.objects.get()
    assert work.post("/matter/M-W1/undo/", {"decision": merged.pk}).status_code == 422
    work.post("/matter/M-S1/move/", {"letters": ["F1"], "other": "M-W1"})
    assert work.post("/matter/M-S1/undo/", {"decision": merged.pk}).status_code == 422
    moved = Decision.objects.latest("pk")
    assert [work.post("/matter/M-W1/undo/", {"decision": moved.pk}).status_code for _ in "12"] == [302, 422]
    assert work.post("/matter/M-S1/undo/", {"decision": merged.pk}).status_code == 302
    assert (handed.matter("M-S1").letters, handed.matter("M-F1").letters, handed.matter("M-W1").letters) == (3, 2, 1)


def test_letters_of_another_matter_are_not_taken_by_naming_them(handed: Desk, clients: Clients) -> None:
    work = clients("clerk")
    for form in ({"letters": ["W1"]}, {"letters": ["S1", "W1"]}, {"letters": ["没有这封"]}, {"letters": ["S1", "S2", "S3"]}, {}):
        assert work.post("/matter/M-S1/split/", form).status_code == 422
        assert work.post("/matter/M-S1/move/", {**form, "other": "M-F1"}).status_code == 422
    assert (handed.matter("M-S1").letters, handed.matter("M-W1").letters) == (3, 1)


def test_what_was_typed_about_a_matter_that_was_put_into_another_meanwhile_is_given_back(handed: Desk, clients: Clients) -> None:
    from pipeline.desk.models import Matter

    form = {"plan": "一是查勘现场，二是先行赔付。", "leader": "周副局长", **opened(handed, "M-S1")}
    Matter.objects.filter(pk="M-F1").update(status="accepted")
    assert clients("clerk").post("/matter/M-F1/merge/", {"other": "M-S1"}).status_code == 302
    answer = clients("supervisor").post("/matter/M-S1/edit/", form)
    assert answer.status_code == 404
    assert form["plan"] in body(answer)
    answer = clients("clerk").post("/matter/M-F1/step/", {"step": "answer", "text": "<b>已赔付</b>", **opened(handed, "M-F1")})
    assert answer.status_code == 422
    assert "&lt;b&gt;已赔付&lt;/b&gt;" in body(answer)


@pytest.mark.parametrize(
    ("act", "form"),
    [
        ("extend", {"days": "-5"}), ("extend", {"days": "0"}), ("extend", {"days": "31"}), ("extend", {"days": "３０"}), ("extend", {"days": "1e1"}),
        ("extend", {"days": "15", "rule": "register"}), ("extend", {"days": "15", "rule": "没有"}), ("extend", {"days": "15", "reason": " "}),
        ("pause", {"key": "没有"}), ("pause", {"key": "hearing"}), ("pause", {"key": "material", "rule": "notice"}), ("resume", {}), ("resume", {"rule": "没有"}),
        ("step", {"step": "没有"}), ("step", {"step": "answer", "text": "甲", "outcome": "没有"}), ("step", {"step": "answer", "outcome": "settled"}),
        ("edit", {"way": "没有"}), ("edit", {"satisfaction": "没有"}), ("priority", {"priority": "100"}), ("priority", {"priority": "nan"}),
        ("issue", {"issue": "没有"}), ("note", {"kind": "plan", "text": "甲"}),
    ],
)  # fmt: skip
def test_a_form_made_by_hand_moves_no_clock_and_no_matter(handed: Desk, clients: Clients, act: str, form: dict[str, str]) -> None:
    from pipeline.desk.models import Clock

    work = clients("supervisor")
    assert work.post("/matter/M-S1/step/", {"step": "take", **opened(handed, "M-S1")}).status_code == 302
    before = list(Clock.objects.order_by("pk").values()), handed.matter("M-S1").version
    given: dict[str, Any] = {"rule": "conclude", "reason": "试", **opened(handed, "M-S1"), **form}
    assert work.post(f"/matter/M-S1/{act}/", given).status_code == 422
    assert (list(Clock.objects.order_by("pk").values()), handed.matter("M-S1").version) == before
