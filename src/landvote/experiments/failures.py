"""Failures: films that a method lost, counted and named."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from landvote.experiments.results import Results, Run
from landvote.experiments.statistics import present

PERCENT = 50.0
"""A film is lost when its mean error is beyond half the length that normalises errors: beside the bone, not on it."""

TIMES = 10.0
"""Or beyond this many times the median of the best method, whichever is less."""


def threshold(results: Results) -> float:
    """Return the mean point-to-point error beyond which a film counts as lost; infinity where nothing was found."""
    pooled = [np.concatenate([r.errors.means("point_to_point") for r in runs]) for runs in present(results).values()]
    medians = map(np.nanmedian, pooled)
    return float(min([TIMES * min(medians), *([PERCENT] if results.unit == "%" else [])]))


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
        for film in sorted(np.flatnonzero(lost(run, limit)), key=lambda i: (-errors[i], i)):
            place = (run.method, run.size, run.fold, run.seed)
            rows.append((results.films[film].identifier, *place, errors[film]))
    return pd.DataFrame(rows, columns=["film", "method", "size", "fold", "seed", "error"])
