"""The nightly run: letters in, scores and the queue out. The one place that composes the rooms.

Letters go through in chunks. A chunk is committed whole, and what is committed is not scored again: a run that was killed is finished by
the next one, and a run over the same input changes nothing. The output file is complete either way: what is already in the store is
read from there.
"""

from __future__ import annotations

import hashlib
import heapq
import os
import time
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, replace
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.desk.services.store import Entry, Known, Store
from pipeline.errors import OutputError, SettingsError, ZhiweiError
from pipeline.intake.letter import NOTHING, SHANGHAI, Letter, RedactedLetter, Rejected
from pipeline.linking import Linking
from pipeline.matters.places import Gazetteer, where
from pipeline.matters.trends import Trend
from pipeline.output import RejectsFile, ScoredFile
from pipeline.report import Counts, Progress, RunReport, without_password
from pipeline.scoring.labels import load_labels
from pipeline.settings import Settings, load_settings
from pipeline.triage.clocks import register_by
from pipeline.triage.policy import Ranked, load_policy, prioritise
from pipeline.triage.routing import load_routing, route

if TYPE_CHECKING:
    from pipeline.scoring.scorer import Scorer

NO_QUEUE = "none"
CHUNK_CHARACTERS = 1_000_000
"""A chunk of very long letters ends early, so that memory stays flat."""
TOP = 10
RAW = 500

Chunk = list[Letter | Rejected]


def run(
    inputs: Sequence[str | Path],
    *,
    out: Path | None = None,
    queue: str | None = None,
    model: Path | None = None,
    engine: str = "local",
    rejects: Path | None = None,
    column_map: Mapping[str, str] | None = None,
    settings: Settings | None = None,
    progress: bool = True,
) -> RunReport:
    """Read, mask, score and queue the letters of `inputs`.

    Args:
        out: file for the scored letters, by its ending; None writes none.
        queue: database URL, "none" for no queue; None takes the setting.
        model: model folder; None takes the one in use.
        rejects: file for refused rows; None puts it beside `out`, else into var/.
        column_map: field -> column, before the recognised names.

    Raises:
        ZhiweiError: an input, the settings, the model folder, the queue or an output file cannot be used.
    """
    if engine != "local":
        raise SettingsError(f"engine {engine!r}: this version runs on one machine only; use local.")
    settings = settings or load_settings()
    url = settings.queue if queue is None else queue
    started, begun = datetime.now(SHANGHAI), time.perf_counter()
    _check_places(inputs, out, rejects)
    reading = _Reading(inputs, column_map or NOTHING, settings.chunk)
    with ExitStack() as stack:
        chunks = stack.enter_context(closing(reading.chunks()))
        first = next(chunks, [])  # an input that cannot be read ends the run before anything is made
        scored_file = stack.enter_context(ScoredFile(out)) if out else None
        store = stack.enter_context(Store.open(url, wait=settings.lock_wait)) if url != NO_QUEUE else None
        night = _Night(_load(model, settings), store, settings, started)
        if store:
            stack.enter_context(_ledger(store, inputs, night))
        refused = stack.enter_context(RejectsFile(rejects or _rejects_path(out, night)))
        bar = stack.enter_context(closing(Progress(progress)))
        for chunk in chain([first], chunks):
            rows, bad = night.work(chunk)
            if scored_file:
                scored_file.write(rows)
            refused.write(bad)
            bar.add(len(chunk))
        emerging = night.link(progress)
        if scored_file:
            scored_file.publish(night.matters_of)
        refused.publish()
        night.explain()
        top = store.top(TOP) if store else night.top
    return RunReport(
        counts=night.counts,
        table=dict(night.table),
        top=tuple(top),
        emerging=tuple(emerging),
        matters=night.new_matters,
        seconds={"读取": reading.seconds} | night.seconds,
        elapsed=time.perf_counter() - begun,
        model_version=night.scorer.version,
        queue=without_password(url) if store else None,
        out=out,
        rejects=refused.path if refused.count else None,
    )


def _check_places(inputs: Sequence[str | Path], out: Path | None, rejects: Path | None) -> None:
    """No file may be written over a file that is read or over the other one."""
    taken = {Path(one).resolve() for one in inputs if "://" not in str(one)}
    for written in (out, rejects):
        if written is not None and written.resolve() in taken:
            raise OutputError(f"output {written}: is also an input or the other output; choose another name.")
        taken |= {written.resolve()} if written is not None else set()


def _shown(inputs: Sequence[str | Path]) -> list[str]:
    return [without_password(str(one)) for one in inputs]


def _load(model: Path | None, settings: Settings) -> Scorer:
    from pipeline.scoring import registry
    from pipeline.scoring.scorer import Scorer

    return Scorer.load(model or registry.current(settings.models), settings.threads)


def _rejects_path(out: Path | None, night: _Night) -> Path:
    if out:
        return out.with_name(out.name + ".rejects.csv")
    return Path("var", f"rejects-{night.number or night.started.strftime('%Y%m%d-%H%M%S')}.csv")


class _Reading:
    """The input in chunks, with the seconds that reading took."""

    def __init__(self, inputs: Sequence[str | Path], column_map: Mapping[str, str], size: int) -> None:
        self.inputs, self.column_map, self.size = inputs, column_map, size
        self.seconds = 0.0

    def chunks(self) -> Generator[Chunk, None, None]:
        """Letters and rejects; the next chunk is read in a thread while this one is worked on."""
        from pipeline.intake.sources import read

        items = read(self.inputs, column_map=self.column_map)
        with ThreadPoolExecutor(1, "zhiwei-reader") as reader:
            try:
                ahead = reader.submit(self._take, items)
                while chunk := ahead.result():
                    ahead = reader.submit(self._take, items)
                    yield chunk
            finally:
                reader.submit(_close, items)  # in its own thread: a database cursor belongs to the thread that opened it

    def _take(self, items: Iterator[Letter | Rejected]) -> Chunk:
        begun = time.perf_counter()
        chunk: Chunk = []
        characters = 0
        for item in items:
            chunk.append(item)
            characters += len(item.body) if isinstance(item, Letter) else 0
            if len(chunk) == self.size or characters >= CHUNK_CHARACTERS:
                break
        self.seconds += time.perf_counter() - begun
        return chunk


def _close(items: Iterator[Letter | Rejected]) -> None:
    if isinstance(items, Generator):
        items.close()


@contextmanager
def _ledger(store: Store, inputs: Sequence[str | Path], night: _Night) -> Iterator[None]:
    night.number = store.start_run(_shown(inputs), night.scorer.version)
    try:
        yield
    except BaseException:
        with suppress(ZhiweiError):
            store.finish_run(night.number, asdict(night.counts), done=False)
        raise
    store.finish_run(night.number, asdict(night.counts), done=True)


def content_digest(letter: Letter) -> str:
    """SHA-256 (hex) of title and body; white space counts as one blank, since it changes from export to export."""
    content = "\0".join(" ".join(part.split()) for part in (letter.title, letter.body))
    return hashlib.sha256(content.encode("utf-8")).hexdigest()


class _Night:
    """One run's state: what the input has shown so far, and what is counted."""

    def __init__(self, scorer: Scorer, store: Store | None, settings: Settings, started: datetime) -> None:
        self.scorer, self.store, self.started = scorer, store, started
        self.threads = settings.threads or os.cpu_count() or 1
        self.policy = load_policy()
        self.issues = load_labels().issues
        self.number = 0
        self.gazetteer = Gazetteer.load(settings.office / "places.csv")
        self.routing = load_routing(settings.office / "routing.csv", settings.office / "units.csv", self.gazetteer)
        self.linking = Linking(scorer, self.gazetteer, settings.renew_seconds)
        self.counts = Counts()
        self.table: Counter[tuple[str, int]] = Counter()
        self.top: list[Ranked] = []
        self.new_matters = 0
        self.explain_top, self.explain_seconds = settings.explain_top, settings.explain_seconds
        self.seconds = {"脱敏": 0.0, "地点": 0.0, "评分": 0.0, "归并": 0.0} | ({"入库": 0.0} if store else {})
        self._texts: dict[str, RedactedLetter] = {}
        self._seen: dict[str, bytes] = {}

    def work(self, chunk: Chunk) -> tuple[list[Ranked], list[Rejected]]:
        """Take one chunk all the way; returns its letters in input order, each once, and what was refused."""
        known = self._known([item.letter_id for item in chunk if isinstance(item, Letter)])
        admitted, refused = self._admit(chunk, known)
        fresh = [letter for letter in admitted if letter.letter_id not in known or not known[letter.letter_id].scored]
        entries = self._score(fresh)
        ranked = {entry.letter.letter_id: _ranked(entry) for entry in entries}
        ranked |= self._save(entries, [letter.letter_id for letter in admitted if letter.letter_id not in ranked])
        rows = [ranked[letter.letter_id] for letter in admitted]
        new = sum(letter.letter_id not in known for letter in fresh)
        self.counts += Counts(
            read=len(chunk),
            new=new,
            rescored=len(fresh) - new,
            known=len(admitted) - len(fresh),
            duplicates=len(chunk) - len(admitted) - len(refused),
            rejected=len(refused),
        )
        self.table.update((self.issues[int(row.score.issue.argmax())], row.score.level) for row in rows)
        self.top = heapq.nsmallest(TOP, self.top + rows, key=lambda row: (-row.priority.value, row.due_on, row.letter_id))
        if self.store is None:
            self.linking.remember(entries, self.started)
        texts = self._texts | {entry.letter.letter_id: entry.redacted for entry in entries}
        self._texts = {row.letter_id: texts[row.letter_id] for row in self.top if row.letter_id in texts}
        return rows, refused

    def link(self, progress: bool) -> list[Trend]:
        """Give every letter that has none its matter, and look what is starting; returns the new tendencies."""
        with self._timed("归并"):
            if self.store is None:
                self.new_matters = self.linking.link_here(progress)
                self.top = [replace(row, matter_id=self.linking.matter_of.get(row.letter_id, "")) for row in self.top]
                return self.linking.watch_here()
            self.new_matters = self.linking.link_stored(self.store.matters, self.started.date(), progress)
            self.store.refresh_desk()
            return self.linking.watch_stored(self.store.matters, self.number) if self.new_matters else []

    def matters_of(self, letter_ids: Sequence[str]) -> Mapping[str, str]:
        """letter -> matter."""
        return self.store.matters.of(letter_ids) if self.store else self.linking.matter_of

    def explain(self) -> None:
        """Find the sentences that carried the scores at the head of the queue, as far as the time allows; the next night goes on from there."""
        from pipeline.scoring.explain import explain_within

        if self.store is not None:
            asked = self.store.unexplained(self.explain_top, self.scorer.version)
            for letter_id, evidence in explain_within(self.scorer, asked, self.explain_seconds):
                self.store.save_evidence(letter_id, self.scorer.version, evidence)
            return
        here = [(self._texts[row.letter_id], row.score) for row in self.top[: self.explain_top] if row.letter_id in self._texts]
        found = dict(explain_within(self.scorer, here, self.explain_seconds))
        self.top = [replace(row, evidence=found.get(row.letter_id, ())) for row in self.top]

    def _known(self, letter_ids: Sequence[str]) -> dict[str, Known]:
        if self.store is None:
            return {}
        with self._timed("入库"):
            return self.store.known(letter_ids, self.scorer.version)

    def _save(self, entries: Sequence[Entry], others: Sequence[str]) -> dict[str, Ranked]:
        """Commit what was scored; returns the other letters as the store has them."""
        if self.store is None:
            return {}
        with self._timed("入库"):
            if entries:
                self.store.save_chunk(self.number, entries)
            return self.store.rows(others) if others else {}

    def _admit(self, chunk: Chunk, known: Mapping[str, Known]) -> tuple[list[Letter], list[Rejected]]:
        """The letters to go on with. The same letter again is passed over; another letter under the same id is refused."""
        admitted: list[Letter] = []
        refused: list[Rejected] = []
        for item in chunk:
            if isinstance(item, Rejected):
                refused.append(item)
                continue
            content = content_digest(item)
            short = bytes.fromhex(content)[:16]
            earlier = self._seen.get(item.letter_id)
            stored = known.get(item.letter_id)
            if earlier is None and (stored is None or stored.content == content):
                self._seen[item.letter_id] = short
                admitted.append(item)
            elif earlier != short:
                refused.append(self._other_content(item, "本次输入" if earlier else "队列"))
        return admitted, refused

    def _other_content(self, letter: Letter, where: str) -> Rejected:
        reason = f"编号 {letter.letter_id} 在{where}里已有一封内容不同的信，先到的保留：请核对，如确是另一封信，请换一个编号再交。"
        return Rejected(
            source=letter.source, row=letter.row, reason=reason, raw=f"{letter.letter_id} | {letter.title} | {letter.body}"[:RAW]
        )

    def _score(self, letters: Sequence[Letter]) -> list[Entry]:
        from pipeline.intake.redact import redact_all

        if not letters:
            return []
        with self._timed("脱敏"):
            redacted = redact_all(letters, self.threads)
            hints = _masked_places(letters)
        with self._timed("地点"):
            places = [
                where(one.text, hints.get(letter.place_hint, ""), self.gazetteer) for letter, one in zip(letters, redacted, strict=True)
            ]
        with self._timed("评分"):
            scores = self.scorer.score(redacted)
        return [
            Entry(
                letter=letter,
                content=content_digest(letter),
                redacted=masked,
                place=here,
                route=route(
                    self.issues[int(score.issue.argmax())], score.said(load_labels().signals), here.place, masked.text, self.routing
                ),
                score=score,
                priority=prioritise(score, self.policy),
                due_on=register_by(letter.received_at or self.started),
            )
            for letter, masked, score, here in zip(letters, redacted, scores, places, strict=True)
        ]

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[stage] += time.perf_counter() - begun


def _masked_places(letters: Sequence[Letter]) -> dict[str, str]:
    """Place hints masked: a place column may hold somebody's door number."""
    from pipeline.intake.redact import redact_all

    hints = sorted({letter.place_hint for letter in letters if letter.place_hint.strip()})
    masked = redact_all([Letter(letter_id="place", title=hint, body="") for hint in hints]) if hints else []
    return {hint: one.title for hint, one in zip(hints, masked, strict=True)}


def _ranked(entry: Entry) -> Ranked:
    return Ranked(
        letter_id=entry.letter.letter_id,
        received_at=entry.letter.received_at,
        title=entry.redacted.heading,
        place=entry.place.shown,
        unit=entry.route.unit,
        score=entry.score,
        priority=entry.priority,
        due_on=entry.due_on,
    )
