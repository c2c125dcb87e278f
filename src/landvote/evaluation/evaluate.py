"""Score predictions against the truth: from two lists to tables and a summary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from landvote.data.prediction import Prediction
from landvote.data.sample import Sample
from landvote.data.seen import FLATTERING
from landvote.errors import SettingError
from landvote.evaluation.expectation import summarise_expected
from landvote.evaluation.matching import Matching, match
from landvote.evaluation.measure import Errors, measure
from landvote.evaluation.statistics import draw
from landvote.evaluation.summary import summarise, summarise_known, summarise_seen
from landvote.evaluation.tables import film_table, landmark_table, subgroup_table
from landvote.evaluation.units import RADII, scales


@dataclass(frozen=True)
class Evaluation:
    """Everything a report says, as tables.

    Attributes:
        unit: of the columns not in pixels.
        matching: the films scored, in the order of the rows of ``errors`` and ``films``, and the landmarks. Films that
            the model has seen are not among them.
        errors: unit -> distances; in ``unit``, and in pixels.
        films: one row a film.
        seen: the same of the films that the model has seen, with a column that says how; None where there are none.
        landmarks: one row a landmark of the model.
        subgroups: one row a value of each subgroup column, or None where none was asked for.
        summary: what ``summary.json`` holds; plain JSON values, None where a figure is unknown or infinite.
    """

    unit: str
    matching: Matching
    errors: dict[str, Errors]
    films: pd.DataFrame
    seen: pd.DataFrame | None
    landmarks: pd.DataFrame
    subgroups: pd.DataFrame | None
    summary: dict[str, Any]


def evaluate(
    predictions: Sequence[Prediction], samples: Sequence[Sample], *, unit: str = "auto",
    radii: Sequence[float] | None = None, subgroups: Sequence[str] = (), seed: int = 0,
) -> Evaluation:  # fmt: skip
    """Score predictions against the points of samples.

    Predictions are matched with the truth as :func:`landvote.evaluation.matching.match` does, and measured in a unit as
    :func:`landvote.evaluation.units.scales` does; pixels are always reported as well. Films that the model has seen, as
    the predictions tell (:func:`landvote.models.seen.mark_seen` has them tell more), are described apart, and enter
    no other figure. There may be no other films: then every other figure is unknown.

    Args:
        predictions: as :func:`landvote.formats.predictions.read_predictions` reads them.
        samples: the truth; films are decoded only for a spacing that the predictions do not tell.
        unit: ``px``, ``mm``, ``%`` or ``auto``.
        radii: of the success rates (error <= radius), in the unit; by default those usual for it. Points beyond the
            largest of them count as large errors, which the expected errors are to tell.
        subgroups: columns of the samples' attributes, or ``"split"``, to report apart.
        seed: of the bootstrap, which resamples subjects.

    Raises:
        DataError: nothing can be scored, or nothing in the unit.
        PointsError: predictions do not fit the scheme.
        SettingError: an unknown unit or column, or a radius that is not positive.
    """
    matching = match(predictions, samples)
    unit, scale = scales(matching.films, matching.scheme, unit)
    radii = sorted({float(r) for r in (RADII[unit] if radii is None else radii)})
    if wrong := [r for r in radii if not 0 < r < np.inf]:
        raise SettingError(f"radius {wrong[0]}, expected a positive number")
    every = {u: measure(matching, u, s) for u, s in {unit: scale, "px": np.ones_like(scale)}.items()}
    flattering = np.array([f.seen in FLATTERING for f in matching.films])
    (seen, of_seen), (matching, errors) = (_only(matching, every, rows) for rows in (flattering, ~flattering))
    draws = draw([f.sample.subject for f in matching.films], seed)
    films, landmarks = film_table(matching, errors), landmark_table(matching, errors[unit], draws)
    apart = subgroup_table(matching, errors[unit], subgroups, seed) if subgroups and matching.films else None
    summary = summarise(matching, unit, errors, films, draws, radii, seed)
    if (
        foretold := summarise_expected(matching, errors[unit], draws, max(radii, default=RADII[unit][-1]))
        if matching.films
        else {}
    ):
        summary["expected_error"] = foretold
    if any(f.known is not None for f in matching.films):
        summary["known"] = summarise_known(matching, errors, draws)
    summary["seen"] = summarise_seen(seen, matching, of_seen, seed)
    told = film_table(seen, of_seen).assign(seen=[f.seen for f in seen.films]) if seen.films else None
    return Evaluation(unit, matching, errors, films, told, landmarks, apart, summary)


def _only(
    matching: Matching, errors: Mapping[str, Errors], films: npt.NDArray[np.bool_]
) -> tuple[Matching, dict[str, Errors]]:
    """Return some of the films and their errors; (films,) says which."""
    rows = np.flatnonzero(films)
    some = replace(matching, films=tuple(matching.films[row] for row in rows))
    return some, {unit: e.of_films(rows) for unit, e in errors.items()}
