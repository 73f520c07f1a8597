"""The trained encoder as one int8 ONNX file: fused attention, no mask input (scoring never pads), checked against torch."""

from __future__ import annotations

import copy
import logging
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from pipeline.errors import ModelFolderError
from pipeline.training.embedder import READ_TOKENS, pooled
from pipeline.training.network import LetterNetwork
from pipeline.training.smooth import fit_for_8_bits

Array = NDArray[np.float32]
OUTPUTS = ("issue", "signals", "level", "embedding")


class _Exported(nn.Module):
    """Token ids -> logits of the three heads and the unit-norm embedding (embedder.py; without one the network's own mean-pooled output).

    The embedder reads the beginning of the letter, and shares the network's word embeddings. `centre` is its mean over training letters.
    """

    def __init__(self, network: LetterNetwork, embedder: nn.Module | None, centre: Tensor) -> None:
        super().__init__()
        self.network, self.embedder = network, embedder
        self.centre: Tensor
        self.register_buffer("centre", centre)

    def forward(self, input_ids: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        mean, hidden = self.network.read(input_ids, torch.ones_like(input_ids))
        if self.embedder is not None:
            begin = input_ids[:, :READ_TOKENS]
            mean = pooled(self.embedder, begin, torch.ones_like(begin))
        embedding = nn.functional.normalize(mean - self.centre, dim=-1)
        return self.network.issue(hidden), self.network.signals(hidden), self.network.level(hidden), embedding


def export(network: LetterNetwork, embedder: nn.Module | None, centre: Array, ids: Sequence[Sequence[int]], folder: Path) -> Path:
    """Write `folder`/model.onnx and return it; `ids` are token ids of some training letters, to find the activations' outliers by.

    Weights take 7 of the 8 bits (`reduce_range`): processors without VNNI add pairs of products in 16 bits, where full-range weights
    overflow and an old office PC would give other scores.
    """
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic

    fused, final = in_fp32(network, embedder, centre, ids, folder), folder / "model.onnx"
    logging.getLogger().setLevel(logging.ERROR)  # the quantiser advises on the root logger
    quantize_dynamic(
        str(fused), str(final), weight_type=QuantType.QInt8, per_channel=True, reduce_range=True, op_types_to_quantize=["MatMul", "Attention"],
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )  # fmt: skip
    fused.unlink()
    return final


def in_fp32(network: LetterNetwork, embedder: nn.Module | None, centre: Array, ids: Sequence[Sequence[int]], folder: Path) -> Path:
    """Write `folder`/fused.onnx, smoothed and fused but not yet quantised, and return it."""
    from onnxruntime.transformers import optimizer

    _check_words(network, embedder)
    network, embedder = copy.deepcopy(network).eval(), copy.deepcopy(embedder)
    fit_for_8_bits(network, ids)
    if embedder is not None:
        embedder.eval().set_input_embeddings(network.encoder.get_input_embeddings())  # type: ignore[operator]
    plain, fused = folder / "plain.onnx", folder / "fused.onnx"
    config = network.encoder.config
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of every shape it reads
        torch.onnx.export(
            _Exported(network, embedder, torch.from_numpy(centre)), (torch.randint(5, 100, (1, 17)),), str(plain), dynamo=False, opset_version=17,
            input_names=["input_ids"], output_names=list(OUTPUTS), dynamic_axes={"input_ids": {0: "letters", 1: "tokens"}},
        )  # fmt: skip
    heads, width = int(config.num_attention_heads), int(config.hidden_size)  # type: ignore[union-attr,arg-type]
    optimizer.optimize_model(str(plain), model_type="bert", num_heads=heads, hidden_size=width, opt_level=0).save_model_to_file(str(fused))
    plain.unlink()
    return fused


def _check_words(network: LetterNetwork, embedder: nn.Module | None) -> None:
    """The file holds the word embeddings once, so both must have been made from the same backbone with frozen words."""
    if embedder is not None:
        words, theirs = (one.get_input_embeddings().weight for one in (embedder, network.encoder))  # type: ignore[operator]
        if words.shape != theirs.shape or not torch.equal(words, theirs):
            raise ModelFolderError(
                "the embedder's word embeddings are not the encoder's: train both from one backbone with freeze_words = true."
            )


def exported_outputs(model: Path, ids: Sequence[Sequence[int]]) -> dict[str, Array]:
    """What the exported file says of letters, one at a time as scoring does it; the same names as the file's outputs."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    with ThreadPoolExecutor() as pool:
        read = pool.map(lambda row: session.run(list(OUTPUTS), {"input_ids": np.array([row], dtype=np.int64)}), ids)
        rows = list(tqdm(read, total=len(ids), desc="exported model", unit="letter", mininterval=5))
    return {name: np.concatenate([row[k] for row in rows]) for k, name in enumerate(OUTPUTS)}


def largest_difference(vectors: Array, exported: Mapping[str, Array], reference: Mapping[str, Array]) -> dict[str, float]:
    """Largest absolute difference of each output between the exported file and torch in fp32 (trainer.outputs) on the same letters.

    `risk` is the same for the share of level >= 2 before calibration, with its mean; `embedding cosine` the lowest agreement with `vectors`.
    """
    found = {name: float(np.abs(exported[name] - reference[name]).max()) for name in OUTPUTS[:3]}
    gap = np.abs(1 / (1 + np.exp(-exported["level"][:, 1])) - 1 / (1 + np.exp(-reference["level"][:, 1])))
    found |= {"risk": float(gap.max()), "risk, mean": float(gap.mean())}
    return found | {"embedding cosine": float((vectors * exported["embedding"]).sum(1).min())}
