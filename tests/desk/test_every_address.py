"""A crawler over every address of the desk, as each role and as nobody: who may what, whose matters are seen, what is never shown."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from pipeline.desk.roles import Ability, Role, abilities
from tests.desk.conftest import SECRET, Clients, Desk

WHO = {
    "clerk handler supervisor analyst": "queue queue_letters queue_save_view queue_drop_view matter letter figures_letters",
    "clerk handler supervisor": """queue_claim queue_release queue_export matter_claim matter_release matter_step matter_edit matter_note
        matter_resume matter_dossier letter_original ledger ledger_export""",
    "clerk supervisor": """queue_bulk_route queue_bulk_forward queue_bulk_issue queue_bulk_merge matter_priority matter_issue matter_merge
        matter_decline matter_split matter_move matter_undo letter_correct letter_apart emerging_act""",
    "supervisor": "queue_assign queue_bulk_assign matter_extend matter_pause ledger_return ledger_confirm",
    "clerk supervisor analyst": "emerging emerging_one",
    "clerk handler supervisor analyst auditor": "figures",
    "supervisor analyst admin": "model",
    "auditor": "audit audit_check audit_export",
    "admin": "people person_new person person_password office office_upload office_file retention",
}
"""Roles -> the addresses that are for them and for nobody else. A new address must be entered here."""
OPEN_TO_ALL = frozenset({"login", "logout", "password", "home"})
"""Addresses before the door: the login itself, and what everybody has."""
WORDS = ("丰禾", "不发芽", "出苗率", "工地拖欠", "三万只", "保险拒赔", "路灯不亮")
"""Each letter of the desk holds one of these; no page or table of this program does."""
PARTS: dict[str, Any] = {"matter_id": "M-S1", "letter_id": "S1", "flag_id": 1, "pk": 1, "key": "units", "view_id": 1}
"""What stands for each part of an address. View 1 is somebody else's."""
MISSING: list[dict[str, Any]] = [
    {"matter_id": "M-none", "letter_id": "none", "flag_id": 999, "pk": 999, "key": "passwords", "view_id": 999},
    {"matter_id": "M-L1", "letter_id": "../S1", "flag_id": 0, "pk": 0, "key": "policy", "view_id": 0},  # M-L1 was put into another matter
]
QUERIES = {"figures_letters": "?rate=register&by=unit"}
"""Addresses that show nothing without a question."""


@dataclass(frozen=True)
class Address:
    name: str
    url: str
    methods: tuple[str, ...]
    roles: frozenset[str]
    scoped: bool


def roles_of(name: str) -> frozenset[str]:
    found = [roles for roles, names in WHO.items() if name in names.split()]
    assert len(found) == 1, f"{name}: tell WHO once for which roles it is"
    return frozenset(found[0].split())


def addresses(parts: Mapping[str, Any] = PARTS, only: Collection[str] = ()) -> Iterator[Address]:
    """Every address behind the door; with `only` those that have one of these parts."""
    from django.urls import reverse

    from pipeline.desk.urls import urlpatterns

    for pattern in urlpatterns:
        if pattern.name in OPEN_TO_ALL:
            continue
        needed = pattern.pattern.converters
        assert needed.keys() <= PARTS.keys(), f"{pattern.name}: tell PARTS what stands for {sorted(needed.keys() - PARTS.keys())}"
        if only and not needed.keys() & set(only):
            continue
        url = reverse(pattern.name, kwargs={part: parts[part] for part in needed}) + QUERIES.get(pattern.name, "")
        scoped = bool({"matter_id", "letter_id"} & needed.keys())
        yield Address(pattern.name, url, pattern.callback.methods, roles_of(pattern.name), scoped)


def answers(client: Any, address: Address, method: str) -> Any:
    """The answer, with nothing of it staying in the database."""
    from django.db import transaction

    client.raise_request_exception = True
    with transaction.atomic():
        answer = client.get(address.url) if method == "GET" else client.post(address.url, {"purpose": "核对", "reason": "核对"})
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        transaction.set_rollback(True)
    return answer, body.decode("utf-8", "replace")


@pytest.fixture
def seen(filled: Desk) -> Desk:
    """With a tendency and a run, so that every page has something to show."""
    from pipeline.desk.models import Flag, SavedView, User

    owner = User.objects.create(pk=1, username="first", name="第一人", role="supervisor", unit="水利局", must_change=False)
    SavedView.objects.create(pk=1, owner=owner, name="紧急件", query="level=3")
    told = {
        "kind": "matter", "key": "matter:M-S1", "matter_id": "M-S1", "title": "丰禾玉米种子不出苗", "place": "柳河镇", "since": "2026-04-08", "on": "2026-04-18",
        "seen": 3, "writers": 3, "expected": 1.2, "p": 0.001, "q": 0.01, "words": ["丰禾"], "letters": [["S1", "丰禾玉米种子不出苗"]], "like": "", "text": "丰禾",
    }  # fmt: skip
    Flag.objects.create(pk=1, run_id=filled.run, on="2026-04-18", kind="matter", key="matter:M-S1", matter_id="M-S1", told=told)
    filled.store.finish_run(filled.run, {}, done=True)
    return filled


def test_every_view_stands_behind_the_door() -> None:
    from pipeline.desk.urls import urlpatterns

    for pattern in urlpatterns:
        assert pattern.name in OPEN_TO_ALL or hasattr(pattern.callback, "ability"), f"{pattern.name}: not behind door()"


def test_nobody_is_sent_to_the_login(seen: Desk, clients: Clients) -> None:
    for address in addresses():
        for method in address.methods:
            answer, body = answers(clients("nobody"), address, method)
            assert answer.status_code == 302, (address, method)
            assert answer.headers["Location"].startswith("/login/"), (address, method)
            assert not any(word in body for word in WORDS)


@pytest.mark.parametrize("role", Role.values)
def test_a_role_sees_what_it_may_and_nothing_else(seen: Desk, clients: Clients, role: str) -> None:
    reads = Ability.READ in abilities(role)
    for address in addresses():
        for method in ("GET", "POST"):
            answer, body = answers(clients(role), address, method)
            told = (role, method, address, answer.status_code)
            if method not in address.methods:
                assert answer.status_code == 405, told
            elif role not in address.roles:
                assert answer.status_code == 403, told
            elif role == "handler" and address.scoped:
                assert answer.status_code == 404, told  # nothing was handed to the unit yet
            elif address.name == "queue_drop_view":
                assert answer.status_code == 404, told
            else:
                assert answer.status_code in (200, 302, 303, 409, 422), told
            if not reads or (role == "handler" and "S1" in address.url):
                assert not any(word in body for word in WORDS), told
            if address.name != "letter_original":
                assert SECRET not in body, told


@pytest.mark.parametrize("parts", MISSING, ids=["not there", "not any more"])
def test_what_is_not_there_is_not_found(seen: Desk, clients: Clients, parts: dict[str, Any]) -> None:
    from pipeline.desk.models import Matter

    Matter.objects.filter(pk="M-L1").update(united_into="M-S1", live=False)
    for address in addresses(parts, only=parts):
        for method in address.methods:
            for role in address.roles:
                answer, _ = answers(clients(role), address, method)
                assert answer.status_code == 404, (role, method, address)


def test_what_another_unit_has_in_hand_is_not_found(seen: Desk) -> None:
    from pipeline.desk.models import Matter

    Matter.objects.update(handed=True)
    stranger = seen.client(seen.person("handler", unit="水利局"))
    for address in addresses(only=("matter_id", "letter_id")):
        for method in address.methods:
            answer, body = answers(stranger, address, method)
            assert answer.status_code == (404 if "handler" in address.roles else 403), (method, address)
            assert not any(word in body for word in WORDS)


def test_the_clear_text_is_shown_only_with_the_ability_and_a_purpose(seen: Desk, clients: Clients) -> None:
    from django.urls import reverse

    from pipeline.desk.models import Access

    url = reverse("letter_original", kwargs={"letter_id": "S1"})
    for role in Role.values:
        answer = clients(role).post(url, {"purpose": "联系来信人核实"})
        may = role in ("clerk", "supervisor")
        assert (SECRET in answer.content.decode()) == may, role
    assert SECRET not in clients("clerk").post(url, {"purpose": " "}).content.decode()
    assert [(one.by.role, one.letter_id, one.purpose, one.address) for one in Access.objects.filter(kind="original").order_by("pk")] == [
        ("clerk", "S1", "联系来信人核实", "127.0.0.1"), ("supervisor", "S1", "联系来信人核实", "127.0.0.1"),
    ]  # fmt: skip


def test_a_handler_works_only_on_what_his_unit_has_in_hand(seen: Desk, clients: Clients) -> None:
    from django.urls import reverse

    from pipeline.desk.models import Matter

    Matter.objects.filter(pk="M-S1").update(handed=True, status="forwarded")
    Matter.objects.filter(pk="M-W1").update(handed=True, status="forwarded")
    mine, others = ({"matter_id": "M-S1", "letter_id": "S1"}, {"matter_id": "M-W1", "letter_id": "W1"})
    for name, part in (("matter", "matter_id"), ("letter", "letter_id")):
        assert clients("handler").get(reverse(name, kwargs={part: mine[part]})).status_code == 200
        assert clients("handler").get(reverse(name, kwargs={part: others[part]})).status_code == 404
    page = clients("handler").get(reverse("queue")).content.decode()
    assert "M-S1" in page
    assert not any(name in page for name in ("M-W1", "M-F1", "M-L1"))
