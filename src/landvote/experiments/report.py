"""Write what a grid has found as files: tables (CSV, LaTeX), figures (SVG, PNG), and one page to read."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from landvote.experiments import statistics, tables
from landvote.experiments.paired import paired_table
from landvote.experiments.results import Results
from landvote.experiments.statistics import main_size, mean_shape, metrics, present, threshold, whole_basis
from landvote.reports import comparison as charts
from landvote.reports.overlays import Overlay, overlay
from landvote.reports.page import page
from landvote.reports.style import DPI, PRINT, data_uri, save_figure
from landvote.reports.tables import Table, number, write_csv
from landvote.runtime.files import write_text

COSTS = "costs"


def write_comparison(results: Results, folder: Path) -> Path:
    """Write ``report.html``, which needs no file beside it, ``tables/`` and ``figures/`` for print; return its path.

    Files of an earlier report are replaced, or removed where there is nothing to say any more. The same results give
    the same files, but for ``costs`` and the page, which shows them.

    Raises:
        DataError: a file cannot be written.
        SettingError: a subgroup that the films do not have.
    """
    frames = _frames(results)
    shown = _tables(results, frames)
    for name, frame in frames.items():
        write_csv(folder / "tables" / f"{name}.csv", frame)
    for name, table in shown.items():
        write_text(folder / "tables" / f"{name}.tex", table.latex(name))
    figures = _draw(results, frames, folder / "figures")
    for part, kinds in (("tables", (".csv", ".tex")), ("figures", (".svg", ".png"))):
        for old in (folder / part).glob("*"):
            if old.suffix in kinds and old.stem not in {*frames, *shown, *figures}:
                old.unlink()  # of an earlier report
    text = page(
        "comparison", title=results.grid.title, grid=results.grid, unit=results.unit, missing=results.missing,
        annotators=bool(results.annotators), basis=whole_basis(results), metrics=metrics(results),
        sizes=len({r.size for r in results.runs}), main_size=main_size(results), tables=shown, figures=figures,
        lost=frames["lost_films"], limit=number(threshold(results)), percent=statistics.PERCENT, times=statistics.TIMES,
        overlays=list(_overlays(results)),
    )  # fmt: skip
    write_text(folder / "report.html", text)
    return folder / "report.html"


def _frames(results: Results) -> dict[str, pd.DataFrame]:
    limit = threshold(results)
    every = {
        "errors": statistics.error_table(results), "pairs": paired_table(results),
        "failures": statistics.failure_table(results, limit), "lost_films": statistics.lost_films(results, limit),
        "calibration": statistics.calibration_table(results), "subgroups": statistics.subgroups_by_method(results),
        "landmarks": statistics.landmarks_by_method(results), "films": statistics.films_by_run(results),
        COSTS: statistics.cost_table(results),
    }  # fmt: skip
    return {name: frame for name, frame in every.items() if len(frame) or name == "lost_films"}


def _tables(results: Results, frames: dict[str, pd.DataFrame]) -> dict[str, Table]:
    out = {f"errors_{m}": tables.errors(results, frames["errors"], m) for m in metrics(results)}
    if "pairs" in frames:
        out |= {f"pairs_{m}": tables.comparisons(results, frames["pairs"], m) for m in metrics(results)}
    out["failures"] = tables.failures(results, frames["failures"], threshold(results))
    if "calibration" in frames:
        out["calibration"] = tables.expectations(results, frames["calibration"])
    if "subgroups" in frames:
        out["subgroups"] = tables.subgroups(results, frames["subgroups"], main_size(results))
    return {**out, COSTS: tables.costs(frames[COSTS])}


def _draw(results: Results, frames: dict[str, pd.DataFrame], folder: Path) -> dict[str, str]:
    """Write the figures; return those in SVG for the page."""
    compared = charts.Compared([m.name for m in results.grid.methods], results.grid.sizes, results.unit, results.scheme)
    size, mean = main_size(results), mean_shape(results)
    at = f"{charts.films_learned(size)}; "
    out = {"size": charts.size_figure(compared, frames["errors"], f"{whole_basis(results)}")}
    for metric in metrics(results):
        every = present(results).items()
        pooled = {place: np.concatenate([r.errors.means(metric) for r in runs]) for place, runs in every}
        note, between = str(whole_basis(results, metric)), results.annotators.get(metric)
        out[f"cdf_sizes_{metric}"] = charts.cdf_by_size(compared, pooled, between, metric, note)
        out[f"cdf_methods_{metric}"] = charts.cdf_by_method(compared, pooled, between, metric, note)
        if "landmarks" in frames:
            table = frames["landmarks"]
            out[f"landmarks_{metric}"] = charts.outline_figure(compared, table, metric, note)
            known = table[(table["metric"] == metric) & (table["size"] == size) & table["mean"].notna()]
            if mean is not None and len(known):
                note = f"{at}{whole_basis(results, metric, size)}"
                out[f"shape_{metric}"] = charts.shape_figure(compared, known, mean, metric, note)
    if "subgroups" in frames:
        table, note = frames["subgroups"], f"{at}{whole_basis(results, size=size)}"
        out["subgroups"] = charts.subgroup_figure(compared, table[table["size"] == size], note)
    pictures = {}
    for name, figure in out.items():
        for suffix in (".svg", ".png"):
            save_figure(figure, folder / f"{name}{suffix}", DPI, PRINT)
        pictures[name] = data_uri((folder / f"{name}.svg").read_bytes(), "image/svg+xml")
    return pictures


def _overlays(results: Results) -> Iterator[Overlay]:
    """Draw the worst film of each method, at the size at which there are most."""
    for method in results.grid.methods:
        runs = results.of(method.name, main_size(results))
        errors = np.array([np.nan_to_num(r.errors.means("point_to_point"), nan=-1.0, posinf=np.inf) for r in runs])
        if not errors.size:
            continue
        which, film = np.unravel_index(errors.argmax(), errors.shape)
        run, sample = runs[which], results.films[film]
        caption = f"fold {run.fold}, seed {run.seed}: {number(errors[which, film])} {results.unit}"
        if missed := run.errors.missed[film].sum():
            caption += f", {missed} not found"
        yield overlay(method.name, caption, sample, sample.points, run.predicted[film])
