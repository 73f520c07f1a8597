"""The rooms stand in a row: a room imports only from rooms before it, and heavy packages stay in their room."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ORDER = ("intake", "scoring", "matters", "triage", "desk")
SHARED = {"errors", "settings"}
DESK = (
    {"choices"},
    {"roles", "workflow"},
    {"models", "config"},
    {"spreadsheet", "spreadsheet_reading", "dossier", "dossier_docx", "charts"},
    {"services"},
    {"answers", "forms", "door", "context", "middleware", "login", "templatetags"},
    {"views"},
)
"""Inside the desk too: a module imports from its own shelf and those before it. What is not named here stands above them all."""
ONLY_IN = {
    "torch": {"training"},
    "transformers": {"training"},
    "datasets": {"training"},
    "sklearn": {"training"},
    "scipy": {"training"},
    "onnx": {"training"},
    "django": {"desk"},
}


def _imports(path: Path) -> set[str]:
    """What a module imports. As a command (`if __name__ == "__main__"`) it stands above the rooms and may call what composes them."""
    names = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if not (isinstance(node, ast.If) and "__main__" in ast.unparse(node.test))]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def wrong_arrows(room: str, imported: set[str]) -> list[str]:
    """Imports that a module of `room` ('' for the top level of pipeline/) may not have."""
    wrong = []
    for name in sorted(imported):
        parts = name.split(".")
        if parts[0] in ONLY_IN and room not in ONLY_IN[parts[0]]:
            wrong.append(name)
        if parts[0] != "pipeline" or len(parts) < 2:
            continue
        target = parts[1]
        backwards = room in ORDER and target not in SHARED and (target not in ORDER or ORDER.index(target) > ORDER.index(room))
        if backwards or (room == "desk" and "scorer" in parts) or (room and room not in ORDER and room != "training"):
            wrong.append(name)
        if room == "training" and target == "desk" and "models" in parts:
            wrong.append(name)
        if not room and target == "desk" and len(parts) > 2 and parts[2:4] != ["services", "store"] and parts[2:] != ["services"]:
            wrong.append(name)
    return wrong


def wrong_shelves(part: str, imported: set[str]) -> list[str]:
    """Imports that a part of the desk ("services", "door", …) may not have."""
    return sorted(name for name in imported if name.startswith("pipeline.desk.") and _shelf(name.split(".")[2]) > _shelf(part))


def _shelf(part: str) -> int:
    return next((at for at, parts in enumerate(DESK) if part in parts), len(DESK))


MODULES = sorted(path.relative_to(ROOT) for path in (ROOT / "pipeline").rglob("*.py"))


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_point_one_way(module: Path) -> None:
    room = module.parts[1] if len(module.parts) > 2 else ""
    imported = _imports(ROOT / module)
    assert wrong_arrows(room, imported) == []
    if room == "desk":
        assert wrong_shelves(module.parts[2].removesuffix(".py"), imported) == []


@pytest.mark.parametrize(
    ("room", "name"),
    [
        ("intake", "pipeline.scoring.score"),
        ("scoring", "pipeline.desk.models"),
        ("desk", "pipeline.scoring.scorer"),
        ("triage", "django.db"),
        ("scoring", "torch"),
        ("", "pipeline.desk.models"),
    ],
)
def test_a_wrong_arrow_is_found(room: str, name: str) -> None:
    assert wrong_arrows(room, {name}) == [name]


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("services", "pipeline.desk.views.late"),
        ("services", "pipeline.desk.door"),
        ("models", "pipeline.desk.services.day"),
        ("roles", "pipeline.desk.models"),
    ],
)
def test_a_wrong_shelf_is_found(part: str, name: str) -> None:
    assert wrong_shelves(part, {name}) == [name]


def test_scoring_a_letter_loads_no_training_package() -> None:
    """Scoring must run where torch, transformers and scikit-learn are not installed."""
    code = (
        "import sys, pipeline.nightly, pipeline.scoring.scorer, pipeline.intake.redact, pipeline.desk.services.store\n"
        "print([m for m in ('torch', 'transformers', 'datasets', 'sklearn', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
