"""How true the errors are that predictions expect: their size, their radii and ellipses, and whom they suspect."""

from typing import Any

import numpy as np

from landvote.data.points import FloatArray
from landvote.data.prediction import ELLIPSE, LEVELS
from landvote.evaluation.matching import Matching
from landvote.evaluation.measure import Errors, film_means
from landvote.evaluation.ranks import roc_area, spearman
from landvote.evaluation.statistics import Draws, estimate, quotients, within
from landvote.evaluation.summary import plain, plain_number

_TENTHS = 10
_TAKEN = np.arange(0, 1, 0.05)  # shares of the points that are taken away


def summarise_expected(matching: Matching, errors: Errors, draws: Draws, limit: float) -> dict[str, Any]:
    """Return how the expected errors agree with the true ones, in the unit of ``errors``; empty if none is expected.

    Points are those with an expected and a true error. Figures with ends have intervals over subjects.

    - ``films``, ``mean_expected`` and ``mean_actual``: the films that have both, and means over their means.
    - ``spearman_films``, ``spearman_points``: rank correlations, over films' means and over points.
    - ``tenths``: points in tenths by their expected error, the least first: how many, the mean ``expected`` and
      ``actual`` error, and how many times as large the latter is (``ratio``).
    - ``coverage``: the share of points inside the radii of each ``level``, where there are any.
    - ``ellipse``: the share of points inside the ellipses of 90 %, and ``area``: theirs over that of circles, the
      radii of 90 % all times one factor that has these hold as many points.
    - ``sparsification``: mean error of the points that are ``left`` when those with the largest ``expected`` errors are
      taken away, and with the largest true ones (``best``); of points taken away at random it is that of all.
      ``gained`` is the area under the level line that the first curve leaves, as a share of what the second does.
    - ``large``: how many points are farther off than ``limit``, and the area under the ROC curve (``auc``) for these.
    """
    expected, actual = errors.expectation()
    if np.isnan(expected).all():
        return {}
    film = [film_means(expected), film_means(actual)]
    known = np.isfinite(film[0])
    out: dict[str, Any] = {
        "films": int(known.sum()), "points": int(np.isfinite(expected).sum()),
        "mean_expected": plain_number(film[0][known].mean()), "mean_actual": plain_number(film[1][known].mean()),
        "spearman_films": plain(spearman(film[0], film[1], draws))[0],
        "spearman_points": plain(spearman(expected, actual, draws))[0],
        "tenths": _tenths(expected, actual, draws), "sparsification": _sparsification(expected, actual),
    }  # fmt: skip
    # radii are in pixels, and so are the errors that they are to hold
    away = np.stack([f.predicted - f.truth for f in matching.films])
    distance = np.hypot(away[..., 0], away[..., 1])
    radii = np.stack([f.radii for f in matching.films])
    out["coverage"] = [
        {"level": level, **_inside(distance / radii[..., i], draws)}
        for i, level in enumerate(LEVELS)
        if np.isfinite(radii[..., i] * distance).any()
    ]
    covariance = np.stack([f.covariance for f in matching.films])
    if np.isfinite(covariance[..., 0] * distance).any():
        out["ellipse"] = _ellipse(away, covariance, radii[..., LEVELS.index(0.9)], draws)
    large = np.where(np.isfinite(actual), actual > limit, np.nan)
    auc = plain(roc_area(expected, large, draws))[0]
    out["large"] = {"limit": limit, "count": int(np.nansum(large)), "auc": auc}
    return out


def _tenths(expected: FloatArray, actual: FloatArray, draws: Draws) -> list[dict[str, Any]]:
    order = np.argsort(expected, axis=None, kind="stable")[: int(np.isfinite(expected).sum())]
    where = np.full(expected.size, -1)
    for tenth, part in enumerate(np.array_split(order, min(_TENTHS, len(order)))):
        where[part] = tenth
    inside = where.reshape(expected.shape) == np.arange(where.max() + 1)[:, None, None]  # (tenths, films, n)
    count, foreseen, true = (
        np.where(inside, values, 0).sum(axis=2).T for values in (1.0, expected, actual)
    )  # (films, tenths)
    actual_means, ratios = (plain(estimate([quotients(true, by, draws)])) for by in (count, foreseen))
    rows = zip(count.sum(axis=0), foreseen.sum(axis=0), actual_means, ratios, strict=True)
    return [
        {"points": int(n), "expected": plain_number(total / n), "actual": mean, "ratio": ratio}
        for n, total, mean, ratio in rows
    ]


def _inside(scores: FloatArray, draws: Draws) -> dict[str, Any]:
    """Return how many (films, n) scores are known, and the share that is not above 1, with its interval."""
    return {"points": int(np.isfinite(scores).sum()), **plain(within(scores, draws, [1.0]))[0]}


def _ellipse(away: FloatArray, covariance: FloatArray, radii: FloatArray, draws: Draws) -> dict[str, Any]:
    """Return the coverage of ellipses, (films, n, 3), and their area over that of circles that hold as many points."""
    (x, y), (xx, xy, yy) = np.moveaxis(away, -1, 0), np.moveaxis(covariance, -1, 0)
    determinant = xx * yy - xy**2
    with np.errstate(invalid="ignore", divide="ignore"):
        squared = (yy * x**2 - 2 * xy * x * y + xx * y**2) / determinant
        scores = np.where(determinant > 0, squared / ELLIPSE, np.nan)
        ratio = np.hypot(x, y) / radii
    told, area = _inside(scores, draws), float("nan")
    both = np.isfinite(scores) & np.isfinite(ratio)
    if both.any():
        wider = np.quantile(ratio[both], np.mean(scores[both] <= 1), method="inverted_cdf")
        circles = np.pi * (wider * radii[both]) ** 2
        area = float((np.pi * ELLIPSE * np.sqrt(determinant[both])).mean() / circles.mean())
    return {"level": 0.9, **told, "area": plain_number(area)}


def _sparsification(expected: FloatArray, actual: FloatArray) -> dict[str, Any]:
    known = np.isfinite(expected)
    true = actual[known]
    kept = np.unique(np.ceil((1 - _TAKEN) * len(true)).astype(int))[::-1]
    curves = {}
    for name, doubt in (("expected", expected[known]), ("best", true)):
        least_first = true[np.argsort(doubt, kind="stable")]
        curves[name] = (np.cumsum(least_first) / np.arange(1, len(true) + 1))[kept - 1]
    gain = {name: float(np.mean(true.mean() - curve)) for name, curve in curves.items()}
    told: dict[str, Any] = {"left": [plain_number(k / len(true)) for k in kept]}
    told |= {name: [plain_number(v) for v in curve] for name, curve in curves.items()}
    return told | {"gained": plain_number(gain["expected"] / gain["best"] if gain["best"] > 0 else float("nan"))}
