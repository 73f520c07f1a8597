"""The surnames that names are looked for by, from data/surnames.txt. They serve masking only and are no feature of a letter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "data" / "surnames.txt"


@dataclass(frozen=True, slots=True)
class Surnames:
    """Single surnames; compound ones; single ones that are everyday words too; and those that are words of the grammar."""

    common: frozenset[str]
    compound: frozenset[str]
    rare: frozenset[str]
    grammar: frozenset[str]

    def opens(self, text: str) -> bool:
        """Whether the text begins with a surname that is no word of the grammar."""
        return text[:2] in self.compound or text[:1] in self.common or text[:1] in self.rare

    def pattern(self) -> str:
        """A regular expression for any surname."""
        return "(?:" + "|".join(sorted(self.compound)) + "|[" + "".join(sorted(self.common | self.rare | self.grammar)) + "])"


@cache
def surnames() -> Surnames:
    """Read the list."""
    lines = (line for line in FILE.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))
    sections: dict[str, set[str]] = {}
    for line in lines:
        if line.startswith("["):
            words = sections.setdefault(line.strip("[]"), set())
        else:
            words.update(line.split())
    return Surnames(**{name: frozenset(words) for name, words in sections.items()})
