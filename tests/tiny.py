"""A tiny real model from the invented sample letters: a seeded random encoder of two layers, trained for seconds by the real training code.

python tests/tiny.py        rebuilds tests/assets/tiny_model (needs the extra `train`)
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from pipeline.intake.letter import Letter
from pipeline.intake.sources import read

ROOT = Path(__file__).resolve().parents[1]
SAMPLE, READINGS = ROOT / "data" / "sample", ROOT / "tests" / "assets" / "sample_readings.csv"
TINY = ROOT / "tests" / "assets" / "tiny_model"
TWICE = 3
"""Every third letter is read twice and so belongs to the fair sample."""


def sample_letters() -> list[Letter]:
    """The readable letters of data/sample, one an id."""
    letters = (item for item in read([SAMPLE]) if isinstance(item, Letter))
    return list({letter.letter_id: letter for letter in reversed(list(letters))}.values())[::-1]


def letters_folder(folder: Path) -> Path:
    """The sample letters with their readings, laid out like the training letters."""
    folder.mkdir(parents=True, exist_ok=True)
    with READINGS.open(encoding="utf-8", newline="") as handle:
        readings = {row["letter_id"]: row for row in csv.DictReader(handle)}
    letters = [letter for letter in sample_letters() if letter.letter_id in readings]
    copies = [replace(x, letter_id=f"c-{x.letter_id}", body=f"{x.body}再次反映。") for x in letters[::3]]
    board = (
        [x.letter_id, x.received_at.isoformat() if x.received_at else "2026-03-01", x.writer_ref, x.title, x.body, "0", "0", "", ""]
        for x in [*letters, *copies]
    )
    _table(folder / "board.csv", "letter_id received_at writer title body likes dislikes reply replied_at", board)
    head = "letter_id issue signals level confidence sample reader"
    told = [[readings[x.letter_id][name] for name in ("letter_id", "issue", "signals", "level")] for x in letters]
    first = ([*row, "h", "rest" if at % TWICE else "random", "t1"] for at, row in enumerate(told))
    _table(folder / "labels.csv", head, first)
    _table(folder / "second_readings.csv", head, ([*row, "h", "random", "t2"] for row in told[::TWICE]))
    organiser = ([f"o-{x.letter_id}", x.title, f"另一封。{x.body}", readings[x.letter_id]["issue"]] for x in letters[::4])
    _table(folder / "unlabelled.csv", "letter_id title body", ([f"u-{x.letter_id}", x.title, f"又一封。{x.body}"] for x in letters[1::4]))
    _table(folder / "issues7.csv", "letter_id title body issue", organiser)
    _matters(folder / "matters.jsonl", {x.letter_id: _story(x.letter_id, readings) for x in [*letters, *copies]})
    return folder


def _story(letter_id: str, readings: Mapping[str, dict[str, str]]) -> str:
    """The story a letter or its copy tells; one that tells none has its own."""
    first = letter_id.removeprefix("c-")
    story = readings[first]["story"]
    return first if story == "none" else story


def _matters(path: Path, stories: Mapping[str, str]) -> None:
    """Letters that tell the same story are of one matter."""
    told: dict[str, list[str]] = defaultdict(list)
    for letter_id, story in stories.items():
        told[story].append(letter_id)
    groups = [{"matter": story, "ids": ids} for story, ids in told.items() if len(ids) > 1]
    path.write_text("\n".join(json.dumps(group, ensure_ascii=False) for group in groups) + "\n", encoding="utf-8")


def _table(path: Path, head: str, rows: Iterable[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(head.split())
        writer.writerows(rows)


def backbone_folder(folder: Path) -> Path:
    """A seeded random BERT of two layers, 32 wide, with a vocabulary of the sample's characters."""
    import torch
    from transformers import BertConfig, BertModel

    from pipeline.training.backbone import SPECIALS, unigram_tokenizer

    chars = sorted(
        {char for letter in sample_letters() for char in letter.title + letter.body if char.isprintable() and not char.isspace()}
    )
    pieces = [(piece, 0.0) for piece in SPECIALS] + [("▁", -3.0), *((char, -5.0) for char in chars)]
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    unigram_tokenizer(pieces).save(str(folder / "tokenizer.json"))
    (folder / "backbone.json").write_text('{"source": "random weights, for tests"}', encoding="utf-8")
    return folder


def recipe_file(folder: Path) -> Path:
    """A configuration that trains the tiny model; its paths hold in `folder`, the working directory of the run."""
    letters, backbone = letters_folder(folder / "letters"), backbone_folder(folder / "backbone")
    path = folder / "tiny.toml"
    path.write_text(
        f'name = "tiny"\ndraws = 10\n[data]\nletters = "{letters.name}"\nprovenance = "invented sample letters."\nlimits = "For tests only."\n'
        f'[encoder]\nbackbone = "{backbone.name}"\nmax_tokens = 96\n'
        "[fit]\nepochs = 2\nbatch = 16\ntrain_tokens = 64\nrate = 1e-3\nhead_rate = 2e-3\nevaluations = 1\nbf16 = false\nthreads = 1\n"
        "[wide]\nleast_letters = 4\n",
        encoding="utf-8",
    )
    return path


if __name__ == "__main__":
    from pipeline.training.fit import summary, train

    with tempfile.TemporaryDirectory() as place:
        config = recipe_file(Path(place))
        shutil.rmtree(TINY, ignore_errors=True)
        os.chdir(place)
        print("\n".join(summary(train(config, TINY, Path(place) / "work"))))
        (TINY / "model.safetensors").unlink()
