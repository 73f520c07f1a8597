"""One encoder, three heads, one pass: issue (softmax), signals (sigmoid), level (ordinal)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel

ISSUE_WEIGHT, ORGANISER_WEIGHT, SIGNAL_WEIGHT, LEVEL_WEIGHT, SMOOTHING = 1.5, 0.7, 0.6, 1.0, 0.05


class LetterNetwork(nn.Module):
    """A BERT-like encoder with heads over its mean- and max-pooled output.

    The heads share one hidden layer (linear, GELU, LayerNorm): bare linear heads on mean-pooled E5 vectors learn slowly, since those
    share one large common direction. Signals and levels are summed in the loss, not averaged, so that rare ones get their gradient.
    The organiser of issues7 decides some kinds of letter differently from the readings; `organiser` is its bias over the issues, learnt
    beside and dropped at export: the product's answer follows the readings.
    """

    def __init__(self, encoder: nn.Module, issues: int, signals: int, thresholds: int, dropout: float) -> None:
        super().__init__()
        self.encoder = encoder
        width = int(encoder.config.hidden_size)  # type: ignore[union-attr,arg-type]
        self.hidden = nn.Sequential(
            nn.Dropout(dropout), nn.Linear(2 * width, 2 * width), nn.GELU(), nn.LayerNorm(2 * width), nn.Dropout(dropout)
        )
        self.issue = nn.Linear(2 * width, issues)
        self.signals = nn.Linear(2 * width, signals)
        self.level = nn.Linear(2 * width, thresholds)
        self.organiser = nn.Linear(2 * width, issues)
        nn.init.zeros_(self.organiser.weight)
        nn.init.zeros_(self.organiser.bias)
        self.unknown, self.hidden_share = 0, 0.0

    def hide_tokens(self, unknown: int, share: float) -> None:
        """While training, put the token `unknown` in the place of a random `share` of the tokens."""
        self.unknown, self.hidden_share = unknown, share

    @classmethod
    def start(cls, backbone: Path | str, issues: int, signals: int, thresholds: int, dropout: float = 0.1) -> LetterNetwork:
        """A network round the encoder of a folder or hub name, heads fresh.

        No dropout inside the encoder: on a CPU drawing its masks took a quarter of a step. Tokens are dropped instead (`hide_tokens`).
        Eager attention: in bf16 on a CPU it was half again as fast as the fused one.
        """
        encoder = AutoModel.from_pretrained(
            str(backbone), add_pooling_layer=False, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, attn_implementation="eager"
        )
        return cls(encoder, issues, signals, thresholds, dropout)

    def read(self, input_ids: Tensor, attention_mask: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, tokens) -> mean-pooled (batch, width) and the heads' input (batch, 2 * width)."""
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(states.dtype)
        mean = (states * mask).sum(1) / mask.sum(1)
        peak = states.masked_fill(mask == 0, float("-inf")).amax(1)
        return mean, self.hidden(torch.cat([mean, peak], dim=-1))

    def forward(self, input_ids: Tensor, attention_mask: Tensor, **targets: Tensor) -> dict[str, Any]:
        if self.training and self.hidden_share:
            input_ids = input_ids.masked_fill(torch.rand(input_ids.shape) < self.hidden_share, self.unknown)
        _, hidden = self.read(input_ids, attention_mask)
        issue, signals, level = self.issue(hidden), self.signals(hidden), self.level(hidden)
        theirs = issue + self.organiser(hidden)
        loss = self._loss(issue.float(), theirs.float(), signals.float(), level.float(), targets)
        return {"loss": loss, "issue_logits": issue.float(), "signal_logits": signals.float(), "level_logits": level.float()}

    def _loss(self, issue: Tensor, theirs: Tensor, signals: Tensor, level: Tensor, targets: dict[str, Tensor]) -> Tensor:
        """Each part is the sum over the letters that have its label, divided by the letters of the batch."""
        read = torch.isfinite(targets["level"][:, 0])
        by_organiser = targets["organiser"].any(1)
        loss = issue.sum() * 0.0
        if bool(by_organiser.any()):
            loss = loss + ORGANISER_WEIGHT * cross_entropy(theirs[by_organiser], targets["organiser"][by_organiser])
        if bool(read.any()):
            loss = loss + ISSUE_WEIGHT * cross_entropy(issue[read], targets["issue"][read])
            loss = loss + SIGNAL_WEIGHT * binary(signals[read], targets["signals"][read])
            loss = loss + LEVEL_WEIGHT * binary(level[read], targets["level"][read])
        return loss / len(issue)


def cross_entropy(logits: Tensor, shares: Tensor) -> Tensor:
    """Sum over letters, targets softened."""
    return functional.cross_entropy(logits, shares, label_smoothing=SMOOTHING, reduction="sum")


def binary(logits: Tensor, shares: Tensor) -> Tensor:
    """Sum over letters and outputs: summed, not averaged, so that rare signals get their gradient."""
    return functional.binary_cross_entropy_with_logits(logits, shares, reduction="sum")
