"""Train, calibrate, evaluate and export a model by a configuration file. Never promotes: see pipeline.scoring.registry."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="train.py", description=__doc__)
    parser.add_argument("--config", type=Path, required=True, help="a TOML file, such as configs/default.toml")
    parser.add_argument("--out", type=Path, help="the model folder to write (default: models/<name in the configuration>)")
    parser.add_argument(
        "--work", type=Path, default=Path("runs"), help="checkpoints and caches, so that a killed run goes on (default: runs)"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    arguments = make_parser().parse_args(argv)
    from pipeline.errors import ZhiweiError

    try:
        from pipeline.training.fit import summary, train
    except ImportError as exc:
        print(f"train.py needs the extra `train`, but {exc.name} is not installed; run: pip install '.[train]'", file=sys.stderr)
        return 2
    try:
        folder = train(arguments.config, arguments.out, arguments.work)
    except ZhiweiError as exc:
        print(exc, file=sys.stderr)
        return 2
    print("\n".join(summary(folder)))
    print(f"model folder: {folder} (not in use until: python -m pipeline.scoring.registry promote {folder.name})")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
