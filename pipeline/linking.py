"""The nightly run's part that looks across letters: linking them into matters and watching what is starting."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from pipeline.desk.services.store import Entry, Matters
from pipeline.intake.letter import RedactedLetter
from pipeline.matters.index import WINDOW
from pipeline.matters.linking import TOGETHER, Linker, Traces
from pipeline.matters.matter import SOON, Sighting, sighting_of
from pipeline.matters.pairs import Matcher
from pipeline.matters.places import Gazetteer
from pipeline.matters.trace import UNKNOWN_DAY, Trace, date_of, stored_vectors, trace_of
from pipeline.matters.trends import Flag, Rules, Trend, watch
from pipeline.scoring.score import Score
from pipeline.scoring.scorer import Scorer

CATCH_UP = timedelta(days=60)
RENEWED = 256


class Linking:
    """Links letters of one run, in the store or, without one, among themselves."""

    def __init__(self, scorer: Scorer, gazetteer: Gazetteer, renew_seconds: float) -> None:
        self.scorer, self.gazetteer, self.renew_seconds = scorer, gazetteer, renew_seconds
        self.matcher = Matcher.load(scorer.folder)
        self.matter_of: dict[str, str] = {}
        self._here: list[tuple[Trace, Sighting]] = []
        self._started, self._first = date.min, date.max

    def remember(self, entries: Sequence[Entry], started: datetime) -> None:
        """Keep what linking needs of letters that no store keeps."""
        self._started = started.date()
        for entry in entries:
            sighting = sighting_of(entry.redacted, entry.score, entry.letter.writer_ref, entry.place.path)
            self._here.append((trace_of(entry.redacted, entry.score, self.gazetteer), sighting))

    def link_here(self, progress: bool) -> int:
        """Link the remembered letters among themselves; returns how many matters they make."""
        traces = {trace.letter_id: trace for trace, _ in self._here}
        if traces:
            linker = self._linker()
            for night in linker.link(list(traces.values()), lambda ids: {one: traces[one] for one in ids}, progress):
                gone = dict(night.united)
                self.matter_of = {letter: gone.get(matter, matter) for letter, matter in self.matter_of.items()} if gone else self.matter_of
                self.matter_of |= {one.letter_id: one.matter_id for one in night.linked}
        return len(set(self.matter_of.values()))

    def watch_here(self) -> list[Trend]:
        """What began to show among the remembered letters."""
        days = [one.day for _, one in self._here if one.day != date.min]
        last = max(days, default=self._started)
        sightings = [
            replace(one, matter_id=self.matter_of[one.letter_id], day=one.day if one.day != date.min else last) for _, one in self._here
        ]
        return _nights(sightings, min(days, default=last), last, [])

    def link_stored(self, matters: Matters, started: date, progress: bool) -> int:
        """Link the store's letters that have no matter yet; returns how many matters they belong to."""
        linker: Linker | None = None
        today = matters.last_day() or started
        touched: set[str] = set()
        while waiting := matters.unlinked(TOGETHER):
            linker = linker or self.knowing(matters)
            traces = {trace.letter_id: trace for trace in self._traces(waiting)}
            for night in linker.link(list(traces.values()), self.known(matters, traces), progress):
                matters.save(night, traces, self.scorer.version, self.matcher.risk, today)
                touched |= {one.matter_id for one in night.linked}
            dated = [trace.day for trace in traces.values() if trace.day != UNKNOWN_DAY]
            self._first = min([self._first, *(date_of(day) for day in dated)])
        if touched:
            matters.refresh_since(today - 2 * SOON, touched, self.matcher.risk, today)
        return len(touched)

    def watch_stored(self, matters: Matters, run: int) -> list[Trend]:
        """What began to show in the store since the first of the new letters; what was told before is not told again."""
        today = matters.last_day()
        if today is None:
            return []
        trends = _nights(matters.sightings(today - timedelta(days=Rules().window_days)), self._first, today, matters.flags())
        matters.save_flags(run, trends)
        return trends

    def _linker(self) -> Linker:
        return Linker(self.matcher, self.scorer.width)

    @staticmethod
    def known(matters: Matters, new: Mapping[str, Trace]) -> Traces:
        """Where the linker gets traces from: tonight's from memory, older ones from the store."""
        return lambda ids: matters.traces([one for one in ids if one not in new]) | {one: new[one] for one in ids if one in new}

    def knowing(self, matters: Matters) -> Linker:
        """A linker that knows the store's letters."""
        self._renew(matters)
        linker = self._linker()
        old = matters.count(self.scorer.version) - WINDOW
        for letters, names, stored in matters.linked(self.scorer.version):
            if old >= len(letters):  # of these no words are looked up
                linker.know_old(letters, stored_vectors(stored, self.scorer.width), names)
            else:
                linker.know([Trace.from_bytes(letter, data) for letter, data in zip(letters, stored, strict=True)], names)
            old -= len(letters)
        linker.fix(matters.decided())
        return linker

    def _renew(self, matters: Matters) -> None:
        """After a change of the model, letters get its embedding, newest first, as far as the time allows; the next night goes on."""
        end = time.monotonic() + self.renew_seconds
        while time.monotonic() < end and (old := matters.outdated(self.scorer.version, RENEWED)):
            matters.renew(list(self._fresh(old)), self.scorer.version)

    def _traces(self, waiting: Sequence[tuple[RedactedLetter, Score]]) -> Iterator[Trace]:
        """Traces of stored letters; those that another model scored are read again for their embedding."""
        yield from self._fresh([letter for letter, score in waiting if score.model_version != self.scorer.version])
        for letter, score in waiting:
            if score.model_version == self.scorer.version:
                yield trace_of(letter, score, self.gazetteer)

    def _fresh(self, letters: Sequence[RedactedLetter]) -> Iterator[Trace]:
        for letter, score in zip(letters, self.scorer.score(letters), strict=True):
            yield trace_of(letter, score, self.gazetteer)


def _nights(sightings: Sequence[Sighting], first: date, last: date, earlier: Sequence[Flag]) -> list[Trend]:
    """What each night would have told, had the letters come day by day; at most CATCH_UP nights, so that a first load is no wait."""
    flags, found = list(earlier), []
    night = max(first, last - CATCH_UP)
    while night <= last:
        new = watch(sightings, night, flags)
        flags += [Flag(key=trend.key, on=trend.on, writers=trend.writers) for trend in new]
        found += new
        night += timedelta(days=1)
    return found
