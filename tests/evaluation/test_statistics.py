"""Statistics against numpy and scipy, and the intervals against a simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from landvote.evaluation.statistics import column_means, cumulative, describe, resample


def test_figures_agree_with_numpy() -> None:
    errors = np.random.default_rng(0).lognormal(1, 0.7, (37, 11))
    errors[3, 4] = np.nan
    found = describe(errors, resample(37, 0, 20), radii=[2, 5])
    flat = errors[~np.isnan(errors)]
    assert found.count == 37 * 11 - 1
    assert found.mean.value == pytest.approx(flat.mean())
    for p, estimate in found.percentiles.items():
        assert estimate.value == pytest.approx(np.percentile(flat, p))
    assert found.within[5.0].value == pytest.approx((flat <= 5).mean())


def test_interval_agrees_with_scipy() -> None:
    errors = np.random.default_rng(1).lognormal(1, 0.5, 60)
    found = describe(errors, resample(60, 0, 4000))
    for statistic, ours in [(np.mean, found.mean), (np.median, found.percentiles[50])]:
        theirs = stats.bootstrap(
            (errors,), statistic, n_resamples=4000, method="percentile", rng=np.random.default_rng(2)
        ).confidence_interval
        width = theirs.high - theirs.low
        assert ours.low == pytest.approx(theirs.low, abs=0.08 * width)
        assert ours.high == pytest.approx(theirs.high, abs=0.08 * width)


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    draws = resample(40, 0, 200)
    inside = 0
    for _ in range(200):
        mean = describe(rng.exponential(1.0, 40), draws).mean
        inside += mean.low <= 1.0 <= mean.high
    assert 0.86 <= inside / 200 <= 0.985


def test_films_are_resampled_not_landmarks() -> None:
    """Fifty landmarks that fail together say no more than one: the interval must not shrink."""
    film = np.random.default_rng(4).lognormal(1, 0.5, 30)
    draws = resample(30, 0, 500)
    one, fifty = describe(film, draws).mean, describe(np.repeat(film[:, None], 50, axis=1), draws).mean
    assert fifty.high - fifty.low == pytest.approx(one.high - one.low)


def test_same_films_same_draw() -> None:
    """Two methods are compared on the same resamples: a method that is 1 worse throughout stays 1 worse."""
    errors = np.random.default_rng(5).exponential(2, 25)
    a, b = describe(errors, resample(25, 9, 100)), describe(errors + 1, resample(25, 9, 100))
    assert b.percentiles[95].low - a.percentiles[95].low == pytest.approx(1)
    assert not np.array_equal(resample(25, 9, 100), resample(25, 8, 100))
    np.testing.assert_array_equal(resample(25, 9, 100).sum(axis=1), 25)


def test_equal_to_the_radius_is_within() -> None:
    found = describe(np.array([1.0, 2.0, 2.0, 3.0]), resample(4, 0, 5), radii=[0.5, 2, 3])
    assert [e.value for e in found.within.values()] == [0.0, 0.75, 1.0]


def test_not_found_counts_against_every_figure_but_the_mean() -> None:
    found = describe(np.array([1.0, 2.0, 3.0, 4.0, np.inf]), resample(5, 0, 400), radii=[4, 1000])
    assert (found.count, found.not_found) == (5, 1)
    assert found.mean.value == pytest.approx(2.5)
    assert found.percentiles[50].value == 3.0
    assert found.percentiles[90].value == np.inf
    assert found.percentiles[50].high == np.inf
    assert found.within[1000.0].value == pytest.approx(0.8)
    exactly = describe(np.array([1.0, 2.0, np.inf]), resample(3, 0, 5))
    assert exactly.percentiles[50].value == 2.0  # falls on a value that was found: no interpolation with infinity


def test_nothing_found_at_all() -> None:
    found = describe(np.full(4, np.inf), resample(4, 0, 10), radii=[2])
    assert np.isnan(found.mean.value)
    assert found.percentiles[50].value == np.inf
    assert found.within[2.0].value == 0.0


def test_nothing_to_measure() -> None:
    found = describe(np.full((3, 2), np.nan), resample(3, 0, 10), radii=[2])
    assert found.count == 0
    assert np.isnan([found.mean.value, found.percentiles[50].value, found.within[2.0].value]).all()


def test_one_film_has_no_interval() -> None:
    found = describe(np.array([[1.0, 2.0, 3.0]]), resample(1, 0, 10))
    assert found.mean.value == 2.0
    assert np.isnan([found.mean.low, found.mean.high]).all()


def test_column_means_agree_with_describe() -> None:
    errors = np.random.default_rng(6).exponential(2, (20, 3))
    errors[4, 1], errors[5, 1], errors[1:, 2] = np.nan, np.inf, np.nan
    draws = resample(20, 0, 300)
    mean, low, high = column_means(errors, draws)
    for i in range(3):
        one = describe(errors[:, i], draws).mean
        np.testing.assert_allclose([mean[i], low[i], high[i]], [one.value, one.low, one.high])
    assert np.isnan(low[2])


def test_cumulative_is_scipys() -> None:
    values = np.array([3.0, 1.0, 2.0, 2.0])
    x, share = cumulative(values)
    theirs = stats.ecdf(values).cdf
    np.testing.assert_allclose(theirs.evaluate(x)[-1], share[-1])
    np.testing.assert_allclose(x, [1, 2, 2, 3])
    np.testing.assert_allclose(share, [0.25, 0.5, 0.75, 1])


def test_cumulative_does_not_reach_one_where_films_failed() -> None:
    x, share = cumulative(np.array([1.0, np.inf, np.nan, 2.0, np.inf]))
    np.testing.assert_allclose(x, [1, 2])
    np.testing.assert_allclose(share, [0.25, 0.5])
