"""The summary of an evaluation: one nested dictionary of plain JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import spearmanr

from landvote.evaluation.matching import Matching
from landvote.evaluation.measure import Errors, film_means
from landvote.evaluation.statistics import LEVEL, Description, Estimate, describe

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


def summarise(
    matching: Matching,
    errors: Errors,
    pixels: Errors,
    films: pd.DataFrame,
    draws: IntArray,
    radii: Sequence[float],
    seed: int,
) -> dict[str, Any]:
    """Return counts, what is missing, and every distribution with its intervals.

    ``point_to_point`` and ``point_to_curve`` hold, per unit, ``film_means`` (one figure a film: the mean over its
    landmarks) and ``landmarks`` (every landmark of every film). Success rates are given in the chosen unit.
    """
    every = [pixels] if errors.unit == "px" else [errors, pixels]
    chosen = {e.unit: radii if e.unit == errors.unit else () for e in every}
    out: dict[str, Any] = {
        "unit": errors.unit,
        "scheme": matching.scheme.name,
        "films": _film_counts(matching, errors, pixels),
        "landmarks": _landmark_counts(matching, pixels),
        "intervals": {"level": LEVEL, "resamples": len(draws), "seed": seed, "method": "percentile bootstrap, films"},
        "point_to_point": {e.unit: _both_levels(e.point_to_point, draws, chosen[e.unit]) for e in every},
    }
    if matching.scheme.outlines:
        out["point_to_curve"] = {e.unit: _both_levels(e.point_to_curve, draws, chosen[e.unit]) for e in every}
    squared = films["squared_error_px2"].to_numpy(dtype=np.float64)
    out["squared_error_px2"] = {**_plain(describe(squared, draws)), "max": _number(np.nanmax(squared, initial=-np.inf))}
    if not np.isnan(pixels.annotators_to_point).all():
        out["annotators"] = {e.unit: _annotators(e, draws) for e in every}
    if "expected_error_px" in films:
        out["expected_error"] = _calibration(matching, pixels, films)
    return out


def _film_counts(matching: Matching, errors: Errors, pixels: Errors) -> dict[str, Any]:
    names = np.array([f.identifier for f in matching.films])
    means = film_means(pixels.point_to_point)
    unscaled = np.isnan(errors.point_to_point).all(axis=1) & ~np.isnan(pixels.point_to_point).all(axis=1)
    return {
        "scored": len(names),
        "nothing_found": names[np.isinf(means)].tolist(),
        "some_not_found": names[np.isinf(pixels.point_to_point).any(axis=1) & np.isfinite(means)].tolist(),
        "without_scale": names[unscaled].tolist(),
        "not_predicted": list(matching.not_predicted),
        "without_truth": list(matching.without_truth),
    }


def _landmark_counts(matching: Matching, pixels: Errors) -> dict[str, Any]:
    names, modelled = matching.scheme.landmarks, matching.modelled
    return {
        "scheme": len(names),
        "scored": int(modelled.sum()),
        "matched": matching.order,
        "not_in_model": [n for n, known in zip(names, modelled, strict=True) if not known],
        "not_in_truth": list(matching.extra),
        "measured": int((~np.isnan(pixels.point_to_point)).sum()),
        "not_found": int(np.isinf(pixels.point_to_point).sum()),
        "truth_missing": int(np.isnan(pixels.point_to_point[:, modelled]).sum()),
    }


def _both_levels(errors: FloatArray, draws: IntArray, radii: Sequence[float]) -> dict[str, Any]:
    return {
        "film_means": _plain(describe(film_means(errors), draws, radii)),
        "landmarks": _plain(describe(errors, draws, radii)),
    }


def _annotators(errors: Errors, draws: IntArray) -> dict[str, Any]:
    out = {"point_to_point": _plain(describe(errors.annotators_to_point, draws))}
    if not np.isnan(errors.annotators_to_curve).all():
        out["point_to_curve"] = _plain(describe(errors.annotators_to_curve, draws))
    return out


def _calibration(matching: Matching, pixels: Errors, films: pd.DataFrame) -> dict[str, Any]:
    """Compare expected and actual errors, in pixels, over landmarks that have both."""
    pairs = films[["expected_error_px", "actual_error_px"]].dropna()
    expected = np.stack([f.expected_error for f in matching.films])
    both = np.isfinite(expected) & np.isfinite(pixels.point_to_point)
    return {
        "films": len(pairs),
        "mean_expected_px": _number(pairs["expected_error_px"].mean()),
        "mean_actual_px": _number(pairs["actual_error_px"].mean()),
        "spearman_film_means": _spearman(
            pairs["expected_error_px"].to_numpy(dtype=np.float64), pairs["actual_error_px"].to_numpy(dtype=np.float64)
        ),
        "spearman_landmarks": _spearman(expected[both], pixels.point_to_point[both]),
    }


def _spearman(a: FloatArray, b: FloatArray) -> float | None:
    """Rank correlation; None where it is undefined (fewer than three pairs, or one side constant)."""
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return _number(float(spearmanr(a, b).statistic))


def _plain(d: Description) -> dict[str, Any]:
    out: dict[str, Any] = {"count": d.count, "not_found": d.not_found, "mean": _estimate(d.mean)}
    out |= {"median" if p == 50 else f"p{p}": _estimate(e) for p, e in d.percentiles.items()}
    if d.within:
        out["within"] = [{"radius": radius, **_estimate(e)} for radius, e in d.within.items()]
    return out


def _estimate(e: Estimate) -> dict[str, float | None]:
    return {"value": _number(e.value), "low": _number(e.low), "high": _number(e.high)}


def _number(value: float) -> float | None:
    """JSON has neither NaN nor infinity."""
    return round(float(value), 6) if np.isfinite(value) else None
