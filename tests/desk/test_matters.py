"""Matters in the store: a night adds to them, people decide on them, no night undoes what people decided."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from pipeline import curate, nightly
from pipeline.desk.services.store import Store
from pipeline.errors import MatterError
from pipeline.matters.matter import HIGHEST

DAY = date(2026, 4, 20)
SEED = "我们村{}多户买的丰禾牌玉米种子出苗率低，大家都很着急，要求赔偿。"
FROG = "林蛙养殖户冬天冻死了{}万只林蛙，保险公司拒赔，大家损失很大。"


@pytest.fixture
def night(tmp_path: Path, model_folder: Path, queue: str) -> Callable[..., None]:
    """Runs a night over invented letters, each given as (id, title, body, day, writer)."""

    def run(*rows: tuple[str, str, str, int, str]) -> None:
        path = tmp_path / f"{rows[0][0]}.csv"
        with path.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerow(["信件编号", "标题", "正文", "收件时间", "写信人"])
            writer.writerows([letter, title, body, f"2026-03-{day:02} 09:00:00", who] for letter, title, body, day, who in rows)
        nightly.run([path], queue=queue, model=model_folder, rejects=tmp_path / "rejects.csv", progress=False)

    return run


def seeds(first: int, count: int) -> list[tuple[str, str, str, int, str]]:
    return [(f"S{at}", "丰禾玉米种子不出苗", SEED.format(40 + at), 1 + at, f"甲{at}") for at in range(first, first + count)]


def frogs(first: int, count: int) -> list[tuple[str, str, str, int, str]]:
    return [(f"F{at}", "林蛙冻死保险不赔", FROG.format(3 + at), 1 + at, f"乙{at}") for at in range(first, first + count)]


@contextmanager
def opened(queue: str) -> Iterator[Store]:
    with Store.open(queue) as store:
        yield store


def test_a_night_fills_matters_and_the_next_one_adds_to_them(night: Callable[..., None], queue: str) -> None:
    night(*seeds(0, 3), *frogs(0, 2))
    night(*seeds(3, 2))
    with opened(queue) as store:
        of = store.matters.of([*(f"S{at}" for at in range(5)), "F0", "F1"])
        matter = store.matters.one("M-S0")
    assert set(of.values()) == {"M-S0", "M-F0"}
    assert (matter.letters, matter.writers, matter.first_on, matter.last_on) == (5, 5, date(2026, 3, 1), date(2026, 3, 5))
    assert matter.title == "丰禾玉米种子不出苗"


def test_one_writer_is_counted_once(night: Callable[..., None], queue: str) -> None:
    night(*[(letter, title, body, day, "同一人") for letter, title, body, day, _ in seeds(0, 4)])
    with opened(queue) as store:
        assert (store.matters.one("M-S0").letters, store.matters.one("M-S0").writers) == (4, 1)


def test_a_second_run_over_the_same_letters_changes_no_matter(night: Callable[..., None], queue: str) -> None:
    from pipeline.desk.models import Flag, Link, Matter

    def state() -> list[object]:
        with opened(queue):
            return [list(table.objects.order_by("pk").values()) for table in (Link, Matter, Flag)]

    night(*seeds(0, 4))
    before = state()
    night(*seeds(0, 4))
    assert state() == before


def test_what_is_split_stays_split_on_later_nights(night: Callable[..., None], queue: str) -> None:
    night(*seeds(0, 4))
    with opened(queue) as store:
        new = store.decisions("王科长", HIGHEST, DAY).split("M-S0", ["S2", "S3"])
    night(*seeds(4, 3))
    with opened(queue) as store:
        of = store.matters.of([f"S{at}" for at in range(7)])
        pairs = store.decided_pairs()
    assert [of[f"S{at}"] for at in range(4)] == ["M-S0", "M-S0", new, new]
    assert set(of.values()) == {"M-S0", new}
    assert ("S0", "S2", False) in pairs
    assert len(pairs) == 4


def test_what_is_merged_stays_merged_and_takes_new_letters(night: Callable[..., None], queue: str) -> None:
    night(*seeds(0, 2), *frogs(0, 2))
    with opened(queue) as store:
        store.decisions("王科长", HIGHEST, DAY).merge("M-S0", "M-F0")
    night(*frogs(2, 1))
    with opened(queue) as store:
        assert set(store.matters.of(["S0", "S1", "F0", "F1", "F2"]).values()) == {"M-S0"}
        assert store.matters.one("M-S0").letters == 5
        assert ("F0", "S0", True) in store.decided_pairs()
        with pytest.raises(MatterError, match=r"^事项 M-F0：已并入 M-S0，请改用后者。$"):
            store.matters.one("M-F0")


def test_a_letter_can_be_moved_and_the_last_decision_about_a_pair_counts(night: Callable[..., None], queue: str) -> None:
    night(*seeds(0, 2), *frogs(0, 2))
    with opened(queue) as store:
        decisions = store.decisions("王科长", HIGHEST, DAY)
        decisions.move("M-S0", ["S1"], "M-F0")
        assert ("S0", "S1", False) in store.decided_pairs()
        decisions.merge("M-F0", "M-S0")
        assert ("S0", "S1", True) in store.decided_pairs()
        assert store.matters.one("M-F0").letters == 4


@pytest.mark.parametrize(
    ("act", "sentence"),
    [
        (lambda d: d.merge("M-S0", "M-S0"), "事项 M-S0：不能和自己合并，请给出两个不同的事项。"),
        (lambda d: d.merge("M-S0", "M-X"), "事项 M-X：没有这个事项，请核对编号。"),
        (lambda d: d.split("M-S0", ["F0"]), "事项 M-S0：F0，应当是这个事项里的信件编号。"),
        (lambda d: d.split("M-S0", []), "事项 M-S0：没有给出信件，应当是这个事项里的信件编号。"),
        (lambda d: d.split("M-S0", ["S0", "S1"]), "事项 M-S0：不能把全部信件都拿走；要并入别的事项，请用合并。"),
        (lambda d: d.move("M-S0", ["S1"], "M-S0"), "事项 M-S0：信件已经在这个事项里。"),
    ],
)
def test_what_cannot_be_decided_says_why(night: Callable[..., None], queue: str, act: Callable[[object], None], sentence: str) -> None:
    night(*seeds(0, 2), *frogs(0, 2))
    with opened(queue) as store:
        with pytest.raises(MatterError) as caught:
            act(store.decisions("王科长", HIGHEST, DAY))
        assert str(caught.value) == sentence
        assert store.decided_pairs() == []


def test_a_decision_needs_a_name(queue: str) -> None:
    with opened(queue) as store, pytest.raises(MatterError, match="请写明是谁决定的"):
        store.decisions(" ", HIGHEST, DAY)


def test_a_declined_suggestion_is_not_made_again(night: Callable[..., None], queue: str) -> None:
    from pipeline.desk.models import Suggestion

    night(*seeds(0, 2), *frogs(0, 2))
    with opened(queue) as store:
        Suggestion.objects.all().delete()
        Suggestion.objects.create(one_id="M-F0", other_id="M-S0", bond=0.4)
        assert [(told.one, told.other) for told in store.matters.suggestions(5)] == [("M-F0", "M-S0")]
        store.decisions("王科长", HIGHEST, DAY).decline("M-S0", "M-F0")
        assert store.matters.suggestions(5) == []
        assert ("F0", "S0", False) in store.decided_pairs()


def test_letters_scored_before_matters_were_known_are_linked_by_the_next_night(night: Callable[..., None], queue: str) -> None:
    from pipeline.desk.models import Flag, Link, Matter, Suggestion

    night(*seeds(0, 3))
    with opened(queue):
        for table in (Flag, Suggestion, Link, Matter):
            table.objects.all().delete()
    night(*seeds(3, 1))
    with opened(queue) as store:
        assert store.matters.one("M-S0").letters == 4


def test_after_a_change_of_the_model_old_letters_get_its_embedding(
    night: Callable[..., None], queue: str, tmp_path: Path, other_model_folder: Path
) -> None:
    from pipeline.desk.models import Link

    night(*seeds(0, 3))
    path = tmp_path / "S3.csv"
    path.write_text("信件编号,标题,正文,收件时间\nS3,丰禾玉米种子不出苗," + SEED.format(50) + ",2026-03-09\n", encoding="utf-8")
    nightly.run([path], queue=queue, model=other_model_folder, rejects=tmp_path / "r.csv", progress=False)
    with opened(queue) as store:
        assert set(Link.objects.values_list("model_version", flat=True)) == {"tiny-other"}
        assert store.matters.one("M-S0").letters == 4


def test_the_store_keeps_no_text_in_a_link(night: Callable[..., None], queue: str) -> None:
    from pipeline.desk.models import Link

    night(*seeds(0, 2))
    with opened(queue):
        assert all("种子".encode() not in bytes(link.trace) for link in Link.objects.all())


def test_matters_by_hand_on_the_command_line(
    night: Callable[..., None], queue: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    night(*seeds(0, 3), *frogs(0, 2))
    assert curate.main(["--queue", queue, "show"]) == 0
    assert "M-S0  丰禾玉米种子不出苗  信 3 封，写信人 3 位，2026-03-01 至 2026-03-03" in capsys.readouterr().out
    assert curate.main(["--queue", queue, "letters", "M-F0"]) == 0
    assert capsys.readouterr().out == "F0  林蛙冻死保险不赔\nF1  林蛙冻死保险不赔\n"
    assert curate.main(["--queue", queue, "split", "--by", "王科长", "M-S0", "S2"]) == 0
    assert capsys.readouterr().out == "拆出新事项 M-S2\n"
    assert curate.main(["--queue", queue, "pairs", str(tmp_path / "pairs.csv")]) == 0
    assert (tmp_path / "pairs.csv").read_text(encoding="utf-8").splitlines() == ["one,other,same,confidence", "S0,S2,0,h", "S1,S2,0,h"]
    capsys.readouterr()
    assert curate.main(["--queue", queue, "merge", "--by", "王科长", "M-S0", "M-none"]) == 2
    assert "事项 M-none：没有这个事项，请核对编号。" in capsys.readouterr().err
