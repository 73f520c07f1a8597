"""What is expected, and how odd more is."""

import math
from datetime import date, timedelta

import numpy as np
import pytest

from pipeline.matters.tendency import counts

RNG = np.random.default_rng


@pytest.mark.parametrize("shape", [0.4, 3.0, 250.0, math.inf])
@pytest.mark.parametrize("mean", [0.02, 1.0, 7.5])
def test_tail_is_the_sum_of_its_probabilities(mean: float, shape: float) -> None:
    drawn = RNG(1).poisson(mean if math.isinf(shape) else RNG(2).gamma(shape, mean / shape, 200_000), 200_000)
    for count in (1, 2, 5):
        share = float((drawn >= count).mean())
        assert counts.tail(count, mean, shape) == pytest.approx(share, abs=4 * math.sqrt(share / 200_000) + 1e-4)


def test_tail_holds_far_out_and_at_the_edges() -> None:
    assert counts.tail(0, 2.0) == 1
    assert counts.tail(3, 0.0) == 0
    assert counts.tail(1, 1e-9) == pytest.approx(1e-9)
    assert counts.tail(60, 1.0) == pytest.approx(math.exp(-1) / math.factorial(60), rel=0.02)
    assert 0 < counts.tail(400, 2.0, 1.0) < 1e-60
    assert counts.tail(1, 3.0, 2.0) == pytest.approx(1 - (2 / 5) ** 2)


def test_false_discovery_as_published() -> None:
    """The example of Benjamini & Hochberg 1995, section 3.2: four of fifteen hypotheses are rejected at 0.05."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert (counts.q_values(p, 15) <= 0.05).sum() == 4
    assert (counts.q_values(p[::-1], 15)[::-1] == counts.q_values(p, 15)).all()
    assert (counts.q_values(p[:4], 15) <= 0.05).sum() == 4
    assert len(counts.q_values([], 9)) == 0


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        (date(2019, 10, 1), counts.HOLIDAY),  # Tuesday, National Day
        (date(2019, 10, 12), counts.MAKE_UP),  # Saturday, worked
        (date(2019, 10, 13), 6),
        (date(2019, 10, 16), 2),
        (date(1990, 10, 1), 0),  # a year the calendar does not know
        (date(2090, 10, 1), 6),
    ],
)
def test_kind_of_day(day: date, kind: int) -> None:
    assert counts.kind_of_day(day) == kind


def test_weekends_and_holidays_bring_less_where_they_always_did() -> None:
    last = date(2019, 10, 16)
    days = [last - timedelta(days=i) for i in range(599, -1, -1)]
    usual = [2.0 if counts.kind_of_day(day) in (5, 6, counts.HOLIDAY) else 12.0 for day in days]
    weight = dict(zip(days, counts.day_weights(RNG(3).poisson(usual).astype(float), last), strict=True))
    assert weight[date(2019, 10, 15)] > 1.1
    assert weight[date(2019, 10, 13)] < 0.5
    assert weight[date(2019, 10, 2)] < 0.7
    assert weight[date(2019, 10, 12)] > 0.9


def test_season_is_what_it_was_a_year_ago() -> None:
    daily = RNG(4).poisson(2.0, (2, 450)).astype(float)
    daily[0, 450 - 1 - 364 - 14 : 450 - 364 + 14] *= 3
    heating, other = counts.season(daily)
    assert heating > 1.25
    assert other < 0.9
    assert (counts.season(daily[:, -300:]) == 1).all()


def _null_weeks(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """200 cells over 60 weeks whose counts follow the model: shares of different size, an overdispersed week each."""
    rng = RNG(seed)
    share = rng.dirichlet(np.full(200, 0.7))
    table = rng.poisson(share[:, None] * 150 * rng.gamma(8, 1 / 8, (200, 60))).astype(float)
    return table, table.sum(axis=0), np.ones(60)


def test_cells_without_a_tendency_have_uniform_p() -> None:
    """Randomised within each count (Czado et al. 2009), p of a discrete count is uniform; Kolmogorov distance over 20 x 200 cells."""
    p, rng = [], RNG(5)
    for seed in range(20):
        table, total, weight = _null_weeks(seed)
        found = counts.expect(table, total, weight, np.full(200, 1 / 200), np.ones(200), 7)
        for count, mean, shape in zip(table[:, -1].astype(int).tolist(), found.mean.tolist(), found.shape.tolist(), strict=True):
            above, at_least = counts.tail(count + 1, mean, shape), counts.tail(count, mean, shape)
            p.append(above + rng.uniform() * (at_least - above))
    ordered = np.sort(p)
    assert np.abs(ordered - (np.arange(len(p)) + 0.5) / len(p)).max() < 0.05
    assert (ordered < 0.01).mean() < 0.015


def test_false_discovery_holds_over_cells() -> None:
    """No cell is in truth above its history: at 0.1, nights with any flag are one in ten."""
    nights = []
    for seed in range(60):
        table, total, weight = _null_weeks(100 + seed)
        found = counts.expect(table, total, weight, np.full(200, 1 / 200), np.ones(200), 7)
        p = [counts.tail(int(n), m, s) for n, m, s in zip(table[:, -1], found.mean, found.shape, strict=True)]
        nights.append(bool((counts.q_values(p, 200) <= 0.1).any()))
    assert np.mean(nights) <= 0.2


def test_a_cell_that_triples_stands_out() -> None:
    table, total, weight = _null_weeks(6)
    cell = int(np.argsort(table.sum(axis=1))[-10])
    table[cell, -1] = 3 * table[cell, :-1].mean() + 4
    found = counts.expect(table, total, weight, np.full(200, 1 / 200), np.ones(200), 7)
    assert counts.tail(int(table[cell, -1]), float(found.mean[cell]), float(found.shape[cell])) < 1e-3


def test_what_is_ordinary_is_learnt_by_kind_and_drawn_to_all_where_little_is_known() -> None:
    rng = RNG(7)
    kinds = ["busy"] * 2000 + ["quiet"] * 2000 + ["rare"] * 3
    k = np.array([0.06] * 2000 + [0.02] * 2000 + [0.04] * 3)
    wait = rng.exponential(1 / k)
    seen = np.log(2 + rng.uniform(0, 700, len(k)))
    follow = counts.fit_follow(np.minimum(wait, seen), wait <= seen, kinds)
    assert follow.mean("busy", 30) == pytest.approx(0.06 * math.log(32), rel=0.1)
    assert follow.mean("quiet", 30) == pytest.approx(0.02 * math.log(32), rel=0.15)
    assert follow.mean("quiet", 30) < follow.mean("rare", 30) < follow.mean("busy", 30)
    assert follow.mean("never seen", 30) == pytest.approx(0.04 * math.log(32), rel=0.25)
    assert follow.p("busy", 30, 3) > follow.p("quiet", 30, 3)


def test_an_office_without_letters_has_the_ordinary_rate() -> None:
    follow = counts.fit_follow(np.empty(0), np.empty(0, bool), [])
    assert follow.mean("any", 0) == pytest.approx(counts.RATE * math.log(2))


def test_p_on_the_day_of_arrival_is_uniform() -> None:
    """Matters of writers who come each by himself: the second follower's p, whenever it comes, is below x for a share x of the matters."""
    rng = RNG(8)
    k = rng.gamma(4.0, 0.05 / 4.0, 30_000)
    first = rng.exponential(1 / k)
    second = first + rng.exponential(1 / k)
    days = np.where(second < 15, np.expm1(np.minimum(second, 15)), 1e9)
    p = np.array([counts.tail(2, 0.05 * math.log(2 + int(t)), 4.0) if t < 1e6 else 1.0 for t in days])
    for x in (0.002, 0.01, 0.05):
        assert (p <= x).mean() <= x * 1.1 + 0.001


def test_false_discovery_holds_over_matters_on_any_night() -> None:
    """2,000 matters of 40 kinds whose writers come each by himself: at 0.25, one night in four at most has any matter standing out."""
    told = []
    for seed in range(60):
        rng = RNG(200 + seed)
        kinds = rng.integers(0, 40, 2000)
        k = rng.gamma(5.0, 0.025 / 5.0, 40)[kinds]
        born = rng.uniform(0, 700, 2000).astype(int)
        waits = np.cumsum(rng.exponential(1 / k[:, None], (2000, 4)), axis=1)
        days = born[:, None] + np.where(waits < 7, np.expm1(np.minimum(waits, 7)), 1e9).astype(int)
        told += [_flags(days, born, kinds, today) for today in range(90, 731, 80)]
    assert 0.05 < np.mean(told) <= 0.3


def _flags(days: np.ndarray, born: np.ndarray, kinds: np.ndarray, today: int) -> bool:
    alive = born <= today
    days, born, kinds = days[alive], born[alive], kinds[alive]
    waited = np.log(2 + np.minimum(days[:, 0], today) - born)
    follow = counts.fit_follow(waited, days[:, 0] <= today, [str(kind) for kind in kinds])
    seen = (days <= today).sum(axis=1)
    p = [follow.p(str(kinds[i]), int(days[i, seen[i] - 1] - born[i]), int(seen[i])) for i in np.flatnonzero(seen >= 2)]
    return bool((counts.q_values(p, len(born)) <= 0.25).any())
