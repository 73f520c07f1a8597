"""Two people never hold one matter; a claim expires; a late save is refused."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.desk.services.store import Store
from tests.desk.conftest import Desk


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Lets minutes go by."""

    def go(minutes: int) -> None:
        from django.utils import timezone

        now = timezone.now()
        monkeypatch.setattr(timezone, "now", lambda: now + timedelta(minutes=minutes))

    return go


def test_a_matter_in_hand_is_refused_to_others_until_it_is_released(filled: Desk) -> None:
    from pipeline.desk.services.claims import HeldError, claim, release, shown_holder

    wang, li = filled.person("clerk", name="王敏"), filled.person("clerk", name="李强")
    first = claim(filled.matter("M-S1"), wang)
    with pytest.raises(HeldError, match=r"王敏正在查看（\d\d:\d\d 前）"):
        claim(filled.matter("M-S1"), li)
    assert claim(first, wang).token == first.token
    assert not release(first, li)
    assert release(first, wang)
    assert claim(filled.matter("M-S1"), li).token == first.token + 1
    assert shown_holder(claim(filled.matter("M-S1"), li)).startswith("李强正在查看")


def test_an_idle_claim_expires_and_each_save_keeps_it(filled: Desk, later: Callable[[int], None]) -> None:
    from pipeline.desk.services import steps
    from pipeline.desk.services.claims import HeldError, claim, shown_holder

    wang, li = filled.person("clerk"), filled.person("clerk")
    claim(filled.matter("M-S1"), wang)
    later(10)
    steps.edit(filled.matter("M-S1"), wang, {"leader": "李副县长"})
    later(10)
    with pytest.raises(HeldError):
        claim(filled.matter("M-S1"), li)
    later(6)
    assert shown_holder(filled.matter("M-S1")) == ""
    assert claim(filled.matter("M-S1"), li).holder == li


def test_a_save_after_somebody_else_changed_the_matter_is_refused(filled: Desk, later: Callable[[int], None]) -> None:
    from pipeline.desk.services import steps
    from pipeline.desk.services.claims import LateError, claim, release

    wang, li = filled.person("clerk"), filled.person("clerk")
    opened = claim(filled.matter("M-S1"), wang)
    later(20)
    steps.edit(filled.matter("M-S1"), li, {"plan": "李强的方案"})
    release(filled.matter("M-S1"), li)
    with pytest.raises(LateError) as caught:
        steps.edit(filled.matter("M-S1"), wang, {"plan": "王敏的方案"}, token=opened.token, version=opened.version)
    assert caught.value.matter.plan == "李强的方案"
    assert filled.matter("M-S1").plan == "李强的方案"


def test_a_late_save_of_what_nobody_changed_is_taken(filled: Desk, later: Callable[[int], None]) -> None:
    from pipeline.desk.services import steps
    from pipeline.desk.services.claims import claim

    wang = filled.person("clerk")
    opened = claim(filled.matter("M-S1"), wang)
    later(60)
    steps.edit(filled.matter("M-S1"), wang, {"plan": "方案"}, token=opened.token, version=opened.version)
    assert filled.matter("M-S1").plan == "方案"


def test_the_supervisor_gives_a_matter_to_somebody_else(filled: Desk) -> None:
    from pipeline.desk.models import Event
    from pipeline.desk.services.claims import HeldError, claim, give

    wang, li, chief = filled.person("clerk", name="王敏"), filled.person("clerk", name="李强"), filled.person("supervisor")
    claim(filled.matter("M-S1"), wang)
    give(filled.matter("M-S1"), chief, li)
    assert (filled.matter("M-S1").holder, filled.matter("M-S1").assignee) == (None, li)
    claim(filled.matter("M-S1"), li)
    with pytest.raises(HeldError, match="李强"):
        claim(filled.matter("M-S1"), wang)
    give(filled.matter("M-S1"), chief, wang)
    assert [(told.before, told.after) for told in Event.objects.filter(kind="assigned").order_by("pk")] == [
        ({"assignee": ""}, {"assignee": "李强"}), ({"assignee": "李强"}, {"assignee": "王敏"}),
    ]  # fmt: skip


def test_of_many_who_claim_at_once_each_matter_goes_to_one(queue: str) -> None:
    """Twelve people, each with a connection of his own, want the same five matters."""
    from django.db import connection

    from pipeline.desk.models import Matter, User
    from pipeline.desk.services.claims import HeldError, claim
    from pipeline.desk.services.connection import connect

    with Store.open(queue):
        Matter.objects.bulk_create(Matter(matter_id=f"M-{at}") for at in range(5))
        User.objects.bulk_create(User(username=f"u{at}", name=f"u{at}", role="clerk") for at in range(12))

    def work(at: int) -> list[tuple[str, int]]:
        connect(queue)
        user, won = User.objects.get(username=f"u{at}"), []
        for name in (f"M-{(at + step) % 5}" for step in range(5)):
            try:
                held = claim(SimpleNamespace(pk=name), user)  # type: ignore[arg-type]
            except HeldError:
                continue
            won.append((name, held.token))
        connection.close()
        return won

    with ThreadPoolExecutor(12) as pool:
        won: list[Any] = [one for part in pool.map(work, range(12)) for one in part]
    assert sorted(won) == [(f"M-{at}", 1) for at in range(5)]
