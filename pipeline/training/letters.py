"""The labelled letters as training reads them: masked text, targets with what is missing masked out, and splits that no letter leaks across.

Split rules. Letters with the same or nearly the same body, and letters of one matter (matters.jsonl), form a group and never part. Of the groups
that hold a letter of the fair, twice-read sample (`sample == random`), six in ten are the test set and the others development; what else
such a test group holds is set aside. Of the remaining groups a small share is development, the rest is for training. issues7.csv is
cut the same way, one in ten for the test; held letters that share half of their passages with a training letter are set aside. The cut is a hash of the group's content: it does not move when letters are added.

Two further sources only ever train: later readings of letters by the same guide (data/readings.csv: labels alone, no text), and invented
letters (data/invented/*.jsonl) for what the board hardly has: rare issues, the county's countryside.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from pipeline.errors import InputError
from pipeline.intake.letter import Letter, RedactedLetter
from pipeline.intake.redact import redact_all
from pipeline.scoring.labels import Labels
from pipeline.scoring.normalise import normalise

BOARD, ORGANISER, UNREAD, INVENTED = "board", "issues7", "unread", "invented"
TEST_SHARE, DEV_OF_REST, ORGANISER_TEST, ORGANISER_DEV = 0.6, 0.04, 0.10, 0.04
PASSAGE, COPIED_SHARE = 10, 0.5
SHINGLE = 40
"""Letters whose first 40 Chinese characters agree are near copies."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Example:
    """One labelled letter.

    Attributes:
        text: the masked letter as the model reads it (scoring/normalise.py).
        source: `board`, `issues7`, `unread` (unlabelled.csv, and letters of the board that nobody read) or `invented`.
        issue: float32 (16,), share of readings that chose each issue; all zero where not read.
        organiser: float32 (16,), the organiser's class of an issues7 letter; all zero elsewhere.
        signals: float32 (8,), share of readings that saw each signal; NaN where not read.
        level: float32 (3,), share of readings with level >= 1, 2, 3; NaN where not read.
        first_issue, first_signals, first_level: the first reading alone.
        fair: part of the fair, twice-read sample.
        enriched: picked by keywords; keep out of any estimate of prevalence or calibration.
        split: train, dev, test or aside.
    """

    letter_id: str
    text: str
    source: str
    issue: NDArray[np.float32]
    organiser: NDArray[np.float32]
    signals: NDArray[np.float32]
    level: NDArray[np.float32]
    first_level: int = -1
    first_signals: tuple[str, ...] = ()
    first_issue: str = ""
    fair: bool = False
    enriched: bool = False
    year: int = 0
    group: str = ""
    split: str = "train"

    @property
    def read(self) -> bool:
        """Whether somebody read its issue, signals and level."""
        return bool(np.isfinite(self.level[0]))

    @property
    def any_issue(self) -> NDArray[np.float32]:
        """The issue as read, else the organiser's."""
        return self.issue if self.issue.any() else self.organiser


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reader said of one letter."""

    issue: str
    signals: frozenset[str]
    level: int
    sample: str


def table(path: Path) -> list[dict[str, str]]:
    """Rows of a UTF-8 csv file; raises InputError when it is missing."""
    csv.field_size_limit(1 << 30)
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            return list(csv.DictReader(handle))
    except OSError as exc:
        raise InputError(f"training data: expected {path}, found {exc.strerror}; set [data] letters in the configuration.") from exc


def load_examples(
    folder: Path, labels: Labels, cache: Path, readings_file: Path | None = None, invented_folder: Path | None = None
) -> list[Example]:  # fmt: skip
    """All letters of `folder` (laid out as its README says), masked, grouped, split and normalised; masking is cached in `cache`.

    `readings_file` holds later readings of them, `invented_folder` invented letters; both only train.

    The split looks at the masked text before it is normalised, so that a change of what the model reads moves no letter.
    """
    board = {row["letter_id"]: row for row in table(folder / "board.csv")}
    readings: dict[str, list[Reading]] = defaultdict(list)
    for name in ("labels.csv", "second_readings.csv"):
        for row in table(folder / name):
            readings[row["letter_id"]].append(_reading(row))
    organiser = table(folder / "issues7.csv")
    unread = [row for letter_id, row in board.items() if letter_id not in readings]
    unread += table(folder / "unlabelled.csv") if (folder / "unlabelled.csv").is_file() else []
    texts = masked_texts([*(board[letter_id] for letter_id in readings), *organiser, *unread], cache)
    examples = [_example(i, texts[i], BOARD, readings[i], labels, board[i]["received_at"]) for i in readings]
    examples += [_example(row["letter_id"], texts[row["letter_id"]], ORGANISER, [], labels, organiser=row["issue"]) for row in organiser]
    matters = _matters(folder / "matters.jsonl")
    placed = split(examples, matters)
    placed += _apart([_example(row["letter_id"], texts[row["letter_id"]], UNREAD, [], labels) for row in unread], placed, matters)
    placed = _read_further(placed, readings_file, labels) if readings_file else placed
    placed += invented(invented_folder, labels) if invented_folder else []
    placed = without_copies(placed)
    return [replace(example, text=normalise(example.text)) for example in tqdm(placed, desc="normalising", mininterval=5)]


def without_copies(examples: Sequence[Example]) -> list[Example]:
    """Set aside held letters that repeat half or more of themselves in one training letter: copied passages that the first characters do not show."""
    grams = {e.letter_id: _grams(e.text) for e in examples if e.split in ("dev", "test")}
    holders: dict[int, list[str]] = defaultdict(list)
    for letter_id, inside in grams.items():
        for gram in inside:
            holders[gram].append(letter_id)
    copied: set[str] = set()
    for example in examples:
        if example.split == "train":
            shared = Counter(letter_id for gram in _grams(example.text) for letter_id in holders.get(gram, ()))
            copied |= {letter_id for letter_id, count in shared.items() if count >= COPIED_SHARE * len(grams[letter_id])}
    return [replace(e, split="aside") if e.letter_id in copied else e for e in examples]


def _grams(text: str) -> set[int]:
    """Hashes of the ten-character passages of a text's Chinese characters."""
    han = re.sub(r"[^\u3400-\u9fff]", "", text)
    return {hash(han[at : at + PASSAGE]) for at in range(len(han) - PASSAGE + 1)}


def _read_further(examples: Sequence[Example], path: Path, labels: Labels) -> list[Example]:
    """Put later readings to training letters: the only one there is, or the mean with what was read before. Held-out letters stay as they are."""
    further = {row["letter_id"]: row for row in table(path)}
    return [
        _with_reading(example, _reading(further[example.letter_id]), labels)
        if example.letter_id in further and example.split == "train"
        else example
        for example in examples
    ]


def _with_reading(example: Example, reading: Reading, labels: Labels) -> Example:
    issue, signals, level = _shares([reading], labels)
    if example.read:
        issue, signals, level = _share([issue, example.issue]), _share([signals, example.signals]), _share([level, example.level])
    return replace(example, issue=issue, signals=signals, level=level)


def invented(folder: Path, labels: Labels) -> list[Example]:
    """The invented letters (JSON lines: title, body, issue, signals, level), for training only, marked by their source."""
    found = []
    for path in sorted(folder.glob("*.jsonl")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            row = json.loads(line)
            reading = Reading(row["issue"], frozenset(row["signals"]), int(row["level"]), INVENTED)
            found.append(_example(f"{path.stem}-{number}", f"{row['title']}\n{row['body']}", INVENTED, [reading], labels))
    return found


def _reading(row: Mapping[str, str]) -> Reading:
    return Reading(row["issue"], frozenset(filter(None, row["signals"].split(";"))), int(row["level"]), row.get("sample", "further"))


def _matters(path: Path) -> list[list[str]]:
    if not path.is_file():
        return []
    return [json.loads(line)["ids"] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def masked_texts(rows: Sequence[Mapping[str, str]], cache: Path) -> dict[str, str]:
    """letter_id -> masked text, computed once and kept beside the other build products."""
    intake = Path(__file__).parents[1] / "intake"
    code = "".join(
        (intake / f"{name}.py").read_text(encoding="utf-8")
        for name in ("characters", "redact", "names", "name_rules", "recogniser", "surnames")
    )
    content = "".join(row["letter_id"] + row["title"] + row["body"] for row in rows)
    file = cache / f"masked-{hashlib.sha256((code + content).encode()).hexdigest()[:16]}.jsonl"
    if file.is_file():
        return dict(json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())
    letters = [Letter(letter_id=row["letter_id"], title=row["title"], body=row["body"] or row["title"]) for row in rows]
    masked: list[RedactedLetter] = []
    for start in tqdm(range(0, len(letters), 256), desc="masking", unit="chunk", mininterval=5):
        masked += redact_all(letters[start : start + 256], threads=2)
    cache.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps([letter.letter_id, letter.text], ensure_ascii=False) for letter in masked)
    file.write_text("\n".join(lines), encoding="utf-8")
    return {letter.letter_id: letter.text for letter in masked}


def _share(flags: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.mean(np.stack(list(flags)), axis=0, dtype=np.float32)


def _shares(readings: Sequence[Reading], labels: Labels) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    issue = _share(np.array([name == r.issue for name in labels.issues], np.float32) for r in readings)
    signals = _share(np.array([name in r.signals for name in labels.signals], np.float32) for r in readings)
    level = _share(np.array([r.level >= k for k in range(1, len(labels.level_names))], np.float32) for r in readings)
    return issue, signals, level


def _example(
    letter_id: str, text: str, source: str, readings: Sequence[Reading], labels: Labels, received_at: str = "", organiser: str = ""
) -> Example:  # fmt: skip
    """A letter with what was read of it: shares over its readings, NaN (issue: zero) where there is none."""
    by_organiser = np.array([name == organiser for name in labels.issues], np.float32)
    year = datetime.fromisoformat(received_at).year if received_at else 0
    if not readings:
        issue, signals = np.zeros(len(labels.issues), np.float32), np.full(len(labels.signals), np.nan, np.float32)
        level = np.full(len(labels.level_names) - 1, np.nan, np.float32)
        return Example(
            letter_id=letter_id, text=text, source=source, issue=issue, organiser=by_organiser, signals=signals, level=level, year=year
        )
    first = readings[0]
    issue, signals, level = _shares(readings, labels)
    return Example(
        letter_id=letter_id, text=text, source=source, issue=issue, organiser=by_organiser, signals=signals, level=level,
        first_level=first.level, first_signals=tuple(sorted(first.signals)), first_issue=first.issue, year=year,
        fair=first.sample == "random" and len(readings) > 1, enriched=first.sample == "enriched",
    )  # fmt: skip


def _apart(unread: Sequence[Example], placed: Sequence[Example], matters: Sequence[Sequence[str]]) -> list[Example]:
    """Unread letters for training; those that copy a held letter or share its matter are set aside."""
    held = {example.letter_id for example in placed if example.split != "train"}
    keys = {key for example in placed if example.letter_id in held for key in _keys(example.text)}
    tied = {letter_id for ids in matters if held.intersection(ids) for letter_id in ids}
    return [replace(e, split="aside" if e.letter_id in tied or keys.intersection(_keys(e.text)) else "train") for e in unread]


def split(examples: Sequence[Example], matters: Sequence[Sequence[str]]) -> list[Example]:
    """Group the examples, then send each group to one split."""
    groups = _groups(examples, matters)
    members: dict[str, list[Example]] = defaultdict(list)
    for example in examples:
        members[groups[example.letter_id]].append(example)
    placed = {}
    for group, inside in members.items():
        for example in inside:
            placed[example.letter_id] = replace(example, group=group, split=_side(group, example, inside))
    return [placed[example.letter_id] for example in examples]


def _side(group: str, example: Example, inside: Sequence[Example]) -> str:
    draw = int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) / 2**32
    if any(other.fair for other in inside):
        if draw >= TEST_SHARE:
            return "dev"
        return "test" if example.fair else "aside"
    organiser = all(other.source == ORGANISER for other in inside)
    test, dev = (ORGANISER_TEST, ORGANISER_DEV) if organiser else (0.0, DEV_OF_REST)
    return "test" if draw < test else "dev" if draw < test + dev else "train"


def _keys(text: str) -> set[str]:
    """What copies share: the body's Chinese characters, and the first of them."""
    han = re.sub(r"[^\u3400-\u9fff]", "", text.partition("\n")[2])
    return {han, han[:SHINGLE]} if len(han) >= 12 else set()


def _groups(examples: Sequence[Example], matters: Sequence[Sequence[str]]) -> dict[str, str]:
    """letter_id -> a stable name of its group (union of same body, same beginning, same matter)."""
    parent = {example.letter_id: example.letter_id for example in examples}

    def root(item: str) -> str:
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    keys: dict[str, str] = {}
    for example in examples:
        for key in _keys(example.text):
            other = keys.setdefault(key, example.letter_id)
            parent[root(example.letter_id)] = root(other)
    for ids in matters:
        known = [i for i in ids if i in parent]
        for other in known[1:]:
            parent[root(other)] = root(known[0])
    names: dict[str, str] = {}
    for example in examples:
        top = root(example.letter_id)
        names[top] = min(names.get(top, example.letter_id), example.letter_id)
    return {example.letter_id: names[root(example.letter_id)] for example in examples}
