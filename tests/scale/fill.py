"""Fills an empty queue with invented letters, in minutes: rows as the ORM would write them, through COPY (PostgreSQL) or in large parts (SQLite).

Shares: 70 % of matters are one letter, the rest 2 to 60; levels as in letters.LEVELS; two years; 40 units. Of live matters a fifth of what is older
than a fortnight still waits to be registered, the rest stands with units under its clocks. The queue's columns come from services.standing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any

from tqdm import tqdm

from pipeline.desk.services.standing import stand
from pipeline.desk.workflow import Status
from pipeline.intake.letter import SHANGHAI, RedactedLetter
from pipeline.triage.clocks import register_by
from tests.scale.letters import VERSION, VILLAGES, Voice, thing_of, voices, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import Model

    from pipeline.desk import models

DAYS, SPAN = 730, 120
"""Over so many days matters begin, and over so many one goes on."""
UNITS = 40
CLERKS = 50
LARGEST = 60
CHUNK = 10_000
"""Letters that are written in one transaction."""
FRESH_DAYS = 14
STANDS = (("open", 20), ("accepted", 10), ("forwarded", 20), ("handling", 35), ("answered", 15))
CHANNELS = ("网上信访", "12345热线", "领导信箱", "来信", "来访登记", "镇村代办")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """What to fill in: how many letters, which share of the matters is live, as of which day."""

    letters: int
    today: date
    live: float = 1.0
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Place:
    """Where a matter is, what it is about, and whose it is; `path` from the widest down."""

    path: Sequence[str]
    village: str
    thing: str
    unit: str


@dataclass
class _Batch:
    """Rows that wait to be written, by table, in the order in which they refer to each other."""

    rows: dict[str, list[Model]] = field(default_factory=dict)
    redacted: list[RedactedLetter] = field(default_factory=list)

    def add(self, row: Model) -> None:
        self.rows.setdefault(type(row).__name__, []).append(row)


class Fill:
    """Makes matters with their letters; keeps what goes on from one to the next."""

    def __init__(self, filling: Filling, run: int, towns: Sequence[str], units: Sequence[str]) -> None:
        self.filling, self.run = filling, run
        self.draw = Random(filling.seed)
        self.voices = voices(self.draw)
        self.towns, self.units = [tuple(area.split("/")) for area in towns], units
        self.number, self.clock, self.event, self.digest = count(1), count(1), count(1), "0" * 64
        self.at = datetime.combine(filling.today, time(2), SHANGHAI).astimezone(UTC)  # as the database gives it back, to be sealed
        self.batch = _Batch()

    def matter(self, size: int, share: float) -> None:
        """One matter of so many letters; `share`: how far along the two years it begins."""
        from pipeline.desk import models

        draw, today = self.draw, self.filling.today
        first = today - timedelta(days=int((1 - share) * DAYS))
        voice, unit = draw.choice(self.voices), draw.choice(self.units)
        path, village, thing = draw.choice(self.towns), draw.choice(VILLAGES), thing_of(draw, voice.issue)
        span = min(SPAN, (today - first).days)
        days = sorted(first + timedelta(days=draw.randint(0, span) if at else 0) for at in range(size))
        status = self._status(days[-1])
        place = Place(path, village, thing, unit)
        items = [self._letter(voice if not at else self._like(voice), day, place, status) for at, day in enumerate(days)]
        if status != Status.OPEN and draw.random() < 0.1:
            items[-1].status, items[-1].registered_on = items[-1].Status.OPEN, None
        matter = self._row(models.Matter(matter_id=f"M-{items[0].pk}", status=status), items, days, voice)
        clocks = self._clocks(matter)
        stand(matter, items, [clock for clock in clocks if clock.ended_on is None], today)
        self.batch.add(matter)
        for item in items:
            self.batch.add(models.Link(letter_id=item.pk, matter=matter, bond=0.9, model_version=VERSION, trace=b"\0" * 72))
        for clock in clocks:
            self.batch.add(clock)

    def _like(self, voice: Voice) -> Voice:
        """Another letter of the same matter says nearly the same."""
        others = [] if self.draw.random() < 0.7 else self.draw.choices(self.voices, k=40)
        return next((one for one in others if one.issue == voice.issue), voice)

    def _status(self, last: date) -> str:
        if self.draw.random() >= self.filling.live:
            return str(Status.CLOSED)
        if (self.filling.today - last).days < FRESH_DAYS and self.draw.random() < 0.7:
            return str(Status.OPEN)
        return self.draw.choices([name for name, _ in STANDS], [weight for _, weight in STANDS])[0]

    def _letter(self, voice: Voice, day: date, place: Place, status: str) -> models.QueueItem:
        from pipeline.desk import models

        at = next(self.number)
        name, score, draw = f"GD-{at:08d}", voice.score, self.draw
        text = write(draw, place.path[-1], place.village, place.thing)
        received = datetime.combine(day, time(draw.randint(0, 23), draw.randint(0, 59)), SHANGHAI)
        title, _, body = text.partition("\n")
        letter = models.Letter(
            letter_id=name, content_sha256=hashlib.sha256(text.encode()).hexdigest(), received_at=received, channel=draw.choice(CHANNELS),
            writer_ref=f"w{draw.randint(1, 10**9)}", place=place.path[-1], path=list(place.path), text=text,
        )  # fmt: skip
        registered = min(day + timedelta(days=draw.randint(0, 17)), self.filling.today)
        item = models.QueueItem(
            letter=letter, score_id=at, priority=round(voice.priority + draw.random(), 2), reasons=voice.reasons, level=score.level,
            due_on=register_by(received), unit=place.unit, unit_why="按类别", registered_on=None if status == Status.OPEN else registered,
            status="open" if status == Status.OPEN else "registered",
        )  # fmt: skip
        self.batch.add(letter)
        self.batch.add(models.Original(letter_id=name, title=title, body=body.replace("［姓名］", "某某")))
        told = models.Score(
            pk=at, letter_id=name, model_version=VERSION, issue=voice.chances, signals=voice.said, risk=score.risk, level=score.level,
            abstain=score.abstain, embedding=score.embedding.tobytes(),
        )  # fmt: skip
        self.batch.add(told)
        self.batch.add(item)
        self.batch.redacted.append(RedactedLetter(letter_id=name, text=text, received_at=received))
        self._event(name, item.priority)
        return item

    def _event(self, letter: str, priority: float) -> None:
        """Each letter's coming, sealed as the nightly run seals it."""
        from pipeline.desk import models
        from pipeline.desk.services.events import _digest

        pk = next(self.event)
        after = {"model_version": VERSION, "priority": priority}
        event = models.Event(pk=pk, at=self.at, kind="queued", letter_id=letter, run_id=self.run, after=after)
        self.digest = _digest(self.digest, event)
        self.batch.add(event)
        self.batch.add(models.Seal(pk=pk, event_id=pk, digest=self.digest))

    def _row(self, matter: models.Matter, items: Sequence[models.QueueItem], days: Sequence[date], voice: Voice) -> models.Matter:
        lead = max(items, key=lambda item: (item.priority, item.pk))
        matter.title, matter.issue, matter.places = lead.letter.text.partition("\n")[0], voice.issue, [lead.letter.place]
        matter.signals, matter.letters, matter.writers = list(voice.signals), len(items), len(items)
        matter.first_on, matter.last_on = days[0], days[-1]
        matter.level, matter.risk = max(item.level for item in items), voice.score.risk
        matter.lately = matter.growth = sum((self.filling.today - day).days <= 30 for day in days)
        matter.live, matter.handed = matter.status != Status.CLOSED, matter.status not in (Status.OPEN, Status.ACCEPTED)
        if matter.status in (Status.ANSWERED, Status.CLOSED):
            matter.outcome = self.draw.choice(("settled", "partly", "unsettled"))
            matter.satisfaction = self.draw.choice(("good", "fair", "poor"))
        return matter

    def _clocks(self, matter: models.Matter) -> list[models.Clock]:
        from pipeline.desk import models

        today, draw = self.filling.today, self.draw
        if matter.status == Status.FORWARDED:
            began = today - timedelta(days=draw.randint(0, 17))
            return [models.Clock(pk=next(self.clock), matter=matter, rule=rule, started_on=began) for rule in ("notice", "object")]
        if matter.status in (Status.ACCEPTED, Status.HANDLING):
            began = today - timedelta(days=draw.randint(0, 66))
            return [models.Clock(pk=next(self.clock), matter=matter, rule="conclude", started_on=began)]
        if matter.status == Status.OPEN:
            return []
        assert matter.last_on
        ended = min(matter.last_on + timedelta(days=draw.randint(10, 66)), today)
        matter.closed_on = ended if matter.status == Status.CLOSED else None
        done = models.Clock(pk=next(self.clock), matter=matter, rule="conclude", started_on=matter.last_on, ended_on=ended)
        asked = models.Clock(pk=next(self.clock), matter=matter, rule="ask_review", started_on=ended, ended_on=matter.closed_on)
        return [done, asked]


def sizes(draw: Random, letters: int) -> Iterator[int]:
    """Letters of each matter: 70 % one; the rest 2 to 60, mostly few; the first is of 60."""
    left = letters
    yield (size := min(LARGEST, left))
    left -= size
    while left:
        size = 1 if draw.random() < 0.7 else min(2 + int(draw.expovariate(1 / 3)), LARGEST)
        yield (size := min(size, left))
        left -= size


def fill(filling: Filling) -> None:
    """Fill the connected queue, whose tables are there and empty; the same seed fills in the same."""
    from pipeline.desk import models
    from pipeline.desk.services.units import towns, unit_names

    began = datetime.combine(filling.today, time(1), SHANGHAI)
    run = models.Run.objects.create(started_at=began, status="done", inputs=["letters.csv"], model_version=VERSION)
    maker = Fill(filling, run.pk, list(towns().values()), unit_names()[:UNITS])
    done = 0
    with _hurried(), tqdm(total=filling.letters, unit=" letters", unit_scale=True, mininterval=2) as shown:
        for size in sizes(Random(filling.seed + 1), filling.letters):
            maker.matter(size, done / filling.letters)
            done += size
            if len(maker.batch.redacted) >= CHUNK or done == filling.letters:
                _save(maker.batch)
                shown.update(len(maker.batch.redacted))
                maker.batch = _Batch()
    _tell_sequences()


def people(password: str) -> None:
    """CLERKS clerks, a handler for each of the first ten units, and one of each other role, all with one password."""
    from django.contrib.auth.hashers import make_password

    from pipeline.desk.models import User
    from pipeline.desk.services.units import unit_names

    hashed = make_password(password)  # once: hashing is slow on purpose
    told = [(f"clerk{number:02d}", "clerk", "信访局") for number in range(1, CLERKS + 1)]
    told += [(f"handler{number:02d}", "handler", unit) for number, unit in enumerate(unit_names()[:10], 1)]
    told += [(role, role, "信访局") for role in ("supervisor", "analyst", "auditor", "admin")]
    shared = {"must_change": False, "password": hashed}
    User.objects.bulk_create(User(username=name, name=name, role=role, unit=unit, **shared) for name, role, unit in told)


def extras(filling: Filling) -> None:
    """What people left: readings, corrections, tendencies; one for each hundred letters, and 300 tendencies at most."""
    from pipeline.desk import models

    draw, last = Random(filling.seed + 2), datetime.combine(filling.today, time(9), SHANGHAI)
    clerks, run = list(models.User.objects.filter(role="clerk")), models.Run.objects.get()
    readings: list[models.Access] = []
    corrections: list[models.Correction] = []
    for _ in range(filling.letters // 100):
        told = {
            "at": last - timedelta(minutes=draw.randint(0, DAYS * 1440)),
            "by": draw.choice(clerks),
            "letter_id": f"GD-{draw.randint(1, filling.letters):08d}",
        }
        readings.append(models.Access(kind="original", purpose="联系来信人核实地址", **told))
        said = {"answer": "level", "before": 1, "after": 2, "reason": "other", "model_version": VERSION, "shown": 0.6}
        corrections.append(models.Correction(**told, **said))
    models.Access.objects.bulk_create(readings, batch_size=1000)
    models.Correction.objects.bulk_create(corrections, batch_size=1000)
    large = models.Matter.objects.filter(letters__gte=5).order_by("-last_on")[:300]
    models.Flag.objects.bulk_create(_flag(run, matter, filling.today - timedelta(days=at // 4)) for at, matter in enumerate(large))


def _flag(run: models.Run, matter: models.Matter, on: date) -> models.Flag:
    from pipeline.desk import models

    letters = [[link.letter_id, link.letter.text.partition("\n")[0]] for link in matter.links.select_related("letter")[:3]]
    told: dict[str, Any] = {
        "kind": "matter", "key": f"matter:{matter.pk}", "matter_id": matter.pk, "title": matter.title, "place": matter.places[0], "since": str(matter.first_on),
        "on": str(on), "seen": matter.letters, "writers": matter.writers, "expected": 1.2, "p": 0.001, "q": 0.01, "words": ["村民"], "letters": letters,
        "like": "", "text": f"“{matter.title}”来信增多。",
    }  # fmt: skip
    return models.Flag(run=run, on=on, kind="matter", key=told["key"], matter=matter, told=told)


ORDER = ("Letter", "Original", "Score", "Matter", "Link", "QueueItem", "Clock", "Event", "Seal")


def _save(batch: _Batch) -> None:
    from django.db import transaction

    from pipeline.desk.services.search import index

    with transaction.atomic():
        for name in ORDER:
            if rows := batch.rows.get(name):
                _write(rows)
        index(batch.redacted)


def _write(rows: Sequence[Model]) -> None:
    from django.db import connection
    from django.db.models import BinaryField, DateField, JSONField

    fields = rows[0]._meta.concrete_fields
    table, names = connection.ops.quote_name(rows[0]._meta.db_table), ", ".join(connection.ops.quote_name(one.column) for one in fields)
    odd = [(at, one) for at, one in enumerate(fields) if isinstance(one, (JSONField, BinaryField, DateField))]

    def prepared(row: Model) -> list[Any]:
        """As Field.get_db_prep_save leaves it; only these kinds of fields are not written as they are."""
        values = [row.__dict__[one.attname] for one in fields]
        for at, one in odd:
            values[at] = one.get_db_prep_save(values[at], connection)
        return values

    values = map(prepared, rows)
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(fields))})", values)
            return
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for value in values:
                copy.write_row(value)


@contextmanager
def _hurried() -> Iterator[None]:
    """References are right by the making, and a filling that breaks off is thrown away: neither is checked nor waited for."""
    from django.db import connection

    with connection.cursor() as cursor:
        for line in HURRY[connection.vendor]:
            cursor.execute(line)
    yield
    connection.close()  # the next connection is an ordinary one
    with connection.cursor() as cursor:
        for line in SETTLE[connection.vendor]:
            cursor.execute(line)


HURRY = {
    "sqlite": ("PRAGMA foreign_keys = OFF", "PRAGMA synchronous = OFF", "PRAGMA cache_size = -400000"),
    "postgresql": ("SET session_replication_role = replica", "SET synchronous_commit = off", "SET gin_pending_list_limit = '64MB'"),
}
SETTLE = {"sqlite": ("PRAGMA wal_checkpoint(TRUNCATE)",), "postgresql": ("VACUUM ANALYZE",)}
"""PostgreSQL analyses by itself a store that grows night by night; nobody does it for SQLite, so it is not done here."""


def _tell_sequences() -> None:
    """Ids were given here; the database goes on after them."""
    from django.core.management.color import no_style
    from django.db import connection

    from pipeline.desk import models

    with connection.cursor() as cursor:
        for line in connection.ops.sequence_reset_sql(no_style(), [models.Score, models.Clock, models.Event, models.Seal]):
            cursor.execute(line)
