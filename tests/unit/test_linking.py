"""Letters into matters: what joins, what stays apart, what a later night may change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from datetime import datetime
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ModelFolderError
from pipeline.intake.letter import SHANGHAI, RedactedLetter
from pipeline.matters.index import Index
from pipeline.matters.linking import Clusters, Linker, Night, bonds_of
from pipeline.matters.pairs import FEATURES, Matcher, Weighed, features
from pipeline.matters.places import Gazetteer
from pipeline.matters.rarity import Counted
from pipeline.matters.trace import UNKNOWN_DAY, Trace, trace_of, words
from pipeline.scoring.score import Score

JOINS, UNITES = 0.5, 0.6


def letter(number: int, text: str, day: int = 1, angle: float = 0.0) -> Trace:
    """A trace of an invented letter whose embedding points at `angle` (radians) in a plane."""
    embedding = np.zeros(384, np.float32)
    embedding[:2] = np.cos(angle), np.sin(angle)
    score = Score(
        letter_id=f"L{number:03}", issue=np.eye(16, dtype=np.float32)[0], signals=np.zeros(8, np.float32), risk=0.2, level=1, embedding=embedding,
        abstain=False, model_version="t",
    )  # fmt: skip
    masked = RedactedLetter(letter_id=f"L{number:03}", text=text, received_at=datetime(2026, 3, day, 9, tzinfo=SHANGHAI))
    return trace_of(masked, score, Gazetteer.load())


def clusters(pairs: Mapping[tuple[int, int], float], count: int, matters: Sequence[str] = (), fixed: Set[str] = frozenset()) -> Clusters:
    """Clusters over `count` new rows after the rows of old `matters`."""
    members: dict[str, list[int]] = defaultdict(list)
    for row, matter in enumerate(matters):
        members[matter].append(row)
    return Clusters(bonds_of(pairs, pairs.values()), matters, members, len(matters), count, JOINS, fixed)


def groups(grown: Clusters, count: int) -> set[frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for one in grown.linked([f"L{at}" for at in range(count)]):
        found[one.matter_id].add(one.letter_id)
    return {frozenset(group) for group in found.values()}


def clique(rows: Sequence[int], p: float) -> dict[tuple[int, int], float]:
    return dict.fromkeys(combinations(rows, 2), p)


def test_one_bad_link_does_not_join_two_matters() -> None:
    grown = clusters(clique(range(4), 0.8) | clique(range(4, 8), 0.8) | {(0, 4): 0.95}, 8)
    grown.grow()
    assert {frozenset({"L1", "L2", "L3"}), frozenset({"L5", "L6", "L7"})} <= {group - {"L0", "L4"} for group in groups(grown, 8)}
    assert max(map(len, groups(grown, 8))) <= 5


def test_a_letter_need_not_resemble_all_of_a_large_matter() -> None:
    grown = clusters(clique(range(12), 0.8) | {(row, 12): 0.9 for row in range(5)}, 13)
    grown.grow()
    assert groups(grown, 13) == {frozenset(f"L{row}" for row in range(13))}


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(st.tuples(st.integers(0, 8), st.integers(0, 8)).filter(lambda pair: pair[0] < pair[1]), st.floats(0, 1)), st.randoms()
)
def test_the_order_of_a_nights_letters_does_not_matter(pairs: dict[tuple[int, int], float], draw: object) -> None:
    """Where no two bonds are equal, the same letters in another order give the same groups."""
    pairs = {pair: p + 1e-4 * at for at, (pair, p) in enumerate(sorted(pairs.items()))}
    places = list(range(9))
    draw.shuffle(places)  # type: ignore[attr-defined]
    one, other = clusters(pairs, 9), clusters({tuple(sorted((places[a], places[b]))): p for (a, b), p in pairs.items()}, 9)  # type: ignore[misc]
    one.grow()
    other.grow()
    renamed = {f"L{places[at]}": f"L{at}" for at in range(9)}
    assert groups(one, 9) == {frozenset(renamed[name] for name in group) for group in groups(other, 9)}


def test_a_new_letter_joins_an_old_matter_and_keeps_its_name() -> None:
    grown = clusters({(0, 2): 0.9, (1, 2): 0.9}, 1, ["M-a", "M-a"])
    grown.grow(UNITES)
    assert [(one.letter_id, one.matter_id) for one in grown.linked(["L9"])] == [("L9", "M-a")]


def test_two_old_matters_that_a_letter_shows_to_be_one_are_put_together() -> None:
    pairs = {(0, 2): 0.9, (1, 2): 0.9, (0, 1): 0.8}
    grown = clusters(pairs, 1, ["M-a", "M-b"])
    grown.grow(UNITES)
    assert grown.united == [("M-b", "M-a")]
    assert grown.linked(["L9"])[0].matter_id == "M-a"


def test_what_a_person_decided_on_is_not_put_together_but_suggested() -> None:
    pairs = {(0, 2): 0.9, (1, 2): 0.9, (0, 1): 0.8}
    grown = clusters(pairs, 1, ["M-a", "M-b"], {"M-b"})
    grown.grow(UNITES)
    assert grown.united == []
    assert [(told.one, told.other) for told in grown.suggestions(["M-a", "M-b", "M-a"], 0.3)] == [("M-a", "M-b")]


def test_a_weak_likeness_is_a_suggestion() -> None:
    grown = clusters({(0, 1): 0.4}, 2)
    grown.grow()
    names = [one.matter_id for one in grown.linked(["L0", "L1"])]
    assert names == ["M-L0", "M-L1"]
    assert [(told.one, told.other, told.bond) for told in grown.suggestions(names, 0.3)] == [("M-L0", "M-L1", 0.4)]


@pytest.fixture(scope="module")
def matcher(model_folder: Path) -> Matcher:
    return Matcher.load(model_folder)


def nights(matcher: Matcher, *parts: Sequence[Trace]) -> list[Night]:
    linker, known = Linker(matcher, 384), {trace.letter_id: trace for part in parts for trace in part}
    return [night for part in parts for night in linker.link(part, lambda ids: {one: known[one] for one in ids})]


def invented() -> list[Trace]:
    seed = "我们村买的丰禾牌玉米种子出苗率低，几十户绝收，要求赔偿种子款。"
    frog = "林蛙养殖户冬天冻死一大批，保险公司不赔，合同写得清清楚楚。"
    return [
        letter(at, f"{'种子不出苗' if at % 2 else '林蛙冻死'}\n{(seed if at % 2 else frog)}{'补充' * (at % 3)}", 1 + at, 1.5 * (at % 2))
        for at in range(12)
    ]


def test_the_sample_of_two_stories_makes_two_matters(matcher: Matcher) -> None:
    (night,) = nights(matcher, invented())
    assert len({one.matter_id for one in night.linked}) == 2
    assert {one.matter_id for one in night.linked} == {"M-L000", "M-L001"}


def test_no_letter_leaves_its_mates_on_a_later_night(matcher: Matcher) -> None:
    traces = invented()
    for cut in range(1, 12):
        first, second = nights(matcher, traces[:cut], traces[cut:])
        before = {one.letter_id: one.matter_id for one in first.linked}
        gone = dict(second.united)
        after = {letter_id: gone.get(matter, matter) for letter_id, matter in before.items()}
        for one, other in combinations(before, 2):
            assert before[one] != before[other] or after[one] == after[other]


@settings(deadline=None, max_examples=80)
@given(st.text(max_size=80), st.text(max_size=200), st.integers(1, 28))
def test_a_trace_survives_the_store(title: str, body: str, day: int) -> None:
    told = letter(7, f"{title}\n{body}", day)
    back = Trace.from_bytes("L007", told.to_bytes())
    for name in Trace.__slots__:
        assert np.array_equal(getattr(told, name), getattr(back, name)), name


def weighed(trace: Trace, matcher: Matcher) -> Weighed:
    return Weighed.of(trace, matcher.counted, np.zeros(384, np.float32))


def test_a_letter_without_a_date(matcher: Matcher) -> None:
    undated = letter(1, "路灯不亮\n求助")
    told = Trace.from_bytes("x", undated.to_bytes())
    object.__setattr__(told, "day", UNKNOWN_DAY)
    assert features(weighed(undated, matcher), [weighed(told, matcher)])[0, FEATURES.index("days")] == pytest.approx(np.log1p(30))


@settings(deadline=None, max_examples=40)
@given(st.text(alphabet="种子林蛙工资拖欠村县 ，。Ａa1", max_size=60), st.text(alphabet="种子林蛙工资拖欠村县 ，。b2", max_size=60))
def test_a_pair_looks_the_same_from_both_sides(matcher: Matcher, one: str, other: str) -> None:
    mine, yours = (weighed(letter(at, f"{text}\n{text}", 1 + at, at), matcher) for at, text in enumerate((one, other)))
    there, back = features(mine, [yours]), features(yours, [mine])
    assert there.shape == (1, len(FEATURES))
    assert np.isfinite(there).all()
    assert there == pytest.approx(back, abs=1e-5)


def test_words_hold_no_mask() -> None:
    assert words("［姓名］说［手机2］种子") == ["种子"]


def test_words_are_one_in_traditional_and_full_width() -> None:
    assert words("農民工ＡＢＣ") == words("农民工abc")


def test_candidates_are_the_nearest_of_all() -> None:
    draw = np.random.default_rng(3)
    vectors = draw.normal(size=(900, 384)).astype(np.float32)
    vectors[:40] = vectors[0] + 0.4 * vectors[:40]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index = Index(384)
    index.add_vectors(np.rint(vectors * 127).astype(np.int8))
    asked = letter(0, "甲\n乙")
    object.__setattr__(asked, "embedding", np.rint(vectors[0] * 127).astype(np.int8))
    (rows,) = index.candidates([asked], Counted.of([]))
    near = vectors @ vectors[0]
    assert len(rows) == 26
    assert near[rows].min() > np.sort(near)[-26] - 0.01  # eight bits blur the last of them


def test_letters_that_share_a_rare_word_are_candidates() -> None:
    index = Index(384)
    traces = [letter(at, f"来信{at}\n" + ("丰禾农资" if at in (3, 50) else "普通的话"), angle=1.6 * (at % 2)) for at in range(60)]
    index.add(traces)
    rows = index.candidates([traces[3]], Counted.of(trace.words for trace in traces))[0]
    assert 50 in rows.tolist()


def test_a_broken_forest_is_named(tmp_path: Path) -> None:
    (tmp_path / "matters.safetensors").write_bytes(b"half a file")
    with pytest.raises(ModelFolderError, match=r"expected a readable matters\.safetensors, found .*; restore the model folder\."):
        Matcher.load(tmp_path)
