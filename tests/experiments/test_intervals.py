"""Intervals over films and folds: exact where that can be known, and a simulation of how often they cover the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from landvote.experiments.intervals import FIGURES, Estimates, draw, estimate, figures, ratio, replicate

TRIALS = 300
FILMS = 120


def estimated(runs: np.ndarray, resamples: int = 400) -> Estimates:
    """Estimate figures of (folds, films) errors, a film a subject."""
    draws = draw([str(i) for i in range(runs.shape[1])], resamples)
    return estimate(np.stack([figures(r) for r in runs]), [replicate(r, draws) for r in runs], draws.subjects)


def coverage(folds: int, between: float, shared: float, own: float, films: int = FILMS) -> dict[str, float]:
    """Return how often intervals hold the truth.

    The logarithm of an error is what a fold adds, what a film adds, and what both together add, all normal.
    """
    rng = np.random.default_rng(folds)
    spread = np.hypot(shared, own)
    normal = stats.norm.ppf([0.5, 0.95, 0.99])
    truth = np.exp([*(normal * spread), spread**2 / 2]) * np.exp(between**2 / 2)
    inside = np.zeros(len(FIGURES))
    for _ in range(TRIALS):
        runs = rng.normal(0, between, (folds, 1)) + rng.normal(0, shared, films) + rng.normal(0, own, (folds, films))
        found = estimated(np.exp(runs), 300)
        inside += (found.low <= truth) & (truth <= found.high)
    return dict(zip(FIGURES, inside / TRIALS, strict=True))


@pytest.mark.parametrize(
    ("folds", "between", "shared", "own"),
    [
        (1, 0.0, 0.4, 0.3),  # films alone
        (3, 0.0, 0.4, 0.3),  # folds are alike
        (3, 0.05, 0.4, 0.3),  # folds differ as much as films let them seem to
        (3, 0.3, 0.4, 0.3),  # folds differ much
        (3, 0.05, 0.1, 0.5),  # films are hard for one fold and easy for another
    ],
)
def test_intervals_cover_the_truth_at_the_stated_rate(folds, between, shared, own):
    """Never less often than chance lets 95 % seem; docs/statistics.md has the figures of a longer run."""
    lowest = stats.binom.ppf(0.001, TRIALS, 0.95) / TRIALS
    found = coverage(folds, between, shared, own)
    assert min(found.values()) >= lowest, found
    assert found["median"] <= 0.995, "so wide that it says nothing"


def test_one_run_has_the_exact_interval_of_a_percentile():
    """The classical interval by order statistics: no film's error enters but by its rank."""
    values = np.sort(np.random.default_rng(0).lognormal(1, 0.5, 400))
    draws = draw([str(i) for i in range(400)], 20_000)
    drawn = replicate(values, draws)
    for column, share in enumerate((0.5, 0.95, 0.99)):
        below = stats.binom.ppf(0.025, 400, share)  # films below the true percentile, at least
        above = stats.binom.isf(0.025, 400, share)  # and at most
        low = np.searchsorted(values, np.quantile(drawn.low[:, column], 0.025, method="inverted_cdf"))
        high = np.searchsorted(values, np.quantile(drawn.high[:, column], 0.975, method="inverted_cdf"))
        assert abs(low - (below - 1)) <= 1
        assert abs(high - above) <= 1


def test_figures_agree_with_numpy():
    errors = np.random.default_rng(1).lognormal(1, 0.5, 77)
    np.testing.assert_allclose(
        figures(np.append(errors, np.nan)), [*np.percentile(errors, [50, 95, 99]), errors.mean()]
    )


def test_a_percentile_that_few_films_cannot_bound_has_no_upper_end():
    found = estimated(np.random.default_rng(2).lognormal(1, 0.5, (1, 100)))
    assert dict(zip(FIGURES, np.isinf(found.high), strict=True)) == {
        "median": False, "p95": False, "p99": True, "mean": False,
    }  # fmt: skip


def test_films_that_were_lost_count():
    errors = np.random.default_rng(3).lognormal(1, 0.5, (3, 100))
    errors[:, :3] = np.inf
    found = estimated(errors)
    kept = estimated(errors[:, 3:])
    assert found.value[0] > kept.value[0]
    assert np.isfinite(found.value[1])
    assert found.high[1] == np.inf
    assert (found.value[2], np.isnan(found.low[2])) == (np.inf, True)
    assert found.value[3] == pytest.approx(kept.value[3])  # a mean can only be taken of what is there


def test_everything_lost_and_nothing_to_measure():
    lost, nothing = estimated(np.full((2, 5), np.inf)), estimated(np.full((2, 5), np.nan))
    np.testing.assert_array_equal(lost.value[:3], np.inf)
    assert np.isnan([lost.value[3], *lost.low, *nothing.value, *nothing.low]).all()


def test_films_of_one_subject_are_drawn_together():
    """Every film twice says no more than every film once."""
    errors = np.random.default_rng(4).lognormal(1, 0.5, 60)
    names = [str(i) for i in range(60)]
    once, twice = draw(names, 300), draw(names + names, 300)
    assert (twice.subjects, twice.weights.shape) == (60, (300, 120))
    a = replicate(errors, once)
    b = replicate(np.tile(errors, 2), twice)
    np.testing.assert_allclose(a.low, b.low)
    np.testing.assert_allclose(a.high, b.high)


def test_one_film_has_no_interval():
    found = estimated(np.array([[2.0], [3.0]]))
    assert found.value[0] == pytest.approx(2.5)
    assert np.isnan([*found.low, *found.high]).all()


def test_a_ratio_is_taken_in_pairs():
    """A method that is 10 % worse on every film and fold is so beyond doubt, however much films and folds differ."""
    rng = np.random.default_rng(5)
    a = rng.lognormal(1, 0.5, (3, 80)) * np.array([[1.0], [2.0], [4.0]])
    draws = draw([str(i) for i in range(80)], 300)

    def folds(runs: np.ndarray) -> tuple:
        return np.stack([figures(r) for r in runs]), [replicate(r, draws) for r in runs]

    found = ratio(*folds(1.1 * a), *folds(a), 80)
    np.testing.assert_allclose([found.value, found.low, found.high], 1.1)
