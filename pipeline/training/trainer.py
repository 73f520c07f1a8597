"""The encoder's training with the Hugging Face Trainer: resumable, early-stopped on the development split, progress shown."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from tqdm import tqdm
from transformers import EarlyStoppingCallback, Trainer, TrainingArguments, set_seed
from transformers.trainer_utils import EvalPrediction, get_last_checkpoint

from pipeline.scoring.encode import Encoder
from pipeline.scoring.labels import Labels
from pipeline.scoring.measures import average_precision, mean_signal_precision
from pipeline.training.letters import Example
from pipeline.training.network import LetterNetwork
from pipeline.training.recipe import FitRecipe, Recipe

MADE_OF = "made-of.txt"
LONG = 1_000
"""Letters from which on reading them shows its progress."""
HEADS = ("issue", "signals", "level")
TARGETS = (*HEADS, "organiser")


class LetterTrainer(Trainer):
    """The stock Trainer, but for two rates: the encoder's and the fresh heads'."""

    head_rate: float = 5e-4

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        if self.optimizer is None:
            network: Any = self.model
            groups = []
            for heads, rate in ((False, self.args.learning_rate), (True, self.head_rate)):
                for decays in (True, False):
                    chosen = [
                        parameter
                        for name, parameter in network.named_parameters()
                        if parameter.requires_grad and heads != name.startswith("encoder.") and decays == (parameter.ndim > 1)
                    ]
                    groups.append({"params": chosen, "lr": rate, "weight_decay": self.args.weight_decay if decays else 0.0})
            self.optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)
        return self.optimizer


def dataset(examples: Sequence[Example], encoder: Encoder) -> Dataset:
    """A `datasets` table: token ids, their count, and targets."""
    ids = encoder.encode([example.text for example in examples])
    return Dataset.from_dict(
        {
            "input_ids": ids,
            "length": [len(row) for row in ids],
            **{name: [getattr(example, name) for example in examples] for name in TARGETS},
        }
    )


def padded(rows: Sequence[Sequence[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids filled up with `pad` to the longest row, and the mask that tells them from the filling; both (rows, tokens)."""
    longest = max(map(len, rows))
    ids = torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows])
    return ids, (torch.arange(longest) < torch.tensor([[len(row)] for row in rows])).long()


class Collator:
    """Pads a batch to its longest letter."""

    def __init__(self, pad: int) -> None:
        self.pad = pad

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        ids, mask = padded([row["input_ids"] for row in rows], self.pad)
        targets = {name: torch.tensor(np.array([row[name] for row in rows], dtype=np.float32)) for name in TARGETS}
        return {"input_ids": ids, "attention_mask": mask, **targets}


def special_ids(encoder: Encoder) -> tuple[int, int]:
    """Ids of the padding and the unknown token, whichever family the tokenizer is of."""
    ids = [[encoder.tokenizer.token_to_id(name) for name in names] for names in (("<pad>", "[PAD]"), ("<unk>", "[UNK]"))]
    pad, unknown = (next((i for i in found if i is not None), 0) for found in ids)
    return pad, unknown


def development_figures(prediction: EvalPrediction) -> dict[str, float]:
    """Issue accuracy, risk and signal average precision on the development letters; `score` is their mean, which early stopping watches."""
    issue, signals, level = tuple(prediction.predictions)
    target_issue, target_signals, target_level, target_organiser = tuple(prediction.label_ids)
    read = np.isfinite(target_level[:, 0])
    accuracy = float((issue[read].argmax(1) == target_issue[read].argmax(1)).mean())
    theirs = target_organiser.any(1)
    organiser = float((issue[theirs].argmax(1) == target_organiser[theirs].argmax(1)).mean()) if theirs.any() else float("nan")
    risk = average_precision(target_level[read, 1] >= 0.5, level[read, 1])
    signal = mean_signal_precision(target_signals[read] >= 0.5, signals[read])
    return {"issue": accuracy, "organiser": organiser, "risk": risk, "signals": signal, "score": (accuracy + risk + signal) / 3}


def arguments(fit: FitRecipe, steps: int, folder: Path) -> TrainingArguments:
    check = max(steps // fit.evaluations, 1)
    return TrainingArguments(
        output_dir=str(folder), num_train_epochs=fit.epochs, per_device_train_batch_size=fit.batch, per_device_eval_batch_size=32,
        learning_rate=fit.rate, weight_decay=fit.weight_decay, warmup_steps=int(fit.warmup * steps * fit.epochs), lr_scheduler_type="linear",
        bf16=fit.bf16, use_cpu=True, train_sampling_strategy="group_by_length", length_column_name="length", seed=fit.seed,
        eval_strategy="steps", eval_steps=check, save_strategy="steps", save_steps=check, save_total_limit=2, load_best_model_at_end=True,
        metric_for_best_model="score", greater_is_better=True, logging_steps=max(check // 4, 1), report_to=[], max_grad_norm=1.0,
        remove_unused_columns=False, label_names=list(TARGETS), dataloader_num_workers=0, dataloader_pin_memory=False,
    )  # fmt: skip


def start(recipe: Recipe, backbone: Path | str, labels: Labels) -> LetterNetwork:
    """A fresh network round the backbone, seeded."""
    set_seed(recipe.fit.seed)
    thresholds = len(labels.level_names) - 1
    network = LetterNetwork.start(backbone, len(labels.issues), len(labels.signals), thresholds, recipe.encoder.dropout)
    if recipe.encoder.freeze_words:
        network.encoder.get_input_embeddings().weight.requires_grad_(False)  # type: ignore[operator]
    return network


def keep_only_if_made_of(folder: Path, *materials: object) -> None:
    """Empty a work folder whose checkpoints were made of other letters or another recipe, so that a run never goes on from them."""
    text = "\n".join(map(repr, materials))
    sign, file = hashlib.sha256(text.encode("utf-8", errors="replace")).hexdigest(), folder / MADE_OF
    if folder.is_dir() and not (file.is_file() and file.read_text(encoding="utf-8") == sign):
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(sign, encoding="utf-8")


def train_encoder(
    network: LetterNetwork, encoder: Encoder, train: Sequence[Example], dev: Sequence[Example], fit: FitRecipe, folder: Path
) -> None:
    """Train in place, stop on development; a run that was killed goes on from its last checkpoint in `folder`."""
    torch.set_num_threads(fit.threads)
    pad, unknown = special_ids(encoder)
    network.hide_tokens(unknown, fit.token_dropout)
    rows = dataset(train, encoder)
    trainer = LetterTrainer(
        model=network, args=arguments(fit, -(-len(rows) // fit.batch), folder), train_dataset=rows, eval_dataset=dataset(dev, encoder),
        data_collator=Collator(pad), compute_metrics=development_figures, callbacks=[EarlyStoppingCallback(fit.patience)],
    )  # fmt: skip
    trainer.head_rate = fit.head_rate
    materials = [(e.letter_id, e.text, *(getattr(e, name).tolist() for name in TARGETS)) for e in train]
    keep_only_if_made_of(folder, materials, fit, encoder.max_tokens, encoder.tokenizer.get_vocab_size())
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(folder)))
    network.eval()


@torch.no_grad()
def outputs(network: LetterNetwork, ids: Sequence[Sequence[int]], pad: int) -> dict[str, NDArray[np.float32]]:
    """Logits of each head and the mean-pooled vector for token ids, in fp32, 32 letters of like length at a time, in the given order."""
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in ("mean", *HEADS)}
    for start in tqdm(range(0, len(order), 32), desc="reading letters", unit="batch", mininterval=5, disable=len(order) < LONG):
        mean, hidden = network.read(*padded([ids[i] for i in order[start : start + 32]], pad))
        for name, value in (
            ("mean", mean),
            ("issue", network.issue(hidden)),
            ("signals", network.signals(hidden)),
            ("level", network.level(hidden)),
        ):
            parts[name].append(value.float().numpy())
    back = np.argsort(order)
    return {name: np.concatenate(values)[back] for name, values in parts.items()}
