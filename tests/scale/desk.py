"""How fast the desk is on a large queue: every page as people of four roles ask for it, then fifty clerks who claim at once.

python -m tests.scale.desk --sqlite 200000
python -m tests.scale.desk --postgresql 1000000
python -m tests.scale.desk --queue URL          (one that was filled by this program before; --keep keeps it)
Pages are asked for in this process through django.test.Client, all middlewares included, one at a time: what a browser adds is not measured, nor
what others do meanwhile. The letters are short (60 to 200 characters) and their embeddings of two numbers: what is measured is the queue, not the disk.
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from tests.scale.postgres import server

if TYPE_CHECKING:
    from django.test import Client

    from pipeline.desk.models import User

TODAY = date(2026, 4, 21)
TURNS = 15
PEOPLE = ("clerk01", "handler01", "supervisor", "auditor")
SEARCHES = {"rare": "天麻", "common": "工资", "two words": "工资 学费", "two common": "村民 电话", "nothing found": "潜水艇"}
MINE, SERVING = 30, 8
"""Matters in each one's hand; requests that the desk serves at once (2 processes of 4 threads)."""
MOST_MS = 10_000
"""No more turns of a page that has taken so long in all."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page to ask for. `before` brings about what the page is asked in; not timed."""

    name: str
    address: str
    before: Callable[[], object] = lambda: None


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds of each turn, bytes of the answer, queries and the milliseconds that the database took for them, the HTTP status."""

    page: str
    person: str
    turns: list[float]
    size: int
    queries: int
    database: float
    slowest: str
    status: int


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.scale.desk", description=(__doc__ or "").split("\n")[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--sqlite", type=int, metavar="LETTERS")
    where.add_argument("--postgresql", type=int, metavar="LETTERS")
    where.add_argument("--queue", metavar="URL", help="a queue that was filled before")
    parser.add_argument("--live", type=float, default=1.0, help="share of matters in the queue (default: %(default)s, the hardest)")
    parser.add_argument("--keep", metavar="FILE", help="where the SQLite queue stays; else it is thrown away")
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--people", nargs="+", default=list(PEOPLE), metavar="NAME")
    parser.add_argument("--only", default="", metavar="WORD", help="only pages whose name has this word; 'claims' for the claims alone")
    parser.add_argument("--seconds", type=float, default=8, help="of claiming (default: %(default)s)")
    parser.add_argument("--slow", action="store_true", help="print each page's slowest query")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    told = make_parser().parse_args(argv)
    with _queue(told) as url:
        _open(url)
        if told.queue is None:
            _fill(told)
        _check_ours()
        password = _let_in()
        if told.only != "claims":
            _pages(told, password)
        if told.only in ("", "claims"):
            _claims(told.seconds)
    return 0


@contextmanager
def _queue(told: argparse.Namespace) -> Iterator[str]:
    if told.queue:
        yield told.queue
    elif told.postgresql:
        with server() as url:
            yield url
    else:
        with tempfile.TemporaryDirectory(prefix="zhiwei-scale-") as folder:
            yield f"sqlite:///{Path(told.keep or Path(folder, 'queue.db')).absolute()}"


def _open(url: str) -> None:
    os.environ |= {"ZHIWEI_QUEUE": url, "ZHIWEI_TODAY": TODAY.isoformat(), "ZHIWEI_SECRET_KEY": secrets.token_hex(32)}
    from pipeline.desk.services.connection import connect

    connect(url)
    logging.getLogger("django.request").setLevel(logging.ERROR)  # pages that a role may not open are asked for and left out


def _fill(told: argparse.Namespace) -> None:
    from pipeline.desk.models import Letter
    from pipeline.desk.services.connection import migrate
    from tests.scale.fill import Filling, extras, fill, people

    migrate()
    if Letter.objects.exists():
        raise SystemExit(f"{told.keep} holds letters already: name a new file, or look at it with --queue.")
    filling = Filling(letters=told.sqlite or told.postgresql, today=TODAY, live=told.live)
    fill(filling)
    people(secrets.token_hex(16))
    extras(filling)


def _check_ours() -> None:
    """What follows gives everybody a new password and takes matters out of people's hands: never in an office's own queue."""
    from pipeline.desk.models import Run
    from tests.scale.letters import VERSION

    if set(Run.objects.values_list("model_version", flat=True)) != {VERSION}:
        raise SystemExit("this queue was not filled by this program; nothing was changed.")


def _let_in() -> str:
    """One password for everybody, drawn anew; each of PEOPLE has some matters in hand."""
    from datetime import timedelta

    from django.contrib.auth.hashers import make_password
    from django.utils import timezone

    from pipeline.desk.models import Matter, User

    password = secrets.token_urlsafe(16)
    User.objects.update(password=make_password(password))
    Matter.objects.filter(holder__isnull=False).update(holder=None, held_until=None)
    for at, name in enumerate(PEOPLE, 1):
        user = User.objects.get(username=name)
        matters = Matter.objects.for_user(user).filter(live=True).order_by("-rank", "matter_id")
        some = list(matters.values_list("pk", flat=True)[100 * at : 100 * at + MINE])
        Matter.objects.filter(pk__in=some).update(holder=user, held_until=timezone.now() + timedelta(hours=8))
    return password


def _pages(told: argparse.Namespace, password: str) -> None:
    print(_setting())
    print(f"{'person':<11}{'page':<34}{'median':>8}{'p95':>8}{'queries':>8}{'in db':>8}{'kB':>6}  status")
    for person in told.people:
        client = _log_in(person, password)
        found = [measure(client, person, page, told.turns, told.slow) for page in pages(client, person) if told.only in page.name]
        if not told.only:
            _check_growth(client, person, found)


def _check_growth(client: Client, person: str, found: Sequence[Measured]) -> None:
    """Raises AssertionError when more rows, or more letters of a matter, need more queries."""
    from pipeline.desk.services import queue

    of_matters = {one.page: one.queries for one in found if one.page.startswith("matter of")}
    assert len(set(of_matters.values())) < 2, f"the number of queries grows with a matter's letters: {of_matters}"
    of_rows = {}
    for queue.PAGE in (10, 25):
        client.get("/")  # so that both are asked for with the same things kept
        of_rows[queue.PAGE] = measure(client, person, Page(f"queue, {queue.PAGE} rows", "/"), 3, slow=False).queries
    assert len(set(of_rows.values())) == 1, f"the number of queries grows with the rows: {of_rows}"


def _setting() -> str:
    from django.db import connection

    from pipeline.desk.models import Letter, Matter

    live = Matter.objects.filter(live=True).count()
    return f"{connection.vendor}: {Letter.objects.count():,} letters, {Matter.objects.count():,} matters, {live:,} live. ms; load {os.getloadavg()[0]:.1f}"


def _log_in(person: str, password: str) -> Client:
    from django.test import Client

    client = Client(SERVER_NAME="localhost")
    answer = client.post("/login/", {"username": person, "password": password})
    assert answer.status_code == 302, f"{person} cannot log in: {answer.status_code}"
    return client


def pages(client: Client, person: str) -> Iterator[Page]:
    """All pages that a person can open, by name."""
    from pipeline.desk.models import User
    from pipeline.desk.roles import Ability

    user = User.objects.get(username=person)
    if user.can(Ability.READ):
        yield from _reading(client, user)
    for ability, some in OTHERS.items():
        if user.can(Ability(ability)):
            yield from some


def _reading(client: Client, user: User) -> Iterator[Page]:
    """The queue with its filters, orders and searches; letters and matters."""
    from django.core.cache import cache
    from django.urls import reverse

    from pipeline.desk.models import Matter
    from pipeline.desk.services.units import towns, unit_names

    town, mine = next(iter(towns())), Matter.objects.for_user(user)
    small = mine.filter(live=True, letters=1).order_by("-rank").values_list("pk", flat=True)[0]
    large = mine.filter(live=True).order_by("-letters", "-rank").values_list("pk", "letters")[0]
    letter = Matter.objects.get(pk=small).links.values_list("letter", flat=True)[0]

    def queue(name: str, before: Callable[[], object] = lambda: None, **asked: object) -> Page:
        return Page(name, f"/?{urlencode(asked)}", before)

    yield queue("queue")
    yield queue("queue, first look in ten minutes", cache.clear)
    yield queue("queue, page 20", page=20)
    yield queue("queue, page 400", page=400)
    yield queue("filter: issue", issue="农村农业")
    yield queue("filter: signal, common", signal="collective")
    yield queue("filter: signal, rare", signal="deadline")
    yield queue("filter: level 3", level=3)
    yield queue("filter: level 2 and 3", level="2+")
    yield queue("filter: town", town=town)
    if user.role != "handler":
        yield queue("filter: unit", unit=unit_names()[1])
        yield queue("filter: unit without matters", unit=unit_names()[-1])
    yield queue("filter: overdue", band=3)
    yield queue("filter: due soon", band=1)
    yield queue("filter: status", status="answered")
    yield queue("filter: closed", status="closed")
    yield queue("filter: channel", channel="领导信箱")
    yield queue("filter: mine", mine=1)
    yield queue("filter: nobody's", free=1)
    yield queue("filter: new letters", fresh=1)
    yield queue("filter: last three days", since="2026-04-18")
    yield queue("filter: five together", issue="农村农业", signal="livelihood", level=2, town=town, free=1)
    yield queue("filter: nothing fits", issue="其他", signal="deadline", level=3, town=town, channel="来信", since="2026-04-20")
    yield queue("order: due", order="due")
    yield queue("order: newest", order="new")
    yield queue("order: most letters", order="letters")
    for name, words in SEARCHES.items():
        yield queue(f"search: {name}", lambda: client.get("/?mine=1"), q=words)
    yield queue("search: page 2 of common", q="工资", page=2)
    yield queue("search: a letter's id", lambda: client.get("/?mine=1"), q=letter)
    yield queue("search and filter", lambda: client.get("/?mine=1"), q="工资", level=3, town=town)
    yield Page("fold: letters of a matter", reverse("queue_letters", args=[large[0]]))
    yield Page("letter", reverse("letter", args=[letter]))
    yield Page("matter of 1", reverse("matter", args=[small]))
    yield Page(f"matter of {large[1]}", reverse("matter", args=[large[0]]))


OTHERS = {
    "emerging": (Page("emerging", "/emerging/"),),
    "figures": (
        Page("figures", "/figures/"),
        Page("figures, two years by place", "/figures/?from=2024-05&until=2026-04&by=place"),
        Page("figures, ledger", "/figures/ledger/"),
    ),
    "model": (Page("model", "/model/"),),
    "audit": (Page("audit", "/audit/"), Page("audit, events", "/audit/?what=events")),
}
"""Pages by the ability that they need."""


def measure(client: Client, person: str, page: Page, turns: int, slow: bool) -> Measured:
    """Ask once to warm up and count queries, then for each turn; tells what came out."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    page.before()
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(page.address)
    told = [(float(query["time"]) * 1000, query["sql"]) for query in queries.captured_queries]  # the next request forgets them
    took = []
    for _ in range(turns):
        page.before()
        began = time.perf_counter()
        answer = client.get(page.address)
        took.append((time.perf_counter() - began) * 1000)
        if sum(took) > MOST_MS:
            break
    slowest = max(told, default=(0.0, ""))[1]
    measured = Measured(page.name, person, took, len(answer.content), len(told), sum(ms for ms, _ in told), slowest, answer.status_code)
    _tell(measured, slow)
    return measured


def _tell(found: Measured, slow: bool) -> None:
    if found.status == 403:
        return
    print(
        f"{found.person:<11}{found.page:<34}{statistics.median(found.turns):>8.0f}{_share(found.turns, 0.95):>8.0f}{found.queries:>8}{found.database:>8.0f}"
        f"{found.size / 1024:>6.0f}  {found.status}",
        flush=True,
    )
    if slow:
        print(f"    {found.slowest[:1500]}", flush=True)


def _share(values: Sequence[float], share: float) -> float:
    """The value that this share does not exceed."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def _claims(seconds: float) -> None:
    from tests.scale.claims import rush
    from tests.scale.fill import CLERKS

    names = [f"clerk{number:02d}" for number in range(1, CLERKS + 1)]
    print(f"claims, a process each clerk; they share {os.cpu_count()} cores with the database; ms")
    print(f"{'':<34}{'claims/s':>9}{'median':>8}{'p95':>8}{'p99':>8}{'look':>8}{'refused':>8}{'failed':>7}{'doubles':>8}")
    for count, pause in ((CLERKS, 0.0), (CLERKS, 2.0), (SERVING, 0.0)):
        name = f"{count} at once, " + (f"one claim in {pause:g} s each" if pause else "without a pause")
        found = rush(names[:count], seconds, pause)
        rate, looks = found.got / found.seconds, statistics.median(found.looks)
        shares = "".join(f"{_share(found.claims, share):>8.1f}" for share in (0.5, 0.95, 0.99))
        print(f"{name:<34}{rate:>9.0f}{shares}{looks:>8.1f}{found.refused:>8}{len(found.failed):>7}{found.doubles:>8}", flush=True)
        for text in sorted(set(found.failed))[:3]:
            print(f"    {text}", file=sys.stderr)
        if found.doubles:
            raise AssertionError(f"{found.doubles} matters were claimed by two people at once")


if __name__ == "__main__":
    raise SystemExit(main())
