"""What a grid's results amount to: errors per method and size, per landmark, per subgroup; failures; costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from landvote.evaluation.measure import film_means
from landvote.evaluation.metrics import point_to_point
from landvote.evaluation.report import METRICS
from landvote.evaluation.tables import group
from landvote.experiments.grid import Size
from landvote.experiments.intervals import (
    FIGURES,
    Draws,
    Estimates,
    Replicates,
    column_figures,
    draw,
    estimate,
    figures,
    over,
    replicate,
)
from landvote.experiments.results import Results, Run

FloatArray = npt.NDArray[np.float64]

ANNOTATOR = "annotator"
"""The subgroups of films that one annotator marked, measured against that annotator's points alone."""


@dataclass(frozen=True)
class Basis:
    """What a figure rests on: how many films of how many subjects, folds and seeds, and how many trainings of all."""

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
    measured = [~np.isnan(means(r, metric)) for r in runs]
    films = np.any(measured, axis=0) if measured else np.zeros(len(results.films), dtype=bool)
    subjects = {f.subject for f, known in zip(results.films, films, strict=True) if known}
    return Basis(
        int(films.sum()), len(subjects), len({r.fold for r in runs}), len({r.seed for r in runs}), len(runs), expected
    )


def whole_basis(results: Results, metric: str = "point_to_point", size: Size | None = None) -> Basis:
    """Return what a figure of all methods rests on, at all sizes or at one."""
    grid = results.grid
    runs = results.runs if size is None else results.of_size(size)
    sizes = len(grid.sizes) if size is None else 1
    return basis(results, runs, len(grid.methods) * sizes * grid.folds * len(grid.seeds), metric)


def metrics(results: Results) -> dict[str, str]:
    """Return the kinds of error there are, ``point_to_point`` and where there are outlines ``point_to_curve``."""
    return {m: t for m, t in METRICS.items() if any((~np.isnan(means(r, m))).any() for r in results.runs)}


def means(run: Run, metric: str) -> FloatArray:
    """Return (films,) mean errors of films."""
    return run.point_means if metric == "point_to_point" else run.curve_means


def annotators(results: Results, metric: str) -> FloatArray:
    """Return (films,) differences of annotators from their mean; NaN with fewer than two."""
    return results.annotators_to_point if metric == "point_to_point" else results.annotators_to_curve


def present(results: Results) -> list[tuple[str, Size]]:
    """Return the methods and sizes with a finished run, sizes first, in the order of the grid."""
    grid = results.grid
    return [(m.name, size) for size in grid.sizes for m in grid.methods if results.of(m.name, size)]


def main_size(results: Results) -> Size:
    """Return the largest of the sizes at which most methods have a finished run."""
    there = Counter(size for _, size in present(results))
    return max(there, key=lambda size: (there[size], results.of_size(size)[0].films))


def by_fold(runs: Sequence[Run]) -> list[list[Run]]:
    """Return runs fold by fold."""
    return [[r for r in runs if r.fold == fold] for fold in sorted({r.fold for r in runs})]


Figured = tuple[FloatArray, Replicates]
"""The figures of some films, and the same in each bootstrap sample."""


def run_figures(errors: FloatArray, draws: Draws) -> Figured:
    """Return the figures of (films,) errors."""
    return figures(errors), replicate(errors, draws)


def fold_figures(runs: Sequence[Run], of: Sequence[Figured]) -> tuple[FloatArray, list[Replicates]]:
    """Return the figures of each fold, (F, 4), means over its seeds, and the same in each bootstrap sample.

    Args:
        runs: of one method and size.
        of: the figures of each, from the same draws.
    """
    folds = [[f for r, f in zip(runs, of, strict=True) if r.fold == fold] for fold in sorted({r.fold for r in runs})]
    values = np.stack([np.mean([value for value, _ in fold], axis=0) for fold in folds])
    return values, [over([drawn for _, drawn in fold]) for fold in folds]


def subjects_of(results: Results, films: npt.NDArray[np.bool_] | None = None) -> list[str]:
    """Return the subject of each film, or of those chosen."""
    chosen = np.ones(len(results.films), dtype=bool) if films is None else films
    return [f.subject for f, kept in zip(results.films, chosen, strict=True) if kept]


def error_table(results: Results) -> pd.DataFrame:
    """Return one row a kind of error, size and method, and one for the annotators: figures with intervals."""
    draws = draw(subjects_of(results))
    rows = []
    for metric in metrics(results):
        for method, size in present(results):
            runs = results.of(method, size)
            of = [run_figures(means(r, metric), draws) for r in runs]
            found = estimate(*fold_figures(runs, of), draws.subjects)
            place = {"metric": metric, "size": size, "learned_from": runs[0].films, "method": method}
            rows.append({**place, **_on(basis(results, runs, _wanted(results), metric)), **_named(found)})
        between = annotators(results, metric)
        if not np.isnan(between).all():
            alone = basis(results, [], 0)
            measured = ~np.isnan(between)
            subjects = len(set(subjects_of(results, measured)))
            found = estimate(figures(between)[None], [replicate(between, draws)], subjects)
            place = {"metric": metric, "size": "", "learned_from": 0, "method": "annotators"}
            rows.append({**place, **_on(alone), "films": measured.sum(), "subjects": subjects, **_named(found)})
    return pd.DataFrame(rows)


def _wanted(results: Results) -> int:
    return results.grid.folds * len(results.grid.seeds)


def _on(found: Basis) -> dict[str, int]:
    return {k: getattr(found, k) for k in ("films", "subjects", "folds", "seeds", "runs")}


def _named(found: Estimates) -> dict[str, float]:
    out: dict[str, float] = {}
    for i, name in enumerate(FIGURES):
        out |= {name: found.value[i], f"{name}_low": found.low[i], f"{name}_high": found.high[i]}
    return out


def landmark_table(results: Results) -> pd.DataFrame:
    """Return one row a kind of error, size, method and landmark: mean over the films on which it was found."""
    draws = draw(subjects_of(results))
    names = np.array(results.scheme.landmarks)
    outline = {i: o.name for o in results.scheme.outlines for i in o.points}
    parts = []
    for metric in metrics(results):
        for method, size in present(results):
            folds, drawn, lost = [], [], np.zeros(len(names), dtype=int)
            for fold in by_fold(results.of(method, size)):
                errors = [r.to_point if metric == "point_to_point" else r.to_curve for r in fold]
                seeds = [column_figures(e, draws) for e in errors]
                folds.append(np.mean([value for value, _ in seeds], axis=0))
                drawn.append(over([d for _, d in seeds]))
                lost += sum(np.isinf(e).sum(axis=0) for e in errors)
            found = estimate(np.stack(folds), drawn, draws.subjects)
            part = pd.DataFrame({"metric": metric, "size": size, "method": method, "landmark": names})
            part["outline"] = [outline.get(i, "") for i in range(len(names))]
            part["not_found"] = lost
            part["mean"], part["low"], part["high"] = found.value, found.low, found.high
            parts.append(part[~np.isnan(found.value) | (lost > 0)])
    return pd.concat(parts, ignore_index=True)


def subgroup_table(results: Results) -> pd.DataFrame:
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
        groups += [(ANNOTATOR, name, np.array([name in f.annotations for f in results.films])) for name in names]
    rows: list[dict[str, object]] = []
    for column, value, films in groups:
        draws = draw(subjects_of(results, films))
        for metric in metrics(results) if column != ANNOTATOR else ["point_to_point"]:
            for method, size in present(results):
                runs = results.of(method, size)
                against = value if column == ANNOTATOR else None
                errors = [(means(r, metric) if against is None else against_one(results, r, against)) for r in runs]
                of = [run_figures(e[films], draws) for e in errors]
                found = estimate(*fold_figures(runs, of), draws.subjects)
                place = {"column": column, "value": value, "metric": metric, "size": size, "method": method}
                on = {"films": int(films.sum()), "subjects": draws.subjects, "runs": len(runs)}
                rows.append({**place, **on, **_named(found)})
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


def film_table(results: Results) -> pd.DataFrame:
    """Return one row a run and film: its mean errors and the landmarks not found."""
    parts = []
    for run in results.runs:
        part = pd.DataFrame({"film": [f.identifier for f in results.films], "subject": subjects_of(results)})
        for place, (name, value) in enumerate(
            {"method": run.method, "size": run.size, "fold": run.fold, "seed": run.seed}.items()
        ):
            part.insert(place, name, value)
        for metric in metrics(results):
            part[metric] = means(run, metric)
        part["not_found"] = np.isinf(run.to_point).sum(axis=1)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def cost_table(results: Results) -> pd.DataFrame:
    """Return one row a run: minutes of training and in all, and the machine; the only table that is not the same twice.

    A run that took its voters from another one's training paid for them there; ``votes_of`` names that method.
    """
    rows = []
    for run in results.runs:
        told = run.told
        place = {"method": run.method, "size": run.size, "fold": run.fold, "seed": run.seed, "films": run.films}
        minutes = {"train_minutes": told.get("train_minutes", np.nan), "minutes": told.get("minutes", np.nan)}
        on = "; ".join(dict.fromkeys(told["computed_on"].values()))  # of its stages, mostly the same
        rows.append(
            {**place, **minutes, "votes_of": told["votes_of"] or "", "computed_on": on, "machine": told["machine"]}
        )
    return pd.DataFrame(rows)
