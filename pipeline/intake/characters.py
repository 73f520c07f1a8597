"""One writing of each character: full-width signs to half-width, traditional characters to simplified, always one to one.

One to one, so that a place in the plain text is a place in the letter. The simplified form of a character is OpenCC's; the few that
conversion there and back does not restore (答覆, 瞭解, 藉口) are added by hand.
"""

from __future__ import annotations

from functools import cache

from opencc import OpenCC

HAN = (*range(0x3400, 0x4DC0), *range(0x4E00, 0xA000))
NOT_RESTORED = str.maketrans("覆瞭藉俱像揹薰鍊", "复了借具象背熏链")
HALF = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
"""Full-width signs to ASCII."""
SIGNS = str.maketrans(",!?:;()", "，！？：；（）")
"""Punctuation as Chinese is printed with it."""


@cache
def simplified() -> dict[int, int]:
    """Code of each traditional character -> code of its simplified one; for str.translate."""
    written = OpenCC("t2s").convert("\n".join(map(chr, HAN))).split("\n")
    table = {code: ord(form) for code, form in zip(HAN, written, strict=True) if len(form) == 1 and ord(form) != code}
    return table | NOT_RESTORED


@cache
def plain() -> dict[int, int]:
    """Both tables together."""
    return {**simplified(), **HALF}


@cache
def for_recogniser() -> dict[int, int]:
    """Simplified characters, half-width letters and digits, full-width signs: the writing that recognisers of names learnt from."""
    letters = {code: form for code, form in HALF.items() if chr(form).isalnum()}
    return {**simplified(), **letters, **SIGNS}
