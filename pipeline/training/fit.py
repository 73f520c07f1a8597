"""A whole training run: letters -> two halves -> blend -> export -> figures -> a model folder. It never promotes.

`train` is what train.py calls. A run that was killed goes on: masking and the encoder's checkpoints lie in the work folder.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
from numpy.typing import NDArray

from pipeline.scoring import config as model_config
from pipeline.scoring import normalise
from pipeline.scoring.config import ModelConfig
from pipeline.scoring.encode import Encoder
from pipeline.scoring.heldout import automatic, figures
from pipeline.scoring.labels import Labels, load_labels
from pipeline.scoring.registry import digest, write_sums
from pipeline.scoring.scorer import blended
from pipeline.scoring.wide import WideHalf
from pipeline.training import backbone
from pipeline.training.calibrate import abstain_threshold, fit_blend, urgent_threshold
from pipeline.training.card import card
from pipeline.training.curves import learning_curve, out_of_time
from pipeline.training.embedder import load_embedder, vectors
from pipeline.training.evaluate import Answers, held_out, raw_answers, readers
from pipeline.training.export import export, exported_outputs, largest_difference
from pipeline.training.letters import BOARD, Example, load_examples
from pipeline.training.linear import Linear, char_vectorizer, fit_linear, to_wide, word_vectorizer
from pipeline.training.matters import learn_matters
from pipeline.training.network import LetterNetwork
from pipeline.training.page import Subject, write_page
from pipeline.training.recipe import DataRecipe, Recipe, load_recipe
from pipeline.training.trainer import outputs, special_ids, start, train_encoder

Array = NDArray[np.float32]
CHECKED = 500
"""Letters over which the export is compared with torch, and over which embeddings are centred."""
PAGE = "evaluation.html"
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
    """Both fitted halves, the word baseline, and the labelled letters learnt from."""

    network: LetterNetwork
    wide: WideHalf
    linear: Linear
    words: Linear
    labelled: list[Example]


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
    examples = load_examples(recipe.data.letters, labels, work, recipe.data.readings, recipe.data.invented)
    encoder = Encoder.load(Path(base), recipe.encoder.max_tokens)
    learned = _learn(recipe, labels, examples, base, work / recipe.name)

    _say("exporting and measuring")
    held = [example for example in examples if example.split in ("dev", "test")]
    folder.mkdir(parents=True, exist_ok=True)
    encoder.tokenizer.save(str(folder / "tokenizer.json"))
    learned.wide.save(folder)
    safetensors.torch.save_model(learned.network, str(folder / "model.safetensors"))
    shipped, difference = _export(learned, encoder, held, folder, recipe.encoder.embedder)
    halves = Halves(held, (shipped["issue"], shipped["signals"], shipped["level"]), _wide_logits(learned.wide, held))
    about = _config(recipe, labels, halves.rows("dev"))
    (folder / model_config.FILE).write_text(about.model_dump_json(indent=1), encoding="utf-8")
    baselines = {"char 1-3-grams": learned.linear.logits, "jieba words": learned.words.logits}
    answers = _answers(halves.rows("test"), about, labels, baselines)
    test = {name: held_out(halves.rows("test").examples, said, labels) for name, said in answers.items()}
    told = {name: figures(held, labels, recipe.draws, answers[name].calibrated) for name, held in test.items()}
    test["shipped"].save(folder)
    letters = halves.rows("test").examples
    _say("learning which letters are of one matter")
    linking = learn_matters(folder, recipe.data.letters, recipe.matters, work)
    _say("drawing the curves")
    curves = {
        "学习曲线（线性一半）": learning_curve(learned.labelled, letters, labels, recipe.wide, learned.linear),
        "以旧知新（线性一半）": out_of_time(learned.labelled, letters, labels, recipe.wide, learned.linear),
    }
    splits = Counter(f"{example.source} {example.split}" for example in examples)
    told["shipped"] |= automatic(test["shipped"], about.abstain_below, recipe.draws)
    origin = "; embedding: ".join(_origin(place) for place in (base, recipe.encoder.embedder) if place)
    _write(folder, about, told, dict(sorted(splits.items())), difference, readers(test["shipped"]), origin, curves, linking)
    write_page(work / recipe.name / PAGE, Subject(about.version, told, test, {e.letter_id: e for e in letters}, curves), labels)
    write_sums(folder)
    return folder


def _learn(recipe: Recipe, labels: Labels, examples: Sequence[Example], base: Path | str, work: Path) -> Learned:
    """Fit the linear half, the word baseline and the encoder on the labelled training letters."""
    labelled = [example for example in examples if example.split == "train" and example.any_issue.any()][: recipe.data.most_train]
    dev = [example for example in examples if example.split == "dev"]
    _say("fitting the linear half and the word baseline")
    linear = fit_linear(labelled, recipe.wide, char_vectorizer)
    words = fit_linear(labelled, recipe.wide, word_vectorizer)
    wide = to_wide(linear)
    _say("training the encoder")
    network = start(recipe, base, labels)
    short = Encoder.load(Path(base), recipe.fit.train_tokens)
    train_encoder(network, short, labelled, dev, recipe.fit, work / "encoder")
    return Learned(network, wide, linear, words, labelled)


def _export(
    learned: Learned, encoder: Encoder, held: Sequence[Example], folder: Path, embedder: Path | None
) -> tuple[dict[str, Array], dict[str, float]]:
    """Write the ONNX file; returns what it says of the held letters, and how far it is from torch on the first of them."""
    pad, _ = special_ids(encoder)
    some = encoder.encode([example.text for example in learned.labelled[:CHECKED]])
    short = load_embedder(embedder) if embedder else None
    reference = outputs(learned.network, some, pad)
    centre = (vectors(short, some, pad) if short else reference["mean"]).mean(0)
    model = export(learned.network, short, centre, some[:CALIBRATING], folder)
    ids = encoder.encode([example.text for example in held])
    shipped = exported_outputs(model, ids)
    checked = {name: values[:CHECKED] for name, values in shipped.items()}
    reference = outputs(learned.network, ids[:CHECKED], pad)
    centred = (vectors(short, ids[:CHECKED], pad) if short else reference["mean"]) - centre
    return shipped, largest_difference(centred / np.linalg.norm(centred, axis=1, keepdims=True), checked, reference)


def _say(stage: str) -> None:
    print(f"== {stage}", file=sys.stderr, flush=True)


def _wide_logits(wide: WideHalf, examples: Sequence[Example]) -> Array:
    return np.stack([wide.score(example.text) for example in examples])


def _config(recipe: Recipe, labels: Labels, dev: Halves) -> ModelConfig:
    blend = fit_blend(dev.examples, dev.deep, dev.wide)
    board = np.array([example.source == BOARD and not example.enriched for example in dev.examples])
    issue, _signals, level = (part[board] for part in blended(blend, dev.deep, dev.wide))
    truth = np.array([example.issue.argmax() for example in dev.examples])[board]
    return ModelConfig(
        version=recipe.name, issues=labels.issues, signals=labels.signals, levels=labels.level_names, max_tokens=recipe.encoder.max_tokens, normaliser=normalise.VERSION,
        blend=blend, abstain_below=abstain_threshold(issue, truth), urgent_from=urgent_threshold(level), backbone=recipe.encoder.backbone, data=_digests(recipe.data),
        recipe=recipe.model_dump(mode="json"),
    )  # fmt: skip


def _digests(data: DataRecipe) -> dict[str, str]:
    names = ("board.csv", "labels.csv", "second_readings.csv", "issues7.csv", "unlabelled.csv", "matters.jsonl")
    files = [data.letters / name for name in names] + ([data.readings] if data.readings else [])
    files += sorted(data.invented.glob("*.jsonl")) if data.invented else []
    return {file.name: digest(file) for file in files if file.is_file()}


def _origin(base: Path | str) -> str:
    note = Path(base) / "backbone.json"
    return json.loads(note.read_text(encoding="utf-8"))["source"] if note.is_file() else str(base)


def _answers(test: Halves, about: ModelConfig, labels: Labels, baselines: Mapping[str, Any]) -> dict[str, Answers]:
    """What the shipped model, the encoder alone and the baselines say of the same test letters; the shipped one first."""
    texts = [example.text for example in test.examples]
    answers = {
        "shipped": Answers(*blended(about.blend, test.deep, test.wide), calibrated=True),
        "encoder alone": Answers(*test.deep, calibrated=False),
    }
    return answers | {name: raw_answers(logits(texts), labels) for name, logits in baselines.items()}


def _write(
    folder: Path, about: ModelConfig, told: Mapping[str, Any], splits: Mapping[str, int], difference: Mapping[str, float],
    shares: Mapping[str, float], origin: str, curves: Mapping[str, object], linking: Mapping[str, float],
) -> None:  # fmt: skip
    metrics = {
        "test": told,
        "matters": linking,
        "curves": curves,
        "splits": splits,
        "test letters": shares,
        "export against torch": difference,
    }
    (folder / "metrics.json").write_text(json.dumps(metrics, ensure_ascii=False, indent=1), encoding="utf-8")
    (folder / "README.md").write_text(card(about, told, splits, difference, origin, linking), encoding="utf-8")


def summary(folder: Path) -> Sequence[str]:
    """The figures of a finished folder as lines to print."""
    told = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["test"]
    width = max(len(figure) for figure in told["shipped"])
    lines = [" " * width + "".join(f"{name:>18}" for name in told)]
    for figure in told["shipped"]:
        cells = (f"{told[name][figure]['value']:.3f}" if figure in told[name] else "-" for name in told)
        lines.append(f"{figure:<{width}}" + "".join(f"{cell:>18}" for cell in cells))
    return lines
