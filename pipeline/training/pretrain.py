"""Continued pretraining on unlabelled letters: the thinned encoder learns the language of petitions before it learns the labels.

Two tasks at once, after Gururangan et al. 2020 (Don't Stop Pretraining) and Gao et al. 2021 (SimCSE): hidden tokens are guessed back
(masked language modelling, output tied to the frozen word embeddings), and a letter's title must find its own body among the batch's
(InfoNCE over mean-pooled vectors), which is also what matter linking asks of the embedding. Needs no label; held-out letters are left
out all the same. The result is a backbone folder like that of `backbone.convert`; a configuration names it as [encoder] backbone.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel, Trainer, TrainingArguments, set_seed
from transformers.trainer_utils import get_last_checkpoint

from pipeline.scoring.encode import Encoder
from pipeline.scoring.labels import load_labels
from pipeline.training import backbone
from pipeline.training.letters import Example, load_examples
from pipeline.training.trainer import keep_only_if_made_of, padded, special_ids

HIDDEN_SHARE, TEMPERATURE, CONTRAST_WEIGHT = 0.2, 0.05, 0.3
NOT_GUESSED = -100


class GuessingNetwork(nn.Module):
    """An encoder with a masked-language head and a title-body contrast."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        width = int(encoder.config.hidden_size)  # type: ignore[union-attr,arg-type]
        self._words().requires_grad_(False)
        self.transform = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width))
        self.bias = nn.Parameter(torch.zeros(len(self._words())))

    def _words(self) -> Tensor:
        """The word embeddings, (vocabulary, width): input and output."""
        return self.encoder.get_input_embeddings().weight  # type: ignore[operator]

    def _read(self, ids: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        states = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state
        weights = mask.unsqueeze(-1).to(states.dtype)
        return states, functional.normalize((states * weights).sum(1).float() / weights.sum(1).float(), dim=-1)

    def _guess(self, states: Tensor, answers: Tensor) -> Tensor:
        asked = answers != NOT_GUESSED
        logits = functional.linear(self.transform(states[asked]), self._words()) + self.bias
        return functional.cross_entropy(logits.float(), answers[asked])

    def forward(self, body: Tensor, body_mask: Tensor, body_answers: Tensor, title: Tensor, title_mask: Tensor) -> dict[str, Any]:
        states, whole = self._read(body, body_mask)
        _, head = self._read(title, title_mask)
        near = head @ whole.T / TEMPERATURE
        own = torch.arange(len(near))
        contrast = (functional.cross_entropy(near, own) + functional.cross_entropy(near.T, own)) / 2
        return {"loss": self._guess(states, body_answers) + CONTRAST_WEIGHT * contrast}


class HidingCollator:
    """Pads titles and bodies; hides a fifth of the body's tokens: eight in ten by <mask>, one by another token, one left as it is."""

    def __init__(self, pad: int, mask: int, vocabulary: int, seed: int) -> None:
        self.pad, self.mask, self.vocabulary = pad, mask, vocabulary
        self.draw = torch.Generator().manual_seed(seed)

    def __call__(self, rows: Sequence[dict[str, list[int]]]) -> dict[str, Tensor]:
        body, body_mask = padded([row["input_ids"] for row in rows], self.pad)
        title, title_mask = padded([row["title"] for row in rows], self.pad)
        chance = torch.rand(body.shape, generator=self.draw)
        asked = (chance < HIDDEN_SHARE) & (body > self.mask)
        answers = body.masked_fill(~asked, NOT_GUESSED)
        other = torch.randint(self.mask + 1, self.vocabulary, body.shape, generator=self.draw)
        body = torch.where(asked & (chance < 0.8 * HIDDEN_SHARE), torch.full_like(body, self.mask), body)
        body = torch.where(asked & (chance >= 0.9 * HIDDEN_SHARE), other, body)
        return {"body": body, "body_mask": body_mask, "body_answers": answers, "title": title, "title_mask": title_mask}


def pretrain(letters: Path, layers: int, epochs: float, rate: float, max_tokens: int, work: Path, seed: int = 20) -> Path:
    """Go on pretraining the bundled encoder on every letter that no test or development split holds; returns the new backbone's folder."""
    base = Path(backbone.ensure(backbone.BUNDLED, layers, work / "backbone"))
    encoder = Encoder.load(base, max_tokens)
    examples = [example for example in load_examples(letters, load_labels(), work) if example.split == "train"]
    rows = _rows(examples, encoder)
    set_seed(seed)
    model = GuessingNetwork(
        AutoModel.from_pretrained(
            str(base), add_pooling_layer=False, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, attn_implementation="eager"
        )
    )
    folder = work / f"pretrain-{layers}"
    arguments = TrainingArguments(
        output_dir=str(folder), num_train_epochs=epochs, per_device_train_batch_size=32, learning_rate=rate, weight_decay=0.01,
        warmup_steps=50, lr_scheduler_type="linear", bf16=True, use_cpu=True, train_sampling_strategy="group_by_length", length_column_name="length",
        seed=seed, save_strategy="steps", save_steps=200, save_total_limit=1, logging_steps=25, report_to=[], max_grad_norm=1.0,
        remove_unused_columns=False, dataloader_num_workers=0, dataloader_pin_memory=False,
    )  # fmt: skip
    mask = encoder.tokenizer.token_to_id("<mask>") or 0
    collator = HidingCollator(special_ids(encoder)[0], mask, encoder.tokenizer.get_vocab_size(), seed)
    trainer = Trainer(model=model, args=arguments, train_dataset=rows, data_collator=collator)
    keep_only_if_made_of(folder, [(e.letter_id, e.text) for e in examples], layers, epochs, rate, max_tokens, seed)
    trainer.train(resume_from_checkpoint=get_last_checkpoint(str(folder)))
    return _save(model, base, folder / "backbone", len(rows), epochs)


def _rows(examples: Sequence[Example], encoder: Encoder) -> Dataset:
    parts = [example.text.partition("\n") for example in examples]
    bodies = encoder.encode(["\n" + body for _, _, body in parts])
    titles = encoder.encode(["\n" + title for title, _, _ in parts])
    return Dataset.from_dict({"input_ids": bodies, "title": titles, "length": [len(ids) for ids in bodies]})


def _save(model: GuessingNetwork, base: Path, folder: Path, letters: int, epochs: float) -> Path:
    model.encoder.save_pretrained(str(folder))  # type: ignore[operator]
    shutil.copy(base / "tokenizer.json", folder / "tokenizer.json")
    note = json.loads((base / "backbone.json").read_text(encoding="utf-8"))
    note["source"] += f", pretrained further on {letters} letters for {epochs:g} epochs"
    (folder / "backbone.json").write_text(json.dumps(note, ensure_ascii=False, indent=1), encoding="utf-8")
    return folder


def main(argv: Sequence[str] | None = None) -> int:
    """python -m pipeline.training.pretrain"""
    parser = argparse.ArgumentParser(prog="python -m pipeline.training.pretrain", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--letters", type=Path, default=Path("../shared/letters"))
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--epochs", type=float, default=3.0)
    parser.add_argument("--rate", type=float, default=4e-4)
    parser.add_argument("--max-tokens", type=int, default=192)
    parser.add_argument("--work", type=Path, default=Path("runs"))
    told = parser.parse_args(argv)
    print(pretrain(told.letters, told.layers, told.epochs, told.rate, told.max_tokens, told.work))
    return 0


if __name__ == "__main__":
    sys.exit(main())
