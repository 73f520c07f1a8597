"""The embedding that tells which letters speak of one matter: a short encoder that learns from the pretrained backbone.

The encoder that is trained on the labels forgets what letters are about; the backbone after `pretrain`, which has learnt to find a title's body, does
not. A student of three of its layers that reads the first
80 tokens costs a sixth of the encoder. It learns two things at once: to point where the backbone points for the whole letter
(distillation, 1 - cosine to the centred vector), and to find a title's own body among the batch's (InfoNCE, as in `pretrain`). Needs no label.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm
from transformers import AutoModel, Trainer, TrainingArguments, set_seed
from transformers.trainer_utils import get_last_checkpoint

from pipeline.scoring.encode import Encoder
from pipeline.scoring.labels import load_labels
from pipeline.training.letters import Example, load_examples
from pipeline.training.trainer import LONG, keep_only_if_made_of, padded, special_ids

READ_TOKENS = 80
"""The embedding reads this many tokens: the title and how the letter begins."""
TEMPERATURE, CONTRAST_WEIGHT = 0.05, 0.3
FOLDER = "embedder"


def pooled(encoder: nn.Module, ids: Tensor, mask: Tensor) -> Tensor:
    """Mean over the tokens of the encoder's output, (letters, width)."""
    states = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    weights = mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(1).float() / weights.sum(1).float()


def shortened(backbone: Path, layers: int) -> nn.Module:
    """The backbone with `layers` of its layers, evenly spread from the first to the last; the word embeddings are not trained."""
    encoder: Any = AutoModel.from_pretrained(
        str(backbone), add_pooling_layer=False, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, attn_implementation="eager"
    )
    stack = encoder.encoder.layer
    last = len(stack) - 1
    kept = [round(at * last / max(layers - 1, 1)) for at in range(layers)]
    encoder.encoder.layer = nn.ModuleList(stack[at] for at in kept)
    encoder.config.num_hidden_layers = layers
    encoder.get_input_embeddings().weight.requires_grad_(False)
    return encoder


class Student(nn.Module):
    """The short encoder with its two tasks."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(
        self, letter: Tensor, letter_mask: Tensor, title: Tensor, title_mask: Tensor, goal: Tensor, split: Tensor
    ) -> dict[str, Any]:
        """`goal`: the teacher's unit vectors; `split`: True where `letter` is a body whose own title is to find it."""
        whole = functional.normalize(pooled(self.encoder, letter, letter_mask), dim=-1)
        loss = (1 - (whole * goal).sum(1)).mean()
        if int(split.sum()) > 1:
            head = functional.normalize(pooled(self.encoder, title[split], title_mask[split]), dim=-1)
            near = head @ whole[split].T / TEMPERATURE
            own = torch.arange(len(near))
            loss = loss + CONTRAST_WEIGHT * (functional.cross_entropy(near, own) + functional.cross_entropy(near.T, own)) / 2
        return {"loss": loss}


class SplittingCollator:
    """Half of the letters are read whole, of the other half the body apart from its title."""

    def __init__(self, pad: int, seed: int) -> None:
        self.pad, self.draw = pad, torch.Generator().manual_seed(seed)

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        split = torch.rand(len(rows), generator=self.draw) < 0.5
        read = [row["body"] if apart else row["letter"] for row, apart in zip(rows, split.tolist(), strict=True)]
        letter, letter_mask = padded(read, self.pad)
        title, title_mask = padded([row["title"] for row in rows], self.pad)
        goal = torch.tensor([row["goal"] for row in rows])
        return {"letter": letter, "letter_mask": letter_mask, "title": title, "title_mask": title_mask, "goal": goal, "split": split}


def load_embedder(folder: Path) -> nn.Module:
    """A trained embedder, or any backbone, to read with."""
    encoder: Any = AutoModel.from_pretrained(str(folder), add_pooling_layer=False, attn_implementation="eager")
    return encoder.eval()


@torch.no_grad()
def mean_vectors(encoder: Any, ids: Sequence[Sequence[int]], pad: int) -> Tensor:
    """Mean-pooled vectors of letters, (letters, width), 32 letters of like length at a time, in the given order."""
    order = sorted(range(len(ids)), key=lambda at: len(ids[at]))
    found = torch.zeros(len(ids), encoder.config.hidden_size)
    for begin in tqdm(range(0, len(order), 32), desc="reading letters", unit="batch", mininterval=5, disable=len(order) < LONG):
        rows = order[begin : begin + 32]
        found[rows] = pooled(encoder, *padded([ids[at] for at in rows], pad))
    return found


def vectors(embedder: nn.Module, ids: Sequence[Sequence[int]], pad: int) -> NDArray[np.float32]:
    """What the embedder makes of letters, in fp32 and not yet centred, (letters, width)."""
    return mean_vectors(embedder, [row[:READ_TOKENS] for row in ids], pad).numpy()


def teacher_vectors(backbone: Path, ids: Sequence[Sequence[int]], pad: int) -> NDArray[np.float32]:
    """The backbone's vectors of whole letters, less their mean, unit norm; (letters, width)."""
    with torch.autocast("cpu", torch.bfloat16):
        found = mean_vectors(load_embedder(backbone), ids, pad)
    return functional.normalize(found - found.mean(0), dim=-1).numpy()


def train_embedder(
    letters: Path, backbone: Path, layers: int, epochs: float, rate: float, max_tokens: int, work: Path, seed: int = 20
) -> Path:
    """Train the student on every letter that no test or development split holds; returns its folder. A run that was killed goes on."""
    encoder = Encoder.load(backbone, max_tokens)
    examples = [example for example in load_examples(letters, load_labels(), work) if example.split == "train"]
    pad = special_ids(encoder)[0]
    set_seed(seed)
    rows = _rows(examples, encoder, backbone, pad)
    student = Student(shortened(backbone, layers))
    folder = work / FOLDER
    arguments = TrainingArguments(
        output_dir=str(folder), num_train_epochs=epochs, per_device_train_batch_size=64, learning_rate=rate, weight_decay=0.01,
        warmup_steps=50, lr_scheduler_type="linear", bf16=True, use_cpu=True, seed=seed, save_strategy="steps", save_steps=200, save_total_limit=1,
        logging_steps=25, report_to=[], max_grad_norm=1.0, remove_unused_columns=False, dataloader_num_workers=0, dataloader_pin_memory=False,
    )  # fmt: skip
    trainer = Trainer(model=student, args=arguments, train_dataset=rows, data_collator=SplittingCollator(pad, seed))
    keep_only_if_made_of(folder, [(e.letter_id, e.text) for e in examples], str(backbone), layers, epochs, rate, max_tokens, seed)
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(folder)))
    return _save(student, backbone, folder / "backbone", len(rows), epochs)


def _rows(examples: Sequence[Example], encoder: Encoder, backbone: Path, pad: int) -> Dataset:
    parts = [example.text.partition("\n") for example in examples]
    whole = encoder.encode([example.text for example in examples])
    bodies = encoder.encode(["\n" + body for _, _, body in parts])
    titles = encoder.encode(["\n" + title for title, _, _ in parts])
    return Dataset.from_dict(
        {
            "letter": [ids[:READ_TOKENS] for ids in whole],
            "body": [ids[:READ_TOKENS] for ids in bodies],
            "title": [ids[:READ_TOKENS] for ids in titles],
            "goal": teacher_vectors(backbone, whole, pad),
        }
    )


def _save(student: Student, base: Path, folder: Path, letters: int, epochs: float) -> Path:
    student.encoder.save_pretrained(str(folder))  # type: ignore[operator]
    shutil.copy(base / "tokenizer.json", folder / "tokenizer.json")
    note = json.loads((base / "backbone.json").read_text(encoding="utf-8"))
    note["source"] += f", taught to a shorter encoder on {letters} letters for {epochs:g} epochs"
    (folder / "backbone.json").write_text(json.dumps(note, ensure_ascii=False, indent=1), encoding="utf-8")
    return folder


def main(argv: Sequence[str] | None = None) -> int:
    """python -m pipeline.training.embedder"""
    parser = argparse.ArgumentParser(prog="python -m pipeline.training.embedder", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--letters", type=Path, default=Path("../shared/letters"))
    parser.add_argument("--backbone", type=Path, default=Path("runs/pretrain-6/backbone"))
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--epochs", type=float, default=4.0)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--max-tokens", type=int, default=256)
    parser.add_argument("--work", type=Path, default=Path("runs"))
    told = parser.parse_args(argv)
    print(train_embedder(told.letters, told.backbone, told.layers, told.epochs, told.rate, told.max_tokens, told.work))
    return 0


if __name__ == "__main__":
    sys.exit(main())
