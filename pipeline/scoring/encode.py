"""Text -> token ids: the only tokenising code, used by training and by scoring.

A letter is read as "title </s> body". Of a letter longer than the limit the head and the tail are kept: the demand stands in front, what
was tried and what comes next stands at the end. Masks lose their number here, so that a second name reads like the first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tokenizers import Tokenizer

from pipeline.errors import ModelFolderError

MASK_NUMBER = re.compile(r"［(姓名|身份证|手机|电话|银行卡|车牌|邮箱|微信|QQ|护照|住址)\d*］")
SPACES = re.compile(r"\s+")
MOST_CHARACTERS = 6_000
"""Characters of the body that are looked at: head and tail of twice what any limit keeps, so that an endless letter costs no more."""
TAIL_SHARE = 0.25


def clean(text: str) -> str:
    """What the model reads: masks without numbers, runs of white space as one blank."""
    return SPACES.sub(" ", MASK_NUMBER.sub(r"[\1]", text)).strip()


def bounded(text: str) -> str:
    """Head and tail of an endless text."""
    if len(text) <= MOST_CHARACTERS:
        return text
    half = MOST_CHARACTERS // 2
    return text[:half] + text[-half:]


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
        """Token ids of each text (title, newline, body), at most `max_tokens` long."""
        titles, bodies = [], []
        for text in texts:
            title, _, body = text.partition("\n")
            titles.append(clean(bounded(title)))
            bodies.append(clean(bounded(body)))
        heads = self.tokenizer.encode_batch(titles, add_special_tokens=False)
        tails = self.tokenizer.encode_batch(bodies, add_special_tokens=False)
        return [self._join(head.ids, tail.ids) for head, tail in zip(heads, tails, strict=True)]

    def _join(self, title: list[int], body: list[int]) -> list[int]:
        title = title[: self.max_tokens // 4]
        room = self.max_tokens - len(title) - 3
        if len(body) > room:
            tail = int(room * TAIL_SHARE)
            body = body[: room - tail] + body[len(body) - tail :]
        return [self._first, *title, self._between, *body, self._last]
