"""The statutory clocks: when they run out, how they stand still, what is said of them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import ClockError
from pipeline.intake.letter import SHANGHAI
from pipeline.triage.clocks import (
    Band,
    Clock,
    Pause,
    band,
    calendar_known,
    due,
    extend,
    is_working,
    nearest,
    pause,
    paused,
    register_by,
    remaining,
    resume,
    said,
    working_days_after,
)
from pipeline.triage.regulation import PAUSES, RULES

DAY = timedelta(days=1)
START = date(2026, 9, 1)
DAYS = st.dates(date(2015, 1, 1), date(2035, 12, 31))  # years with a known calendar, and later ones
CLOCKS = st.builds(lambda rule, day: Clock(rule=rule, started_on=day), st.sampled_from(sorted(RULES)), DAYS)
WAYS = st.sampled_from([(rule, kind.key) for kind in PAUSES.values() for rule in sorted(kind.rules)])


@pytest.mark.parametrize(
    ("received", "last_day"),
    [
        (datetime(2026, 3, 2, 9, tzinfo=SHANGHAI), date(2026, 3, 17)),
        (datetime(2026, 12, 20, 23, 59, tzinfo=SHANGHAI), date(2027, 1, 4)),
        (datetime(2024, 2, 20, tzinfo=SHANGHAI), date(2024, 3, 6)),
        (datetime(2026, 3, 2, 16, 30, tzinfo=UTC), date(2026, 3, 18)),  # already 3 March in the office
    ],
)
def test_fifteen_calendar_days_after_the_day_of_receipt(received: datetime, last_day: date) -> None:
    assert register_by(received) == last_day


@pytest.mark.parametrize(
    ("day", "count", "last_day"),
    [
        (date(2026, 3, 2), 5, date(2026, 3, 9)),  # an ordinary week
        (date(2026, 3, 2), 0, date(2026, 3, 2)),
        (date(2026, 2, 13), 1, date(2026, 2, 14)),  # before the spring festival the Saturday is worked
        (date(2026, 2, 13), 5, date(2026, 2, 27)),  # 14, 24 to 27: the holiday is 15 to 23 February
        (date(2026, 2, 25), 5, date(2026, 3, 3)),  # 26, 27, the worked Saturday 28, 2, 3
        (date(2026, 9, 17), 2, date(2026, 9, 20)),  # the Sunday before Mid-Autumn is worked
        (date(2026, 9, 30), 3, date(2026, 10, 10)),  # 8, 9, and the Saturday after the national holiday
        (date(2031, 9, 30), 5, date(2031, 10, 7)),  # not announced: Monday to Friday
    ],
)
def test_working_days_follow_the_calendar_with_its_make_up_days(day: date, count: int, last_day: date) -> None:
    assert working_days_after(day, count) == last_day


def test_working_days_are_not_counted_backwards() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        working_days_after(START, -1)


def test_whether_a_year_is_known() -> None:
    assert calendar_known(2026)
    assert not calendar_known(2031)


@given(DAYS, st.integers(1, 40))
def test_working_days_agree_with_counting_day_by_day(day: date, count: int) -> None:
    last = working_days_after(day, count)
    between = [day + number * DAY for number in range(1, (last - day).days + 1)]
    assert is_working(last)
    assert sum(map(is_working, between)) == count


@pytest.mark.parametrize(
    ("rule", "last_day"),
    [
        ("register", date(2026, 9, 16)),
        ("object", date(2026, 9, 8)),
        ("notice", date(2026, 9, 16)),
        ("conclude", date(2026, 10, 31)),
        ("ask_review", date(2026, 10, 1)),
        ("review", date(2026, 10, 1)),
        ("ask_recheck", date(2026, 10, 1)),
        ("recheck", date(2026, 10, 1)),
    ],
)
def test_the_last_day_of_each_rule(rule: str, last_day: date) -> None:
    clock = Clock(rule=rule, started_on=START)
    assert due(clock, START) == last_day
    assert remaining(clock, START) == (last_day - START).days


@given(CLOCKS, st.integers(0, 100))
def test_never_due_before_start_and_days(clock: Clock, later: int) -> None:
    assert due(clock, clock.started_on + later * DAY) >= clock.started_on + RULES[clock.rule].days * DAY


@given(WAYS, DAYS, st.integers(0, 30), st.integers(0, 90), st.integers(0, 200))
def test_a_pause_of_k_days_pushes_by_k_days_and_no_more_than_allowed(
    way: tuple[str, str], start: date, after: int, length: int, later: int
) -> None:
    rule, key = way
    clock = Clock(rule=rule, started_on=start)
    begin, end = start + after * DAY, start + (after + length) * DAY
    counted = min(length, PAUSES[key].most or length)
    held = pause(clock, key, begin)
    assert due(held, end) - due(clock, end) == counted * DAY
    over = resume(held, end)
    assert due(over, end + later * DAY) - due(clock, end) == counted * DAY


@given(WAYS, DAYS, st.integers(0, 30))
def test_pausing_and_resuming_on_the_same_day_changes_nothing(way: tuple[str, str], start: date, after: int) -> None:
    clock, day = Clock(rule=way[0], started_on=start), start + after * DAY
    assert resume(pause(clock, way[1], day), day) == clock


@given(st.integers(1, 30), st.integers(0, 60))
def test_an_extension_adds_its_days(days: int, after: int) -> None:
    clock = Clock(rule="conclude", started_on=START)
    day = START + after * DAY
    assert due(extend(clock, days, day), day) == due(clock, day) + days * DAY


def test_while_paused_the_days_left_stay_the_same_and_then_run_on() -> None:
    clock = pause(Clock(rule="recheck", started_on=START), "hearing", START + 10 * DAY)
    assert [remaining(clock, START + number * DAY) for number in (9, 10, 11, 50)] == [21, 20, 20, 20]
    again = resume(clock, START + 50 * DAY)
    assert [remaining(again, START + number * DAY) for number in (50, 51, 71)] == [20, 19, -1]


def test_two_pauses_add_up() -> None:
    clock = Clock(rule="conclude", started_on=START)
    for key, begin, end in (("material", 5, 9), ("mediation", 9, 20)):
        clock = resume(pause(clock, key, START + begin * DAY), START + end * DAY)
    assert due(clock, START + 20 * DAY) == START + (60 + 4 + 11) * DAY


def test_a_clock_of_working_days_is_pushed_by_the_working_days_stood_still() -> None:
    clock = Clock(rule="object", started_on=date(2026, 9, 7), pauses=(Pause("hearing", date(2026, 9, 10), date(2026, 9, 14)),))
    assert due(clock, date(2026, 9, 14)) == date(2026, 9, 16)  # Thursday and Friday; the weekend does not count twice


def test_a_pause_left_open_too_long_lets_the_clock_run_again_and_says_so() -> None:
    clock = pause(Clock(rule="conclude", started_on=START), "material", START + 50 * DAY)  # 21 October
    last = START + 79 * DAY
    assert paused(clock, last) == Pause("material", date(2026, 10, 21))
    assert said(clock, last) == "办结暂停中（补充材料，自10月21日起）"
    after = last + DAY
    assert paused(clock, after) is None
    assert remaining(clock, after) == 10
    assert said(clock, after + 2 * DAY) == "办结还剩 8 天（11月30日前；补充材料暂停已满 30 天，11月20日起恢复计时）"
    assert band(clock, after + 6 * DAY) is Band.SOON
    assert band(clock, after + 11 * DAY) is Band.LATE
    assert said(clock, after + 11 * DAY) == "办结已超 1 天（应于11月30日办结；补充材料暂停已满 30 天，11月20日起恢复计时）"


@pytest.mark.parametrize(
    ("rule", "left", "expected"),
    [
        ("conclude", 6, Band.CALM),
        ("conclude", 5, Band.SOON),
        ("review", 5, Band.SOON),
        ("register", 4, Band.CALM),
        ("register", 3, Band.SOON),
        ("notice", 2, Band.SOON),
        ("register", 1, Band.NOW),
        ("conclude", 0, Band.NOW),
        ("conclude", -1, Band.LATE),
        ("register", -40, Band.LATE),
        ("ask_review", 0, Band.NOW),
        ("ask_review", -1, Band.CALM),  # a right that ran out is nobody's fault
        ("object", -1, Band.CALM),
    ],
)
def test_how_near(rule: str, left: int, expected: Band) -> None:
    clock = Clock(rule=rule, started_on=START)
    assert band(clock, due(clock, START) - left * DAY) is expected


def test_of_five_working_days_one_left_is_soon_over_a_weekend() -> None:
    clock = Clock(rule="object", started_on=date(2026, 11, 2))  # a Monday; the last day is Monday 9
    days = [band(clock, date(2026, 11, day)) for day in (5, 6, 7, 8, 9)]
    assert days == [Band.CALM, Band.SOON, Band.SOON, Band.NOW, Band.NOW]


def test_what_is_paused_or_ended_is_calm() -> None:
    last = START + 30 * DAY
    clock = Clock(rule="recheck", started_on=START)
    assert band(pause(clock, "hearing", last), last + 90 * DAY) is Band.CALM
    assert band(replace(clock, ended_on=last + 3 * DAY), last + 90 * DAY) is Band.CALM


def test_an_answer_during_a_pause_is_judged_with_the_days_stood_still_till_then() -> None:
    held = pause(Clock(rule="conclude", started_on=START), "appraisal", START + 55 * DAY)
    ended = replace(held, ended_on=START + 75 * DAY)
    assert remaining(ended, START + 300 * DAY) == 5  # in time
    assert due(ended, START + 300 * DAY) == START + 80 * DAY  # no longer pushed
    assert paused(ended, START + 80 * DAY) is None


@pytest.mark.parametrize(
    ("clock", "today", "words"),
    [
        (Clock(rule="register", started_on=date(2026, 11, 13)), date(2026, 11, 25), "登记受理还剩 3 天（11月28日前）"),
        (Clock(rule="register", started_on=date(2026, 11, 13)), date(2026, 11, 28), "登记受理今天到期（11月28日）"),
        (Clock(rule="register", started_on=date(2026, 12, 20)), date(2026, 12, 22), "登记受理还剩 13 天（2027年1月4日前）"),
        (Clock(rule="conclude", started_on=date(2026, 9, 24)), date(2026, 11, 25), "办结已超 2 天（应于11月23日办结）"),
        (Clock(rule="notice", started_on=date(2026, 11, 1)), date(2026, 11, 17), "书面告知已超 1 天（应于11月16日告知）"),
        (
            Clock(rule="recheck", started_on=date(2026, 10, 20), pauses=(Pause("hearing", date(2026, 11, 1)),)),
            date(2026, 12, 25),
            "复核答复暂停中（听证，自11月1日起）",
        ),
        (Clock(rule="conclude", started_on=date(2026, 10, 1), ended_on=date(2026, 11, 20)), date(2026, 12, 25), "办结按期（11月20日）"),
        (Clock(rule="conclude", started_on=date(2026, 9, 1), ended_on=date(2026, 11, 3)), date(2026, 12, 25), "办结逾期 3 天办结"),
        (Clock(rule="ask_review", started_on=date(2026, 11, 1)), date(2026, 11, 19), "申请复查还剩 12 天（12月1日前）"),
        (Clock(rule="ask_review", started_on=date(2026, 11, 1)), date(2026, 12, 2), "申请复查期限已过（12月1日止）"),
        (
            Clock(rule="ask_review", started_on=date(2026, 11, 1), ended_on=date(2026, 11, 9)),
            date(2026, 12, 2),
            "申请复查已提出（11月9日）",
        ),
        (Clock(rule="object", started_on=date(2026, 11, 2), ended_on=date(2026, 11, 4)), date(2026, 11, 5), "退回异议已结束（11月4日）"),
    ],
)
def test_in_words(clock: Clock, today: date, words: str) -> None:
    assert said(clock, today) == words


CONCLUDE = Clock(rule="conclude", started_on=START)
DONE = replace(CONCLUDE, ended_on=date(2026, 9, 20))
HELD = pause(CONCLUDE, "mediation", date(2026, 9, 10))
LATER = date(2026, 11, 2)


@pytest.mark.parametrize(
    ("clock", "days", "today", "words"),
    [
        (Clock(rule="register", started_on=START), 10, START, "登记受理不能延期：条例只规定了办结可以延期。"),
        (DONE, 10, LATER, "办结已于9月20日办结，不能延期。"),
        (CONCLUDE, 10, date(2026, 11, 1), "办结已过期（应于10月31日办结），不能再延期：延期要在到期之前（含当天）。"),
        (replace(CONCLUDE, extended=12), 10, START, "办结已经延期过一次（12 天），只能延期一次。"),
        (CONCLUDE, 31, START, "延期应为 1 至 30 天，填的是 31 天，请改正。"),
        (CONCLUDE, 0, START, "延期应为 1 至 30 天，填的是 0 天，请改正。"),
    ],
)
def test_an_extension_that_is_refused(clock: Clock, days: int, today: date, words: str) -> None:
    with pytest.raises(ClockError) as refused:
        extend(clock, days, today)
    assert str(refused.value) == words


def test_an_extension_on_the_last_day_is_in_time() -> None:
    assert due(extend(CONCLUDE, 30, date(2026, 10, 31)), LATER) == date(2026, 11, 30)


@pytest.mark.parametrize(
    ("clock", "key", "today", "words"),
    [
        (Clock(rule="notice", started_on=START), "material", START, "书面告知不能暂停。"),
        (CONCLUDE, "hearing", START, "办结不能因“听证”暂停，理由应为鉴定检测、补充材料、调解。"),
        (CONCLUDE, "holiday", START, "办结不能因“holiday”暂停，理由应为鉴定检测、补充材料、调解。"),
        (DONE, "material", LATER, "办结已于9月20日办结，不能暂停。"),
        (CONCLUDE, "material", LATER, "办结已过期（应于10月31日办结），不能再暂停：暂停要在到期之前（含当天）。"),
        (HELD, "material", date(2026, 9, 15), "办结已经暂停（调解，自9月10日起），请先恢复。"),
        (CONCLUDE, "material", date(2026, 8, 31), "暂停不能早于9月1日：那天才开始计时。"),
        (resume(HELD, date(2026, 9, 15)), "material", date(2026, 9, 12), "暂停不能早于9月15日：那天之前已暂停过。"),
    ],
)
def test_a_pause_that_is_refused(clock: Clock, key: str, today: date, words: str) -> None:
    with pytest.raises(ClockError) as refused:
        pause(clock, key, today)
    assert str(refused.value) == words


@pytest.mark.parametrize(
    ("clock", "today", "words"),
    [
        (CONCLUDE, START, "办结没有暂停，不用恢复。"),
        (replace(HELD, ended_on=date(2026, 9, 20)), LATER, "办结已于9月20日办结，不能恢复。"),
        (HELD, date(2026, 9, 9), "恢复不能早于暂停的那天（9月10日）。"),
    ],
)
def test_a_resumption_that_is_refused(clock: Clock, today: date, words: str) -> None:
    with pytest.raises(ClockError) as refused:
        resume(clock, today)
    assert str(refused.value) == words


def test_only_hearings_rest_on_the_regulation_the_others_say_they_do_not() -> None:
    assert {key for key, kind in PAUSES.items() if "没有规定" in kind.basis} == {"appraisal", "material", "mediation"}
    assert {rule for kind in PAUSES.values() for rule in kind.rules} == {"conclude", "recheck"}


def test_the_nearest_is_the_running_duty_due_first() -> None:
    right, notice = (Clock(rule=rule, started_on=START) for rule in ("object", "notice"))
    late = Clock(rule="notice", started_on=START - 90 * DAY)
    today = START + 2 * DAY
    assert nearest([right, CONCLUDE, notice, DONE], today) == notice
    assert nearest([right, CONCLUDE, notice, late], today) == late
    assert nearest([right, CONCLUDE], today) == CONCLUDE  # the right runs out long before
    assert nearest([right, DONE], today) == right


def test_a_paused_duty_is_nearest_only_when_no_other_runs() -> None:
    later = Clock(rule="review", started_on=START + 60 * DAY)
    assert nearest([HELD, later], date(2026, 9, 10)) == later  # due after the paused one
    assert nearest([HELD, DONE], date(2026, 9, 10)) == HELD


def test_nothing_is_nearest_when_all_has_ended_or_run_out() -> None:
    assert nearest([], START) is None
    assert nearest([DONE, Clock(rule="ask_review", started_on=START)], START + 31 * DAY) is None
