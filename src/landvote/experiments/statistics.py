"""The results of a grid as tables: errors per method and size, landmark, subgroup; films lost; calibration; costs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from landvote.data.points import Points
from landvote.data.sample import numbered
from landvote.errors import ShapeError
from landvote.evaluation.measure import ANNOTATORS, METRICS, calibration, film_means
from landvote.evaluation.metrics import FloatArray, point_to_point
from landvote.evaluation.statistics import Figures, average, draw, estimate, figures
from landvote.evaluation.tables import group, landmark_means, named
from landvote.experiments.grid import Size
from landvote.experiments.results import Results, Run
from landvote.shapes import align

T = TypeVar("T")

PERCENT = 50.0
"""A film is lost when its mean error is beyond half the length that normalises errors: beside the bone, not on it."""

TIMES = 10.0
"""Or beyond this many times the median of the best method, whichever is less."""

_SHOWN = ("median", "p95", "p99", "mean")  # the figures of film errors that tables hold
_ANNOTATOR = "annotator"  # subgroups of films that one annotator marked, measured against that annotator's points alone


@dataclass(frozen=True)
class Basis:
    """The ground a figure rests on: how many films of how many subjects, folds and seeds, and how many runs of all."""

    films: int
    subjects: int
    folds: int
    seeds: int
    runs: int
    expected: int

    def __str__(self) -> str:
        of = "" if self.subjects == self.films else f" of {count(self.subjects, 'subject')}"
        said = f"{count(self.films, 'film')}{of}, {count(self.folds, 'fold')}, {count(self.seeds, 'seed')}"
        return said if self.runs == self.expected else f"{said}; {self.runs} of {count(self.expected, 'run')} finished"


def count(number: int, what: str) -> str:
    """Return a number and what is counted, in words."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def basis(results: Results, runs: Sequence[Run], expected: int, metric: str = "point_to_point") -> Basis:
    """Return what a figure made from ``runs`` rests on; ``expected`` is how many runs it would be of a whole grid."""
    films = np.any([~np.isnan(r.errors.means(metric)) for r in runs], axis=0)
    subjects = set(np.array(results.subjects)[films])
    folds, seeds = {r.fold for r in runs}, {r.seed for r in runs}
    return Basis(int(films.sum()), len(subjects), len(folds), len(seeds), len(runs), expected)


def whole_basis(results: Results, metric: str = "point_to_point", size: Size | None = None) -> Basis:
    """Return what a figure of all methods rests on, at all sizes or at one."""
    grid, sizes = results.grid, results.grid.sizes if size is None else (size,)
    expected = len(grid.methods) * len(sizes) * grid.folds * len(grid.seeds)
    return basis(results, [r for r in results.runs if r.size in sizes], expected, metric)


def metrics(results: Results) -> dict[str, str]:
    """Return the kinds of error there are, and how they are called."""
    every = [r.errors.landmarks for r in results.runs]
    return {m: t for m, t in METRICS.items() if any(m in e and not np.isnan(e[m]).all() for e in every)}


def present(results: Results) -> dict[tuple[str, Size], list[Run]]:
    """Return the finished runs of each method and size that has one, sizes first, in the order of the grid."""
    every = {(m.name, size): results.of(m.name, size) for size in results.grid.sizes for m in results.grid.methods}
    return {place: runs for place, runs in every.items() if runs}


def main_size(results: Results) -> Size:
    """Return the largest of the sizes at which most methods have a finished run."""
    there, films = Counter(size for _, size in present(results)), {r.size: r.films for r in reversed(results.runs)}
    return max(there, key=lambda size: (there[size], films[size]))


def by_fold(runs: Sequence[Run], found: Sequence[T]) -> list[list[T]]:
    """Return what was found of each of some runs, fold by fold."""
    return [[x for r, x in zip(runs, found, strict=True) if r.fold == fold] for fold in sorted({r.fold for r in runs})]


def fold_figures(runs: Sequence[Run], found: Sequence[Figures]) -> list[Figures]:
    """Return the figures of each fold, means over its seeds, from those of runs of one method and size."""
    return [average(fold) for fold in by_fold(runs, found)]


def error_table(results: Results) -> pd.DataFrame:
    """Return one row a kind of error, size and method, and one for the annotators: figures with intervals."""
    draws = draw(results.subjects)
    rows = []
    for metric in metrics(results):
        for (method, size), runs in present(results).items():
            place = {"metric": metric, "size": size, "learned_from": runs[0].films, "method": method}
            found = estimate(fold_figures(runs, [figures(r.errors.means(metric), draws) for r in runs]))
            rows.append({**place, **asdict(basis(results, runs, 0, metric)), **named(found, _SHOWN)})
        if (between := results.annotators.get(metric)) is not None:
            place = {"metric": metric, "size": "", "learned_from": 0, "method": ANNOTATORS}
            measured = ~np.isnan(between)
            on = Basis(measured.sum(), draws.bearing(measured), folds=0, seeds=0, runs=0, expected=0)
            rows.append({**place, **asdict(on), **named(estimate([figures(between, draws)]), _SHOWN)})
    return pd.DataFrame(rows).drop(columns="expected")


def landmarks_by_method(results: Results) -> pd.DataFrame:
    """Return one row a kind of error, size, method and landmark: mean over the films on which it was found."""
    draws = draw(results.subjects)
    parts = []
    for metric in metrics(results):
        for (method, size), runs in present(results).items():
            folds = by_fold(runs, [r.errors.landmarks[metric] for r in runs])
            found = landmark_means(folds, results.scheme, draws)
            part = pd.DataFrame({"metric": metric, "size": size, "method": method, **found})
            parts.append(part[part["mean"].notna() | (part["not_found"] > 0)])
    return pd.concat(parts, ignore_index=True)


def calibration_table(results: Results) -> pd.DataFrame:
    """Return one row a size and method: point-to-point errors that it expects and makes, and how they go together.

    Figures are those of :func:`landvote.evaluation.measure.calibration`, means over runs; films count once a run.
    Methods that expect nothing are left out.
    """
    rows = []
    for (method, size), runs in present(results).items():
        found = pd.DataFrame([calibration(r.errors) for r in runs])
        if found["films"].any():
            counts = {"runs": len(found), "films": int(found.pop("films").sum())}
            rows.append({"size": size, "method": method, **counts, **found.mean()})
    return pd.DataFrame(rows)


def mean_shape(results: Results) -> Points | None:
    """Return the mean shape of the test films, (n, 2); None where the landmarks have no shape."""
    try:
        return align(np.stack([f.points for f in results.films])).mean
    except ShapeError:
        return None


def subgroups_by_method(results: Results) -> pd.DataFrame:
    """Return one row a kind of error, size, method and group of films: figures with intervals.

    The groups are those of the grid's ``subgroups``, and the films of each annotator where there are several.

    Raises:
        SettingError: a column that no film has, or one that cannot be cut.
    """
    groups: list[tuple[str, str, npt.NDArray[np.bool_]]] = []
    for column in results.grid.subgroups:
        inside, order = group(results.films, column)
        groups += [(column.partition(":")[0], value, inside == value) for value in order]
    names = sorted({name for film in results.films for name in film.annotations})
    if len(names) > 1:
        groups += [(_ANNOTATOR, name, np.array([name in f.annotations for f in results.films])) for name in names]
    rows: list[dict[str, object]] = []
    for column, value, films in groups:
        subjects = np.array(results.subjects)[films].tolist()
        draws, against = draw(subjects), value if column == _ANNOTATOR else None
        for metric in metrics(results) if against is None else ["point_to_point"]:
            for (method, size), runs in present(results).items():
                place = {"column": column, "value": value, "metric": metric, "size": size, "method": method}
                on = {"films": int(films.sum()), "subjects": len(set(subjects)), "runs": len(runs)}
                errors = [against_one(results, r, against) if against else r.errors.means(metric) for r in runs]
                found = estimate(fold_figures(runs, [figures(e[films], draws) for e in errors]))
                rows.append({**place, **on, **named(found, _SHOWN)})
    return pd.DataFrame(rows)


def against_one(results: Results, run: Run, annotator: str) -> FloatArray:
    """Return (films,) mean point-to-point errors against one annotator's points; NaN for films of others."""
    nothing = np.full((len(results.scheme), 2), np.nan)
    rows = []
    for film, predicted, (x, y) in zip(results.films, run.predicted, results.scale, strict=True):
        marked = film.annotations.get(annotator, nothing)
        known = np.isfinite(marked).all(axis=1) & np.isfinite(x)
        found = point_to_point(predicted, marked, (float(x), float(y)))
        rows.append(np.where(known & np.isnan(found), np.inf, found))
    return film_means(np.stack(rows))


def films_by_run(results: Results) -> pd.DataFrame:
    """Return one row a run and film: its mean errors and the landmarks not found."""
    films = {"film": [f.identifier for f in results.films], "subject": numbered(results.subjects)}
    parts = []
    for run in results.runs:
        errors = {metric: run.errors.means(metric) for metric in metrics(results)}
        parts.append(pd.DataFrame({**run.place(), **films, **errors, "not_found": run.errors.missed.sum(axis=1)}))
    return pd.concat(parts, ignore_index=True)


def cost_table(results: Results) -> pd.DataFrame:
    """Return one row a run: minutes of training and in all, and the machine; the only table that is not the same twice.

    A run that took its voters from another one's training paid for them there; ``votes_of`` names that method.
    """
    rows = []
    for run in results.runs:
        told = run.told
        minutes = {k: told.get(k, np.nan) for k in ("train_minutes", "minutes")}
        on = "; ".join(dict.fromkeys(told["computed_on"].values()))  # of its stages, mostly the same
        by = {"votes_of": told["votes_of"] or "", "computed_on": on, "machine": told["machine"]}
        rows.append({**run.place(), "films": run.films, **minutes, **by})
    return pd.DataFrame(rows)


def threshold(results: Results) -> float:
    """Return the mean point-to-point error beyond which a film counts as lost; infinity where nothing was found."""
    pooled = [np.concatenate([r.errors.means("point_to_point") for r in runs]) for runs in present(results).values()]
    best = TIMES * min(map(np.nanmedian, pooled))
    return float(min(best, PERCENT) if results.unit == "%" else best)


def lost(run: Run, limit: float) -> npt.NDArray[np.bool_]:
    """Return (films,) whether a film was lost: its mean error is beyond the limit, or most of it was not found.

    The mean is over landmarks that were found; of a film with few of those it says little.
    """
    errors = run.errors.means("point_to_point")
    measured, missed = run.errors.measured.sum(axis=1), run.errors.missed.sum(axis=1)
    return np.asarray(~np.isnan(errors) & ((errors > limit) | (missed > measured / 2)))


def failure_table(results: Results, limit: float) -> pd.DataFrame:
    """Return one row a size and method: how many films, over all its runs, were lost, or had landmarks not found."""
    rows = []
    for (method, size), runs in present(results).items():
        every = np.stack([lost(r, limit) for r in runs])
        errors = np.stack([r.errors.means("point_to_point") for r in runs])
        films = int((~np.isnan(errors)).sum())
        row = {"size": size, "method": method, "runs": len(runs), "films": films}
        row["nothing_found"] = int(np.isinf(errors).sum())
        row["some_not_found"] = sum(int(r.errors.missed.any(axis=1).sum()) for r in runs)
        row |= {"lost": int(every.sum()), "lost_percent": 100.0 * every.sum() / max(films, 1)}
        rows.append(row | {"lost_in_every_run": int(every.all(axis=0).sum())})
    return pd.DataFrame(rows)


def lost_films(results: Results, limit: float) -> pd.DataFrame:
    """Return one row a film lost in a run, worst first within each run."""
    rows = []
    for run in results.runs:
        errors = run.errors.means("point_to_point")
        worst_first = sorted(np.flatnonzero(lost(run, limit)), key=lambda i: (-errors[i], i))
        rows += [(results.films[i].identifier, *run.place().values(), errors[i]) for i in worst_first]
    return pd.DataFrame(rows, columns=["film", *Run.PLACE, "error"])
