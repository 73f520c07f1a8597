"""Letters -> trained tiny model -> folder -> scores, and what holds training and scoring together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

import train
from pipeline.scoring.config import read_config
from pipeline.scoring.encode import Encoder
from pipeline.scoring.labels import load_labels
from pipeline.scoring.scorer import Scorer
from pipeline.training import backbone
from pipeline.training.letters import BOARD, Example, load_examples, split
from pipeline.training.linear import char_vectorizer, fit_linear, to_wide
from pipeline.training.recipe import WideRecipe, load_recipe
from pipeline.training.trainer import outputs
from tests.tiny import letters_folder, recipe_file

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:torch"),
    pytest.mark.filterwarnings("ignore::UserWarning:onnxruntime"),
]
SHARED = Path(__file__).resolve().parents[3] / "shared" / "letters"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that train.py made from the sample letters, run in its own directory."""
    place = tmp_path_factory.mktemp("training")
    config = recipe_file(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        assert train.main(["--config", str(config)]) == 0
    return place / "models" / "tiny"


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    place = tmp_path_factory.mktemp("letters")
    return load_examples(letters_folder(place / "letters"), load_labels(), place / "cache")


def test_a_trained_folder_scores_like_its_checkpoint(trained: Path, examples: list[Example]) -> None:
    import safetensors.torch

    from pipeline.intake.letter import RedactedLetter
    from pipeline.training.network import LetterNetwork

    labels = load_labels()
    network = LetterNetwork.start(trained.parents[1] / "backbone", len(labels.issues), len(labels.signals), 3)
    safetensors.torch.load_model(network, str(trained / "model.safetensors"))
    scorer = Scorer.load(trained)
    texts = [example.text for example in examples[:20]]
    ids = Encoder.load(trained, scorer.config.max_tokens).encode(texts)
    reference = outputs(network.eval(), ids, 1)
    scores = scorer.score([RedactedLetter(letter_id=str(i), text=text) for i, text in enumerate(texts)])
    wide = np.stack([scorer.wide.score(text) for text in texts])
    from pipeline.scoring.scorer import blended

    _issue, _signals, steps = blended(scorer.config.blend, (reference["issue"], reference["signals"], reference["level"]), wide)
    assert np.abs(np.array([score.risk for score in scores]) - steps[:, 1]).max() < 0.05


def test_the_folder_holds_card_figures_and_baselines(trained: Path) -> None:
    card = (trained / "README.md").read_text(encoding="utf-8")
    assert "| issue accuracy |" in card
    assert "char 1-3-grams" in card
    assert "jieba words" in card
    assert "invented sample letters." in card


def test_a_second_run_goes_on_from_the_first(trained: Path) -> None:
    place = trained.parents[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        assert train.main(["--config", "tiny.toml", "--out", "again"]) == 0
    first, again = (read_config(folder).blend for folder in (trained, place / "again"))
    assert again.issue_deep == pytest.approx(first.issue_deep, rel=0.01)
    assert np.array(again.level) == pytest.approx(np.array(first.level), rel=0.01)


def test_the_linear_half_is_what_scikit_learn_computes(examples: list[Example]) -> None:
    linear = fit_linear(examples, WideRecipe(least_letters=2), char_vectorizer)
    wide = to_wide(linear)
    texts = [example.text for example in examples[:40]]
    assert np.abs(np.stack([wide.score(text) for text in texts]) - linear.logits(texts)).max() < 0.1  # weights are rounded to 8 bits


def test_no_group_stands_on_two_sides(examples: list[Example]) -> None:
    sides: dict[str, set[str]] = {}
    for example in examples:
        sides.setdefault(example.group, set()).add(example.split)
    assert all(found <= {"test", "aside"} or len(found) == 1 for found in sides.values())
    assert {example.split for example in examples} >= {"train", "dev", "test"}


def test_copies_and_matters_form_a_group(examples: list[Example]) -> None:
    one, two, three = examples[0], examples[10], examples[20]
    again = split(examples, [[one.letter_id, two.letter_id], [two.letter_id, three.letter_id]])
    groups = {example.letter_id: example.group for example in again}
    assert groups[one.letter_id] == groups[two.letter_id] == groups[three.letter_id]


def test_test_letters_are_fair_and_read_twice(examples: list[Example]) -> None:
    assert all(example.fair for example in examples if example.split == "test" and example.source == BOARD)


def test_the_bundled_encoder_converts_to_a_plain_bert(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModel

    folder = backbone.convert(tmp_path / "backbone", 2)
    encoder = Encoder.load(folder, 64)
    model = AutoModel.from_pretrained(folder, add_pooling_layer=False).eval()

    def vector(text: str) -> torch.Tensor:
        with torch.no_grad():
            return model(torch.tensor(encoder.encode([text]))).last_hidden_state.mean(1)[0]

    seed, again, other = (vector(text) for text in ("\n玉米种子不出苗", "\n买的玉米种子没有出苗", "\n请问公积金怎么提取"))
    near, far = torch.cosine_similarity(seed, again, dim=0), torch.cosine_similarity(seed, other, dim=0)
    assert near > far
    assert 19_000 < encoder.tokenizer.get_vocab_size() < 23_000


def test_a_wrong_configuration_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "wrong.toml"
    config.write_text('name = "x"\nspeed = 3\n[data]\nletters = "nowhere"\n', encoding="utf-8")
    assert train.main(["--config", str(config)]) == 2
    error = capsys.readouterr().err
    assert "speed: Extra inputs are not permitted" in error
    assert "data.provenance: Field required" in error


def test_missing_letters_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    config = recipe_file(tmp_path)
    for file in (tmp_path / "letters").iterdir():
        file.unlink()
    monkeypatch.chdir(tmp_path)
    assert train.main(["--config", str(config)]) == 2
    assert "set [data] letters in the configuration" in capsys.readouterr().err


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real letters are not on this machine")
def test_the_default_recipe_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).resolve().parents[2]
    monkeypatch.chdir(root)
    recipe = load_recipe(root / "configs" / "default.toml")
    assert (recipe.data.letters / "board.csv").is_file()
