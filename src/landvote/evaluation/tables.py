"""The tables of an evaluation: per film, per landmark, per subgroup."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from landvote.errors import SettingError, nearest
from landvote.evaluation.matching import Matching
from landvote.evaluation.measure import Errors, film_means
from landvote.evaluation.statistics import column_means, describe, resample
from landvote.evaluation.units import SUFFIX
from landvote.sample import Sample

FloatArray = npt.NDArray[np.float64]

MOST_GROUPS = 12
"""A column of numbers with more distinct values than this (an age, say) is divided at its quartiles."""


def film_table(matching: Matching, errors: Errors, pixels: Errors, squared: FloatArray) -> pd.DataFrame:
    """Return one row a film: errors averaged over its landmarks, its worst landmark, squared error, expectation."""
    table = pd.DataFrame({"image": [f.identifier for f in matching.films]})
    table["subject"] = [f.sample.subject for f in matching.films]
    table["landmarks"] = (~np.isnan(pixels.point_to_point)).sum(axis=1)
    table["not_found"] = np.isinf(pixels.point_to_point).sum(axis=1)
    for e in [pixels] if errors.unit == "px" else [errors, pixels]:
        suffix = SUFFIX[e.unit]
        table[f"point_to_point_{suffix}"] = film_means(e.point_to_point)
        if matching.scheme.outlines:
            table[f"point_to_curve_{suffix}"] = film_means(e.point_to_curve)
        for name, values in [("point", e.annotators_to_point), ("curve", e.annotators_to_curve)]:
            if not np.isnan(values).all():
                table[f"annotators_to_{name}_{suffix}"] = values
    ranked = np.nan_to_num(pixels.point_to_point, nan=-1.0, posinf=np.inf)
    worst = ranked.argmax(axis=1)
    table["worst_landmark"] = [matching.scheme.landmarks[i] for i in worst]
    table["worst_landmark_px"] = ranked[np.arange(len(worst)), worst]
    table["squared_error_px2"] = squared
    expected = np.stack([f.expected_error for f in matching.films])
    if np.isfinite(expected).any():
        # Compared over the same landmarks: those that have both an expectation and an error.
        both = np.isfinite(expected) & np.isfinite(pixels.point_to_point)
        table["expected_error_px"] = film_means(np.where(both, expected, np.nan))
        table["actual_error_px"] = film_means(np.where(both, pixels.point_to_point, np.nan))
    return table


def landmark_table(matching: Matching, errors: Errors, draws: npt.NDArray[np.int64]) -> pd.DataFrame:
    """Return one row a landmark of the model: films measured, not found, mean with interval, median, 95th, largest.

    Mean, median, 95th percentile and largest are over the films on which the landmark was found.
    """
    suffix, names = SUFFIX[errors.unit], np.array(matching.scheme.landmarks)
    outline = {i: o.name for o in matching.scheme.outlines for i in o.points}
    kinds = {"point_to_point": errors.point_to_point}
    if matching.scheme.outlines:
        kinds["point_to_curve"] = errors.point_to_curve
    kept = np.flatnonzero(matching.modelled)
    table = pd.DataFrame({"landmark": names[kept], "outline": [outline.get(int(i), "") for i in kept]})
    table["films"] = (~np.isnan(errors.point_to_point[:, kept])).sum(axis=0)
    table["not_found"] = np.isinf(errors.point_to_point[:, kept]).sum(axis=0)
    for kind, values in kinds.items():
        found = pd.DataFrame(values[:, kept]).replace(np.inf, np.nan)
        mean, low, high = column_means(values[:, kept], draws)
        columns = {"mean": mean, "low": low, "high": high, "median": found.median(), "max": found.max()}
        columns["p95"] = found.quantile(0.95)
        for name in ("mean", "low", "high", "median", "p95", "max"):
            table[f"{kind}_{name}_{suffix}"] = np.asarray(columns[name], dtype=np.float64)
    return table


def subgroup_table(matching: Matching, errors: Errors, columns: Sequence[str], seed: int) -> pd.DataFrame:
    """Return one row a value of each column: films, and film means described with intervals.

    Raises:
        SettingError: a column that no film has.
    """
    suffix = SUFFIX[errors.unit]
    kinds = {"point_to_point": film_means(errors.point_to_point)}
    if matching.scheme.outlines:
        kinds["point_to_curve"] = film_means(errors.point_to_curve)
    rows = []
    for column in columns:
        groups, order = group([f.sample for f in matching.films], column)
        for value in order:
            inside = groups == value
            row: dict[str, object] = {"column": column, "value": value, "films": int(inside.sum())}
            draws = resample(int(inside.sum()), seed)
            for kind, means in kinds.items():
                found = describe(means[inside], draws)
                shown = {"mean": found.mean, "median": found.percentiles[50], "p95": found.percentiles[95]}
                for name, e in shown.items():
                    row[f"{kind}_{name}_{suffix}"] = e.value
                    row[f"{kind}_{name}_low_{suffix}"] = e.low
                    row[f"{kind}_{name}_high_{suffix}"] = e.high
            rows.append(row)
    return pd.DataFrame(rows)


def group(samples: Sequence[Sample], column: str) -> tuple[npt.NDArray[np.object_], list[str]]:
    """Return the group each film belongs to, in the order of the films, and the groups in order of their values.

    Args:
        samples: the films.
        column: of their attributes, or ``split``. A column of many numbers is divided at its quartiles, and
            ``column:edge,edge`` at the edges; a number equal to an edge belongs below it.

    Raises:
        SettingError: a column that no film has, or edges that are no numbers, or of a column that has none.
    """
    column, _, cuts = column.partition(":")
    known = {"split"}.union(*(s.attributes for s in samples))
    if column not in known:
        raise SettingError(
            f"subgroup column {column!r}, expected one of {', '.join(sorted(known))}{nearest(column, known)}"
        )
    told = [s.attributes.get(column, (s.split or "") if column == "split" else "") for s in samples]
    groups = np.array([value or "not stated" for value in told], dtype=object)
    stated = np.array([bool(value) for value in told])
    numbers = pd.to_numeric(pd.Series(told, dtype=object), errors="coerce").to_numpy(dtype=np.float64)
    if cuts:
        edges = _edges(column, cuts, numbers[stated])
        ranges = [_range(column, *ends) for ends in pairwise((-np.inf, *edges, np.inf))]
        groups[stated] = [ranges[i] for i in np.searchsorted(edges, numbers[stated])]
        order = [name for name in ranges if name in groups]
    elif np.isnan(numbers[stated]).any():
        order = sorted(set(groups[stated]))
    else:
        if len(set(numbers[stated])) > MOST_GROUPS:
            quarters = pd.qcut(numbers[stated], 4, duplicates="drop")
            groups[stated] = [_band(column, q.left, q.right, numbers[stated]) for q in quarters]
        order = list(dict.fromkeys(groups[stated][np.argsort(numbers[stated], kind="stable")]))
    return groups, order + (["not stated"] if not stated.all() else [])


def _edges(column: str, cuts: str, numbers: FloatArray) -> list[float]:
    try:
        edges = sorted({float(edge) for edge in cuts.split(",")})
    except ValueError as error:
        raise SettingError(f"subgroup column {column!r} cut at {cuts!r}, expected numbers such as 4,8") from error
    if np.isnan(numbers).any():
        raise SettingError(f"subgroup column {column!r} cut at {cuts!r}, expected a column of numbers")
    return edges


def _band(column: str, left: float, right: float, numbers: FloatArray) -> str:
    """Name a quarter of numbers, open at the outer ends."""
    inner = right < numbers.max()
    return _range(column, left if left >= numbers.min() or not inner else -np.inf, right if inner else np.inf)


def _range(column: str, left: float, right: float) -> str:
    above = f"{left:.3g} < " if np.isfinite(left) else ""
    return f"{above}{column} <= {right:.3g}" if np.isfinite(right) else f"{column} > {left:.3g}"
