"""Runs that are killed, interrupted or started twice."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import pytest

from pipeline import nightly
from pipeline.settings import Settings

ROOT = Path(__file__).parents[2]
KILLS, LETTERS, CHUNK = 50, 120, 8
CONTENT = {
    "desk_letter": "*",
    "desk_original": "*",
    "desk_score": "letter_id, model_version, issue, signals, risk, level, abstain, embedding",
    "desk_queueitem": "letter_id, status, priority, human_priority, reasons, level, due_on",
    "desk_event": "letter_id, kind, after",
}


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that start with everything imported, so that fifty of them fit into a test."""
    context = multiprocessing.get_context("forkserver")
    names = ["nightly", "intake.sources", "intake.redact", "scoring.scorer", "desk.services.connection"]
    context.set_forkserver_preload(
        [*(f"pipeline.{name}" for name in names), "django.db.models", "django.core.management", "filelock", "tqdm"]
    )
    return context


def contents(database: Path) -> dict[str, list[Any]]:
    """What the queue holds, without the numbers and times that differ from run to run."""
    connection = sqlite3.connect(database)
    found = {table: connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1").fetchall() for table, columns in CONTENT.items()}
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    return found


def test_fifty_kills_lose_nothing_and_double_nothing(
    processes: ForkServerContext, letters_csv: Callable[..., Path], model_folder: Path, tmp_path: Path
) -> None:
    letters = letters_csv(LETTERS)

    def start(name: str) -> ForkServerProcess:
        options = {
            "queue": f"sqlite:///{tmp_path / name}.db",
            "out": tmp_path / f"{name}.csv",
            "model": model_folder,
            "settings": Settings(chunk=CHUNK, threads=1),
            "progress": False,
        }
        process = processes.Process(target=nightly.run, args=([letters],), kwargs=options)
        process.start()
        return process

    def finish(name: str) -> float:
        begun = time.monotonic()
        process = start(name)
        process.join(60)
        assert process.exitcode == 0
        return time.monotonic() - begun

    finish("whole")
    whole, scored = contents(tmp_path / "whole.db"), (tmp_path / "whole.csv").read_bytes()
    longest = finish("second")
    chance = random.Random()
    kills, seen_sizes = 0, set()
    while kills < KILLS:
        process = start("killed")
        process.join(chance.uniform(0, longest))
        if process.exitcode is None:
            process.kill()
            process.join()
            kills += 1
            seen_sizes.add(_whole_chunks(tmp_path / "killed.db"))
        else:
            assert process.exitcode == 0
            assert contents(tmp_path / "killed.db") == whole
            for left in tmp_path.glob("killed.*"):
                left.unlink()
    finish("killed")
    assert contents(tmp_path / "killed.db") == whole
    assert (tmp_path / "killed.csv").read_bytes() == scored
    assert not list(tmp_path.glob(".*.part"))
    assert len(seen_sizes) >= 3  # the kills did fall into different places


def _whole_chunks(database: Path) -> int:
    """Checks that what a killed run left is some whole chunks; returns how many letters."""
    if not database.exists():
        return 0
    connection = sqlite3.connect(database)
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    sizes = {connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in CONTENT if table in there}
    connection.close()
    assert len(sizes) <= 1, f"tables hold different numbers of letters: {sizes}"
    (size,) = sizes or {0}
    assert size % CHUNK == 0
    return int(size)


def command(letters: Path, model: Path, *options: str) -> subprocess.Popen[str]:
    arguments = [sys.executable, str(ROOT / "predict.py"), str(letters), "--model", str(model), "--threads", "1", *options]
    environment = {**os.environ, "ZHIWEI_SETTINGS": str(letters.parent / "zhiwei.toml"), "PYTHONUTF8": "1"}
    return subprocess.Popen(
        arguments, cwd=letters.parent, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    )


def wait_for_letters(database: Path) -> None:
    """Until the first chunk is committed."""
    for _ in range(600):
        if database.exists() and _count(database):
            return
        time.sleep(0.05)
    pytest.fail("no letter was saved within 30 seconds")


def _count(database: Path) -> int:
    connection = sqlite3.connect(database)
    try:
        return int(connection.execute("SELECT count(*) FROM desk_letter").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
    finally:
        connection.close()


def test_two_runs_on_one_queue_and_then_an_interrupt(letters_csv: Callable[..., Path], model_folder: Path, tmp_path: Path) -> None:
    letters = letters_csv(3_000)
    (tmp_path / "zhiwei.toml").write_text(f'queue = "sqlite:///{tmp_path}/q.db"\nchunk = 8\n', encoding="utf-8")
    first = command(letters, model_folder)
    wait_for_letters(tmp_path / "q.db")
    second = command(letters, model_folder)
    out, error = second.communicate(timeout=60)
    assert (second.returncode, out) == (2, "")
    assert "another run is working on it" in error
    assert len(error.strip().splitlines()) == 1
    assert first.poll() is None
    first.send_signal(signal.SIGINT)
    _, error = first.communicate(timeout=60)
    assert first.returncode == 130
    assert error.splitlines()[-1] == "已中断。处理完的信已经保存，下次运行会接着做完其余的。"
    assert _count(tmp_path / "q.db") % 8 == 0
