"""The results of a grid: the errors of every finished run, film by film, from files alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from landvote.errors import DataError
from landvote.evaluation.matching import match
from landvote.evaluation.measure import film_means, measure
from landvote.evaluation.units import scales
from landvote.experiments.grid import Grid, Size
from landvote.experiments.runs import RunPlan
from landvote.experiments.work import Workspace
from landvote.prediction import read_predictions
from landvote.sample import Sample
from landvote.scheme import Scheme

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Run:
    """The errors of one finished run on the test films.

    Attributes:
        method, size, fold, seed: its place in the grid.
        films: how many it learned from.
        to_point: (films, n) point-to-point; NaN where there is nothing to measure, infinity where nothing was found.
        to_curve: (films, n) point-to-curve, likewise; NaN for landmarks on no outline.
        expected: (films, n) errors the method itself expects.
        predicted: (films, n, 2) image pixels; NaN where not found.
        told: what its JSON file holds: minutes, machine, versions.
    """

    method: str
    size: Size
    fold: int
    seed: int
    films: int
    to_point: FloatArray
    to_curve: FloatArray
    expected: FloatArray
    predicted: FloatArray
    told: dict[str, Any]

    @property
    def point_means(self) -> FloatArray:
        """(films,) mean point-to-point error of each film."""
        return film_means(self.to_point)

    @property
    def curve_means(self) -> FloatArray:
        """(films,) mean point-to-curve error of each film."""
        return film_means(self.to_curve)


@dataclass(frozen=True)
class Results:
    """What a grid has found so far.

    Attributes:
        grid: reduced to its scale.
        unit: of all errors.
        scheme: of the landmarks.
        films: those measured on, in the order of the rows of all errors.
        scale: (films, 2) length of a pixel along x and y in the unit; NaN where unknown.
        runs: finished ones, in the order of the grid.
        missing: names of the runs that are not finished.
        annotators_to_point: (films,) annotators against their mean; NaN with fewer than two.
        annotators_to_curve: likewise, against the outlines of their mean.
    """

    grid: Grid
    unit: str
    scheme: Scheme
    films: tuple[Sample, ...]
    scale: FloatArray
    runs: tuple[Run, ...]
    missing: tuple[str, ...]
    annotators_to_point: FloatArray
    annotators_to_curve: FloatArray

    def of(self, method: str, size: Size) -> list[Run]:
        """Return the runs of a method at a size, over folds and seeds."""
        return [r for r in self.runs if (r.method, r.size) == (method, size)]

    def of_size(self, size: Size) -> list[Run]:
        """Return the runs of all methods at a size."""
        return [r for r in self.runs if r.size == size]


def gather(grid: Grid, plans: Sequence[RunPlan], samples: Sequence[Sample], workspace: Workspace) -> Results:
    """Read the predictions of all finished runs and measure them.

    Raises:
        DataError: not one run is finished.
    """
    finished = [p for p in plans if workspace.finished(p)]
    if not finished:
        raise DataError(f"{workspace.results}: none of {len(plans)} runs is finished, expected one at least")
    test = set(finished[0].test)
    truth = [s for s in samples if s.identifier in test]
    runs, first = [], None
    for plan in finished:
        matching = match(read_predictions(workspace.predictions(plan)), truth)
        unit, scale = scales(matching.films, matching.scheme, grid.unit)
        errors = measure(matching, unit, scale)
        first = first or (matching, scale, errors)
        expected = np.stack([f.expected_error for f in matching.films]) * scale.mean(axis=1, keepdims=True)
        told = json.loads(workspace.record(plan).read_text(encoding="utf-8"))
        runs.append(
            Run(
                plan.method, plan.size, plan.fold, plan.seed, plan.films,
                errors.point_to_point, errors.point_to_curve, expected,
                np.stack([f.predicted for f in matching.films]), told,
            )
        )  # fmt: skip
    matching, scale, errors = first  # type: ignore[misc]  # there is a finished run
    return Results(
        grid=grid,
        unit=errors.unit,
        scheme=matching.scheme,
        films=tuple(f.sample for f in matching.films),
        scale=scale,
        runs=tuple(runs),
        missing=tuple(p.name for p in plans if not workspace.finished(p)),
        annotators_to_point=errors.annotators_to_point,
        annotators_to_curve=errors.annotators_to_curve,
    )
