"""Where personal names stand in a text.

Three witnesses are asked, cheapest first. A dictionary cut (rjieba) says where a name could begin: at a surname that is not part of an
ordinary word. A recogniser (recogniser.py) reads only a window round each such place, a sixth of the text in place of all of it.
Rules (name_rules.py) add what stands in a slot (我叫…, 司机…, a signature) or in a list beside a name.
A name found once is found everywhere in the same letter.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import rjieba
from numpy.typing import NDArray

from pipeline.intake.name_rules import GRAMMAR, HAN_ONLY, NAME_TAGS, TITLES, Cut, Span, after_roles, beside, in_slots, is_word, plausible
from pipeline.intake.recogniser import recogniser
from pipeline.intake.surnames import surnames

BEFORE, AFTER = 7, 10
"""Characters that the recogniser sees on either side of a place where a name could begin."""
SENTENCE_END = re.compile(r"[。！？\n]")
PLACE_TAGS = frozenset({"n", "ns", "nz", "nt"})
LIKELY = 0.25
"""How sure the recogniser must be, set by eye on letters for training: lower took estates and roads for names."""


@dataclass(frozen=True, slots=True)
class _Window:
    text: int
    start: int
    end: int


def find_names(texts: Sequence[str], threads: int = 1) -> list[list[Span]]:
    """Spans (start, end) of personal names in each text, sorted, without overlap."""
    cuts = [Cut.of(text) for text in texts]
    windows = [window for row, text in enumerate(texts) for window in _windows(row, text, cuts[row])]
    read = recogniser(threads).read([texts[w.text][w.start : w.end] for w in windows])
    spans = [in_slots(text) | after_roles(text, cut) for text, cut in zip(texts, cuts, strict=True)]
    for window, chances in zip(windows, read, strict=True):
        spans[window.text].update(_likely(texts[window.text], window, chances, cuts[window.text]))
    return [_merge(_everywhere(text, beside(text, found))) for text, found in zip(texts, spans, strict=True)]


def _windows(row: int, text: str, cut: Cut) -> Iterator[_Window]:
    """Windows round the places where a name could begin; neighbours that overlap become one. None reaches into another sentence, so that a
    name is seen or not whatever stands before or after its sentence."""
    start = end = -1
    stops = [0, *(match.end() for match in SENTENCE_END.finditer(text)), len(text)]
    for place in _places(text, cut):
        sentence = bisect_right(stops, place)
        low, high = max(place - BEFORE, stops[sentence - 1]), min(place + AFTER, stops[sentence])
        if low < end:
            end = high
            continue
        if start >= 0:
            yield _Window(row, start, end)
        start, end = low, high
    if start >= 0:
        yield _Window(row, start, end)


def _places(text: str, cut: Cut) -> Iterator[int]:
    """Where a surname begins that no ordinary word has swallowed."""
    known = surnames()
    for at, (word, tag) in cut.words.items():
        opens = word[0] in known.common or word[:2] in known.compound
        if opens and at + 1 < len(text) and "\u3400" <= text[at + 1] <= "\u9fff" and not _swallowed(word, tag, at, cut):
            yield at


def _swallowed(word: str, tag: str, at: int, cut: Cut) -> bool:
    """Whether the surname is part of an ordinary word; 胡金|生 is not one: the dictionary's place 胡金 leaves a lone 生 behind."""
    if len(word) == 1 or tag in NAME_TAGS or word[:2] in surnames().compound:
        return False
    following, kind = cut.words.get(at + len(word), ("", "x"))
    return not (len(word) == 2 and tag in PLACE_TAGS and len(following) == 1 and kind not in GRAMMAR and kind != "x")


def _likely(text: str, window: _Window, chances: NDArray[np.float32], cut: Cut) -> Iterator[Span]:
    """Spans in a window that the recogniser takes for a name with more than `LIKELY`."""
    for at in np.flatnonzero(chances[:, 0] > LIKELY**2):
        start = window.start + int(at)
        scored = [(_chance(chances, int(at), end - window.start), end) for end in _ends(text, start) if end <= window.end]
        best, end = max(scored, default=(0.0, start))
        if best > LIKELY:
            whole = end - start == 2 and not cut.begins(end) and cut.begins(end + 1) and HAN_ONLY.fullmatch(text[start : end + 1])
            yield start, end + 1 if whole else end


def _ends(text: str, start: int) -> Iterator[int]:
    """Where a name that begins at `start` could end: a surname and one or two characters, no title, no word."""
    known = surnames()
    width = 2 if text[start : start + 2] in known.compound else 1
    if width == 1 and not known.opens(text[start]):
        return
    for end in (start + width + 1, start + width + 2):
        name = text[start:end]
        if HAN_ONLY.fullmatch(name) and text[end - 1 : end + 1] not in TITLES and plausible(name) and not is_word(name):
            yield end


def _chance(chances: NDArray[np.float32], start: int, end: int) -> float:
    """Geometric mean of the characters' chances, less the chance that the name goes on."""
    inside = chances[start + 1 : end, 1]
    goes_on = float(chances[end, 1]) if end < len(chances) else 0.0
    return float((chances[start, 0] * inside.prod()) ** (1 / (end - start))) * (1 - goes_on)


def _everywhere(text: str, spans: set[Span]) -> set[Span]:
    """Every place of a found name; of a name that is also a word only where it was found."""
    found = set(spans)
    for name in {text[start:end] for start, end in spans}:
        if not (len(name) < 3 and rjieba.has_word(name)):
            found.update(match.span() for match in re.finditer(re.escape(name), text))
    return found


def _merge(spans: set[Span]) -> list[Span]:
    """The longest span wherever some overlap, in order."""
    kept: list[Span] = []
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if not kept or start >= kept[-1][1]:
            kept.append((start, end))
    return kept
