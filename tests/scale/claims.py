"""Fifty clerks who claim at once: a process each, with a connection of its own, all on the machine of the database.

Every clerk looks at the free matters at the head of the queue and claims one of those he sees, again and again. A matter that two clerks hold at the
same time is a double; nothing is released and no claim runs out meanwhile, so each matter may stand in the log once.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

SEEN = 25
"""Matters that a clerk has on the page."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What one clerk did: milliseconds of each claim that was asked for, of each look, and the matters that became the clerk's."""

    claims: list[float]
    looks: list[float]
    matters: list[str]
    refused: int
    failed: list[str]


@dataclass(frozen=True, slots=True)
class Rush:
    """What all of them did together. `doubles`: matters in the log of more than one clerk."""

    seconds: float
    claims: list[float]
    looks: list[float]
    got: int
    refused: int
    failed: list[str]
    doubles: int


def rush(names: Sequence[str], seconds: float, pause: float = 0.0) -> Rush:
    """Let these clerks claim for some seconds; `pause`: seconds of thought between two claims, on average."""
    from django.db import connections

    connections.close_all()  # no process may share another's connection
    context = multiprocessing.get_context("fork")  # the models are loaded once
    answers: Any = context.SimpleQueue()
    start = time.time() + 1 + len(names) * 0.02
    processes = [context.Process(target=_clerk, args=(name, number, start, seconds, pause, answers)) for number, name in enumerate(names)]
    for process in processes:
        process.start()
    told = [answers.get() for _ in processes]
    for process in processes:
        process.join()
    matters = [matter for one in told for matter in one.matters]
    return Rush(
        seconds=seconds,
        claims=[took for one in told for took in one.claims],
        looks=[took for one in told for took in one.looks],
        got=len(matters),
        refused=sum(one.refused for one in told),
        failed=[text for one in told for text in one.failed],
        doubles=len(matters) - len(set(matters)),
    )


def _clerk(name: str, number: int, start: float, seconds: float, pause: float, answers: Any) -> None:
    from pipeline.desk.models import User

    draw, done = Random(number), Claimed([], [], [], 0, [])
    refused = 0
    try:
        user = User.objects.get(username=name)
        time.sleep(max(start - time.time(), 0) + draw.uniform(0, 2 * pause))
        while time.time() < start + seconds:
            refused += _one(user, draw, done)
            time.sleep(draw.uniform(0, 2 * pause))
    except Exception as exc:  # told, not lost with the process
        done.failed.append(f"{type(exc).__name__}: {exc}")
    answers.put(Claimed(done.claims, done.looks, done.matters, refused, done.failed))


def _one(user: Any, draw: Random, done: Claimed) -> int:
    """A look and a claim; returns 1 when somebody was first."""
    from pipeline.desk.services.claims import HeldError, claim
    from pipeline.desk.services.filters import Filters, fitting, ordered
    from pipeline.errors import ZhiweiError

    began = time.perf_counter()
    matters = list(ordered(fitting(user, Filters(free=True)), "")[:SEEN])
    looked = time.perf_counter()
    done.looks.append((looked - began) * 1000)
    matter = draw.choice(matters)
    try:
        claim(matter, user)
        done.matters.append(matter.pk)
        return 0
    except HeldError:
        return 1
    except ZhiweiError as exc:
        done.failed.append(str(exc))
        return 0
    finally:
        done.claims.append((time.perf_counter() - looked) * 1000)
