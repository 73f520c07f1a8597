"""Encoding, the linear half, the scorer and the registry, on the tiny model folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ModelFolderError
from pipeline.intake.letter import RedactedLetter
from pipeline.scoring import registry
from pipeline.scoring.encode import Encoder
from pipeline.scoring.scorer import Scorer
from pipeline.scoring.wide import gram_keys

TINY = Path(__file__).parents[1] / "assets" / "tiny_model"
LETTERS = [
    RedactedLetter(letter_id="1", text="玉米种子不出苗\n我们四个村三十多户买的种子都不出苗，找了好几次没人管，再不解决就去省里。"),
    RedactedLetter(letter_id="2", text="咨询\n请问公积金怎么提取？"),
    RedactedLetter(letter_id="3", text="\n" + "工地欠薪。" * 3000),
    RedactedLetter(letter_id="4", text="求助\n［姓名］和［姓名2］家漏水。"),
]


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer.load(TINY, threads=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TINY, tmp_path / "models" / "tiny"))


def test_scores_are_probabilities_in_the_order_of_the_letters(scorer: Scorer) -> None:
    scores = scorer.score(LETTERS)
    assert [score.letter_id for score in scores] == ["1", "2", "3", "4"]
    for score in scores:
        assert score.issue.shape == (16,)
        assert score.issue.sum() == pytest.approx(1, abs=1e-5)
        assert score.signals.shape == (8,)
        assert ((score.signals >= 0) & (score.signals <= 1)).all()
        assert 0 <= score.risk <= 1
        assert score.level in range(4)
        assert np.linalg.norm(score.embedding) == pytest.approx(1, abs=1e-3)
        assert score.model_version == "tiny"


def test_a_group_that_threatens_is_riskier_than_a_question(scorer: Scorer) -> None:
    group, question = scorer.score(LETTERS[:2])
    assert group.risk > question.risk


def test_a_score_does_not_depend_on_its_neighbours(scorer: Scorer) -> None:
    together = scorer.score(LETTERS)
    for letter, score in zip(LETTERS, together, strict=True):
        alone = scorer.score([letter])[0]
        assert alone.risk == score.risk
        assert (alone.issue == score.issue).all()


def test_no_letters_no_scores(scorer: Scorer) -> None:
    assert scorer.score([]) == []


@given(st.text(max_size=400))
@settings(max_examples=80, deadline=None)
def test_any_text_is_encoded_within_the_limit(text: str) -> None:
    encoder = Encoder.load(TINY, 32)
    ids = encoder.encode([text])[0]
    assert 3 <= len(ids) <= 32


def test_a_long_letter_keeps_its_end() -> None:
    encoder = Encoder.load(TINY, 40)
    long = encoder.encode(["题\n" + "一" * 500 + "明天去省里"])[0]
    assert [encoder.tokenizer.id_to_token(i) for i in long[-6:-1]] == list("明天去省里")


def test_grams_are_packed_without_collision() -> None:
    text = "种子不出苗，种子"
    expected = {text[i : i + n] for n in (1, 2, 3) for i in range(len(text) - n + 1)}
    assert len(gram_keys(text)) == 3 * len(text) - 3
    assert len(set(gram_keys(text).tolist())) == len(expected)


def test_a_changed_file_is_refused(folder: Path) -> None:
    with (folder / "model.onnx").open("ab") as handle:
        handle.write(b"x")
    with pytest.raises(
        ModelFolderError, match=r"model.onnx is not the file that SHA256SUMS names \(half copied or changed\); copy it again"
    ):
        Scorer.load(folder)


def test_a_half_copied_folder_is_refused(folder: Path) -> None:
    (folder / "wide.safetensors").unlink()
    with pytest.raises(ModelFolderError, match=r"wide.safetensors is missing or not in SHA256SUMS; copy the whole folder again"):
        Scorer.load(folder)


def test_a_model_for_other_labels_is_refused(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["signals"] = config["signals"][::-1]
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    registry.write_sums(folder)
    with pytest.raises(ModelFolderError, match=r"use a model trained for these labels"):
        Scorer.load(folder)


def test_promote_and_roll_back(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = folder.parent
    shutil.copytree(folder, models / "next")
    for name in ("tiny", "next"):
        assert registry.main(["promote", name, "--models", str(models)]) == 0
    assert registry.current(models).name == "next"
    assert registry.main(["rollback", "--models", str(models)]) == 0
    assert registry.current(models).name == "tiny"
    assert registry.main(["rollback", "--models", str(models)]) == 2
    assert "there is no earlier model to go back to" in capsys.readouterr().err
    assert registry.main(["list", "--models", str(models)]) == 0
    assert capsys.readouterr().out == "  next\n* tiny\n"


def test_promote_refuses_a_broken_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
    assert registry.main(["promote", "tiny", "--models", str(folder.parent)]) == 2
    assert "tokenizer.json is not the file" in capsys.readouterr().err
    assert registry.history(folder.parent) == []
