"""What one place is, and what one mention of it is."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = ("province", "city", "county", "township", "village", "estate", "institution")
"""From the widest to the narrowest; an estate may stand in a village or beside it, an institution anywhere."""
REGIONS = frozenset({"province", "city", "county"})


@dataclass(frozen=True, slots=True)
class Place:
    """A place or institution.

    `name` as it stands in the gazetteer or, if it is in none, in the letter; `kind` one of KINDS; `path` from the widest known place
    that holds it down to itself, so that `path[-1] == name`.
    """

    name: str
    kind: str
    path: tuple[str, ...]

    @property
    def parents(self) -> tuple[str, ...]:
        return self.path[:-1]

    def below(self, other: Place) -> bool:
        """Whether this place lies inside the other."""
        return len(self.path) > len(other.path) and self.path[: len(other.path)] == other.path


@dataclass(frozen=True, slots=True)
class Mention:
    """A place at text[start:end]."""

    start: int
    end: int
    place: Place


def common(paths: list[tuple[str, ...]]) -> tuple[str, ...]:
    """The beginning that all paths share."""
    shared = min(paths, key=len)
    for path in paths:
        shared = shared[: next((at for at, (one, other) in enumerate(zip(shared, path, strict=False)) if one != other), len(shared))]
    return shared
