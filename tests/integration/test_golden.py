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
