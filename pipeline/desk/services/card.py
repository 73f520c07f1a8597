"""The model in use and its card: the headings, paragraphs, lists and tables of README.md, as parts that a template escapes and shows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pipeline.errors import ModelFolderError
from pipeline.scoring import registry
from pipeline.settings import load_settings

FIGURES: Mapping[str, str] = MappingProxyType(
    {
        "issue accuracy": "类别判对的比例",
        "risk AP, mean of readings": "苗头件排序的平均精度",
        "recall of level >= 2 in the top 25 %": "只看风险最高的四分之一，能覆盖的苗头件",
        "signals, mean AP of seven": "七种迹象排序的平均精度",
        "ECE of risk": "风险概率与实际的平均偏差",
        "issue accuracy there": "不放弃时类别判对的比例",
    }
)
"""Keys of metrics.json -> what staff read."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the card: kind "heading", "paragraph", "list" or "table"; `lines`: one cell a line item, for a table the rows with their cells."""

    kind: str
    lines: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """A held-out figure: its name, its value and its 95 % interval as shown."""

    name: str
    value: str
    interval: str


@dataclass(frozen=True, slots=True)
class Card:
    """The model in use, those before it (newest first), its card and its main figures."""

    version: str
    earlier: tuple[str, ...]
    parts: tuple[Part, ...]
    figures: tuple[Figure, ...]


def card() -> Card:
    """Raises ModelFolderError when no model is in use or its card cannot be read."""
    folder = registry.current(load_settings().models)
    try:
        text = (folder / "README.md").read_text(encoding="utf-8")
        told = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise ModelFolderError(f"模型目录 {folder.name}：模型卡或指标读不出来（{type(exc).__name__}），请重新拷贝整个目录。") from exc
    return Card(folder.name, tuple(registry.history(load_settings().models)[1:]), tuple(parts(text)), tuple(_figures(told)))


def parts(text: str) -> Iterable[Part]:
    """The parts of a Markdown text, in order; what is neither heading, list nor table is a paragraph."""
    for block in re.split(r"\n\s*\n|\n(?=#)|(?<=\n)(?=#)", text.strip()):
        yield from _block(block.strip("\n").split("\n"))


def _block(lines: list[str]) -> Iterable[Part]:
    if lines[0].startswith("#"):
        yield Part("heading", ((_plain(lines[0].lstrip("# ")),),))
        lines = lines[1:]
    groups: list[tuple[str, list[str]]] = []
    for line in filter(str.strip, lines):
        kind = "list" if line.startswith("- ") else "table" if line.startswith("|") else "paragraph"
        if groups and line.startswith(" "):
            groups[-1][1][-1] += " " + line.strip()
        elif groups and groups[-1][0] == kind:
            groups[-1][1].append(line)
        else:
            groups.append((kind, [line]))
    yield from (_part(kind, inside) for kind, inside in groups)


def _part(kind: str, lines: list[str]) -> Part:
    if kind == "table":
        rows = [tuple(_plain(cell) for cell in line.strip().strip("|").split("|")) for line in lines]
        return Part(kind, tuple(row for row in rows if not all(re.fullmatch(r":?-+:?", cell) for cell in row)))
    if kind == "list":
        return Part(kind, tuple((_plain(line[2:]),) for line in lines))
    return Part(kind, ((_plain(" ".join(lines)),),))


def _plain(text: str) -> str:
    return text.replace("`", "").replace("**", "").strip()


def _figures(told: Mapping[str, object]) -> Iterable[Figure]:
    """The main figures that metrics.json has; a card of another make has none."""
    test = told.get("test")
    shipped = test.get("shipped") if isinstance(test, dict) else None
    for key, name in FIGURES.items():
        one = shipped.get(key) if isinstance(shipped, dict) else None
        if isinstance(one, dict) and isinstance(one.get("value"), int | float):
            low, high = one.get("low"), one.get("high")
            interval = f"{low:.2f}～{high:.2f}" if isinstance(low, int | float) and isinstance(high, int | float) else ""
            yield Figure(name, f"{one['value']:.2f}", interval)
