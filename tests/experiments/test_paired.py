"""Pairs of methods against SciPy, published examples and first principles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from landvote.experiments.paired import hodges_lehmann, holm, paired_table, rank_biserial, wilcoxon
from landvote.experiments.results import Results

# Darwin's maize, crossed against self-fertilised plants, eighths of an inch (Fisher, The Design of Experiments, 1935)
DARWIN = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48], dtype=np.float64)


def test_darwins_plants():
    """SciPy's own worked example: a statistic of 24, p = 0.0413."""
    assert wilcoxon(DARWIN) == pytest.approx(stats.wilcoxon(DARWIN).pvalue)
    assert wilcoxon(DARWIN) == pytest.approx(0.0413, abs=5e-4)
    assert stats.wilcoxon(DARWIN).statistic == 24
    positive = stats.rankdata(np.abs(DARWIN))[DARWIN > 0].sum()
    assert rank_biserial(DARWIN) == pytest.approx((positive - (120 - positive)) / 120)


def test_the_interval_of_a_difference_is_the_test_turned_round():
    """A shift inside the interval is not rejected by SciPy's exact test; one outside is."""
    values = np.random.default_rng(0).normal(0.4, 1.0, 17)
    value, low, high = hodges_lehmann(values)
    walsh = [(a + b) / 2 for i, a in enumerate(values) for b in values[i:]]
    assert value == pytest.approx(np.median(walsh))
    for shift, kept in ((low + 1e-6, True), (low - 1e-6, False), (high - 1e-6, True), (high + 1e-6, False)):
        assert (stats.wilcoxon(values - shift, method="exact").pvalue > 0.05) == kept


def test_the_interval_of_a_difference_covers():
    rng = np.random.default_rng(1)
    ends = [hodges_lehmann(rng.standard_t(3, 30) + 1.0)[1:] for _ in range(400)]
    inside = sum(low <= 1.0 <= high for low, high in ends)
    assert stats.binom.ppf(0.001, 400, 0.95) <= inside <= stats.binom.ppf(0.999, 400, 0.957)


def test_holm():
    """Holm's steps by hand: 0.01 x 4, 0.013 x 3 (not below the last), 0.03 x 2, 0.5 x 1; and never above 1."""
    np.testing.assert_allclose(holm(np.array([0.03, 0.01, 0.5, 0.013])), [0.06, 0.04, 0.5, 0.04])
    np.testing.assert_allclose(holm(np.array([0.6, 0.7])), [1.0, 1.0])
    assert holm(np.array([])).size == 0


def test_infinite_differences_count_by_their_rank():
    values = np.array([1.0, 2.0, -0.5, np.inf, 3.0, -1.5, 2.5, np.inf])
    far = np.where(np.isinf(values), 100.0, values)
    assert wilcoxon(values) == pytest.approx(wilcoxon(far))
    assert rank_biserial(values) == pytest.approx(rank_biserial(far))
    assert hodges_lehmann(values)[2] == np.inf
    assert np.isfinite(hodges_lehmann(values)[0])
    assert hodges_lehmann(np.full(9, np.inf)) == (np.inf, np.inf, np.inf)


def test_no_difference_and_too_few():
    assert wilcoxon(np.zeros(5)) == 1.0
    assert rank_biserial(np.zeros(5)) == 0.0
    value, low, high = hodges_lehmann(np.array([1.0, 2.0, 3.0]))
    assert value == 2.0
    assert np.isnan([low, high]).all()  # three differences leave no interval at 95 %


def test_table_is_what_scipy_finds(make_results: Callable[..., Results]):
    results = make_results(methods=3, sizes=(100,), folds=2, films=30, lost=0.0)
    table = paired_table(results)
    assert list(zip(table["first"], table["second"], strict=True))[:3] == [
        ("WHDV", "WHDV + shape"), ("WHDV", "HDV"), ("WHDV + shape", "HDV"),
    ]  # fmt: skip
    row = table[(table["metric"] == "point_to_point") & (table["second"] == "HDV")].iloc[0]
    a, b = (np.mean([r.errors.means("point_to_point") for r in results.of(m, 100)], axis=0) for m in ("WHDV", "HDV"))
    assert row["p"] == pytest.approx(stats.wilcoxon(a, b).pvalue)
    assert (row["first_better"], row["second_better"]) == ((a < b).sum(), (a > b).sum())
    assert row["p_holm"] == pytest.approx(holm(table["p"].to_numpy())[1])
    assert row["ratio_low"] < row["ratio"] < row["ratio_high"]
    assert row["folds_first_better"] == 2
    medians = [
        np.mean([np.median(r.errors.means("point_to_point")) for r in results.of(m, 100)]) for m in ("WHDV", "HDV")
    ]
    assert row["ratio"] == pytest.approx(medians[0] / medians[1])


def test_films_of_one_subject_count_once(make_results: Callable[..., Results]):
    results = make_results(films=12, lost=0.0)
    shared = tuple(replace(f, subject=f"child {i // 2}") for i, f in enumerate(results.films))
    assert set(paired_table(replace(results, films=shared))["subjects"]) == {6}
    assert set(paired_table(results)["subjects"]) == {12}


def test_methods_are_compared_on_the_folds_both_have(make_results: Callable[..., Results]):
    results = make_results(methods=2, sizes=(100,), folds=3, skip=1)  # the last run is the second method's, fold 2
    assert set(paired_table(results)["folds"]) == {2}
    alone = make_results(methods=1)
    assert paired_table(alone).empty
