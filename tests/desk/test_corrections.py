"""A correction is in force at once, is kept for training, and no night undoes it."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import MatterError
from tests.desk.conftest import Desk


def corrected(desk: Desk, letter: str, answer: str, after: Any, reason: str = "text") -> None:
    from pipeline.desk.models import QueueItem, User
    from pipeline.desk.services.corrections import correct

    item = QueueItem.objects.select_related("letter__link__matter", "score").get(pk=letter)
    clerk = User.objects.filter(role="clerk").first() or desk.person("clerk")
    correct(item, item.letter.link.matter, clerk, answer, after, reason)


@pytest.fixture(autouse=True)
def _model(monkeypatch: pytest.MonkeyPatch, model_folder: Any, tmp_path: Any) -> None:
    """The tiny model is the one in use."""
    import shutil

    shutil.copytree(model_folder, tmp_path / "models" / "tiny")
    (tmp_path / "models" / "CURRENT").write_text("tiny", encoding="utf-8")
    monkeypatch.setenv("ZHIWEI_MODELS", str(tmp_path / "models"))


def test_a_correction_counts_for_the_letter_and_its_matter(filled: Desk) -> None:
    from pipeline.desk.models import Correction

    before = filled.matter("M-L1")
    corrected(filled, "L1", "level", 3, "checked")
    corrected(filled, "L1", "safety", True)
    corrected(filled, "L1", "issue", "交通运输")
    after = filled.matter("M-L1")
    assert (after.level, after.signals, after.issue) == (3, ["safety"], "交通运输")
    assert after.rank > 80 > before.rank
    rows = list(Correction.objects.order_by("pk").values_list("answer", "before", "after", "reason", "model_version"))
    assert rows == [
        ("level", 0, 3, "checked", "m1"),
        ("safety", False, True, "text", "m1"),
        ("issue", "城乡建设", "交通运输", "text", "m1"),
    ]
    assert Correction.objects.get(answer="safety").shown == pytest.approx(0.05)


def test_a_letter_told_down_moves_its_matter_down(filled: Desk) -> None:
    before = filled.matter("M-W1")
    corrected(filled, "W1", "level", 1)
    after = filled.matter("M-W1")
    assert after.level == 1
    assert after.rank < before.rank - 40


def test_a_later_night_with_another_model_leaves_what_a_person_said(filled: Desk) -> None:
    from pipeline.desk.models import QueueItem

    corrected(filled, "W1", "level", 1)
    corrected(filled, "W1", "escalation", False)
    rank = filled.matter("M-W1").rank
    filled.add("W1", issue="劳动和社会保障", signals=("escalation",), level=3, risk=0.99, version="m2")
    item, after = QueueItem.objects.get(pk="W1"), filled.matter("M-W1")
    assert (item.score.model_version, item.level, item.human_level, item.human_signals) == ("m2", 3, 1, {"escalation": False})
    assert ("escalation" in after.signals, after.level, after.rank) == (False, 1, rank)


def test_the_same_answer_again_is_no_correction(filled: Desk) -> None:
    from pipeline.desk.models import Correction

    corrected(filled, "W1", "level", 3)
    assert Correction.objects.count() == 0


@pytest.mark.parametrize(
    ("answer", "after", "reason"),
    [
        ("issue", "外星事务", "text"),
        ("level", 4, "text"),
        ("level", True, "text"),
        ("safety", 1, "text"),
        ("person", True, "text"),
        ("level", 2, ""),
    ],
)
def test_what_cannot_be_said_is_refused(filled: Desk, answer: str, after: Any, reason: str) -> None:
    from pipeline.desk.models import Correction

    with pytest.raises(MatterError):
        corrected(filled, "L1", answer, after, reason)
    assert Correction.objects.count() == 0
