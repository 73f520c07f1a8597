"""The workflow: one table says what may be done; clocks, registration and the queue follow from it."""

from __future__ import annotations

from datetime import date
from itertools import product

import pytest

from pipeline.desk.roles import Role
from pipeline.desk.workflow import DONE, STEPS, Status, allowed
from pipeline.errors import ClockError, MatterError
from pipeline.matters.matter import HIGHEST
from pipeline.triage.regulation import RULES
from tests.desk.conftest import TODAY, Desk

GIVEN = {"unit": "人社局", "reason": "材料不全", "text": "已答复来信人", "outcome": "settled"}


def test_only_what_stands_in_the_table_can_be_done(filled: Desk) -> None:
    from django.db import transaction

    from pipeline.desk.models import Matter
    from pipeline.desk.services.steps import take_step

    people = {role: filled.person(role, unit="农业农村局") for role in Role.values}
    for status, (key, step), role in product(Status.values, STEPS.items(), Role.values):
        matter = filled.matter("M-S1")
        Matter.objects.filter(pk=matter.pk).update(status=status)
        with transaction.atomic():
            if step in allowed(status, role):
                after = take_step(matter, people[role], key, GIVEN)
                assert after.status == (step.target or status)
                assert after.live == (after.status not in DONE)
            else:
                with pytest.raises(MatterError, match="不能"):
                    take_step(matter, people[role], key, GIVEN)
            transaction.set_rollback(True)


def test_some_step_starts_and_some_step_ends_every_clock() -> None:
    its_own = {"register"}  # each letter has one
    for clocks in ([step.starts for step in STEPS.values()], [step.ends for step in STEPS.values()]):
        assert {rule for some in clocks for rule in some} == set(RULES) - its_own


@pytest.mark.parametrize(
    ("status", "key", "given", "sentence"),
    [
        ("open", "forward", {}, "转办：还缺责任单位，请补上再提交。"),
        ("handling", "answer", {"outcome": "settled"}, "答复：还缺办理或答复内容，请补上再提交。"),
        ("handling", "answer", {"text": "已修好", "outcome": "fine"}, "答复：办理结果应为化解、部分化解、未化解之一。"),
        ("open", "close", {}, "事项 M-S1：现在是“待分拣”，不能“办结归档”；请刷新后看可用的步骤。"),
        ("open", "eat", {}, "事项 M-S1：现在是“待分拣”，不能“eat”；请刷新后看可用的步骤。"),
    ],
)
def test_what_is_missing_or_not_allowed_is_said(filled: Desk, status: str, key: str, given: dict[str, str], sentence: str) -> None:
    from pipeline.desk.models import Event, Matter
    from pipeline.desk.services.steps import take_step

    Matter.objects.filter(pk="M-S1").update(status=status)
    events = Event.objects.count()
    with pytest.raises(MatterError) as caught:
        take_step(filled.matter("M-S1"), filled.person("supervisor"), key, given)
    assert str(caught.value) == sentence
    assert (filled.matter("M-S1").status, Event.objects.count()) == (status, events)


def test_who_passes_a_matter_on_lets_it_go(filled: Desk) -> None:
    """The unit, and then the office again, need not wait until the claim of the person before them runs out."""
    from pipeline.desk.services.claims import claim
    from pipeline.desk.services.steps import take_step

    clerk, handler = filled.person("clerk"), filled.person("handler", unit="农业农村局")
    take_step(claim(filled.matter("M-S1"), clerk), clerk, "forward", {"unit": "农业农村局"})
    take_step(claim(filled.matter("M-S1"), handler), handler, "return", {"reason": "不归本单位管。"})
    assert take_step(filled.matter("M-S1"), clerk, "accept").holder == clerk


def test_a_matter_from_letter_to_archive_with_its_clocks_and_events(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.desk.models import Clock, Event, QueueItem
    from pipeline.desk.services.steps import take_step

    clerk, handler = filled.person("clerk"), filled.person("handler", unit="农业农村局")
    matter = filled.matter("M-S1")
    assert (matter.due_clock, matter.due_on, matter.fresh) == ("register", date(2026, 4, 23), 3)

    matter = take_step(matter, clerk, "forward", {"unit": "农业农村局"})
    assert (matter.due_clock, matter.due_on, matter.fresh) == ("notice", date(2026, 5, 6), 0)
    assert set(QueueItem.objects.filter(letter__link__matter="M-S1").values_list("status", "registered_on")) == {("registered", TODAY)}

    monkeypatch.setenv("ZHIWEI_TODAY", "2026-04-25")
    from pipeline.desk.services.claims import release

    release(matter, clerk)
    matter = take_step(matter, handler, "take")
    assert matter.due_clock == "notice"
    matter = take_step(matter, handler, "notify")
    assert (matter.status, matter.due_clock, matter.due_on) == ("handling", "conclude", date(2026, 6, 24))
    before = matter.rank
    matter = take_step(matter, handler, "answer", {"text": "已赔偿", "outcome": "partly"})
    assert matter.rank < before / 2
    release(matter, handler)
    matter = take_step(matter, clerk, "close", {"outcome": "settled"})
    assert (matter.status, matter.live, matter.outcome, matter.closed_on) == ("closed", False, "settled", date(2026, 4, 25))
    assert not Clock.objects.filter(matter="M-S1", ended_on=None).exists()
    kinds = list(Event.objects.filter(matter="M-S1").order_by("pk").values_list("kind", flat=True))
    assert [kind for kind in kinds if kind in STEPS] == ["forward", "take", "notify", "answer", "close"]
    told = Event.objects.get(matter="M-S1", kind="forward")
    assert (told.by, told.before["status"], told.after) == (clerk, "open", {"status": "forwarded", "unit": "农业农村局"})


def test_the_unit_sees_a_matter_only_once_it_is_handed_over(filled: Desk) -> None:
    from pipeline.desk.models import Matter
    from pipeline.desk.services.claims import release
    from pipeline.desk.services.steps import take_step

    clerk, handler, other = filled.person("clerk"), filled.person("handler"), filled.person("handler", unit="水利局")
    assert not Matter.objects.for_user(handler).exists()
    matter = take_step(filled.matter("M-S1"), clerk, "forward", {"unit": "农业农村局"})
    assert [one.pk for one in Matter.objects.for_user(handler)] == ["M-S1"]
    assert not Matter.objects.for_user(other).exists()
    release(matter, clerk)
    take_step(matter, handler, "return", {"reason": "应由市场监管局承办"})
    assert not Matter.objects.for_user(handler).exists()


def test_a_new_letter_of_a_matter_in_hand_waits_to_be_registered(filled: Desk) -> None:
    from pipeline.desk.services.steps import take_step

    clerk = filled.person("clerk")
    take_step(filled.matter("M-S1"), clerk, "accept")
    filled.add("S9", matter="M-S1", day=date(2026, 4, 20))
    matter = filled.matter("M-S1")
    assert (matter.status, matter.letters, matter.fresh, matter.due_clock, matter.due_on) == (
        "accepted",
        4,
        1,
        "register",
        date(2026, 5, 5),
    )
    matter = take_step(matter, clerk, "register")
    assert (matter.status, matter.fresh, matter.due_clock) == ("accepted", 0, "conclude")


def test_a_new_letter_brings_a_closed_matter_back(filled: Desk) -> None:
    from pipeline.desk.models import Event
    from pipeline.desk.services.steps import take_step

    take_step(filled.matter("M-S1"), filled.person("clerk"), "decline", {"reason": "已由法院受理"})
    filled.add("S9", matter="M-S1")
    matter = filled.matter("M-S1")
    assert (matter.status, matter.live, matter.closed_on, matter.fresh) == ("open", True, None, 1)
    assert Event.objects.get(matter="M-S1", kind="brought_back").before == {"status": "declined"}


def test_no_night_overwrites_what_people_set(filled: Desk) -> None:
    from pipeline.desk.services import steps

    clerk = filled.person("clerk")
    matter = filled.matter("M-S1")
    steps.set_priority(matter, clerk, 12, "已当面答复")
    steps.set_issue(matter, clerk, "商贸旅游")
    steps.route(matter, clerk, "市场监管局")
    steps.edit(matter, clerk, {"leader": "李副县长", "plan": "逐户核实出苗率。"})
    filled.add("S9", matter="M-S1", level=3, risk=0.99, unit="农业农村局", version="m2")
    matter = filled.matter("M-S1")
    assert (matter.rank, matter.human_priority, matter.shown_issue, matter.unit) == (12, 12, "商贸旅游", "市场监管局")
    assert (matter.leader, matter.plan, matter.letters) == ("李副县长", "逐户核实出苗率。", 4)
    assert matter.priority > 90
    matter = steps.set_priority(matter, clerk, None, "")
    assert matter.rank > 90


def test_a_plan_that_was_replaced_is_kept(filled: Desk) -> None:
    from pipeline.desk.services import steps

    clerk = filled.person("clerk")
    steps.edit(filled.matter("M-S1"), clerk, {"plan": "先核实。"})
    steps.edit(filled.matter("M-S1"), clerk, {"plan": "先核实，再赔偿。"})
    assert [(note.kind, note.text) for note in filled.matter("M-S1").notes.all()] == [("plan", "先核实。")]


def test_as_days_go_by_the_clocks_move_the_queue(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.desk.services.standing import tide

    before = filled.matter("M-S1")
    monkeypatch.setenv("ZHIWEI_TODAY", "2026-04-24")
    tide()
    after = filled.matter("M-S1")
    assert (before.band, after.band) == (1, 3)
    assert after.rank == before.rank - 4 + 15


def test_an_extension_and_a_pause_move_the_date_and_say_why(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.desk.models import Event
    from pipeline.desk.services import steps
    from pipeline.desk.services.claims import release

    clerk, chief = filled.person("clerk"), filled.person("supervisor")
    matter = steps.take_step(filled.matter("M-S1"), clerk, "accept")
    assert matter.due_on == date(2026, 6, 20)
    steps.pause(matter, clerk, "conclude", "appraisal", "委托种子检验")
    monkeypatch.setenv("ZHIWEI_TODAY", "2026-04-25")
    steps.resume(matter, clerk, "conclude")
    assert filled.matter("M-S1").due_on == date(2026, 6, 24)
    release(matter, clerk)
    steps.extend(matter, chief, "conclude", 30, "涉及多个村")
    assert filled.matter("M-S1").due_on == date(2026, 7, 24)
    assert Event.objects.get(matter="M-S1", kind="extended").after == {"rule": "conclude", "due": "2026-07-24", "reason": "涉及多个村"}
    with pytest.raises(ClockError):
        steps.extend(matter, chief, "conclude", 5, "再延")
    with pytest.raises(MatterError, match="写明理由"):
        steps.pause(matter, chief, "conclude", "appraisal", " ")


def test_a_matter_in_a_units_hand_changes_hands_only_by_a_step(filled: Desk) -> None:
    from pipeline.desk.models import Matter
    from pipeline.desk.services import steps
    from pipeline.desk.services.claims import release

    clerk, chief = filled.person("clerk"), filled.person("supervisor")
    one, other = filled.person("handler"), filled.person("handler", unit="市场监管局")
    matter = steps.take_step(filled.matter("M-S1"), clerk, "forward", {"unit": "农业农村局"})
    with pytest.raises(MatterError, match=r"已转给农业农村局办理；要换单位，请由该单位退回，或由科长“改转”。"):
        steps.route(matter, clerk, "市场监管局")
    release(matter, clerk)
    matter = steps.take_step(matter, chief, "transfer", {"unit": "市场监管局", "reason": "经营者登记在市场监管局"})
    assert (matter.status, matter.unit, matter.due_clock) == ("forwarded", "市场监管局", "notice")
    assert not Matter.objects.for_user(one).exists()
    assert [found.pk for found in Matter.objects.for_user(other)] == ["M-S1"]


def test_a_merge_loses_no_state_and_no_deadline(filled: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.desk.models import Clock
    from pipeline.desk.services import steps
    from pipeline.desk.services.standing import restand

    clerk, decisions = filled.person("clerk"), filled.store.decisions("王敏", HIGHEST, TODAY)
    steps.take_step(filled.matter("M-S1"), clerk, "accept")
    with pytest.raises(MatterError, match="请反过来，把 M-F1 并入 M-S1。"):
        decisions.merge("M-F1", "M-S1")
    monkeypatch.setenv("ZHIWEI_TODAY", "2026-04-25")
    steps.take_step(filled.matter("M-F1"), clerk, "accept")
    decisions.merge("M-F1", "M-S1")
    restand(["M-F1"])
    assert filled.matter("M-F1").due_on == date(2026, 6, 20)
    assert Clock.objects.get(matter="M-F1", rule="conclude").started_on == TODAY
