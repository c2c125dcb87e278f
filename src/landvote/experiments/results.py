"""The results of a grid: the errors of every finished run, film by film, from files alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.errors import DataError
from landvote.evaluation.matching import match
from landvote.evaluation.measure import Errors, measure
from landvote.evaluation.metrics import FloatArray
from landvote.evaluation.units import scales
from landvote.experiments.grid import Grid, Size
from landvote.experiments.runs import RunPlan
from landvote.experiments.work import RUN, Workspace
from landvote.formats.predictions import read_predictions


@dataclass(frozen=True)
class Run:
    """The errors of one finished run on the test films.

    Attributes:
        method, size, fold, seed: its place in the grid.
        films: how many it learned from.
        errors: on the test films.
        predicted: (films, n, 2) image pixels; NaN where not found.
        told: what its JSON file holds: minutes, machine, versions.
    """

    method: str
    size: Size
    fold: int
    seed: int
    films: int
    errors: Errors
    predicted: FloatArray
    told: dict[str, Any]

    PLACE: ClassVar = ("method", "size", "fold", "seed")

    def place(self) -> dict[str, Any]:
        """Return its place in the grid by name, as tables hold it."""
        return {name: getattr(self, name) for name in self.PLACE}


@dataclass(frozen=True)
class Results:
    """The findings of a grid so far.

    Attributes:
        grid: reduced to its scale.
        unit: of all errors.
        scheme: of the landmarks.
        films: those measured on, in the order of the rows of all errors.
        scale: (films, 2) length of a pixel along x and y in the unit; NaN where unknown.
        runs: finished ones, one at least, in the order of the grid.
        missing: names of the runs that are not finished.
    """

    grid: Grid
    unit: str
    scheme: Scheme
    films: tuple[Sample, ...]
    scale: FloatArray
    runs: tuple[Run, ...]
    missing: tuple[str, ...]

    @property
    def annotators(self) -> Mapping[str, FloatArray]:
        """Kind of error -> (films,) annotators against their mean: the same in all runs; only those there are."""
        return self.runs[0].errors.annotators

    @property
    def subjects(self) -> list[str]:
        """The subject of each film."""
        return [f.subject for f in self.films]

    def of(self, method: str, size: Size) -> list[Run]:
        """Return the runs of a method at a size, over folds and seeds."""
        return [r for r in self.runs if (r.method, r.size) == (method, size)]


def gather(grid: Grid, plans: Sequence[RunPlan], samples: Sequence[Sample], workspace: Workspace) -> Results:
    """Read the predictions of all finished runs and measure them; DataError if not one is finished."""
    finished = [p for p in plans if workspace.finished(p)]
    if not finished:
        raise DataError(f"{workspace.results}: none of {len(plans)} runs is finished, expected one at least")
    test = set(finished[0].test)
    truth = [s for s in samples if s.identifier in test]
    runs = []
    for plan in finished:
        matching = match(read_predictions(workspace.predictions(plan)), truth)
        unit, scale = scales(matching.films, matching.scheme, grid.unit)
        predicted = np.stack([f.predicted for f in matching.films])
        told = RUN.load(workspace.record(plan), "computed_on", "votes_of", "machine")
        named = (plan.method, plan.size, plan.fold, plan.seed, plan.films)
        runs.append(Run(*named, measure(matching, unit, scale), predicted, told))
    films, missing = tuple(f.sample for f in matching.films), tuple(p.name for p in plans if p not in finished)
    return Results(grid, unit, matching.scheme, films, scale, tuple(runs), missing)
