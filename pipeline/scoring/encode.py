"""Normalised text -> token ids: the only tokenising code, used by training and by scoring.

A letter is read as "shorter part </s> longer part" (normalise.py). Of a letter longer than the limit the head and the tail are kept: the
demand stands in front, what was tried and what comes next stands at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from pipeline.errors import ModelFolderError

TAIL_SHARE = 0.25


class Encoder:
    """The tokenizer of a model folder with its length limit in tokens."""

    def __init__(self, tokenizer: Tokenizer, max_tokens: int) -> None:
        self.tokenizer, self.max_tokens = tokenizer, max_tokens
        self._first, self._between, self._last = self._specials()

    @classmethod
    def load(cls, folder: Path, max_tokens: int) -> Encoder:
        """Read `tokenizer.json`; raises ModelFolderError when it is missing or broken."""
        try:
            return cls(Tokenizer.from_file(str(folder / "tokenizer.json")), max_tokens)
        except Exception as exc:  # tokenizers raises bare Exception
            raise ModelFolderError(f"{folder}: expected a readable tokenizer.json, found {exc}; restore the model folder.") from exc

    def _specials(self) -> tuple[int, int, int]:
        """Ids that open a letter, stand between title and body, and close it, whatever the backbone calls them."""
        single = self.tokenizer.encode("的").ids
        return single[0], single[-1], single[-1]

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each normalised text (shorter part, newline, longer part), at most `max_tokens` long."""
        parts = [text.partition("\n") for text in texts]
        heads = self.tokenizer.encode_batch([head for head, _, _ in parts], add_special_tokens=False)
        tails = self.tokenizer.encode_batch([tail for _, _, tail in parts], add_special_tokens=False)
        return [self._join(head.ids, tail.ids) for head, tail in zip(heads, tails, strict=True)]

    def _join(self, title: list[int], body: list[int]) -> list[int]:
        title = title[: self.max_tokens // 4]
        room = self.max_tokens - len(title) - 3
        if len(body) > room:
            tail = int(room * TAIL_SHARE)
            body = body[: room - tail] + body[len(body) - tail :]
        return [self._first, *title, self._between, *body, self._last]
