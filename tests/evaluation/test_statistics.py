"""The one statistics: exact where that can be known, and a simulation of how often intervals cover the truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from landvote.evaluation.statistics import (
    FIGURES,
    LEVEL,
    Draws,
    Estimates,
    average,
    column_means,
    cumulative,
    draw,
    estimate,
    figures,
    rank_correlation,
    ratio,
    within,
)

TRIALS = 300
FILMS = 120


def alone(films: int, resamples: int = 400, seed: int = 0) -> Draws:
    """Draw for films of as many subjects."""
    return draw([str(i) for i in range(films)], seed, resamples)


def estimated(runs: np.ndarray, resamples: int = 400) -> Estimates:
    """Estimate figures of (folds, films) errors, a film a subject."""
    draws = alone(runs.shape[1], resamples)
    return estimate([figures(r, draws) for r in runs])


def coverage(folds: int, between: float, shared: float, own: float, films: int = FILMS) -> dict[str, float]:
    """Return how often intervals hold the truth.

    The logarithm of an error is what a fold adds, what a film adds, and what both together add, all normal.
    """
    rng = np.random.default_rng(folds)
    spread = np.hypot(shared, own)
    normal = stats.norm.ppf([0.5, 0.9, 0.95, 0.99])
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


def test_intervals_by_subject_cover_where_intervals_by_film_do_not():
    """Two films of each of 60 subjects, which resemble each other: 120 films say less than 120 subjects would."""
    rng, inside = np.random.default_rng(8), {"subject": 0, "film": 0}
    for _ in range(TRIALS):
        films = np.exp(np.repeat(rng.normal(0, 0.5, 60), 2) + rng.normal(0, 0.2, 120))  # the true median is 1
        for unit, names in (("subject", np.arange(120) // 2), ("film", np.arange(120))):
            found = estimate([figures(films, draw(names.astype(str), 0, 300))])
            inside[unit] += bool(found.low[0] <= 1.0 <= found.high[0])
    assert inside["film"] < stats.binom.ppf(0.001, TRIALS, 0.95) <= inside["subject"] <= 0.995 * TRIALS


def test_one_run_has_the_exact_interval_of_a_percentile():
    """The classical interval by order statistics: no film's error enters but by its rank."""
    values = np.sort(np.random.default_rng(0).lognormal(1, 0.5, 400))
    drawn = figures(values, alone(400, 20_000))
    for column, share in enumerate((0.5, 0.9, 0.95, 0.99)):
        below = stats.binom.ppf(0.025, 400, share)  # films below the true percentile, at least
        above = stats.binom.isf(0.025, 400, share)  # and at most
        low = np.searchsorted(values, np.quantile(drawn.low[:, column], 0.025, method="inverted_cdf"))
        high = np.searchsorted(values, np.quantile(drawn.high[:, column], 0.975, method="inverted_cdf"))
        assert abs(low - (below - 1)) <= 1
        assert abs(high - above) <= 1


def test_a_success_rate_has_the_interval_of_clopper_and_pearson():
    """Of 40 films of as many subjects, 0, 33 and 40 hit."""
    errors = np.linspace(1, 40, 40)
    found = within(errors, alone(40, 40_000), [0.5, 33, 40])
    np.testing.assert_allclose(found.value, [0, 33 / 40, 1])
    exact = [stats.binomtest(hits, 40).proportion_ci(method="exact") for hits in (0, 33, 40)]
    np.testing.assert_allclose(found.low, [e.low for e in exact], atol=0.005)
    np.testing.assert_allclose(found.high, [e.high for e in exact], atol=0.005)


def test_equal_to_the_radius_is_within_and_not_found_is_without():
    errors = np.array([1.0, 2.0, 2.0, np.inf, np.nan])
    np.testing.assert_allclose(within(errors, alone(5), [0.5, 2, 1000]).value, [0.0, 0.75, 0.75])
    nothing = within(np.full((3, 2), np.nan), alone(3), [2])
    assert np.isnan([nothing.value, nothing.low, nothing.high]).all()


def test_figures_agree_with_numpy():
    errors = np.random.default_rng(1).lognormal(1, 0.5, (37, 11))
    errors[3, 4] = np.nan
    flat = errors[~np.isnan(errors)]
    np.testing.assert_allclose(figures(errors, alone(37)).value, [*np.percentile(flat, [50, 90, 95, 99]), flat.mean()])


def test_percentiles_of_a_sample_are_those_of_films_repeated_by_their_weight():
    """Whole weights in place of drawn ones: each film stands in the sample as often as its weight says."""
    rng = np.random.default_rng(2)
    errors, weights = rng.lognormal(1, 0.5, 20), rng.integers(0, 4, (5, 20)).astype(float)
    drawn = figures(errors, Draws(np.arange(20), weights, np.ones((5, 1))))
    for row, weight in enumerate(weights.astype(int)):
        films = np.repeat(errors, weight)
        for column, p in enumerate((50, 90, 95, 99)):
            low, high = ([*films, unseen] for unseen in (0.0, np.inf))
            assert drawn.low[row, column] == np.percentile(low, p, method="inverted_cdf")
            assert drawn.high[row, column] == np.percentile(high, p, method="inverted_cdf")
        assert drawn.low[row, -1] == pytest.approx(films.mean())


def test_many_landmarks_are_worked_on_block_by_block(monkeypatch):
    errors = np.random.default_rng(3).lognormal(1, 0.5, (12, 7))
    whole = figures(errors, alone(12, 50))
    monkeypatch.setattr("landvote.evaluation.statistics.BLOCK", 3 * errors.size)
    blocks = figures(errors, alone(12, 50))
    np.testing.assert_array_equal(blocks.low, whole.low)
    np.testing.assert_array_equal(blocks.high, whole.high)


def test_intervals_of_few_subjects_are_widened_by_students_factor():
    errors = np.random.default_rng(9).lognormal(1, 0.5, 8)
    drawn = figures(errors, alone(8))
    found, end = estimate([drawn]), np.quantile(drawn.low[:, -1], (1 - LEVEL) / 2, method="inverted_cdf")
    reach = np.log(found.value[-1] / found.low[-1]) / np.log(found.value[-1] / end)
    assert reach == pytest.approx(stats.t.isf(0.025, 7) / stats.norm.isf(0.025))


def test_a_percentile_that_few_films_cannot_bound_has_no_upper_end():
    found = estimated(np.random.default_rng(2).lognormal(1, 0.5, (1, 100)))
    assert dict(zip(FIGURES, np.isinf(found.high), strict=True)) == {
        "median": False, "p90": False, "p95": False, "p99": True, "mean": False,
    }  # fmt: skip


def test_films_that_were_lost_count():
    errors = np.random.default_rng(3).lognormal(1, 0.5, (3, 100))
    errors[:, :3] = np.inf
    found, kept = (dict(zip(FIGURES, zip(e.value, e.low, e.high, strict=True), strict=True)) for e in (
        estimated(errors), estimated(errors[:, 3:])
    ))  # fmt: skip
    assert found["median"][0] > kept["median"][0]
    assert np.isfinite(found["p95"][0])
    assert found["p95"][2] == np.inf
    assert (found["p99"][0], np.isnan(found["p99"][1])) == (np.inf, True)
    assert found["mean"][0] == pytest.approx(kept["mean"][0])  # a mean can only be taken of what is there


def test_a_percentile_that_falls_on_a_film_that_was_found_is_finite():
    """No interpolation with the infinite neighbour."""
    assert figures(np.array([1.0, 2.0, np.inf]), alone(3)).value[0] == 2.0
    assert figures(np.array([1.0, 2.0, 3.0, 4.0, np.inf]), alone(5)).value[1] == np.inf


def test_everything_lost_and_nothing_to_measure():
    lost, nothing = estimated(np.full((2, 5), np.inf)), estimated(np.full((2, 5), np.nan))
    np.testing.assert_array_equal(lost.value[:4], np.inf)
    assert np.isnan([lost.value[4], *lost.low, *nothing.value, *nothing.low, *nothing.high]).all()


def test_exact_predictions_have_an_interval_of_nought():
    found = estimated(np.zeros((1, 30)))
    np.testing.assert_array_equal([found.value, found.low, found.high], [[0] * 5, [0] * 5, [0, 0, np.inf, np.inf, 0]])


def test_films_of_one_subject_are_drawn_together():
    """Every film twice says no more than every film once; nor do fifty landmarks that fail together."""
    errors = np.random.default_rng(4).lognormal(1, 0.5, 60)
    names = [str(i) for i in range(60)]
    once = figures(errors, draw(names, 0, 300))
    for more in (
        figures(np.tile(errors, 2), draw(names + names, 0, 300)),
        figures(np.repeat(errors[:, None], 50, axis=1), draw(names, 0, 300)),
    ):
        assert more.subjects.tolist() == [60] * 5
        np.testing.assert_allclose(more.low, once.low)
        np.testing.assert_allclose(more.high, once.high)


def test_only_subjects_with_something_to_measure_count():
    errors = np.array([1.0, 2.0, np.nan, np.inf])
    found = figures(errors, draw(["a", "b", "c", "b"]))
    assert found.subjects.tolist() == [2, 2, 2, 2, 2]
    errors[1] = np.inf
    assert figures(errors, draw(["a", "b", "c", "b"])).subjects.tolist() == [2, 2, 2, 2, 1]


def test_the_draw_depends_on_subjects_and_seed_alone():
    names = ["b", "a", "c", "a"]
    a, b, other = draw(names, 3, 5), draw(names, 3, 5), draw(names, 4, 5)
    np.testing.assert_array_equal(a.of_films(), b.of_films())
    np.testing.assert_array_equal(a.of_films()[:, 1], a.of_films()[:, 3])
    assert not np.array_equal(a.weights, other.weights)


def test_one_film_has_no_interval():
    found = estimated(np.array([[2.0], [3.0]]))
    assert found.value[0] == pytest.approx(2.5)
    assert np.isnan([*found.low, *found.high]).all()


def test_a_ratio_is_taken_in_pairs():
    """A method that is 10 % worse on every film and fold is so beyond doubt, however much films and folds differ."""
    rng = np.random.default_rng(5)
    a = rng.lognormal(1, 0.5, (3, 80)) * np.array([[1.0], [2.0], [4.0]])
    draws = alone(80, 300)
    found = ratio([figures(1.1 * r, draws) for r in a], [figures(r, draws) for r in a])
    np.testing.assert_allclose([found.value, found.low, found.high], 1.1)


def test_column_means_are_the_means_of_figures():
    errors = np.random.default_rng(6).exponential(2, (20, 3))
    errors[4, 1], errors[5, 1], errors[1:, 2] = np.nan, np.inf, np.nan
    draws = alone(20, 300)
    found = column_means(errors, draws)
    for i in range(3):
        one = figures(errors[:, i], draws)
        np.testing.assert_allclose(found.value[i], one.value[-1])
        np.testing.assert_allclose(found.low[:, i], one.low[:, -1])
        assert found.subjects[i] == one.subjects[-1]
    assert np.isnan(estimate([found]).low[2])  # one film has no interval


def test_seeds_are_averaged_before_folds():
    errors = np.random.default_rng(7).lognormal(1, 0.5, (2, 30))
    draws = alone(30)
    both = average([figures(e, draws) for e in errors])
    np.testing.assert_allclose(both.value, np.mean([figures(e, draws).value for e in errors], axis=0))
    np.testing.assert_allclose(both.high, np.mean([figures(e, draws).high for e in errors], axis=0))


def test_rank_correlation_is_scipys_or_undefined():
    a, b = np.array([1.0, 2.0, 3.0, np.nan, 9.0]), np.array([2.0, 1.0, 5.0, 1.0, np.inf])
    assert rank_correlation(a, b) == pytest.approx(stats.spearmanr(a[:3], b[:3]).statistic)
    assert np.isnan([rank_correlation(a[:2], b[:2]), rank_correlation(a[:3], np.ones(3))]).all()


def test_cumulative_is_scipys():
    values = np.array([3.0, 1.0, 2.0, 2.0])
    x, share = cumulative(values)
    theirs = stats.ecdf(values).cdf
    np.testing.assert_allclose(theirs.evaluate(x)[-1], share[-1])
    np.testing.assert_allclose(x, [1, 2, 2, 3])
    np.testing.assert_allclose(share, [0.25, 0.5, 0.75, 1])


def test_cumulative_does_not_reach_one_where_films_failed():
    x, share = cumulative(np.array([1.0, np.inf, np.nan, 2.0, np.inf]))
    np.testing.assert_allclose(x, [1, 2])
    np.testing.assert_allclose(share, [0.25, 0.5])
