"""Which way of running the encoder is the fastest here, and how far each is from torch in fp32: one table, one run, turns taken in alternation.

    python -m pipeline.training.runtimes models/<name> --letters ../shared/letters/board.csv [--count 400] [--turns 3]

Needs the folder's model.safetensors, and OpenVINO for its rows (pip install openvino); what is not installed is left out and said so.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import safetensors.torch
from numpy.typing import NDArray

from pipeline.intake.letter import Letter
from pipeline.intake.redact import redact_all
from pipeline.intake.sources import read
from pipeline.scoring.config import read_config
from pipeline.scoring.encode import Encoder
from pipeline.scoring.normalise import normalise
from pipeline.training import backbone
from pipeline.training.export import in_fp32
from pipeline.training.network import LetterNetwork
from pipeline.training.trainer import outputs

Array = NDArray[np.float32]
Reader = Callable[[list[int]], Array]
"""Token ids of one letter -> its level logits (3,)."""
CALIBRATING = 100


def onnx_reader(model: Path) -> Reader:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return lambda ids: np.asarray(session.run(["level"], {"input_ids": np.array([ids], np.int64)})[0])[0]


def static_int8(fused: Path, ids: Sequence[list[int]], folder: Path) -> Path:
    """The fused file with activations' ranges fixed from calibration letters."""
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Letters(CalibrationDataReader):
        def __init__(self) -> None:
            self.rows: Iterator[dict[str, Any]] = iter({"input_ids": np.array([row], np.int64)} for row in ids)

        def get_next(self) -> dict[str, Any] | None:
            return next(self.rows, None)

    logging.getLogger().setLevel(logging.ERROR)
    final = folder / "static.onnx"
    quantize_static(
        str(fused), str(final), Letters(), weight_type=QuantType.QInt8, activation_type=QuantType.QUInt8, per_channel=True, reduce_range=True,
        op_types_to_quantize=["MatMul"],
    )  # fmt: skip
    return final


def openvino_reader(model: Path, precision: str) -> Reader | None:
    try:
        import openvino
    except ImportError:
        return None
    compiled = openvino.Core().compile_model(
        str(model), "CPU", {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": 2, "NUM_STREAMS": 2}
    )

    def one(ids: list[int]) -> Array:
        request = compiled.create_infer_request()
        return np.asarray(request.infer({"input_ids": np.array([ids], np.int64)})["level"])[0]

    return one


def letters_of(path: Path, count: int) -> list[str]:
    """Normalised texts of the first letters of a file."""
    found: list[Letter] = []
    for item in read([path]):
        if isinstance(item, Letter):
            found.append(item)
        if len(found) == count:
            break
    return [normalise(letter.text) for letter in redact_all(found, 2)]


def compare(model: Path, letters: Path, count: int, turns: int, threads: int) -> list[tuple[str, float, float]]:
    """(name, letters a second, mean difference of the share of level >= 2 from torch), the fastest first."""
    config = read_config(model)
    recipe = config.recipe
    base = backbone.ensure(recipe["encoder"]["backbone"], recipe["encoder"]["layers"], Path("runs/backbone"))
    network = LetterNetwork.start(base, len(config.issues), len(config.signals), len(config.levels) - 1)
    safetensors.torch.load_model(network, str(model / "model.safetensors"))
    ids = Encoder.load(model, config.max_tokens).encode(letters_of(letters, count))
    told = outputs(network.eval(), ids, 1)
    reference = 1 / (1 + np.exp(-told["level"][:, 1]))
    with tempfile.TemporaryDirectory() as place:
        fused = in_fp32(network, None, told["mean"].mean(0), ids[:CALIBRATING], Path(place))
        readers = {
            "ONNX Runtime, int8 dynamic (shipped)": onnx_reader(model / "model.onnx"),
            "ONNX Runtime, int8 static": onnx_reader(static_int8(fused, ids[:CALIBRATING], Path(place))),
            "ONNX Runtime, fp32": onnx_reader(fused),
            "OpenVINO, fp32": openvino_reader(fused, "f32"),
            "OpenVINO, bf16": openvino_reader(fused, "bf16"),
        }
        ways = {name: reader for name, reader in readers.items() if reader}
        spent: dict[str, list[float]] = {name: [] for name in ways}
        said: dict[str, Array] = {}
        for _turn in range(turns):
            for name, reader in ways.items():
                begun = time.perf_counter()
                with ThreadPoolExecutor(threads) as pool:
                    level = np.stack(list(pool.map(reader, ids)))
                spent[name].append(time.perf_counter() - begun)
                said[name] = (1 / (1 + np.exp(-level[:, 1]))).astype(np.float32)
    rows = [(name, len(ids) / statistics.median(times), float(np.abs(said[name] - reference).mean())) for name, times in spent.items()]
    return sorted(rows, key=lambda row: -row[1])


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m pipeline.training.runtimes", description="Compare ways of running the encoder.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--letters", type=Path, default=Path("data/sample"))
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    told = parser.parse_args(argv)
    rows = compare(told.model, told.letters, told.count, told.turns, told.threads)
    print(f"| way of running | letters/s, median of {told.turns} turns | mean difference of risk from torch |\n|---|---|---|")
    for name, rate, gap in rows:
        print(f"| {name} | {rate:.0f} | {gap:.4f} |")
    print(json.dumps({name: [rate, gap] for name, rate, gap in rows}, ensure_ascii=False), file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
