"""How many letters were to be expected, and how odd it is to see more. Pure; numpy and the standard library only.

Two models of counts, both negative binomial (an overdispersed Poisson: its rate is itself drawn from a gamma distribution), so both end in the
same exact tail probability P(N >= n | mean, shape), variance = mean + mean^2 / shape:

`expect`, for a cell that has a history (an issue in a place, an issue with a signal), per day or week b:
    N_cb ~ NB(mean = share_c * season_c * T_b, shape_c)
    T_b = the larger of the forecast, level of the last eight weeks * weight_b (weekday and holiday), and what really came outside the cell,
      divided by the share of what is outside: a rise of everything is a new channel, not a tendency
    share_c = (n_c + PRIOR * s_c) / (n + PRIOR), s_c the product of the issue's and the place's share, old letters counting less and less
    1 / shape_c = 1 / r + 1 / (n_c + PRIOR * s_c): r by moments over all cells, and how little history the share rests on
    After Farrington et al. 1996 and Noufaily et al. 2013 (quasi-Poisson and negative binomial exceedance of weekly reports with trend and
    season, past outbreaks weighing less), with the office's total as offset instead of a slope.

`Follow`, for what has no history but a first day (a matter, a word): writers after the first one, t whole days after it:
    N(t) | k ~ Poisson(k * ln(2 + t)), k ~ Gamma(a + e, (a + m) / k0), so N(t) ~ NB(mean = k0 * (a + e) / (a + m) * ln(2 + t), shape = a + e)
    e and m: first followers seen and expected (k0 * ln(2 + t) summed) in things of its kind; k0: all kinds together; 1 / a: how kinds differ, by
    moments, sum((e - m)^2 - m) / sum(m^2) (empirical Bayes, Robbins 1956; the gamma-Poisson of Greenwood & Yule 1920)
    The rate of followers falls as 1 / age, as that of aftershocks does (Omori 1894, Utsu 1961). Only first followers teach: they say how often two
    letters meet by themselves; what has grown further is what we look for, and must not teach what is ordinary (an empirical null, Efron 2004).
    The null is thus: the writers came each by himself. Taken on the day follower n arrives, the tail probability is that of so early an
    arrival, P(N(t) >= n) = P(T_n <= t), uniform for each n. Over all n the chance is spent in parts (alpha spending, Lan & DeMets 1983),
    1 / (j (j + 1)) on look j, which add up to 1: p = P(N(t) >= n) * j * (j + 1), with j = 1 at the first n that can be flagged.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import chinese_calendar  # type: ignore[import-untyped, unused-ignore]
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

HOLIDAY, MAKE_UP = 7, 8
"""Kinds of day after the seven weekdays: a weekday that is free, a Saturday or Sunday that is worked (调休)."""
LEVEL_DAYS = 56
HALF_LIFE = 182.0
"""Days after which a letter counts half in a cell's share."""
PRIOR = 200.0
"""Letters' worth of belief that issue and place are independent."""
SMOOTH = 20.0
"""Letters' worth of belief that weekdays and seasons are alike."""
CAP = 3.0
"""Residuals beyond so many standard deviations count as this many: past outbreaks must not hide the next (Noufaily et al. 2013)."""
RATE, SPREAD, EVENTS = 0.025, 0.5, 10.0
"""k and 1 / a before anything is known, worth so many first followers: read off the real letters of 2011 to June 2019."""


def tail(count: int, mean: float, shape: float = math.inf) -> float:
    """P(N >= count), exact, for N negative binomial with `mean` and `shape` (infinite: Poisson)."""
    if count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    if count <= mean:
        return 1.0 - sum(math.exp(_log_pmf(n, mean, shape)) for n in range(count))
    term = total = math.exp(_log_pmf(count, mean, shape))
    while term > total * 1e-12:
        term *= _ratio(count, mean, shape)
        total += term
        count += 1
    return min(total, 1.0)


def _log_pmf(count: int, mean: float, shape: float) -> float:
    if math.isinf(shape):
        return count * math.log(mean) - mean - math.lgamma(count + 1)
    ways = math.lgamma(count + shape) - math.lgamma(shape) - math.lgamma(count + 1)
    return ways - shape * math.log1p(mean / shape) - count * math.log1p(shape / mean)


def _ratio(count: int, mean: float, shape: float) -> float:
    """P(count + 1) / P(count)."""
    return mean / (count + 1) if math.isinf(shape) else (count + shape) / (count + 1) * mean / (mean + shape)


def q_values(p: Sequence[float], cells: int) -> Array:
    """The false discovery rate at which each would just be flagged (Benjamini & Hochberg 1995), among `cells` tests, those not given having p 1."""
    values = np.asarray(p, np.float64)
    order = np.argsort(values, kind="stable")
    stepped = values[order] * cells / np.arange(1, len(values) + 1)
    q = np.empty(len(values))
    q[order] = np.minimum(np.minimum.accumulate(stepped[::-1])[::-1], 1.0)
    return q


@cache
def kind_of_day(day: date) -> int:
    """0 Monday .. 6 Sunday, HOLIDAY, MAKE_UP; a year that the calendar does not know has plain weekdays."""
    weekday = day.weekday()
    try:
        free = bool(chinese_calendar.is_holiday(day))
    except NotImplementedError:
        return weekday
    if weekday < 5:
        return HOLIDAY if free else weekday
    return weekday if free else MAKE_UP


def day_weights(counts: Array, last: date) -> Array:
    """The share of a mean day that each day of `counts` (letters a day, ending with `last`) is to bring: weekday and holiday, (days,).

    Each kind of day: letters seen / letters of the 29 days around, drawn towards 1 (a holiday towards the weekend, a worked Sunday towards
    the week) by SMOOTH letters. The last seven days do not teach.
    """
    kinds = np.array([kind_of_day(last - timedelta(days=len(counts) - 1 - i)) for i in range(len(counts))])
    width = min(29, len(counts))
    level = np.convolve(counts, np.ones(width), "same") / np.convolve(np.ones(len(counts)), np.ones(width), "same")
    past = np.arange(len(counts)) < len(counts) - 7
    seen, due = (np.bincount(kinds[past], values[past], MAKE_UP + 1) for values in (counts, level))
    effect = (seen + SMOOTH) / (due + SMOOTH)
    for kind, like in ((HOLIDAY, slice(5, 7)), (MAKE_UP, slice(0, 5))):
        effect[kind] = (seen[kind] + SMOOTH * effect[like].mean()) / (due[kind] + SMOOTH)
    return np.asarray(effect[kinds])


def season(counts: Array) -> Array:
    """How much of the office's letters each issue will take compared with the eight weeks before, as it did a year ago, (issues,).

    counts: (issues, days), ending today. 1 where the history does not reach back that far.
    """
    then = counts.shape[1] - 1 - 364
    if then - 14 - LEVEL_DAYS < 0:
        return np.ones(len(counts))
    around = counts[:, then - 14 : then + 15].sum(axis=1)
    before = counts[:, then - 14 - LEVEL_DAYS : then - 14].sum(axis=1)
    grown = around.sum() / max(before.sum(), 1.0)
    return np.asarray((around + SMOOTH) / (before * grown + SMOOTH))


@dataclass(frozen=True, slots=True)
class Expected:
    """For the last block of each cell: mean (cells,) and shape (cells,)."""

    mean: Array
    shape: Array


def expect(table: Array, total: Array, weight: Array, prior: Array, season: Array, days: int) -> Expected:
    """What the last block was to bring.

    table: (cells, blocks) counts; total: (blocks,) of the office; weight: (blocks,) of a mean block; prior: (cells,) shares if issue and place
    were independent; season: (cells,) factors; days: length of a block.
    """
    age = days * np.arange(len(total) - 1, 0, -1)
    forget = 0.5 ** (age / HALF_LIFE)
    seen = table[:, :-1] @ forget + PRIOR * prior
    share = seen / (total[:-1] @ forget + PRIOR)
    recent = age <= LEVEL_DAYS
    forecast = total[:-1][recent].sum() / max(weight[:-1][recent].sum(), 1e-9) * weight[-1]
    outside = (total[-1] - table[:, -1]) / np.maximum(1 - share, 0.05)
    mean = share * season * np.maximum(forecast, np.maximum(outside, 0.0))
    return Expected(mean, 1.0 / (_excess(table[:, :-1], share[:, None] * total[:-1]) + 1.0 / np.maximum(seen, 1e-9)))


def _excess(seen: Array, mean: Array) -> float:
    """1 / r of the negative binomial by moments over all cells and blocks: sum((x - m)^2 - m) / sum(m^2)."""
    gap = np.minimum(np.abs(seen - mean), CAP * np.sqrt(mean) + 1)
    return float(max((gap**2 - mean).sum() / max((mean**2).sum(), 1e-9), 0.01))


@dataclass(frozen=True, slots=True)
class Follow:
    """How things of a kind are ordinarily followed: gamma distributions of k, by kind and (`unknown`) for a kind never seen."""

    kinds: dict[str, tuple[float, float]]
    unknown: tuple[float, float]

    def mean(self, kind: str, days: int) -> float:
        """Writers after the first, `days` whole days after it."""
        shape, rate = self.kinds.get(kind, self.unknown)
        return shape / rate * math.log(2 + days)

    def p(self, kind: str, days: int, followers: int, first: int = 2) -> float:
        """The chance of so many followers so early, valid over all looks from follower number `first` on."""
        shape = self.kinds.get(kind, self.unknown)[0]
        look = followers - first + 1
        return min(tail(followers, self.mean(kind, days), shape) * look * (look + 1), 1.0)


def fit_follow(exposure: Array, followed: NDArray[np.bool_], kinds: Sequence[str], k: float = RATE) -> Follow:
    """Learn from the past.

    exposure: (things,) ln(2 + t) until the first follower or today; followed: (things,) whether one came; `k`: before anything is known.
    """
    k = float((followed.sum() + EVENTS) / (exposure.sum() + EVENTS / k))
    names, at = np.unique(np.asarray(kinds, np.str_), return_inverse=True)
    seen, due = np.bincount(at, followed, len(names)), k * np.bincount(at, exposure, len(names))
    spread = (((seen - due) ** 2 - due).sum() + EVENTS * SPREAD) / ((due**2).sum() + EVENTS)
    shape = 1.0 / min(max(spread, 0.02), 4.0)
    fits = {str(name): (float(shape + n), float((shape + m) / k)) for name, n, m in zip(names, seen, due, strict=True)}
    return Follow(fits, (shape, shape / k))
