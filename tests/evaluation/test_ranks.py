"""Rank correlations and areas under the ROC curve: equal to scipy's and scikit-learn's, with intervals that cover."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from landvote.evaluation import ranks
from landvote.evaluation.ranks import roc_area, spearman
from landvote.evaluation.statistics import draw


def alone(n: int, resamples: int = 200):
    return draw([str(i) for i in range(n)], 0, resamples)


def test_they_are_those_of_scipy_and_scikit_learn_ties_too():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 6, (2, 30, 4)).astype(float)
    b[3] = a[3] = np.nan
    b[4, 2] = np.nan
    known = np.isfinite(b)
    found = spearman(a, b, alone(30))
    assert found.value[0] == pytest.approx(spearmanr(a[known], b[known]).statistic)
    assert found.low[0] < found.value[0] < found.high[0]
    large = np.where(known, b > 3, np.nan)
    assert roc_area(a, large, alone(30)).value[0] == pytest.approx(roc_auc_score(large[known] > 0, a[known]))


def test_films_of_one_subject_count_together(monkeypatch):
    rng = np.random.default_rng(1)
    a = rng.normal(size=20)
    b = a + rng.normal(size=20)
    once, thrice = draw([str(i) for i in range(20)]), draw([str(i) for i in range(20) for _ in range(3)])
    for figure, other in ((spearman, b), (roc_area, (b > 0).astype(float))):
        whole = figure(a, other, once)
        again = figure(a.repeat(3), other.repeat(3), thrice)
        for name in ("value", "low", "high"):
            np.testing.assert_allclose(getattr(again, name), getattr(whole, name))
        monkeypatch.setattr(ranks, "BLOCK", 50)  # draws in many parts
        assert figure(a, other, once).low[0] == pytest.approx(whole.low[0])
        monkeypatch.setattr(ranks, "_MOST_WEIGHTS", 1)  # of very many points fewer draws are used
        fewer = figure(a, other, once).low[0]
        assert fewer != whole.low[0]
        assert fewer == pytest.approx(whole.low[0], abs=0.1)
        monkeypatch.undo()


def test_intervals_hold_the_truth():
    """Of two normal variables with a correlation of 0.5, whose Spearman's is 6 / pi * arcsin(0.25)."""
    truth, held, rng = 6 / np.pi * np.arcsin(0.25), 0, np.random.default_rng(2)
    for _ in range(100):
        a = rng.normal(size=40)
        found = spearman(a, 0.5 * a + np.sqrt(0.75) * rng.normal(size=40), alone(40))
        held += found.low[0] <= truth <= found.high[0]
    assert 88 <= held <= 100


def test_there_is_nothing_to_tell_of_few_or_equal_ones():
    a = np.arange(5.0)
    for found in (
        spearman(a[:2], a[:2], alone(2)), spearman(a, np.ones(5), alone(5)), spearman(a, np.full(5, np.nan), alone(5)),
        roc_area(a, np.ones(5), alone(5)), roc_area(a, np.zeros(5), alone(5)),
    ):  # fmt: skip
        assert np.isnan([found.value, found.low, found.high]).all()
    one = spearman(a, a, draw(["one"] * 5))
    assert one.value[0] == pytest.approx(1)
    assert np.isnan(one.low[0])
    few = roc_area(a, (a > 2).astype(float), alone(5))
    assert few.value[0] == 1
    assert np.isnan([few.low, few.high]).all()
    b = np.arange(20.0)
    whole = roc_area(b, (b >= 10).astype(float), alone(20))
    assert whole.value[0] == pytest.approx(whole.low[0]) == pytest.approx(whole.high[0]) == 1
