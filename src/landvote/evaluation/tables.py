"""The tables of an evaluation: per film, per landmark, per subgroup."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from landvote.data.sample import Sample, numbered
from landvote.data.scheme import Scheme
from landvote.errors import SettingError, one_of
from landvote.evaluation.matching import Matching
from landvote.evaluation.measure import Errors, film_means
from landvote.evaluation.metrics import FloatArray, mean_squared_error
from landvote.evaluation.statistics import FIGURES, Draws, Estimates, average, column_means, draw, estimate, figures
from landvote.evaluation.units import SUFFIX

_MOST_GROUPS = 12  # a column of numbers with more distinct values (an age, say) is divided at its quartiles


def film_table(matching: Matching, errors: Mapping[str, Errors]) -> pd.DataFrame:
    """Return one row a film: errors averaged over its landmarks, its worst landmark, squared error, expectation."""
    pixels = errors["px"]
    table = pd.DataFrame({"image": [f.identifier for f in matching.films]})
    table["subject"] = numbered([f.sample.subject for f in matching.films])
    table["landmarks"] = pixels.measured.sum(axis=1)
    table["not_found"] = pixels.missed.sum(axis=1)
    for unit, e in errors.items():
        suffix = SUFFIX[unit]
        for metric in e.landmarks:
            table[f"{metric}_{suffix}"] = e.means(metric)
        for metric, values in e.annotators.items():
            table[f"{metric.replace('point', 'annotators', 1)}_{suffix}"] = values
    ranked = np.nan_to_num(pixels.landmarks["point_to_point"], nan=-1.0, posinf=np.inf)
    worst = ranked.argmax(axis=1)
    table["worst_landmark"] = [matching.scheme.landmarks[i] for i in worst]
    table["worst_landmark_px"] = ranked[np.arange(len(worst)), worst]
    table["squared_error_px2"] = [mean_squared_error(f.predicted, f.truth) for f in matching.films]
    if np.isfinite(pixels.expected).any():
        for unit, e in errors.items():
            for name, values in zip(("expected", "actual"), e.expectation(), strict=True):
                table[f"{name}_error_{SUFFIX[unit]}"] = film_means(values)
    shares = {name: name for name in ("probability_of_failure", "probability_of_shift")}
    for column, name in ({"expected_film_error_px": "expected_film_error"} | shares).items():
        if np.isfinite(values := np.array([getattr(f, name) for f in matching.films], np.float64)).any():
            table[column] = values
    if any(f.known is not None for f in matching.films):
        table["known"] = [{True: "yes", False: "no", None: ""}[f.known] for f in matching.films]
    return table


def landmark_means(folds: Sequence[Sequence[FloatArray]], scheme: Scheme, draws: Draws) -> pd.DataFrame:
    """Return one row a landmark: its outline, how often it was not found, and its mean error with the interval.

    ``folds`` are of each fold, of each seed, (films, n) errors. The mean is over the films on which it was found.
    """
    found = estimate([average([column_means(errors, draws) for errors in fold]) for fold in folds])
    outlines = {i: o.name for o in scheme.outlines for i in o.points}
    table = pd.DataFrame({"landmark": scheme.landmarks, "outline": [outlines.get(i, "") for i in range(len(scheme))]})
    table["not_found"] = sum(np.isinf(errors).sum(axis=0) for fold in folds for errors in fold)
    return table.assign(mean=found.value, low=found.low, high=found.high)


def landmark_table(matching: Matching, errors: Errors, draws: Draws) -> pd.DataFrame:
    """Return one row a landmark of the model: films measured, not found, mean with interval, median, 95th, largest.

    Mean, median, 95th percentile and largest are over the films on which the landmark was found.
    """
    parts: dict[str, npt.ArrayLike] = {}
    for metric, values in errors.landmarks.items():
        found, finite = landmark_means([[values]], matching.scheme, draws), pd.DataFrame(values).replace(np.inf, np.nan)
        if not parts:
            parts = {name: found[name] for name in ("landmark", "outline")}
            parts |= {"films": errors.measured.sum(axis=0), "not_found": found["not_found"]}
        columns = {name: found[name] for name in ("mean", "low", "high")}
        columns |= {"median": finite.median(), "p95": finite.quantile(0.95), "max": finite.max()}
        parts |= {f"{metric}_{name}_{SUFFIX[errors.unit]}": column for name, column in columns.items()}
    return pd.DataFrame(parts)[matching.modelled].reset_index(drop=True)


def subgroup_table(matching: Matching, errors: Errors, columns: Sequence[str], seed: int) -> pd.DataFrame:
    """Return one row a value of each column, see :func:`group`: films, and film means described with intervals."""
    samples, suffix, rows = [f.sample for f in matching.films], SUFFIX[errors.unit], []
    for column in columns:
        groups, order = group(samples, column)
        for value in order:
            inside = groups == value
            row: dict[str, object] = {"column": column, "value": value, "films": int(inside.sum())}
            draws = draw([s.subject for s, kept in zip(samples, inside, strict=True) if kept], seed)
            for metric in errors.landmarks:
                found = named(estimate([figures(errors.means(metric)[inside], draws)]), ("mean", "median", "p95"))
                row |= {f"{metric}_{name}_{suffix}": figure for name, figure in found.items()}
            rows.append(row)
    return pd.DataFrame(rows)


def named(found: Estimates, names: Sequence[str]) -> dict[str, float]:
    """Return some of :data:`FIGURES` and their ends as ``name``, ``name_low`` and ``name_high``."""
    out: dict[str, float] = {}
    for name in names:
        i = FIGURES.index(name)
        out |= {name: found.value[i], f"{name}_low": found.low[i], f"{name}_high": found.high[i]}
    return out


def group(samples: Sequence[Sample], column: str) -> tuple[npt.NDArray[np.object_], list[str]]:
    """Return the group each film belongs to, in the order of the films, and the groups in order of their values.

    The column is one of their attributes, or ``split``. One of many numbers is divided at its quartiles, and
    ``column:edge,edge`` at the edges; a number equal to an edge belongs below it.

    Raises:
        SettingError: a column that no film has, or edges that are no numbers, or of a column that has none.
    """
    column, _, cuts = column.partition(":")
    known = {"split"}.union(*(s.attributes for s in samples))
    if column not in known:
        raise SettingError(f"subgroup column {column!r}, expected {one_of(sorted(known), column)}")
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
        if len(set(numbers[stated])) > _MOST_GROUPS:
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
