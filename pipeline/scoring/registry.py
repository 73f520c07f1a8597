"""Model folders: check one, see which is in use, put another in use, go back.

`models/CURRENT` names the folder in use; its further lines are the ones before, newest first.
    python -m pipeline.scoring.registry list|check|promote|rollback
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import ModelFolderError, ZhiweiError
from pipeline.scoring.config import read_config
from pipeline.scoring.labels import load_labels

CURRENT, SUMS = "CURRENT", "SHA256SUMS"
REQUIRED = ("model.onnx", "wide.safetensors", "matters.safetensors", "tokenizer.json", "config.json", "metrics.json", "README.md")
MODELS = Path(__file__).resolve().parents[2] / "models"


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def write_sums(folder: Path) -> None:
    """Write SHA256SUMS over the files that scoring needs."""
    lines = [f"{digest(folder / name)}  {name}" for name in REQUIRED]
    (folder / SUMS).write_text("\n".join(lines) + "\n", encoding="utf-8")


def check(folder: Path) -> None:
    """Compare every file with SHA256SUMS and the labels with data/labels.toml.

    Raises:
        ModelFolderError: the folder or a file is missing, a sum or a label differs.
    """
    if not (folder / SUMS).is_file():
        raise ModelFolderError(
            f"model folder {folder}: expected a folder with {SUMS}, found none; give --model an existing folder or restore it."
        )
    pairs = (line.split(maxsplit=1) for line in (folder / SUMS).read_text(encoding="utf-8").splitlines() if line.strip())
    sums = {name: sum_of for sum_of, name in pairs}
    for name in REQUIRED:
        if name not in sums or not (folder / name).is_file():
            raise ModelFolderError(f"model folder {folder}: {name} is missing or not in {SUMS}; copy the whole folder again.")
        if digest(folder / name) != sums[name]:
            raise ModelFolderError(
                f"model folder {folder}: {name} is not the file that {SUMS} names (half copied or changed); copy it again."
            )
    read_config(folder).check_labels(load_labels())


def history(models: Path = MODELS) -> list[str]:
    """Names of the folder in use and of those before it, newest first."""
    file = models / CURRENT
    return file.read_text(encoding="utf-8").split() if file.is_file() else []


def current(models: Path = MODELS) -> Path:
    """The folder in use; raises ModelFolderError when none is."""
    names = history(models)
    if not names:
        raise ModelFolderError(f"{models}: expected a file {CURRENT} that names a model folder, found none; run the registry's promote.")
    return models / names[0]


def promote(name: str, models: Path = MODELS) -> None:
    """Check folder `name`, compare it with the one in use, and put it in use.

    Raises:
        ModelFolderError: the folder is not whole, or the model is worse than the one in use (scoring/gate.py); the message says where.
    """
    from pipeline.scoring.gate import objections

    check(models / name)
    used = history(models)[:1]
    found = objections(models / name, models / used[0] if used and used != [name] else None)
    if found:
        raise ModelFolderError(f"model {name} is not promoted, it is worse than {used[0]}:\n  " + "\n  ".join(found))
    _write(models, [name, *(other for other in history(models) if other != name)])


def rollback(models: Path = MODELS) -> str:
    """Put the folder before the one in use back in use; returns its name."""
    names = history(models)
    if len(names) < 2:
        raise ModelFolderError(f"{models / CURRENT}: there is no earlier model to go back to; promote one instead.")
    check(models / names[1])
    _write(models, names[1:])
    return names[1]


def _write(models: Path, names: Sequence[str]) -> None:
    draft = models / (CURRENT + ".new")
    draft.write_text("\n".join(names) + "\n", encoding="utf-8")
    os.replace(draft, models / CURRENT)


def _list(models: Path) -> None:
    used = history(models)[:1]
    for folder in sorted(path.parent for path in models.glob(f"*/{SUMS}")):
        print("*" if [folder.name] == used else " ", folder.name)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="check, list, promote and roll back model folders")
    parser.add_argument("action", choices=["list", "check", "promote", "rollback"])
    parser.add_argument("name", nargs="?", help="a folder in --models; for check the one in use if none is given")
    parser.add_argument("--models", type=Path, default=MODELS)
    arguments = parser.parse_args(argv)
    if arguments.action == "promote" and not arguments.name:
        parser.error("promote needs the name of a model folder")
    try:
        if arguments.action == "list":
            _list(arguments.models)
        elif arguments.action == "check":
            folder = arguments.models / arguments.name if arguments.name else current(arguments.models)
            check(folder)
            print(f"{folder.name}: all files are as {SUMS} says")
        elif arguments.action == "promote":
            promote(arguments.name, arguments.models)
            print(f"in use: {arguments.name}")
        else:
            print(f"in use: {rollback(arguments.models)}")
    except ZhiweiError as exc:
        print(exc, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
