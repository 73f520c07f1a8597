"""The trained encoder as one int8 ONNX file: fused attention, no mask input (scoring never pads), checked against torch."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pipeline.training.network import LetterNetwork
from pipeline.training.trainer import outputs

OUTPUTS = ("issue", "signals", "level", "embedding")


class _Exported(nn.Module):
    """Token ids -> logits of the three heads and the unit-norm embedding (mean-pooled, less the mean over training letters)."""

    def __init__(self, network: LetterNetwork, centre: Tensor) -> None:
        super().__init__()
        self.network = network
        self.centre: Tensor
        self.register_buffer("centre", centre)

    def forward(self, input_ids: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        mean, hidden = self.network.read(input_ids, torch.ones_like(input_ids))
        embedding = nn.functional.normalize(mean - self.centre, dim=-1)
        return self.network.issue(hidden), self.network.signals(hidden), self.network.level(hidden), embedding


def export(network: LetterNetwork, centre: NDArray[np.float32], folder: Path) -> Path:
    """Write `folder`/model.onnx and return it."""
    from onnx import TensorProto
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers import optimizer

    plain, fused, final = (folder / name for name in ("plain.onnx", "fused.onnx", "model.onnx"))
    config = network.encoder.config
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of every shape it reads
        torch.onnx.export(
            _Exported(network.eval(), torch.from_numpy(centre)), (torch.randint(5, 100, (1, 17)),), str(plain), dynamo=False, opset_version=17,
            input_names=["input_ids"], output_names=list(OUTPUTS), dynamic_axes={"input_ids": {0: "letters", 1: "tokens"}},
        )  # fmt: skip
    heads, width = int(config.num_attention_heads), int(config.hidden_size)  # type: ignore[union-attr,arg-type]
    optimizer.optimize_model(str(plain), model_type="bert", num_heads=heads, hidden_size=width, opt_level=0).save_model_to_file(str(fused))
    logging.getLogger().setLevel(logging.ERROR)  # the quantiser advises on the root logger
    quantize_dynamic(
        str(fused), str(final), weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=["MatMul", "Attention", "Gather"],
        extra_options={"DefaultTensorType": TensorProto.FLOAT},
    )  # fmt: skip
    plain.unlink()
    fused.unlink()
    return final


def largest_difference(
    network: LetterNetwork, centre: NDArray[np.float32], model: Path, ids: Sequence[Sequence[int]], pad: int
) -> dict[str, float]:
    """Largest absolute difference of each output between torch (fp32) and the exported file over the given letters.

    `level_share` is the same in probability (after the sigmoid, before calibration); `embedding_cosine` the lowest agreement.
    """
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    rows = [session.run(list(OUTPUTS), {"input_ids": np.array([row], dtype=np.int64)}) for row in ids]
    exported = {name: np.concatenate([row[k] for row in rows]) for k, name in enumerate(OUTPUTS)}
    reference = outputs(network, ids, pad)
    found = {name: float(np.abs(exported[name] - reference[name]).max()) for name in OUTPUTS[:3]}
    found["level_share"] = float(np.abs(1 / (1 + np.exp(-exported["level"])) - 1 / (1 + np.exp(-reference["level"]))).max())
    centred = reference["mean"] - centre
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    found["embedding_cosine"] = float((centred * exported["embedding"]).sum(1).min())
    return found
