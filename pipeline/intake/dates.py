"""A date or time as Chinese offices write it, read into an aware datetime."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal

from pipeline.intake.letter import SHANGHAI

EARLIEST_YEAR = 1950
"""No letter in such an office's systems is older; an older year is a slip or a wrong column."""
LATEST = timedelta(days=366)
"""How far ahead of now a date may lie: desks with a wrong clock exist, years that are wrong by more do not."""

_EXCEL_EPOCH = datetime(1899, 12, 30)
_DIGITS = str.maketrans("〇零○一二三四五六七八九", "000123456789")
_NUMERALS = re.compile("[〇零○一二三四五六七八九十廿卅]+(?=[年月日号时点分秒])")
_WEEKDAY = re.compile(r"\(?(?:星期|礼拜|周)[一二三四五六日天]\)?")
_JAVA = re.compile(r"[A-Za-z]{3} ([A-Za-z]{3}) (\d{1,2}) (\d{1,2}:\d{2}:\d{2}) (?:CST|GMT\+08:00|\+0800) (\d{4})")
_MONTHS = {name: i for i, name in enumerate(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1)}
_HALF = "凌晨|清晨|早晨|早上|上午|中午|午后|下午|傍晚|晚上|夜间|夜里|晚|AM|PM"
_WHEN = re.compile(
    r"(?P<year>\d{4}|\d{2})\s*(?P<gap>[-/.年])\s*(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})\s*[日号]?"
    rf"(?:[\sT,]*(?P<half>{_HALF})?\s*"
    r"(?:(?P<hour>\d{1,2})\s*(?:[:时点]钟?\s*(?:(?P<minute>\d{1,2}|半|[一三]刻)\s*(?:[:分]\s*(?:(?P<second>\d{1,2})(?P<part>[.,]\d+)?\s*秒?)?)?)?整?)"
    rf"\s*(?P<half_after>AM|PM)?)?)?\s*(?P<zone>Z|UTC|北京时间|(?:GMT|UTC)?[+-]\d{{1,2}}(?::?\d{{2}})?)?",
    re.IGNORECASE,
)
_COMPACT = re.compile(r"((?:19|20)\d\d)(\d\d)(\d\d)[\sT]*(?:(\d\d):?(\d\d):?(\d\d)?)?(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?")
_HOW = "请写成 2026-03-05 09:12 的样子"


def parse_when(value: object, *, now: datetime | None = None) -> datetime | None:
    """The moment as an aware datetime in Asia/Shanghai (the zone of a time that gives none), or None for an empty value.

    Takes text in the usual Chinese and ISO forms, `datetime` and `date` cells, Excel serial numbers, unix seconds and milliseconds.
    Raises ValueError with a Chinese sentence for what is no date, or lies before 1950 or more than a year after `now`.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        found = _read(value)
    except (OverflowError, ArithmeticError):
        raise ValueError(f"时间“{_shown(value)}”不是有效的日期：{_HOW}。") from None
    return _plausible(found, value, now)


def _read(value: object) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return _number(value)
    if isinstance(value, str):
        return _text(value)
    raise ValueError(f"时间“{_shown(value)}”不是日期：{_HOW}。")


def _shown(value: object) -> str:
    return str(value)[:40]


def _plausible(found: datetime, value: object, now: datetime | None) -> datetime:
    if found.tzinfo is None:
        found = found.replace(tzinfo=SHANGHAI)
    if found.year < EARLIEST_YEAR:
        raise ValueError(f"时间“{_shown(value)}”早于 {EARLIEST_YEAR} 年，不可信：请核对。")
    try:
        ahead = found - (now or datetime.now(UTC))
    except OverflowError:
        ahead = timedelta.max
    if ahead > LATEST:
        raise ValueError(f"时间“{_shown(value)}”在一年以后，不可信：请核对。")
    return found if found.tzinfo is SHANGHAI else found.astimezone(SHANGHAI)


def _number(value: float | Decimal) -> datetime:
    """Excel serial days, 20260305 as a number, or unix seconds, milliseconds, microseconds: told apart by size."""
    if not math.isfinite(value):
        raise ValueError(f"时间“{value}”不是日期：{_HOW}。")
    whole = int(value)
    if 10_000 <= whole < 80_000:
        return _EXCEL_EPOCH + timedelta(seconds=round(float(value) * 86_400))
    if value == whole and 19_000_000 <= whole < 21_000_000:
        return _text(str(whole))
    if value == whole and 19 * 10**12 <= whole < 21 * 10**12:
        return _text(str(whole))
    for low, scale in ((10**8, 1), (10**11, 1_000), (10**14, 1_000_000)):
        if low <= whole < low * 100:
            return datetime.fromtimestamp(float(value) / scale, SHANGHAI)
    raise ValueError(f"时间“{_shown(value)}”是一个数，看不出是哪一天：{_HOW}。")


def _text(text: str) -> datetime:
    if text[4:5] == "-" and len(text) >= 10 and text.isascii() and "W" not in text:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    if len(text) > 80:
        raise ValueError(f"时间一栏不是日期（“{text[:20]}…”）：请核对列是否错位。")
    plain = _arabic(_WEEKDAY.sub(" ", unicodedata.normalize("NFKC", text).strip())).strip()
    if compact := _COMPACT.fullmatch(plain):
        year, month, day, hour, minute, second, zone = compact.groups()
        hours = _hours(text, int(hour or 0), "", bool(int(minute or 0) or int(second or 0)))
        return _build(text, (int(year), int(month), int(day)), (hours, int(minute or 0), int(second or 0)), zone or "")
    if re.fullmatch(r"\d{5,18}(\.\d+)?", plain) and plain.isascii():
        return _number(int(plain) if plain.isdigit() else float(plain))
    if java := _JAVA.fullmatch(plain):
        month_name, java_day, clock, java_year = java.groups()
        plain = f"{java_year}-{_MONTHS.get(month_name.lower(), 0)}-{java_day} {clock}"
    if found := _WHEN.fullmatch(plain):
        return _from_parts(text, found.groupdict())
    raise ValueError(_why_not(text, plain))


def _why_not(text: str, plain: str) -> str:
    if re.match(r"农历|阴历|正月|腊月|冬月", plain):
        return f"时间“{text}”是农历：请换成公历，{_HOW}。"
    if re.match(r"\d{1,2}月\d{1,2}[日号]", plain):
        return f"时间“{text}”没有年份：{_HOW}。"
    if re.fullmatch(r"\d{4}[-/.年]\d{1,2}月?", plain):
        return f"时间“{text}”没有写明哪一天：{_HOW}。"
    return f"时间“{text}”看不懂：{_HOW}。"


def _arabic(text: str) -> str:
    """Chinese numerals before 年月日时点分秒 as digits: 二〇二六年十二月二十五日 -> 2026年12月25日."""
    text = _NUMERALS.sub(lambda found: _numeral(found[0]), text)
    return re.sub("[一二三四五六七八九十〇零]+$", lambda found: _numeral(found[0]), text) if "点" in text or "时" in text else text


def _numeral(word: str) -> str:
    word = word.replace("廿", "二十").replace("卅", "三十")
    if "十" not in word:
        return word.translate(_DIGITS)
    tens, _, ones = word.partition("十")
    return (tens.translate(_DIGITS) or "1") + (ones.translate(_DIGITS) or "0")


def _from_parts(text: str, parts: Mapping[str, str | None]) -> datetime:
    year = int(parts["year"] or 0)
    if len(parts["year"] or "") == 2:
        year = _full_year(text, year)
    minute = {"半": 30, "一刻": 15, "三刻": 45}.get(parts["minute"] or "") or int(parts["minute"] or 0)
    second = int(parts["second"] or 0)
    half = (parts["half"] or parts["half_after"] or "").upper()
    hour = _hours(text, int(parts["hour"]), half, bool(minute or second)) if parts["hour"] else 0
    day = (year, int(parts["month"] or 0), int(parts["day"] or 0))
    found = _build(text, day, (hour, minute, second), (parts["zone"] or "").upper())
    return found.replace(microsecond=int((parts["part"] or "")[1:7].ljust(6, "0")))


def _full_year(text: str, year: int) -> int:
    # 03/05/26 may be any of three dates: only a year near ours is taken for one.
    this = datetime.now(UTC).year % 100
    if not this - 20 <= year <= this + 1:
        raise ValueError(f"时间“{text}”的年份只有两位，看不准：{_HOW}。")
    return 2000 + year


def _hours(text: str, hour: int, half: str, minutes_follow: bool) -> int:
    """Hours after the day's midnight, 24 and more for the night after it: 晚上12点 is the day's end."""
    if hour > 24 or (hour == 24 and minutes_follow):
        raise ValueError(_impossible(text))
    if half in ("下午", "午后", "傍晚", "PM") or (half == "中午" and hour < 11):
        return hour + 12 if hour < 12 else hour
    if half in ("晚上", "夜间", "夜里", "晚") and hour <= 12:
        return hour + 12 if hour >= 5 else hour + 24
    return 0 if half in ("凌晨", "AM") and hour == 12 else hour


def _build(text: str, day: tuple[int, int, int], clock: tuple[int, int, int], zone: str) -> datetime:
    hour, minute, second = clock
    try:
        found = datetime(*day, hour % 24, minute, second) + timedelta(days=hour // 24)
    except (ValueError, OverflowError):
        raise ValueError(_impossible(text)) from None
    if not zone or zone == "北京时间":
        return found
    offset = re.search(r"([+-])(\d{1,2}):?(\d{2})?$", zone)
    if offset is None:
        return found.replace(tzinfo=UTC)
    shift = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
    if shift >= timedelta(days=1):
        raise ValueError(_impossible(text))
    return found.replace(tzinfo=timezone(shift if offset[1] == "+" else -shift))


def _impossible(text: str) -> str:
    return f"时间“{text}”不存在（没有这一天或这个钟点）：{_HOW}。"
