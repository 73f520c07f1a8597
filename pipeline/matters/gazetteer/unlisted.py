"""Names that stand in no list, found in running text by their endings: 青云镇, 高桥村, 翠湖花园, 育才幼儿园.

The ending says what it is. Where the name begins, a dictionary cut (rjieba) says, read backwards from the ending up to a word that no name holds
(的, 在, 我们, 附近, 投诉). If nothing is left before the ending, or only what says the sort (全村, 物业公司), there is no name.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import accumulate

import rjieba

from pipeline.matters.gazetteer import endings
from pipeline.matters.gazetteer.endings import KIND
from pipeline.matters.gazetteer.institutions import LEVELS, offices

OF_A_LEVEL = frozenset({"医院", "中学", "法院", "检察院", "派出所", "幼儿园", "小学", "卫生院"})
"""县医院, 镇派出所: the level says which one is meant."""
SCHOOL = re.compile(r"[县市区][一二三四五六七八九十]{1,2}中(?![学央间心午旬])")
GLUED = frozenset("和与及或在是对到从向给把被请让就也都的该这那将由离距往至有系使来原我你他她不个转进送")
"""What the cut may leave at the beginning of a word it does not know (与丽景)."""
ROAD = re.compile("(?:路|大道)$")
MEASURED = re.compile(".*[个家些条位座所名]")
LONE = re.compile("[\ud800-\udfff]")
"""Halves of characters, which no encoding holds."""
SAID = re.compile(".*[过了着到入给去来要找先时将被把该此每各某]")
"""What a word ends in that the cut made of a verb (挪到 + 村)."""
HAN = re.compile("[\u4e00-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A name at text[start:end]; `bare`: only the ending, which is a name if a place stands directly before it (白桦镇 + 中学)."""

    start: int
    end: int
    kind: str
    bare: bool = False


class Words:
    """A dictionary cut of a text: the words, their tags, and where they begin."""

    def __init__(self, text: str) -> None:
        cut = rjieba.tag(LONE.sub("？", text))
        self.words = [word for word, _ in cut]
        self.tags = [tag for _, tag in cut]
        self.starts = list(accumulate(map(len, self.words), initial=0))
        self.edges = frozenset(self.starts)

    def between(self, start: int, end: int) -> bool:
        """Whether whole words lie there."""
        return start in self.edges and end in self.edges

    def number_at(self, at: int) -> int:
        """The word that holds the character."""
        return bisect_right(self.starts, at) - 1


def unlisted(text: str, words: Words, bounds: Container[int]) -> Iterator[Unlisted]:
    """Names in the text. A name does not reach back over one of `bounds`, where a known place ends."""
    reached = 0
    for match in endings.ENDING.finditer(text):
        before = _before(text, match, words, bounds, reached)
        kind = KIND[match[0]]
        start = match.start() - sum(map(len, before))
        if not before and (start in bounds or 0 < start == reached):
            reached = match.end()
            yield Unlisted(start, match.end(), kind, bare=True)
        elif before and _is_name(before, match[0], kind):
            reached = match.end()
            yield Unlisted(start, match.end(), kind)
    yield from (Unlisted(start, end, "institution") for start, end in offices(text))
    yield from (Unlisted(match.start(), match.end(), "institution") for match in SCHOOL.finditer(text))


def _before(text: str, ending: re.Match[str], words: Words, bounds: Container[int], reached: int) -> list[str]:
    """The words before the ending that belong to the name, the nearest first."""
    kind = "company" if ending[0].endswith("公司") else KIND[ending[0]]
    at = ending.start()
    least = max(reached, at - endings.LONGEST[kind])
    number = words.number_at(at - 1) if at else -1
    found: list[str] = []
    while number >= 0 and at > least and at not in bounds:
        start = max(words.starts[number], reached)
        word = text[start:at]
        glued = word[0] in GLUED and len(word) > 1 and (word[1:] in LEVELS or not rjieba.has_word(word))
        held = word[1:] if glued else word
        if not found and held in LEVELS and ending[0] in OF_A_LEVEL:
            return [held]
        if start < least or not _belongs(held, words.tags[number], ending.start() - at, kind):
            break
        found.append(held)
        if held != word:
            break
        at = start
        number -= 1
    return found


def _belongs(word: str, tag: str, between: int, kind: str) -> bool:
    """Whether a word can be part of a name with `between` characters of it already behind the word."""
    if not HAN.fullmatch(word) or (between and ROAD.search(word)):
        return False
    if word in endings.OPENERS and between <= 1 and kind not in {"institution", "company"}:
        return True
    if endings.NUMBERED.fullmatch(word):
        return word.startswith("第") or word in endings.NAMING
    if word in endings.STOPS:
        return False
    if tag not in endings.STOP_TAGS or word in endings.NAMING or (kind == "company" and tag == "vn"):
        return True
    if between == 1 and tag == "m" and not MEASURED.fullmatch(word):
        return True  # 四方 + 坪
    if len(word) == 1:
        return tag[0] == "v" and between > 0  # 观 + 沙岭: a rare verb is more often the first character of a name
    return not (MEASURED.fullmatch(word) or SAID.fullmatch(word) or rjieba.has_word(word))  # the cut only guesses its tag


def _is_name(before: list[str], ending: str, kind: str) -> bool:
    core = "".join(reversed(before))
    if core + ending in endings.NAMES or (core in LEVELS and ending in OF_A_LEVEL):
        return True
    sorts = endings.SORT_WORDS[kind]
    if kind in {"township", "village"} and (before[0] in sorts or core[-1] in "组户队"):
        return False
    if core.endswith("中") and ending == "小学":  # 中小学
        return False
    return core not in sorts and not all(word in sorts for word in before) and (len(core) > 1 or kind in {"village", "township"})
