"""Tendencies (倾向性): what is starting, over many letters. Pure; called once a night.

Four kinds of thing are watched, each against what is ordinary for it (formulas and sources: pipeline.matters.tendency.counts):
- matter: its writers against those that matters of its kind, issue and place, have by this age (`counts.Follow`);
- word: one never seen before, its writers against those that new words have by this age (`counts.Follow`);
- place, signal: an issue in a place, an issue with a signal: the writers of the last day and of the last seven days against the cell's own
  history with weekday, holiday and season (`counts.expect`), a writer counting once a day or week.
False discovery is controlled over all cells of a kind each night, those that cannot be flagged included (Benjamini & Hochberg 1995); families
that ask different questions are better kept apart (Efron 2008). A tendency needs three letters of three writers, so that one persistent
writer, however often he writes, makes none. Writers are counted, never named.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import chain, pairwise

import numpy as np

from pipeline.matters.matter import Sighting
from pipeline.matters.tendency import counts
from pipeline.matters.tendency.cells import in_cells
from pipeline.matters.tendency.telling import tell
from pipeline.matters.tendency.trend import MATTER, WORD, Flag, Found, Rules, Thing, Trend, found, thing_of

__all__ = ["Flag", "Rules", "Trend", "watch"]

YEAR = timedelta(days=365)
WORDS, MONTH = 4, 30


def watch(sightings: Sequence[Sighting], today: date, earlier_flags: Iterable[Flag] = (), rules: Rules | None = None) -> list[Trend]:
    """The flags that are new tonight, the least likely first; the order of the letters does not matter.

    `earlier_flags`: all flags of nights before. A thing is flagged once, and again only as `Rules.quiet_days` says.
    """
    rules = rules or Rules()
    letters = sorted(
        (s for s in sightings if today - timedelta(days=rules.window_days) < s.day <= today), key=lambda s: (s.day, s.letter_id)
    )
    if not letters:
        return []
    matters, last = _matters(letters), _last_flags(earlier_flags)
    odd = _in_matters(matters, today, rules)
    known = {one.trend.matter_id for one in odd} | {key.removeprefix(f"{MATTER}:") for key in last}
    others = map(_behind, _in_words(letters, today, rules) + in_cells(letters, today, rules))
    odd += [one for one in others if one.trend.matter_id not in known]
    new = [one for one in odd if _is_new(one, last.get(one.trend.key), today, rules)]
    return sorted(tell(new, letters, matters, today), key=lambda trend: (trend.p, trend.key))


def _matters(letters: Sequence[Sighting]) -> list[Thing]:
    groups: dict[str, list[Sighting]] = defaultdict(list)
    for letter in letters:
        groups[letter.matter_id or letter.letter_id].append(letter)
    return [thing_of(name, group) for name, group in groups.items()]


def _last_flags(flags: Iterable[Flag]) -> dict[str, Flag]:
    return {flag.key: flag for flag in sorted(flags, key=lambda flag: flag.on)}


def _follow(things: Sequence[Thing], kinds: Sequence[str], today: date) -> counts.Follow:
    waited = [math.log(2 + (thing.arrivals[1] if len(thing.arrivals) > 1 else (today - thing.born).days)) for thing in things]
    return counts.fit_follow(np.array(waited), np.array([len(thing.arrivals) > 1 for thing in things], bool), kinds)


def _in_matters(matters: Sequence[Thing], today: date, rules: Rules) -> list[Found]:
    follow = _follow(matters, [matter.kind for matter in matters], today)
    lately = sum((today - letter.day).days < MONTH for matter in matters for letter in matter.letters)
    tested = [matter for matter in matters if rules.enough(matter)]
    return _odd(MATTER, tested, follow, len(matters), rules.matters_share(lately), today, rules)


def _in_words(letters: Sequence[Sighting], today: date, rules: Rules) -> list[Found]:
    """New words; those that come in the same letters are one tendency, told by its oddest word."""
    words = _words(letters, today, rules)
    young = [word for word in words if (today - word.born).days < rules.word_days]
    follow = _follow(words, [""] * len(words), today)
    odd = _odd(WORD, [word for word in young if rules.enough(word)], follow, len(young), rules.false_share, today, rules)
    kept: list[Found] = []
    for one in sorted(odd, key=lambda one: (one.trend.p, one.trend.key)):
        at = next((i for i, other in enumerate(kept) if one.shares(other)), len(kept))
        words_so_far = kept[at].trend.words if at < len(kept) else ()
        whole = kept[at] if at < len(kept) else one
        kept[at : at + 1] = [replace(whole, trend=replace(whole.trend, words=(*words_so_far, one.trend.title)[:WORDS]))]
    return kept


def _words(letters: Sequence[Sighting], today: date, rules: Rules) -> list[Thing]:
    """Words first seen in the last year, after `word_letters` letters, with the letters that took them up."""
    start = max(rules.word_letters, sum(letter.day <= today - YEAR for letter in letters))
    old = set(chain.from_iterable(letter.terms for letter in letters[:start]))
    groups: dict[str, list[Sighting]] = defaultdict(list)
    for letter in letters[start:]:
        for term in set(letter.terms) - old:
            groups[term].append(letter)
    return [thing_of(term, groups[term]) for term in sorted(groups) if len(term) > 1 and not any(map(str.isdecimal, term))]


def _odd(kind: str, tested: Sequence[Thing], follow: counts.Follow, cells: int, share: float, today: date, rules: Rules) -> list[Found]:
    """Those of the tested that have more writers than their age explains, among so many cells in all; `share` may be chance."""
    groups = [thing.kind if kind == MATTER else "" for thing in tested]
    first = max(rules.writers, 2) - 1
    p = [follow.p(group, thing.arrivals[-1], len(thing.arrivals) - 1, first) for group, thing in zip(groups, tested, strict=True)]
    odd = []
    for group, thing, one, q in zip(groups, tested, p, counts.q_values(p, cells).tolist(), strict=True):
        if q <= share:
            odd.append(found(kind, thing, today, 1 + follow.mean(group, thing.arrivals[-1]), one, q))
    return odd


def _behind(one: Found) -> Found:
    """A word or cell most of whose letters are of one matter is that matter, found in another way."""
    ids = [letter.matter_id for letter in one.letters]
    most = max(sorted(set(ids)), key=ids.count)
    return (
        replace(one, trend=replace(one.trend, matter_id=most, key=f"{MATTER}:{most}")) if most and 2 * ids.count(most) > len(ids) else one
    )


def _is_new(one: Found, last: Flag | None, today: date, rules: Rules) -> bool:
    """Whether a letter is fresh, and it was not told before, or has doubled, or comes back after a quiet time."""
    days = [letter.day for letter in one.letters]
    if (today - days[-1]).days >= rules.fresh_days:
        return False
    if last is None or one.trend.writers >= 2 * last.writers:
        return True
    if one.trend.kind not in (MATTER, WORD):
        return (today - last.on).days >= rules.quiet_days
    days = [max((day for day in days if day <= last.on), default=last.on), *(day for day in days if day > last.on)]
    return any((after - before).days >= rules.quiet_days for before, after in pairwise(days))


if __name__ == "__main__":  # as a command it stands above the rooms: the brief reads the queue
    from pipeline.brief import main

    raise SystemExit(main())
