"""The summary of an evaluation: one nested dictionary of plain JSON values."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from landvote.data.seen import FLATTERING
from landvote.evaluation.matching import Matching
from landvote.evaluation.measure import Errors
from landvote.evaluation.metrics import FloatArray
from landvote.evaluation.statistics import FIGURES, LEVEL, Draws, Estimates, draw, estimate, figures, within

_FORMAT = 3  # of summary.json; grows when its keys change their meaning


def summarise(
    matching: Matching, unit: str, errors: Mapping[str, Errors], films: pd.DataFrame, draws: Draws,
    radii: Sequence[float], seed: int,
) -> dict[str, Any]:  # fmt: skip
    """Return counts, what is missing, and every distribution with its intervals.

    ``models`` are the hashes of the models that the predictions are of. ``point_to_point`` and ``point_to_curve``
    hold, per unit, ``film_means`` (one figure a film: the mean over its landmarks) and ``landmarks`` (every
    landmark of every film). ``occluded``, where there are such points, holds those of points that annotators call
    occluded and of the others apart, per kind of error and unit. Success rates are given in the chosen unit. An
    upper end that is None beside a lower one that is known is infinite.
    """
    chosen, pixels = errors[unit], errors["px"]
    out: dict[str, Any] = {
        "format": _FORMAT, "unit": unit, "scheme": matching.scheme.name, "scheme_sha256": matching.scheme.sha256(),
        "models": sorted({film.model for film in matching.films if film.model}),
        "films": _film_counts(matching, chosen, pixels), "landmarks": _landmark_counts(matching, pixels),
    }  # fmt: skip
    method = "Bayesian bootstrap, subjects"
    out["intervals"] = {"level": LEVEL, "resamples": len(draws.weights), "seed": seed, "method": method}
    for metric in chosen.landmarks:
        out[metric] = {}
        for u, e in errors.items():
            own = radii if u == unit else ()
            levels = {"film_means": e.means(metric), "landmarks": e.landmarks[metric]}
            out[metric][u] = {level: _described(values, draws, own) for level, values in levels.items()}
    hidden = np.array([f.sample.hidden for f in matching.films], bool).reshape(chosen.measured.shape)
    if (hidden & chosen.measured).any():
        parts = {"occluded": hidden, "seen": ~hidden}
        out["occluded"] = {
            metric: {u: {k: _described(np.where(rows, e.landmarks[metric], np.nan), draws) for k, rows in parts.items()}
                     for u, e in errors.items()} for metric in chosen.landmarks
        }  # fmt: skip
    squared = films["squared_error_px2"].to_numpy(dtype=np.float64)
    out["squared_error_px2"] = {**_described(squared, draws), "max": plain_number(np.nanmax(squared, initial=-np.inf))}
    if chosen.annotators:
        between = {u: e.annotators.items() for u, e in errors.items()}
        out["annotators"] = {u: {m: _described(d, draws) for m, d in found} for u, found in between.items()}
    return out


def summarise_seen(
    seen: Matching, others: Matching, errors: Mapping[str, Errors], seed: int
) -> dict[str, Any]:  # fmt: skip
    """Return which films the model has seen, and their errors.

    ``train``, ``val`` and ``patient`` hold the names of films so marked (see :data:`landvote.data.seen.Seen`), and
    ``unknown`` those among the other films of which it is not known. The kinds of error hold, per unit, the means over
    the landmarks of each seen film, described; they are left out where no film has been seen.
    """
    out: dict[str, Any] = {use: [f.identifier for f in seen.films if f.seen == use] for use in FLATTERING}
    out["unknown"] = [f.identifier for f in others.films if not f.seen]
    if seen.films:
        draws = draw([f.sample.subject for f in seen.films], seed)
        for metric in errors["px"].landmarks:
            out[metric] = {unit: _described(e.means(metric), draws) for unit, e in errors.items()}
    return out


def summarise_known(matching: Matching, errors: Mapping[str, Errors], draws: Draws) -> dict[str, Any]:
    """Return which films the model does not know, and the errors of these and of the others apart.

    ``told`` is of how many films the predictions tell whether they are known, and ``not_known`` names those that are
    not. The kinds of error hold, per unit, the means over the landmarks of films known and not known, described; they
    are left out where all are known.
    """
    known = np.array([np.nan if f.known is None else f.known for f in matching.films], np.float64)
    names = [f.identifier for f in matching.films if f.known is False]
    out: dict[str, Any] = {"told": int(np.isfinite(known).sum()), "not_known": names}
    if names:
        for metric in errors["px"].landmarks:
            out[metric] = {
                unit: {part: _described(np.where(known == flag, e.means(metric), np.nan), draws)
                       for part, flag in (("known", 1), ("not_known", 0))} for unit, e in errors.items()
            }  # fmt: skip
    return out


def _film_counts(matching: Matching, errors: Errors, pixels: Errors) -> dict[str, Any]:
    names = np.array([f.identifier for f in matching.films])
    means = pixels.means("point_to_point")
    unscaled = ~errors.measured.any(axis=1) & pixels.measured.any(axis=1)
    return {
        "scored": len(names), "subjects": len({f.sample.subject for f in matching.films}),
        "nothing_found": names[np.isinf(means)].tolist(),
        "some_not_found": names[pixels.missed.any(axis=1) & np.isfinite(means)].tolist(),
        "without_scale": names[unscaled].tolist(),
        "not_predicted": list(matching.not_predicted), "without_truth": list(matching.without_truth),
        "truth_in_one_place": list(matching.collapsed),
    }  # fmt: skip


def _landmark_counts(matching: Matching, pixels: Errors) -> dict[str, Any]:
    names, modelled = matching.scheme.landmarks, matching.modelled
    return {
        "scheme": len(names), "scored": int(modelled.sum()), "matched": matching.order,
        "not_in_model": [n for n, known in zip(names, modelled, strict=True) if not known],
        "not_in_truth": list(matching.extra),
        "measured": int(pixels.measured.sum()), "not_found": int(pixels.missed.sum()),
        "truth_missing": int((~pixels.measured[:, modelled]).sum()),
    }  # fmt: skip


def _described(errors: FloatArray, draws: Draws, radii: Sequence[float] = ()) -> dict[str, Any]:
    """Describe errors of shape (films,) or (films, k): counts, mean, percentiles and success rates with intervals."""
    every = dict(zip(FIGURES, plain(estimate([figures(errors, draws)])), strict=True))
    out: dict[str, Any] = {"count": int((~np.isnan(errors)).sum()), "not_found": int(np.isinf(errors).sum())}
    out |= {"mean": every.pop("mean"), **every}
    if radii:
        shares = plain(within(errors, draws, radii))
        out["within"] = [{"radius": r, **share} for r, share in zip(radii, shares, strict=True)]
    return out


def plain(found: Estimates) -> list[dict[str, float | None]]:
    """Return each figure with the ends of its interval, as JSON has them."""
    ends = zip(found.value, found.low, found.high, strict=True)
    return [{"value": plain_number(v), "low": plain_number(low), "high": plain_number(high)} for v, low, high in ends]


def plain_number(value: float) -> float | None:
    """Return a figure as JSON has it, which knows neither NaN nor infinity."""
    return round(float(value), 6) if np.isfinite(value) else None
