"""Expected errors against true ones, on made-up points whose errors are drawn as they are expected, or are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from landvote.data.prediction import ELLIPSE, LEVELS, Prediction
from landvote.data.sample import Sample
from landvote.evaluation import evaluate

MakeSample = Callable[..., Sample]
SLIM = np.array([3.0, 1.0])  # SDs of the errors along x and y, times each point's own


def forecast(sample: Sample, rng: np.random.Generator, told: float = 1.0) -> Prediction:
    """Return a prediction with Gaussian errors; ``told`` is by how much the errors that it expects are too large."""
    n = len(sample.scheme)
    sd = rng.lognormal(0, 0.7, n)
    drawn = SLIM * rng.normal(size=(20000, 2))
    distance = np.hypot(*drawn.T)
    expected = told * sd * distance.mean()
    return Prediction(
        sample.identifier, sample.points + sd[:, None] * SLIM * rng.normal(size=(n, 2)), expected,
        sample.scheme.landmarks, radii=told * np.outer(sd, np.quantile(distance, LEVELS)),
        covariance=np.outer((told * sd) ** 2, [SLIM[0] ** 2, 0, SLIM[1] ** 2]), expected_film_error=expected.mean(),
        probability_of_failure=0.25,
    )  # fmt: skip


def test_errors_as_they_are_expected(make_sample: MakeSample) -> None:
    rng, samples = np.random.default_rng(0), [make_sample(f"{i:02}") for i in range(60)]
    found = evaluate([forecast(s, rng) for s in samples], samples, unit="px", radii=[4, 8])
    told = found.summary["expected_error"]
    assert (told["films"], told["points"]) == (60, 60 * 26)
    assert [t["points"] for t in told["tenths"]] == [156] * 10
    assert all(t["ratio"]["low"] < 1 < t["ratio"]["high"] for t in told["tenths"][1:])
    assert [t["ratio"]["value"] for t in told["tenths"]] == pytest.approx(
        [t["actual"]["value"] / t["expected"] for t in told["tenths"]], rel=1e-4
    )
    assert [c["value"] for c in told["coverage"]] == pytest.approx(list(LEVELS), abs=0.03)
    assert all(c["low"] < c["level"] < c["high"] for c in told["coverage"])
    ellipse = told["ellipse"]
    assert ellipse["value"] == pytest.approx(0.9, abs=0.03)
    circle = np.quantile(np.hypot(*(SLIM * rng.normal(size=(20000, 2))).T), ellipse["value"])
    assert ellipse["area"] == pytest.approx(ELLIPSE * SLIM.prod() / circle**2, rel=0.1)
    assert 0.4 < told["spearman_points"]["low"] < told["spearman_points"]["value"] < 0.8
    curve = told["sparsification"]
    assert curve["left"][0] == 1
    assert curve["expected"][0] == pytest.approx(curve["best"][0]) == pytest.approx(told["mean_actual"])
    assert curve["expected"][0] > curve["expected"][10] > curve["best"][10]
    assert 0.3 < curve["gained"] < 0.9
    assert told["large"]["limit"] == 8
    true = np.concatenate([np.linalg.norm(f.predicted - f.truth, axis=1) for f in found.matching.films])
    assert told["large"]["count"] == (true > 8).sum()
    assert told["large"]["auc"]["low"] > 0.7
    assert found.films["probability_of_failure"].tolist() == [0.25] * 60
    assert (found.films["expected_film_error_px"] > 1).all()


def test_errors_that_are_expected_too_large_and_at_random(make_sample: MakeSample) -> None:
    rng, samples = np.random.default_rng(3), [make_sample(f"{i:02}") for i in range(40)]
    mixed = [forecast(s, rng, told=2) for s in samples]
    mixed = [replace(p, expected_error=rng.permutation(p.expected_error)) for p in mixed]
    told = evaluate(mixed, samples, unit="px").summary["expected_error"]
    ratios = [t["ratio"] for t in told["tenths"]]
    assert ratios[-1]["high"] < 0.5
    assert all(c["low"] > c["level"] for c in told["coverage"][:2])  # few subjects bound no share near 1
    assert told["spearman_points"]["low"] < 0 < told["spearman_points"]["high"]
    assert abs(told["sparsification"]["gained"]) < 0.25


def test_only_what_is_told_is_judged(make_sample: MakeSample) -> None:
    """Points that were not found, or lack a truth; levels without radii; one subject; a number of points below ten."""
    rng, samples = np.random.default_rng(2), [make_sample("a"), make_sample("b")]
    first, second = (forecast(s, rng) for s in samples)
    first.points[3:] = np.nan
    first.expected_error[3:] = np.nan
    assert first.radii is not None
    first.radii[:, 3] = np.nan
    told = evaluate([first], samples[:1], unit="px").summary["expected_error"]
    assert [t["points"] for t in told["tenths"]] == [1, 1, 1]
    assert [(c["level"], c["points"], c["low"]) for c in told["coverage"]] == [(p, 3, None) for p in LEVELS[:3]]
    plain = replace(second, radii=None, covariance=None)
    told = evaluate([plain], samples[1:], unit="px").summary["expected_error"]
    assert told["coverage"] == []
    assert "ellipse" not in told
    assert told["large"]["auc"]["value"] is None or told["large"]["count"] > 0
