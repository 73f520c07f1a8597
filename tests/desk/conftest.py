"""A small desk: people of every role, letters in matters, as the nightly run leaves them. All invented."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime, time
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np
import pytest

from pipeline.desk.services.store import Entry, Store
from pipeline.intake.letter import SHANGHAI, Letter, RedactedLetter
from pipeline.matters.linking import Linked, Night
from pipeline.matters.matter import HIGHEST
from pipeline.matters.places import Gazetteer, Place, Where
from pipeline.matters.trace import trace_of
from pipeline.scoring.labels import load_labels
from pipeline.scoring.score import Score
from pipeline.triage.clocks import register_by
from pipeline.triage.policy import load_policy, prioritise
from pipeline.triage.routing import Route

if TYPE_CHECKING:
    from django.test import Client

    from pipeline.desk.models import Matter, User

Clients = Callable[[str], "Client"]
"""A logged-in browser for a role; for "nobody" one without a login."""
TODAY = date(2026, 4, 21)
PASSWORD = "柳河镇-Petition-2026"
SECRET = "13800138000"
COUNTY = ("吉林省", "白山市", "云杉县")


def score(letter_id: str, issue: str, signals: Sequence[str], level: int, risk: float, version: str) -> Score:
    labels, draw = load_labels(), np.random.default_rng(list(letter_id.encode()))
    chances = np.full(len(labels.issues), 0.1 / (len(labels.issues) - 1), np.float32)
    chances[labels.issues.index(issue)] = 0.9
    vector = draw.normal(size=384).astype(np.float32)
    return Score(
        letter_id=letter_id, issue=chances, signals=np.array([0.9 if name in signals else 0.05 for name in labels.signals], np.float32),
        risk=risk, level=level, embedding=vector / np.linalg.norm(vector), abstain=False, model_version=version,
    )  # fmt: skip


@dataclass
class Desk:
    """Fills the store as a nightly run does, and logs people in."""

    store: Store
    run: int

    def add(
        self, letter_id: str, text: str = "丰禾玉米种子不出苗\n我们村四十多户买的玉米种子不出苗，多次反映没有人管。", *, matter: str = "",
        issue: str = "农村农业", signals: Sequence[str] = ("collective",), level: int = 2, risk: float = 0.7, unit: str = "农业农村局",
        day: date = date(2026, 4, 10), writer: str = "", town: str = "柳河镇", channel: str = "网上信访", version: str = "m1",
    ) -> str:  # fmt: skip
        """One letter into a matter (by default one of its own); returns the matter's id. Again with a newer `version`: scored anew."""
        title, _, body = text.partition("\n")
        path = (*COUNTY, town) if town else ()
        received = datetime.combine(day, time(9, 30), SHANGHAI)
        told = score(letter_id, issue, signals, level, risk, version)
        entry = Entry(
            letter=Letter(letter_id=letter_id, title=title, body=f"{body}联系人张三，电话{SECRET}。", received_at=received, channel=channel, writer_ref=writer or letter_id),
            content=sha256(letter_id.encode()).hexdigest(), redacted=RedactedLetter(letter_id=letter_id, text=f"{title}\n{body}联系人［姓名］，电话［手机］。", received_at=received),
            place=Where(Place(town, "town", path) if town else None, town, ()), route=Route(unit, "属事", 9, "按类别"), score=told,
            priority=prioritise(told, load_policy()), due_on=register_by(received),
        )  # fmt: skip
        known = bool(self.store.known([letter_id], version))
        self.store.save_chunk(self.run, [entry])
        name = matter or f"M-{letter_id}"
        if known:
            self.store.matters.refresh_since(date.min, set(), HIGHEST, TODAY)
            return name
        trace = trace_of(entry.redacted, told, Gazetteer.load())
        self.store.matters.save(Night([Linked(letter_id, name, 0.9)], [], []), {letter_id: trace}, version, HIGHEST, TODAY)
        return name

    def person(self, role: str, *, name: str = "", unit: str = "") -> User:
        """A person of a role; a handler is of 农业农村局 by default."""
        from pipeline.desk.models import User

        count = User.objects.count()
        unit = unit or ("农业农村局" if role == "handler" else "信访局")
        user = User(username=f"{role}{count}", name=name or f"{role}{count}", role=role, unit=unit, must_change=False)
        user.password = "!"  # nobody logs in with a password here; hashing one takes a while
        user.save()
        return user

    def client(self, user: User | None) -> Client:
        """A browser in which this person is logged in; nobody for None."""
        from django.test import Client

        client = Client()
        if user:
            client.force_login(user, backend="pipeline.desk.login.PasswordBackend")
        return client

    def matter(self, matter_id: str) -> Matter:
        """A matter as it stands in the store."""
        from pipeline.desk.models import Matter

        return Matter.objects.get(pk=matter_id)


def queries_of(client: Client, address: str) -> int:
    """How many queries a page takes that was looked at before."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    assert client.get(address).status_code == 200
    with CaptureQueriesContext(connection) as taken:
        client.get(address)
    return len(taken)


@pytest.fixture
def desk(db: None, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An empty desk on 2026-04-21."""
    from django.conf import settings
    from django.core.cache import cache

    cache.clear()  # what is kept for a minute must not come from another test
    monkeypatch.setenv("ZHIWEI_TODAY", TODAY.isoformat())
    settings.SECRET_KEY = "for tests only"
    store = Store(nullcontext())
    return Desk(store, store.start_run(["letters.csv"], "m1"))


@pytest.fixture
def filled(desk: Desk) -> Desk:
    """Four matters: seed (three letters, 农业农村局), wages (urgent, 人社局), lamp (a question, 住建局), frog (two letters, 农业农村局)."""
    desk.add("S1", matter="M-S1", day=date(2026, 4, 8))
    desk.add("S2", "玉米种子出苗率低\n我家和邻居买的丰禾种子都不出苗，要求赔偿。", matter="M-S1", day=date(2026, 4, 10))
    desk.add("S3", "种子不发芽\n柳河镇好几个村的玉米种子不发芽，春耕要误了。", matter="M-S1", day=date(2026, 4, 18))
    desk.add(
        "W1", "工地拖欠工资\n县里工地拖欠四十名农民工工资三个月，孩子没钱上学，再不给就去省里。", issue="劳动和社会保障",
        signals=("collective", "escalation", "livelihood"), level=3, risk=0.95, unit="人社局", day=date(2026, 4, 3), town="白桦镇",
    )  # fmt: skip
    desk.add(
        "L1",
        "路灯不亮\n请问路灯坏了找哪里修？",
        issue="城乡建设",
        signals=(),
        level=0,
        risk=0.03,
        unit="住建局",
        day=date(2026, 4, 19),
        channel="12345热线",
    )
    desk.add("F1", "林蛙冻死\n林蛙养殖户冬天冻死三万只林蛙，保险不赔。", matter="M-F1", risk=0.6, day=date(2026, 4, 15))
    desk.add("F2", "林蛙保险拒赔\n几户养殖户的林蛙都冻死了，保险公司拒赔。", matter="M-F1", risk=0.5, day=date(2026, 4, 16))
    return desk


@pytest.fixture
def clients(filled: Desk) -> Clients:
    """One browser a role, the same each time it is asked for."""
    made: dict[str, Client] = {}

    def client(role: str) -> Client:
        if role not in made:
            made[role] = filled.client(None if role == "nobody" else filled.person(role))
        return made[role]

    return client
