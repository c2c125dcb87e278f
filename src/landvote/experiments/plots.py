"""The figures of a grid, sized for print: one column of a page (3.5 in) or two (7.2 in). Each is a matplotlib figure.

Above each figure stands what it rests on. Methods have the same colour and dash in all of them; colours are told apart
by colour-blind readers, dashes in black and white.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import matplotlib.ticker
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from landvote.errors import ShapeError
from landvote.evaluation.plots import ANNOTATORS, COLOURS, GREY, STYLE, axis_end, mark_outlines
from landvote.evaluation.report import METRICS
from landvote.evaluation.statistics import cumulative
from landvote.experiments.grid import Size
from landvote.experiments.results import Results
from landvote.experiments.statistics import annotators, main_size, means, present, whole_basis
from landvote.shapes.align import align

FloatArray = npt.NDArray[np.float64]

ONE_COLUMN, TWO_COLUMNS = 3.5, 7.2
DPI = 300

PRINT: dict[Any, Any] = {
    **STYLE,
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.linewidth": 0.7,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.3,
    "lines.markersize": 4,
    "legend.fontsize": 8,
    "legend.handlelength": 3.2,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
}

DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (4, 1.2, 1, 1.2)), (0, (1, 1)), (0, (7, 1.2, 1, 1.2, 1, 1.2)))
_BETWEEN: Any = (0, (2.5, 2.5))  # the annotators' dash

NAMES = {"median": "median film", "p95": "95th percentile", "p99": "99th percentile"}
_TIMES_MEDIAN = 10.0  # a curve is not followed beyond this many times the best median
_TIMES_LEAST = 5.0  # nor are colours: one method that is lost would leave the others one colour
_LEGEND_ROW = 0.16  # inches
_MARKED = 20  # so few landmarks are marked one by one: a line may have none to join


@dataclass(frozen=True)
class Line:
    """How a method, or a size, is drawn."""

    colour: str
    dash: Any


def lines(results: Results) -> dict[str, Line]:
    """Return how each method is drawn, and the annotators."""
    names = [m.name for m in results.grid.methods]
    drawn = {n: Line(COLOURS[i % len(COLOURS)], DASHES[i % len(DASHES)]) for i, n in enumerate(names)}
    return {**drawn, ANNOTATORS: Line(GREY, _BETWEEN)}


def films_learned(size: Size) -> str:
    """Return a size in words."""
    return f"{size} training films"


def cdf_by_size(results: Results, metric: str) -> Figure:
    """Draw cumulative distributions of film errors, one panel a size, one curve a method, runs pooled."""
    panels = {
        films_learned(size): {m: _pooled(results, metric, m, s) for m, s in present(results) if s == size}
        for size in results.grid.sizes
    }
    return _cdf(results, metric, panels, lines(results))


def cdf_by_method(results: Results, metric: str) -> Figure:
    """Draw the same with one panel a method and one curve a size."""
    panels = {
        method.name: {films_learned(s): _pooled(results, metric, m, s) for m, s in present(results) if m == method.name}
        for method in results.grid.methods
    }
    largest_first = list(reversed(results.grid.sizes))
    shades = mpl.colormaps["viridis"](np.linspace(0.0, 0.85, len(largest_first)))
    drawn = {
        films_learned(size): Line(mpl.colors.to_hex(shade), DASHES[i % len(DASHES)])
        for i, (size, shade) in enumerate(zip(largest_first, shades, strict=True))
    }
    drawn = {**dict(reversed(drawn.items())), ANNOTATORS: Line(GREY, _BETWEEN)}
    return _cdf(results, metric, panels, drawn)


def _pooled(results: Results, metric: str, method: str, size: Size) -> FloatArray:
    return np.concatenate([means(r, metric) for r in results.of(method, size)])


def _cdf(
    results: Results, metric: str, panels: Mapping[str, Mapping[str, FloatArray]], drawn: Mapping[str, Line]
) -> Figure:
    between = annotators(results, metric)
    beside = {} if np.isnan(between).all() else {ANNOTATORS: between}
    panels = {title: {**curves, **beside} for title, curves in panels.items() if curves}
    limit = _limit([c for curves in panels.values() for c in curves.values()])
    with mpl.rc_context(PRINT):
        figure, axes = _panels(len(panels), f"{METRICS[metric].lower()} error of a film ({results.unit})", "films (%)")
        for ax, (title, curves) in zip(axes, panels.items(), strict=True):
            for name, values in curves.items():
                x, share = cumulative(values)
                # from (0, 0), and on to the edge: a share stays what it is to the right of the last film
                share = np.r_[0.0, share, share[-1:] if x.size else 0.0]
                x = np.r_[0.0, x, max(limit, x[-1] if x.size else 0.0)]
                line = drawn[name]
                ax.step(x, 100 * share, where="post", color=line.colour, linestyle=line.dash, label=name)
            ax.set(title=title, xlim=(0, limit), ylim=(0, 101))
        _legend(figure, axes, [n for n in drawn if any(n in c for c in panels.values())])
        _above(figure, results, metric)
    return figure


def _limit(curves: Sequence[FloatArray]) -> float:
    """Right end of all axes: where the curves end, but no farther than the best of them bears."""
    medians = [float(np.median(c[~np.isnan(c)])) for c in curves if (~np.isnan(c)).any()]
    finite = [m for m in medians if np.isfinite(m) and m > 0]
    ends = max(map(axis_end, curves), default=1.0)
    return min([ends, *([_TIMES_MEDIAN * min(finite)] if finite else [])]) or 1.0


def size_figure(results: Results, table: pd.DataFrame) -> Figure:
    """Draw error against the number of training films on logarithmic axes: one row a kind of error, one panel a figure.

    Args:
        results: of the grid.
        table: from :func:`landvote.experiments.statistics.error_table`.
    """
    kinds = list(dict.fromkeys(table["metric"]))
    drawn = lines(results)
    with mpl.rc_context(PRINT):
        figure = Figure(figsize=(TWO_COLUMNS, 0.7 + 2.15 * len(kinds)), layout="constrained")
        grid = figure.subplots(len(kinds), len(NAMES), sharex=True, sharey="row", squeeze=False)
        for row, metric in zip(grid, kinds, strict=True):
            own = table[table["metric"] == metric]
            limits = _limits(own[list(NAMES)].to_numpy(dtype=np.float64))
            for ax, name in zip(row, NAMES, strict=True):
                _against_size(ax, own, name, drawn, limits)
            row[0].set_ylabel(f"{METRICS[metric].lower()} ({results.unit})")
            _log_ticks(row[0].yaxis, *row[0].get_ylim())
        sizes = sorted({r.films for r in results.runs})
        for ax, title in zip(grid[0], NAMES.values(), strict=True):
            ax.set(title=title, xlim=(sizes[0] / 1.3, sizes[-1] * 1.3))
            ax.xaxis.set_major_locator(mpl.ticker.FixedLocator(sizes))
            ax.xaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
            ax.xaxis.set_minor_locator(mpl.ticker.NullLocator())
        for ax in grid[-1]:
            ax.set_xlabel("training films")
        _legend(figure, list(grid.ravel()), list(drawn))
        _above(figure, results)
    return figure


def _against_size(
    ax: Axes, table: pd.DataFrame, name: str, drawn: Mapping[str, Line], limits: tuple[float, float]
) -> None:
    ax.set(xscale="log", yscale="log", ylim=limits)
    methods = [m for m in drawn if m != ANNOTATORS and m in set(table["method"])]
    for i, method in enumerate(methods):
        own = table[table["method"] == method].sort_values("learned_from")
        value, low, high = (own[c].to_numpy(dtype=np.float64) for c in (name, f"{name}_low", f"{name}_high"))
        x = own["learned_from"].to_numpy() * 1.03 ** (i - (len(methods) - 1) / 2)
        line, shown = drawn[method], np.where(np.isfinite(value), value, np.nan)
        ax.plot(x, shown, color=line.colour, linestyle=line.dash, marker="o", markersize=3, label=method)
        # no farther than the axis: the layout would make room for what is not seen
        ax.vlines(x, *np.clip([low, high], *limits), color=line.colour, linewidth=0.9, alpha=0.7)
        open_ended = x[np.isinf(high)]
        ax.plot(
            open_ended, np.full(len(open_ended), 0.97), "^", color=line.colour, markersize=3.5,
            transform=ax.get_xaxis_transform(),
        )  # fmt: skip
    for value in table.loc[table["method"] == ANNOTATORS, name]:
        if np.isfinite(value):
            ax.axhline(value, color=GREY, linestyle=_BETWEEN, label=ANNOTATORS)


def outline_figure(results: Results, table: pd.DataFrame, metric: str) -> Figure:
    """Draw the mean error of each landmark in the order of the scheme, one panel a size, one line a method.

    Args:
        results: of the grid.
        table: from :func:`landvote.experiments.statistics.landmark_table`.
        metric: ``point_to_point`` or ``point_to_curve``.
    """
    table, drawn = table[table["metric"] == metric], lines(results)
    place = {name: i for i, name in enumerate(results.scheme.landmarks)}
    sizes = [s for s in results.grid.sizes if (table["size"] == s).any()]
    outlines = results.scheme.outlines
    on = [next((o.name for o in outlines if i in o.points), "") for i in range(len(place))]
    along = f"landmark along the {outlines[0].name}" if len(outlines) == 1 else "landmark, in the order of the scheme"
    with mpl.rc_context(PRINT):
        figure, axes = _panels(len(sizes), along, f"mean {METRICS[metric].lower()} error ({results.unit})")
        for ax, size in zip(axes, sizes, strict=True):
            for method, own in table[table["size"] == size].groupby("method", sort=False):
                line = drawn[str(method)]
                x = own["landmark"].map(place).to_numpy(dtype=np.float64)
                mark = "o" if own["mean"].notna().sum() <= _MARKED else None
                ax.plot(x, own["mean"], color=line.colour, linestyle=line.dash, marker=mark, label=str(method))
            ax.set(title=films_learned(size), yscale="log", xlim=(-1, len(place)))
            if len(outlines) > 1 and len(place) > _MARKED:
                mark_outlines(ax, pd.DataFrame({"outline": on}), results.scheme)
                ax.set_xlabel("")
        _log_ticks(axes[0].yaxis, *axes[0].get_ylim())
        _legend(figure, axes, list(drawn))
        _above(figure, results, metric)
    return figure


def shape_figure(results: Results, table: pd.DataFrame, metric: str) -> Figure | None:
    """Draw where errors sit on the mean shape of the test films, one panel a method, at one size.

    Returns:
        The figure; None where the landmarks have no shape.
    """
    try:
        mean = align(np.stack([f.points for f in results.films])).mean
    except ShapeError:
        return None
    size = main_size(results)
    table = table[(table["metric"] == metric) & (table["size"] == size) & np.isfinite(table["mean"])]
    place = {name: i for i, name in enumerate(results.scheme.landmarks)}
    methods = list(dict.fromkeys(table["method"]))
    if not methods:
        return None
    least, most = max(table["mean"].min(), 1e-3), max(table["mean"].max(), 2e-3)
    end = min(most, _TIMES_LEAST * least)
    colours = mpl.colors.LogNorm(least, end)
    height = np.ptp(mean[:, 1]) / max(np.ptp(mean[:, 0]), 1e-9)
    with mpl.rc_context({**PRINT, "axes.grid": False}):
        rows = -(-len(methods) // 4)
        columns = -(-len(methods) // rows)
        tall = min(max(TWO_COLUMNS / columns * height, 1.2), 3.2)
        figure = Figure(figsize=(TWO_COLUMNS, 0.5 + rows * (0.3 + tall)), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax, method in zip(axes, methods, strict=False):
            for outline in results.scheme.outlines:
                chain = mean[[*outline.points, *outline.points[: int(outline.closed)]]]
                ax.plot(*chain.T, color="#d1d5db", linewidth=0.8, zorder=0)
            own = table[table["method"] == method]
            at = mean[own["landmark"].map(place).to_numpy(dtype=np.intp)]
            points = ax.scatter(*at.T, c=own["mean"], norm=colours, cmap="viridis", s=11, linewidths=0)
            ax.set(title=method, aspect="equal", xticks=[], yticks=[])
            ax.invert_yaxis()
            ax.spines[:].set_visible(False)
        for ax in axes[len(methods) :]:
            ax.set_visible(False)
        label, beyond = f"{METRICS[metric].lower()} ({results.unit})", "max" if end < most else "neither"
        bar = figure.colorbar(points, ax=list(axes), label=label, aspect=30, extend=beyond)
        _log_ticks(bar.ax.yaxis, least, end)
        bar.ax.yaxis.set_minor_locator(mpl.ticker.NullLocator())
        _above(figure, results, metric, size)
    return figure


def subgroup_figure(results: Results, table: pd.DataFrame) -> Figure:
    """Draw the median point-to-point error of each subgroup with its interval, all methods at one size.

    Args:
        results: of the grid.
        table: from :func:`landvote.experiments.statistics.subgroup_table`, not empty.
    """
    size = main_size(results)
    table = table[(table["metric"] == "point_to_point") & (table["size"] == size)]
    drawn = lines(results)
    columns = {c: list(dict.fromkeys(part["value"])) for c, part in table.groupby("column", sort=False)}
    methods = list(dict.fromkeys(table["method"]))
    limits = _limits(table["median"].to_numpy(dtype=np.float64))
    heights = [0.5 + len(values) for values in columns.values()]
    with mpl.rc_context(PRINT):
        figure = Figure(figsize=(TWO_COLUMNS, 1.0 + sum(heights) * (0.12 + 0.07 * len(methods))), layout="constrained")
        grid = figure.subplots(len(columns), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
        for ax, (column, values) in zip(grid, columns.items(), strict=True):
            part = table[table["column"] == column]
            for i, method in enumerate(methods):
                own = part[part["method"] == method]
                y = own["value"].map(values.index).to_numpy(dtype=np.float64) + 0.7 * ((i + 0.5) / len(methods) - 0.5)
                value, low, high = (own[c].to_numpy(dtype=np.float64) for c in ("median", "median_low", "median_high"))
                ax.hlines(y, *np.clip([low, high], *limits), color=drawn[method].colour, linewidth=1.1)
                ax.plot(value, y, "o", color=drawn[method].colour, markersize=3, label=method)
            films = part.drop_duplicates("value").set_index("value")["films"]
            ax.set_yticks(range(len(values)), [f"{v}  ({films[v]})" for v in values])
            ax.set(title=column, xscale="log", xlim=limits, ylim=(len(values) - 0.5, -0.5))
            ax.grid(visible=False, axis="y")
        grid[-1].set_xlabel(f"median point-to-point error ({results.unit}); films in brackets")
        _log_ticks(grid[-1].xaxis, *limits)
        _legend(figure, list(grid), methods)
        _above(figure, results, size=size)
    return figure


def _panels(number: int, x: str, y: str) -> tuple[Figure, list[Axes]]:
    """Return a figure with so many panels of one scale, in one column of a page or two."""
    columns = 1 if number == 1 else 2 if number in (2, 4) else 3
    rows = -(-number // columns)
    figure = Figure(figsize=(ONE_COLUMN if number == 1 else TWO_COLUMNS, 0.75 + 2.1 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for i, ax in enumerate(axes):
        ax.set_visible(i < number)
        if i < number <= i + columns:  # the last one of its column
            ax.xaxis.set_tick_params(labelbottom=True)
            ax.set_xlabel(x)
        if i % columns == 0:
            ax.set_ylabel(y)
    return figure, list(axes[:number])


def _legend(figure: Figure, axes: Sequence[Axes], names: Sequence[str]) -> None:
    """Put one legend for all panels below them, where it covers nothing."""
    found: dict[str, Any] = {}
    for ax in axes:
        handles, labels = ax.get_legend_handles_labels()
        found |= dict(zip(labels, handles, strict=True))
    shown = [n for n in names if n in found]
    if shown:
        widths = [0.75 + 0.065 * len(n) for n in shown]  # inches, about
        room = figure.get_figwidth()
        columns = len(shown) if sum(widths) <= room else max(1, int(room / max(widths)))
        handles = [found[n] for n in shown]
        further = -(-len(shown) // columns) - 1
        figure.set_figheight(figure.get_figheight() + further * _LEGEND_ROW)  # the panels keep their height
        figure.legend(handles, shown, loc="outside lower center", ncols=columns)


def _above(figure: Figure, results: Results, metric: str = "point_to_point", size: Size | None = None) -> None:
    """Say what the figure rests on."""
    at = "" if size is None else f"{films_learned(size)}; "
    figure.suptitle(f"{at}{whole_basis(results, metric, size)}", size=7, color=GREY, x=0.01, ha="left")


def _limits(values: FloatArray) -> tuple[float, float]:
    """Return the ends of a logarithmic axis: room for all figures, and for as much of their intervals as is of use."""
    some = values[np.isfinite(values) & (values > 0)]
    return (float(some.min()) / 2, float(some.max()) * 2) if some.size else (0.1, 10.0)


def _log_ticks(axis: Axis, low: float, high: float) -> None:
    """Name as many places of a logarithmic axis as are of use."""
    ratio = high / max(low, 1e-9)
    steps = (1,) if ratio > 300 else (1, 2, 5) if ratio > 8 else (1, 1.5, 2, 3, 4, 5, 7)
    axis.set_major_locator(mpl.ticker.LogLocator(base=10, subs=steps))
    axis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
    axis.set_minor_formatter(mpl.ticker.NullFormatter())
