"""Real small parts for every test: a tiny model folder, letters, a queue in a temporary file."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

TINY_MODEL = Path(__file__).parent / "assets" / "tiny_model"
SENTENCES = (
    "我们村四十多户买的玉米种子不出苗，今年没有收成，大家都很着急。",
    "工地拖欠工资三个月，孩子开学没有钱交学费。",
    "多次向镇里反映，一直没有人管。",
    "再不解决，我们只好到省里去反映。",
    "楼道里煤气味很重，随时可能出事。",
    "请问新农合在哪里办理？",
    "感谢你们上次把路灯修好了。",
    "昨天拆迁队动手打人，有人受伤住院。",
    "村干部把低保给了自己的亲戚。",
    "九月一日就要开学，学位还没有着落。",
    "小区电梯坏了半个月，老人上不了楼。",
    "隔壁饭店油烟太大，晚上睡不着。",
)


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the tests reaches them."""
    for name in [name for name in os.environ if name.startswith("ZHIWEI_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """A tiny real model folder: random weights, a small vocabulary."""
    return TINY_MODEL


@pytest.fixture(scope="session")
def other_model_folder(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network under another version and with other calibration, so that its scores differ."""
    from pipeline.scoring.registry import write_sums

    folder = tmp_path_factory.mktemp("models") / "tiny-other"
    shutil.copytree(model_folder, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["version"] = "tiny-other"
    config["blend"]["level"] = [[deep, wide, bias + 0.7] for deep, wide, bias in config["blend"]["level"]]
    (folder / "config.json").write_text(json.dumps(config, ensure_ascii=False), encoding="utf-8")
    write_sums(folder)
    return folder


@pytest.fixture(scope="session")
def empty_queue(django_db_blocker: Callable[..., object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A queue as a first run makes it: migrated once, copied for each test."""
    from django.db import connections

    from pipeline.desk.services.store import Store

    path = tmp_path_factory.mktemp("queue") / "empty.db"
    settings, before = connections.settings, connections["default"]
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        Store.open(f"sqlite:///{path}").close()
    connections.settings = settings
    connections["default"] = before
    return path


@pytest.fixture
def queue(django_db_blocker: Callable[..., object], empty_queue: Path, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty queue. Afterwards the connection of pytest-django is put back."""
    from django.db import connections

    shutil.copyfile(empty_queue, tmp_path / "queue.db")

    settings, before = connections.settings, connections["default"]
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield f"sqlite:///{tmp_path / 'queue.db'}"
        connections["default"].close()
    connections.settings = settings
    connections["default"] = before


@pytest.fixture
def letters_csv(tmp_path: Path) -> Callable[..., Path]:
    """Writes a csv of `count` invented letters, the same for the same seed; `more` rows go below."""

    def write(count: int = 30, *, seed: int = 0, more: Sequence[Sequence[str]] = (), name: str = "letters.csv") -> Path:
        path = tmp_path / name
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["信件编号", "标题", "正文", "收件时间", "地点"])
            writer.writerows([*(letter_row(number, seed) for number in range(count)), *more])
        return path

    return write


def letter_row(number: int, seed: int = 0) -> list[str]:
    choice = random.Random(f"{seed}-{number}")
    body = "".join(choice.sample(SENTENCES, choice.randint(1, 5)))
    received = f"2026-03-{number % 28 + 1:02} {number % 24:02}:{number % 60:02}:00"
    return [f"L{number:04}", body[:12], f"{body}联系电话1380000{number:04}。", received, ("吉林县平安镇", "柳河村", "")[number % 3]]
