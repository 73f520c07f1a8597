"""A whole training run: letters -> two halves -> blend -> export -> figures -> a model folder. It never promotes.

`train` is what train.py calls. A run that was killed goes on: masking, the linear half and the encoder's checkpoints lie in the work folder.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
from numpy.typing import NDArray

from pipeline.scoring import config as model_config
from pipeline.scoring.config import ModelConfig
from pipeline.scoring.encode import Encoder
from pipeline.scoring.labels import Labels, load_labels
from pipeline.scoring.registry import digest, write_sums
from pipeline.scoring.scorer import blended
from pipeline.scoring.wide import WideHalf
from pipeline.training import backbone
from pipeline.training.calibrate import abstain_threshold, fit_blend, urgent_threshold
from pipeline.training.card import card
from pipeline.training.evaluate import Answers, figures, readers
from pipeline.training.export import export, exported_outputs, largest_difference
from pipeline.training.letters import BOARD, UNREAD, Example, load_examples
from pipeline.training.linear import Linear, char_vectorizer, fit_linear, to_wide, word_vectorizer
from pipeline.training.network import LetterNetwork
from pipeline.training.recipe import Recipe, load_recipe
from pipeline.training.trainer import outputs, special_ids, start, train_encoder

Array = NDArray[np.float32]
CHECKED = 500
"""Letters over which the export is compared with torch, and over which embeddings are centred."""
CALIBRATING = 100
"""Training letters by which the export finds the outliers of activations."""


@dataclass(frozen=True, slots=True, eq=False)
class Halves:
    """Logits of both halves for the held letters (development and test)."""

    examples: list[Example]
    deep: tuple[Array, Array, Array]
    wide: Array

    def rows(self, split: str) -> Halves:
        chosen = np.array([example.split == split for example in self.examples])
        issue, signals, level = (part[chosen] for part in self.deep)
        return Halves([e for e in self.examples if e.split == split], (issue, signals, level), self.wide[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """Both fitted halves, the word baseline, and the letters learnt from."""

    network: LetterNetwork
    wide: WideHalf
    linear: Linear
    words: Linear
    learning: list[Example]


def train(config: Path, out: Path | None = None, work: Path = Path("runs")) -> Path:
    """Train by a configuration file and return the finished model folder (default models/<name>).

    Raises:
        SettingsError: the configuration is wrong.
        InputError: the training letters are missing.
        ModelFolderError: the backbone cannot be had.
    """
    recipe, labels = load_recipe(config), load_labels()
    folder = out or Path("models") / recipe.name
    base = backbone.ensure(recipe.encoder.backbone, recipe.encoder.layers, work / "backbone")
    examples = load_examples(recipe.data.letters, labels, work)
    encoder = Encoder.load(Path(base), recipe.encoder.max_tokens)
    learned = _learn(recipe, labels, examples, base, encoder, work / recipe.name)

    _say("exporting and measuring")
    held = [example for example in examples if example.split in ("dev", "test")]
    folder.mkdir(parents=True, exist_ok=True)
    encoder.tokenizer.save(str(folder / "tokenizer.json"))
    learned.wide.save(folder)
    safetensors.torch.save_model(learned.network, str(folder / "model.safetensors"))
    shipped, difference = _export(learned, encoder, held, folder)
    halves = Halves(held, (shipped["issue"], shipped["signals"], shipped["level"]), _wide_logits(learned.wide, held))
    about = _config(recipe, labels, halves.rows("dev"))
    (folder / model_config.FILE).write_text(about.model_dump_json(indent=1), encoding="utf-8")
    baselines = {"char 1-3-grams": learned.linear.logits, "jieba words": learned.words.logits}
    told = _figures(halves.rows("test"), about, recipe.draws, labels, baselines)
    splits = Counter(f"{example.source} {example.split}" for example in examples)
    _write(folder, about, told, dict(sorted(splits.items())), difference, readers(halves.rows("test").examples), _origin(base))
    write_sums(folder)
    return folder


def _learn(recipe: Recipe, labels: Labels, examples: Sequence[Example], base: Path | str, encoder: Encoder, work: Path) -> Learned:
    """Fit both halves; in the second stage the encoder also learns from letters nobody read, told by both halves."""
    learning = [example for example in examples if example.split == "train" and example.source != UNREAD][: recipe.data.most_train]
    dev = [example for example in examples if example.split == "dev"]
    _say("fitting the linear half and the word baseline")
    linear = fit_linear(learning, recipe.wide, char_vectorizer)
    words = fit_linear(learning, recipe.wide, word_vectorizer)
    wide = to_wide(linear)
    _say("training the encoder, first stage")
    network = start(recipe, base, labels)
    short = Encoder.load(Path(base), recipe.fit.train_tokens)
    train_encoder(network, short, learning, dev, recipe.fit, work / "first")
    if recipe.distil.epochs:
        _say("telling the letters nobody read by both halves")
        unread = [example for example in examples if example.split == "train" and example.source != BOARD]
        told = _told_by_both(network, wide, encoder, read_halves(network, wide, encoder, dev), unread)
        learning = [example for example in learning if example.source == BOARD] + told
        _say("training the encoder, second stage")
        train_encoder(network, short, learning, dev, recipe.fit.model_copy(update=recipe.distil.model_dump()), work / "second")
    return Learned(network, wide, linear, words, learning)


def _export(learned: Learned, encoder: Encoder, held: Sequence[Example], folder: Path) -> tuple[dict[str, Array], dict[str, float]]:
    """Write the ONNX file; returns what it says of the held letters, and how far it is from torch on the first of them."""
    pad, _ = special_ids(encoder)
    some = encoder.encode([example.text for example in learned.learning[:CHECKED]])
    centre = outputs(learned.network, some, pad)["mean"].mean(0)
    model = export(learned.network, centre, some[:CALIBRATING], folder)
    ids = encoder.encode([example.text for example in held])
    shipped = exported_outputs(model, ids)
    checked = {name: values[:CHECKED] for name, values in shipped.items()}
    return shipped, largest_difference(centre, checked, outputs(learned.network, ids[:CHECKED], pad))


def _say(stage: str) -> None:
    print(f"== {stage}", file=sys.stderr, flush=True)


def _wide_logits(wide: WideHalf, examples: Sequence[Example]) -> Array:
    return np.stack([wide.score(example.text) for example in examples])


def read_halves(network: LetterNetwork, wide: WideHalf, encoder: Encoder, examples: Sequence[Example]) -> Halves:
    """What both halves say of letters."""
    pad, _ = special_ids(encoder)
    read = outputs(network, encoder.encode([example.text for example in examples]), pad)
    return Halves(list(examples), (read["issue"], read["signals"], read["level"]), _wide_logits(wide, examples))


def _told_by_both(network: LetterNetwork, wide: WideHalf, encoder: Encoder, dev: Halves, unread: Sequence[Example]) -> list[Example]:
    """Letters with what nobody read of them filled in by both halves together; an issue that the organiser gave stays."""
    halves = read_halves(network, wide, encoder, unread)
    issue, signals, level = blended(fit_blend(dev.examples, dev.deep, dev.wide), halves.deep, halves.wide)
    return [
        replace(example, issue=example.issue if example.issue.any() else issue[row], signals=signals[row], level=level[row])
        for row, example in enumerate(unread)
    ]


def _config(recipe: Recipe, labels: Labels, dev: Halves) -> ModelConfig:
    blend = fit_blend(dev.examples, dev.deep, dev.wide)
    board = np.array([example.source == BOARD and not example.enriched for example in dev.examples])
    issue, _signals, level = (part[board] for part in blended(blend, dev.deep, dev.wide))
    truth = np.array([example.issue.argmax() for example in dev.examples])[board]
    return ModelConfig(
        version=recipe.name, issues=labels.issues, signals=labels.signals, levels=labels.level_names, max_tokens=recipe.encoder.max_tokens,
        blend=blend, abstain_below=abstain_threshold(issue, truth), urgent_from=urgent_threshold(level), backbone=recipe.encoder.backbone, data=_digests(recipe.data.letters),
        recipe=recipe.model_dump(mode="json"),
    )  # fmt: skip


def _digests(folder: Path) -> dict[str, str]:
    names = ("board.csv", "labels.csv", "second_readings.csv", "issues7.csv", "matters.jsonl")
    return {name: digest(folder / name) for name in names if (folder / name).is_file()}


def _origin(base: Path | str) -> str:
    note = Path(base) / "backbone.json"
    return json.loads(note.read_text(encoding="utf-8"))["source"] if note.is_file() else str(base)


def _figures(
    test: Halves, about: ModelConfig, draws: int, labels: Labels, baselines: Mapping[str, Any]
) -> dict[str, dict[str, dict[str, float]]]:
    """Figures of the shipped model, of the encoder alone, and of the baselines, on the same test letters."""
    cut, end = len(labels.issues), len(labels.issues) + len(labels.signals)
    texts = [example.text for example in test.examples]
    answers = {
        "shipped": Answers(*blended(about.blend, test.deep, test.wide), calibrated=True),
        "encoder alone": Answers(*test.deep, calibrated=False),
    }
    for name, logits in baselines.items():
        found = logits(texts)
        answers[name] = Answers(found[:, :cut], found[:, cut:end], found[:, end:], calibrated=False)
    return {name: figures(test.examples, answer, labels, draws) for name, answer in answers.items()}


def _write(
    folder: Path, about: ModelConfig, told: Mapping[str, Any], splits: Mapping[str, int], difference: Mapping[str, float],
    shares: Mapping[str, float], origin: str,
) -> None:  # fmt: skip
    metrics = {"test": told, "splits": splits, "test letters": shares, "export against torch": difference}
    (folder / "metrics.json").write_text(json.dumps(metrics, ensure_ascii=False, indent=1), encoding="utf-8")
    (folder / "README.md").write_text(card(about, told, splits, difference, origin), encoding="utf-8")


def summary(folder: Path) -> Sequence[str]:
    """The figures of a finished folder as lines to print."""
    told = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["test"]
    width = max(len(figure) for figure in told["shipped"])
    lines = [" " * width + "".join(f"{name:>18}" for name in told)]
    for figure in told["shipped"]:
        cells = (f"{told[name][figure]['value']:.3f}" if figure in told[name] else "-" for name in told)
        lines.append(f"{figure:<{width}}" + "".join(f"{cell:>18}" for cell in cells))
    return lines
