"""Dates as Chinese offices write them."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.intake.dates import parse_when
from pipeline.intake.letter import SHANGHAI

NOW = datetime(2026, 4, 1, tzinfo=SHANGHAI)
DAY = datetime(2026, 3, 5, tzinfo=SHANGHAI)


def at(hour: int, minute: int = 0, second: int = 0, day: int = 5) -> datetime:
    return datetime(2026, 3, day, hour, minute, second, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-05", DAY),
        ("2026-3-5", DAY),
        ("2026/3/5", DAY),
        ("2026.3.5", DAY),
        ("20260305", DAY),
        ("26-3-5", DAY),
        ("26/03/05", DAY),
        ("2026年3月5日", DAY),
        ("2026年3月5号", DAY),
        ("2026 年 3 月 5 日", DAY),
        ("２０２６年３月５日", DAY),
        ("二〇二六年三月五日", DAY),
        ("二零二六年三月五日", DAY),
        ("二○二六年三月五日", DAY),
        ("2026年3月5日 星期四", DAY),
        ("2026-03-05（周四）", DAY),
        (" 2026-03-05 ", DAY),
        ("2026-03-05 09:12:00", at(9, 12)),
        ("2026-03-05 9:12", at(9, 12)),
        ("2026/3/5 9:12:07", at(9, 12, 7)),
        ("2026-03-05 09:12:00.000", at(9, 12)),
        ("2026-03-05 09：12：00", at(9, 12)),
        ("2026.3.5 09.12", None),
        ("20260305091200", at(9, 12)),
        ("202603050912", at(9, 12)),
        ("20260305 09:12:00", at(9, 12)),
        ("2026年3月5日 上午9时12分", at(9, 12)),
        ("2026年3月5日9时12分30秒", at(9, 12, 30)),
        ("2026年3月5日下午3点半", at(15, 30)),
        ("2026年3月5日 下午3点一刻", at(15, 15)),
        ("2026年3月5日下午三点半", at(15, 30)),
        ("2026年3月5日下午3点钟", at(15)),
        ("2026年3月5日下午3:05", at(15, 5)),
        ("2026年3月5日15点", at(15)),
        ("2026年3月5日下午", DAY),
        ("2026年3月5日下午15点", at(15)),
        ("2026年3月5日中午12点", at(12)),
        ("2026年3月5日中午1点", at(13)),
        ("2026年3月5日晚8点20分", at(20, 20)),
        ("2026年3月5日晚上12点", at(0, day=6)),
        ("2026年3月5日晚上12点半", at(0, 30, day=6)),
        ("2026年3月5日夜里1点", at(1, day=6)),
        ("2026年3月5日凌晨12点10分", at(0, 10)),
        ("2026年3月5日凌晨2点", at(2)),
        ("二〇二六年三月五日下午三时二十五分", at(15, 25)),
        ("2026-03-05 3:05 PM", at(15, 5)),
        ("2026/3/5 PM 3:05:00", at(15, 5)),
        ("2026-03-05 12:05 AM", at(0, 5)),
        ("2026-03-05 24:00:00", at(0, day=6)),
        ("2026-03-05T09:12:00", at(9, 12)),
        ("2026-03-05T01:12:00Z", at(9, 12)),
        ("2026-03-05T01:12:00.000Z", at(9, 12)),
        ("2026-03-05T09:12:00+08:00", at(9, 12)),
        ("2026-03-05 09:12:00 +0800", at(9, 12)),
        ("20260305T011200Z", at(9, 12)),
        ("2026-03-05 09:12 北京时间", at(9, 12)),
        ("Thu Mar 05 09:12:00 CST 2026", at(9, 12)),
        (46086, DAY),
        (46086.5, at(12)),
        ("46086", DAY),
        ("46086.383333333", at(9, 12)),
        (20260305, DAY),
        (20260305091200, at(9, 12)),
        (1772673120, at(9, 12)),
        ("1772673120", at(9, 12)),
        (1772673120000, at(9, 12)),
        ("1772673120000", at(9, 12)),
        (1772673120.0, at(9, 12)),
        (datetime(2026, 3, 5, 9, 12), at(9, 12)),
        (datetime(2026, 3, 5, 1, 12, tzinfo=UTC), at(9, 12)),
        (date(2026, 3, 5), DAY),
        ("2024年2月29日", datetime(2024, 2, 29, tzinfo=SHANGHAI)),
        ("二〇二五年十二月三十一日", datetime(2025, 12, 31, tzinfo=SHANGHAI)),
        ("二〇二五年十月廿五日", datetime(2025, 10, 25, tzinfo=SHANGHAI)),
        ("2027-03-01", datetime(2027, 3, 1, tzinfo=SHANGHAI)),
    ],
)
def test_usual_forms(written: object, meant: datetime | None) -> None:
    if meant is None:
        with pytest.raises(ValueError, match="看不懂"):
            parse_when(written, now=NOW)
    else:
        found = parse_when(written, now=NOW)
        assert found == meant
        assert found is not None
        assert found.tzinfo is SHANGHAI


@pytest.mark.parametrize("empty", [None, "", "  ", "\n", "　"])
def test_empty_is_no_date(empty: object) -> None:
    assert parse_when(empty) is None


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("2026-02-30", "不存在"),
        ("2026年13月5日", "不存在"),
        ("20260231", "不存在"),
        ("2026-03-05 25:00", "不存在"),
        ("2026-03-05 24:01", "不存在"),
        ("2026-03-05 09:61", "不存在"),
        ("2026-03-05 09:12 +99:00", "不存在"),
        ("1800-01-01", "早于 1950 年"),
        ("0001-01-01", "早于 1950 年"),
        (datetime(1900, 1, 1), "早于 1950 年"),
        ("2027-04-03", "一年以后"),
        ("9999-12-31", "一年以后"),
        (date(2099, 1, 1), "一年以后"),
        ("3月5日", "没有年份"),
        ("2026年3月", "没有写明哪一天"),
        ("昨天", "看不懂"),
        ("03/05/26", "年份只有两位"),
        ("3/5/2026", "看不懂"),
        ("农历三月初五", "农历"),
        (3, "看不出是哪一天"),
        (float("nan"), "不是日期"),
        (float("inf"), "不是日期"),
        (True, "不是日期"),
        (time(9, 12), "不是日期"),
        ("正文错位到了时间一栏" * 20, "列是否错位"),
        ("#VALUE!", "看不懂"),
    ],
)
def test_what_is_no_date_is_refused_with_a_sentence(written: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refused:
        parse_when(written, now=NOW)
    assert str(refused.value).endswith("。")
    assert len(str(refused.value)) < 150


def test_a_foreign_zone_is_turned_into_office_time() -> None:
    found = parse_when("2026-03-05T09:12:00-05:00", now=NOW)
    assert found == datetime(2026, 3, 5, 22, 12, tzinfo=SHANGHAI)
    assert found is not None
    assert found.utcoffset() == timedelta(hours=8)


FORMS = [
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y年%m月%d日%H时%M分%S秒",
    "%Y.%m.%d %H:%M:%S",
    "%Y%m%d%H%M%S",
    "%Y-%m-%dT%H:%M:%S+08:00",
]


@settings(max_examples=100, deadline=None)
@given(st.datetimes(datetime(1992, 1, 1), datetime(2026, 4, 1)), st.sampled_from(FORMS))
def test_every_moment_survives_every_form(moment: datetime, form: str) -> None:
    moment = moment.replace(microsecond=0)  # from 1992 on: until 1991 China kept summer time, and +08:00 was not its clock
    found = parse_when(moment.strftime(form), now=NOW)
    assert found is not None
    assert found.replace(tzinfo=None) == moment


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=60), st.text("0123456789年月日时分点半上下午-/.: TZ十二〇+", max_size=30), st.floats(), st.integers()))
def test_anything_is_a_date_or_a_value_error(value: object) -> None:
    sentence, found = "", None
    try:
        found = parse_when(value, now=NOW)
    except ValueError as refused:
        sentence = str(refused)
    assert not sentence or (sentence.startswith("时间") and sentence.endswith("。"))
    assert found is None or found.tzinfo is not None
