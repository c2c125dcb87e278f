"""Write what a grid has found as files: tables (CSV, LaTeX), figures (SVG, PNG), and one page to read."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from landvote.errors import ImageError
from landvote.evaluation.overlays import overlay_figure
from landvote.evaluation.plots import as_data_uri, save_figure
from landvote.evaluation.report import METRICS, Overlay, template
from landvote.evaluation.statistics import RESAMPLES
from landvote.experiments import plots, tables
from landvote.experiments.failures import PERCENT, TIMES, failure_table, lost_films, threshold
from landvote.experiments.paired import paired_table
from landvote.experiments.results import Results
from landvote.experiments.statistics import (
    cost_table,
    error_table,
    film_table,
    landmark_table,
    main_size,
    means,
    metrics,
    subgroup_table,
    whole_basis,
)
from landvote.files import write_text

REPORT = "report.html"
COSTS = "costs"

MOST_ROWS = 400
"""Rows of a table in the page; the CSV has them all."""


def write_comparison(results: Results, folder: Path) -> Path:
    """Write ``report.html``, which needs no file beside it, and ``tables/`` and ``figures/`` for print.

    Files of an earlier report are replaced, or removed where there is nothing to say any more. The same results give
    the same files, but for ``costs`` and the page, which shows them.

    Returns:
        The path of ``report.html``.

    Raises:
        DataError: a file cannot be written.
        SettingError: a subgroup that the films do not have.
    """
    frames = _frames(results)
    shown = _tables(results, frames)
    figures = _figures(results, frames)
    for part, kinds in (("tables", (".csv", ".tex")), ("figures", (".svg", ".png"))):
        for old in (folder / part).glob("*"):
            if old.suffix in kinds and old.stem not in {*frames, *shown, *figures}:
                old.unlink()  # of an earlier report
    for name, frame in frames.items():
        text = frame.to_csv(index=False, float_format="%.6g", lineterminator="\n")
        write_text(folder / "tables" / f"{name}.csv", text)
    for name, table in shown.items():
        write_text(folder / "tables" / f"{name}.tex", table.latex(name))
    for name, figure in figures.items():
        for suffix in (".svg", ".png"):
            save_figure(figure, folder / "figures" / f"{name}{suffix}", plots.DPI, plots.PRINT)
    pictures = {name: (folder / "figures" / f"{name}.svg").read_bytes() for name in figures}
    write_text(folder / REPORT, render(results, frames, shown, pictures))
    return folder / REPORT


def _frames(results: Results) -> dict[str, pd.DataFrame]:
    limit = threshold(results)
    every = {
        "errors": error_table(results),
        "pairs": paired_table(results),
        "failures": failure_table(results, limit),
        "lost_films": lost_films(results, limit),
        "subgroups": subgroup_table(results),
        "landmarks": landmark_table(results),
        "films": film_table(results),
        COSTS: cost_table(results),
    }
    return {name: frame for name, frame in every.items() if len(frame) or name == "lost_films"}


def _tables(results: Results, frames: dict[str, pd.DataFrame]) -> dict[str, tables.Table]:
    out = {f"errors_{m}": tables.errors(results, frames["errors"], m) for m in metrics(results)}
    if "pairs" in frames:
        out |= {f"pairs_{m}": tables.comparisons(results, frames["pairs"], m) for m in metrics(results)}
    out["failures"] = tables.failures(results, frames["failures"], threshold(results))
    if "subgroups" in frames:
        out["subgroups"] = tables.subgroups(results, frames["subgroups"], main_size(results))
    return {**out, COSTS: tables.costs(frames[COSTS])}


def _figures(results: Results, frames: dict[str, pd.DataFrame]) -> dict[str, Figure]:
    out: dict[str, Figure | None] = {"size": plots.size_figure(results, frames["errors"])}
    for metric in metrics(results):
        out[f"cdf_sizes_{metric}"] = plots.cdf_by_size(results, metric)
        out[f"cdf_methods_{metric}"] = plots.cdf_by_method(results, metric)
        if "landmarks" in frames:
            out[f"landmarks_{metric}"] = plots.outline_figure(results, frames["landmarks"], metric)
            out[f"shape_{metric}"] = plots.shape_figure(results, frames["landmarks"], metric)
    if "subgroups" in frames:
        out["subgroups"] = plots.subgroup_figure(results, frames["subgroups"])
    return {name: figure for name, figure in out.items() if figure is not None}


def render(
    results: Results, frames: dict[str, pd.DataFrame], shown: dict[str, tables.Table], pictures: dict[str, bytes]
) -> str:
    """Return the page as HTML, with pictures in SVG; see :func:`write_comparison`."""
    grid = results.grid
    return template("landvote.experiments").render(
        grid=grid,
        results=results,
        basis=whole_basis(results),
        metrics=metrics(results),
        titles=METRICS,
        main_size=main_size(results),
        tables=shown,
        figures={name: f"data:image/svg+xml;base64,{b64encode(svg).decode()}" for name, svg in pictures.items()},
        most=MOST_ROWS,
        lost=frames["lost_films"],
        limit=tables.number(threshold(results)),
        percent=PERCENT,
        times=TIMES,
        resamples=RESAMPLES,
        overlays=list(_overlays(results)),
    )


def _overlays(results: Results) -> Iterator[Overlay]:
    """Draw the worst film of each method, at the size at which there are most."""
    for method in results.grid.methods:
        runs = results.of(method.name, main_size(results))
        errors = np.array([np.nan_to_num(means(r, "point_to_point"), nan=-1.0, posinf=np.inf) for r in runs])
        if not errors.size:
            continue
        which, film = np.unravel_index(int(errors.argmax()), errors.shape)
        run, sample = runs[int(which)], results.films[int(film)]
        missed = int(np.isinf(run.to_point[film]).sum())
        caption = f"fold {run.fold}, seed {run.seed}: {tables.number(float(errors[which, film]))} {results.unit}"
        caption += f", {missed} not found" if missed else ""
        try:
            figure = overlay_figure(sample.open().pixels, sample.points, run.predicted[film], results.scheme)
        except ImageError as error:
            yield Overlay(method.name, sample.identifier, caption, "", str(error))
            continue
        yield Overlay(method.name, sample.identifier, caption, as_data_uri(figure, "jpeg"))
