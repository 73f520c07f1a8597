"""The whole scored output of the sample letters, by the model in use, against a golden file.

After a change that is meant to change it:
    python predict.py data/sample --queue none --out tests/assets/sample_scored.csv --rejects tests/assets/sample_rejects.csv
"""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import predict

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "tests" / "assets"
NUMBERS = frozenset({"issue_p", "issue_2_p", "risk", "priority"})
NEAR = 0.02
"""Processors round floats differently; what is near enough to be called the same probability. A priority has the hundredfold range."""


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("golden")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        arguments = ["data/sample", "--queue", "none", "--out", str(place / "out.csv"), "--rejects", str(place / "rejects.csv")]
        assert predict.main(arguments) == 3
    return place


def test_the_scored_sample_is_the_golden_one(scored: Path) -> None:
    golden, found = rows(ASSETS / "sample_scored.csv"), rows(scored / "out.csv")
    assert list(found[0]) == list(golden[0])
    assert [row["letter_id"] for row in found] == [row["letter_id"] for row in golden]
    for expected, row in zip(golden, found, strict=True):
        for column, value in expected.items():
            if column in NUMBERS or column.startswith("p_"):
                assert float(row[column]) == pytest.approx(float(value), abs=100 * NEAR if column == "priority" else NEAR), (
                    row["letter_id"],
                    column,
                )
            elif column != "reasons":  # the shares in it are numbers again
                assert row[column] == value, (row["letter_id"], column)


def test_the_rejected_rows_are_the_golden_ones(scored: Path) -> None:
    assert rows(scored / "rejects.csv") == rows(ASSETS / "sample_rejects.csv")


def test_no_personal_data_of_the_sample_reaches_the_output(scored: Path) -> None:
    text = (scored / "out.csv").read_text(encoding="utf-8-sig")
    assert "@" not in text
    assert not any(len(run) >= 11 for run in "".join(c if c.isdigit() else " " for c in text).split() if run.startswith("1"))


def test_the_sample_is_read_much_as_a_reader_reads_it(scored: Path) -> None:
    """The county's letters, which no training saw: the figures of README.md, printed by `pytest -rP tests/integration/test_golden.py`."""
    with (ASSETS / "sample_readings.csv").open(encoding="utf-8", newline="") as handle:
        readings = {row["letter_id"]: row for row in csv.DictReader(handle)}
    pairs = [(readings[row["letter_id"]], row) for row in rows(scored / "out.csv") if row["letter_id"] in readings]
    early = [row for reading, row in pairs if int(reading["level"]) >= 2]
    urgent = [row for reading, row in pairs if int(reading["level"]) == 3]
    others = [row for reading, row in pairs if int(reading["level"]) < 2]
    right = sum(row["issue"] == reading["issue"] for reading, row in pairs)
    seen = sum(int(row["level"]) >= 2 for row in early)
    alarms = sum(int(row["level"]) >= 2 for row in others)
    at_once = sum(row["level"] == "3" for row in urgent)
    risks = [[float(row["risk"]) for row in part] for part in (early, others)]
    wins = sum((a > b) + (a == b) / 2 for a in risks[0] for b in risks[1])
    area = wins / (len(early) * len(others))
    asked = sum(row["abstain"] == "true" for _reading, row in pairs)
    print(f"AUC {area:.3f}; early signs {seen} of {len(early)}, urgent {at_once} of {len(urgent)}, false alarms {alarms} of {len(others)}")
    print(f"issue {right} of {len(pairs)}, {asked} left to a clerk")
    assert area > 0.9
    assert seen > 0.85 * len(early)
    assert at_once > 0.8 * len(urgent)
    assert alarms < 0.25 * len(others)
    assert right > 0.65 * len(pairs)
