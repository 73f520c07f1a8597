"""Real small parts for every test: a tiny model folder, letters, a queue in a temporary file."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from pipeline.scoring.labels import load_labels

TINY_MODEL = Path(__file__).parent / "assets" / "tiny_model"
SENTENCES = (
    "我们村四十多户买的玉米种子不出苗，今年没有收成，大家都很着急。", "工地拖欠工资三个月，孩子开学没有钱交学费。", "多次向镇里反映，一直没有人管。",
    "再不解决，我们只好到省里去反映。", "楼道里煤气味很重，随时可能出事。", "请问新农合在哪里办理？", "感谢你们上次把路灯修好了。", "昨天拆迁队动手打人，有人受伤住院。",
    "村干部把低保给了自己的亲戚。", "九月一日就要开学，学位还没有着落。", "小区电梯坏了半个月，老人上不了楼。", "隔壁饭店油烟太大，晚上睡不着。",
)  # fmt: skip


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine that runs the tests reaches them."""
    for name in ("ZHIWEI_SETTINGS", "ZHIWEI_QUEUE", "ZHIWEI_DATABASE_URL", "ZHIWEI_MODELS", "ZHIWEI_THREADS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny real model folder: random weights, a small vocabulary."""
    if TINY_MODEL.is_dir():
        return TINY_MODEL
    return build_tiny_model(tmp_path_factory.mktemp("models") / "tiny-1", "tiny-1", seed=1)


@pytest.fixture(scope="session")
def other_model_folder(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same network under another version and with other calibration, so that its scores differ."""
    import shutil

    from pipeline.scoring.registry import write_sums

    folder = tmp_path_factory.mktemp("models") / "tiny-other"
    shutil.copytree(model_folder, folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["version"] = "tiny-other"
    config["blend"]["level"] = [[deep, wide, bias + 0.7] for deep, wide, bias in config["blend"]["level"]]
    (folder / "config.json").write_text(json.dumps(config, ensure_ascii=False), encoding="utf-8")
    write_sums(folder)
    return folder


@pytest.fixture
def queue(django_db_blocker: Callable[..., object], tmp_path: Path) -> Iterator[str]:
    """The URL of a queue that is not there yet. Afterwards the connection of pytest-django is put back."""
    from django.db import connections

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


def build_tiny_model(folder: Path, version: str, seed: int) -> Path:
    """Random word vectors, averaged, and random linear heads, as one ONNX network; a table of single characters beside it."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Tokenizer, models

    from pipeline.scoring.registry import write_sums
    from pipeline.scoring.wide import WideHalf, gram_keys

    folder.mkdir(parents=True)
    draw = np.random.default_rng(seed)
    signs = sorted(set("".join(SENTENCES)))
    labels = load_labels()
    vocabulary = ["[UNK]", "[CLS]", "[SEP]", *signs]
    tokenizer = Tokenizer(models.BPE({sign: row for row, sign in enumerate(vocabulary)}, [], unk_token="[UNK]"))
    from tokenizers.processors import TemplateProcessing

    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    tokenizer.save(str(folder / "tokenizer.json"))

    sizes = {"issue": len(labels.issues), "signals": len(labels.signals), "level": 3}
    weights = {"words": draw.normal(0, 1, (len(vocabulary), 384))} | {f"w_{n}": draw.normal(0, 1, (384, size)) for n, size in sizes.items()}
    nodes = [
        helper.make_node("Gather", ["words", "input_ids"], ["vectors"]),
        helper.make_node("ReduceMean", ["vectors"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("LpNormalization", ["mean"], ["embedding"], axis=1, p=2),
        *(helper.make_node("MatMul", ["embedding", f"w_{name}"], [name]) for name in sizes),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "tokens"])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, size]) for n, size in {**sizes, "embedding": 384}.items()],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(folder / "model.onnx"))

    keys = np.unique(gram_keys("".join(signs))[: len(signs)])
    outputs = sum(sizes.values())
    table = draw.integers(-127, 128, (len(keys), outputs)).astype(np.int8)
    ones = np.ones(len(keys), np.float32)
    WideHalf(keys, ones, table, np.full(outputs, 0.02, np.float32), np.zeros(outputs, np.float32)).save(folder)
    config = {
        "version": version, "issues": labels.issues, "signals": labels.signals, "levels": labels.level_names, "max_tokens": 64,
        "blend": {
            "issue_deep": 1, "issue_wide": 1, "issue_bias": [0] * len(labels.issues), "signals": [[1, 1, 0]] * len(labels.signals),
            "level": [[1, 1, 1], [1, 1, 0], [1, 1, -1]],
        },
        "abstain_below": 0.3, "backbone": "random", "data": {}, "recipe": {"seed": seed},
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config, ensure_ascii=False), encoding="utf-8")
    (folder / "metrics.json").write_text("{}", encoding="utf-8")
    (folder / "README.md").write_text("# A random model for tests\n", encoding="utf-8")
    write_sums(folder)
    return folder
