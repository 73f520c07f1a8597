"""Masking: nothing personal is left, little else is taken."""

from __future__ import annotations

import csv
import json
import random
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.intake.letter import Letter
from pipeline.intake.redact import KINDS, id_check_digit, luhn, redact, redact_all

MARK = re.compile(r"⟦(\w+)\|(.*?)⟧", re.DOTALL)
REAL = Path(__file__).resolve().parents[3] / "shared" / "letters" / "board.csv"
ASSETS = Path(__file__).parents[1] / "assets"
"""masking_natural.jsonl has names as they occur; masking.jsonl is a stress test of rare surnames and of words that serve as names."""


def _marked(file: str) -> list[tuple[str, list[tuple[str, int, int]]]]:
    """(plain text, [(kind, start, end)]) of each invented letter."""
    letters = []
    for line in (ASSETS / file).read_text(encoding="utf-8").splitlines():
        text, plain, spans, at = json.loads(line)["text"], "", [], 0
        for match in MARK.finditer(text):
            plain += text[at : match.start()]
            spans.append((match[1], len(plain), len(plain) + len(match[2])))
            plain += match[2]
            at = match.end()
        letters.append((plain + text[at:], spans))
    return letters


def _covered(masked: str, plain: str) -> set[int]:
    """Places of `plain` that stand behind a mask, found by aligning the text between masks from left to right."""
    pieces = re.split(r"(［(?:" + "|".join(KINDS.values()) + r")\d*］)", masked)
    hidden, at = set(), 0
    for index, piece in enumerate(pieces):
        if index % 2:
            following = pieces[index + 1]
            end = plain.index(following, at + 1) if following else (len(plain) if index + 2 >= len(pieces) else at + 1)
            hidden.update(range(at, end))
            at = end
        else:
            assert plain[at : at + len(piece)] == piece
            at += len(piece)
    return hidden


@cache
def _recall(file: str) -> dict[str, tuple[int, int]]:
    """kind -> (fully masked, all) over the invented letters; `taken` -> (characters masked without a mark, all unmarked characters)."""
    letters = _marked(file)
    masked = redact_all([Letter(letter_id=str(i), title="", body=plain) for i, (plain, _) in enumerate(letters)])
    found: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for (plain, spans), letter in zip(letters, masked, strict=True):
        hidden = _covered(letter.body, plain)
        marked = {at for _, start, end in spans for at in range(start, end)}
        for kind, start, end in spans:
            total[kind] += 1
            found[kind] += hidden.issuperset(range(start, end))
        found["taken"] += len(hidden - marked)
        total["taken"] += len(plain) - len(marked)
    return {kind: (found[kind], total[kind]) for kind in total}


@pytest.mark.parametrize("file", ["masking_natural.jsonl", "masking.jsonl"])
def test_structured_data_is_masked(file: str) -> None:
    structured = [counts for kind, counts in _recall(file).items() if kind not in ("name", "taken")]
    assert sum(found for found, _ in structured) / sum(total for _, total in structured) >= 0.99, _recall(file)


@pytest.mark.parametrize(("file", "bar"), [("masking_natural.jsonl", 0.93), ("masking.jsonl", 0.78)])
def test_names_are_masked(file: str, bar: float) -> None:
    found, total = _recall(file)["name"]
    assert found / total >= bar, _recall(file)


@pytest.mark.parametrize("file", ["masking_natural.jsonl", "masking.jsonl"])
def test_little_else_is_masked(file: str) -> None:
    taken, unmarked = _recall(file)["taken"]
    assert taken / unmarked <= 0.01, _recall(file)


@pytest.mark.skipif(not REAL.is_file(), reason="the real letters are not on this machine")
def test_real_letters_stay_readable() -> None:
    """Of 500 real letters at most 1 % of the characters are masked in all; so at most 1 % are masked wrongly."""
    csv.field_size_limit(1 << 30)
    with REAL.open(encoding="utf-8-sig", newline="") as handle:
        rows = random.Random(4).sample(list(csv.DictReader(handle)), 500)
    letters = [Letter(letter_id=row["letter_id"], title=row["title"], body=row["body"]) for row in rows]
    mask = re.compile("［(?:" + "|".join(KINDS.values()) + r")\d*］")
    kept = sum(len(mask.sub("", letter.text)) for letter in redact_all(letters, threads=2))
    whole = sum(len(" ".join(letter.title.split())) + 1 + len(letter.body.replace("\r\n", "\n")) for letter in letters)
    assert 0 < (whole - kept) / whole <= 0.01


def test_same_value_has_the_same_mask_and_another_value_another() -> None:
    text = redact(Letter(letter_id="1", title="找13800001111", body="我的手机138-0000-1111，他的是13900002222。")).text
    assert text == "找［手机］\n我的手机［手机］，他的是［手机2］。"


def test_masks_are_counted_by_kind() -> None:
    masks = redact(Letter(letter_id="1", title="", body="电话13800001111，邮箱someone@example.com，再打13800001111")).masks
    assert masks == {"mobile": 2, "email": 1}


def test_estate_and_village_stay() -> None:
    text = redact(Letter(letter_id="1", title="漏水", body="锦绣家园12栋3单元502室漏水，前甸子村也漏。6栋架空层积水。")).text
    assert "锦绣家园［住址］漏水" in text
    assert "前甸子村" in text
    assert "6栋架空层" in text


@pytest.mark.parametrize("number", ["12345", "12315", "95598", "400-820-8820", "〔2019〕12号", "2019年12月31日", "1,234,567.00元"])
def test_what_is_not_personal_stays(number: str) -> None:
    assert number in redact(Letter(letter_id="1", title="", body=f"我打过 {number} 。")).text


@given(
    st.text(alphabet="0123456789", min_size=17, max_size=17).filter(lambda s: s[0] != "0"),
    st.sampled_from(["身份证", "身份证号码：", "证件号 "]),
)
@settings(max_examples=60, deadline=None)
def test_an_id_number_after_its_word_never_survives(digits: str, word: str) -> None:
    number = digits + id_check_digit(digits)
    assert number not in redact(Letter(letter_id="1", title="", body=f"{word}{number}。")).text


@given(st.text(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_text_comes_through(body: str) -> None:
    letter = Letter(letter_id="1", title="标题", body=body)
    masked = redact(letter)
    assert masked.title == "标题"
    assert sum(masked.masks.values()) == len(re.findall(r"［(?:" + "|".join(KINDS.values()) + r")\d*］", masked.text)) - len(
        re.findall(r"［(?:" + "|".join(KINDS.values()) + r")\d*］", letter.body)
    )


@given(st.text(alphabet="0123456789", min_size=12, max_size=18))
def test_luhn_finds_a_changed_digit(digits: str) -> None:
    right = next(d for d in "0123456789" if luhn(digits + d))
    assert not luhn(digits + str((int(right) + 1) % 10))
