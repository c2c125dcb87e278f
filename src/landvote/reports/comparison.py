"""The charts of a comparison of methods, sized for print: one column of a page (3.5 in) or two (7.2 in).

All charts take what is compared, numbers, and a note that stands above: how many films, folds and seeds they rest on.
Tables of numbers have a row a ``metric``, ``size`` and ``method``; the ends of an interval of ``median`` are called
``median_low`` and ``median_high``. Methods have the same colour and dash in all charts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
import matplotlib.ticker
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landvote.data.points import Points
from landvote.data.scheme import Scheme
from landvote.evaluation.measure import ANNOTATORS, METRICS
from landvote.evaluation.metrics import FloatArray
from landvote.reports.marks import axis_end, cumulative_curve, draw_outlines, log_limits, log_ticks, shade_outlines
from landvote.reports.style import DASHES, GREY, PRINT, Line, lines

Size = int | Literal["all"]

ONE_COLUMN, TWO_COLUMNS = 3.5, 7.2

NAMES = {"median": "median film", "p95": "95th percentile", "p99": "99th percentile"}
_TIMES_MEDIAN = 10.0  # a curve is not followed beyond this many times the best median
_TIMES_LEAST = 5.0  # nor are colours: one method that is lost would leave the others one colour
_LEGEND_ROW = 0.16  # inches
_MARKED = 20  # so few landmarks are marked one by one: a line may have none to join


@dataclass(frozen=True)
class Compared:
    """The facts that all charts share: names of methods and sizes in their order, the unit of errors, the landmarks."""

    methods: Sequence[str]
    sizes: Sequence[Size]
    unit: str
    scheme: Scheme


Pooled = Mapping[tuple[str, Size], FloatArray]
"""(method, size) -> errors of films, the runs pooled."""

Panels = dict[str, dict[str, FloatArray]]
"""Title -> name of a curve -> errors of films."""


def films_learned(size: Size) -> str:
    """Return a size in words."""
    return f"{size} training films"


def cdf_by_size(compared: Compared, pooled: Pooled, between: FloatArray | None, metric: str, note: str) -> Figure:
    """Draw cumulative distributions of film errors, one panel a size, one curve a method.

    NaN are left out, infinity is never reached. ``between`` are (films,) the annotators' differences, or None.
    """
    panels = {films_learned(size): {m: e for (m, s), e in pooled.items() if s == size} for size in compared.sizes}
    return _cdf(compared.unit, panels, between, lines(compared.methods), metric, note)


def cdf_by_method(compared: Compared, pooled: Pooled, between: FloatArray | None, metric: str, note: str) -> Figure:
    """Draw the same as :func:`cdf_by_size` with one panel a method and one curve a size."""
    panels = {name: {films_learned(s): e for (m, s), e in pooled.items() if m == name} for name in compared.methods}
    shades = [*map(mpl.colors.to_hex, mpl.colormaps["viridis"](np.linspace(0.0, 0.85, len(compared.sizes))))]
    looks = [Line(shade, DASHES[i % len(DASHES)]) for i, shade in enumerate(shades)]  # of the largest size first
    drawn = dict(zip(map(films_learned, compared.sizes), reversed(looks), strict=True))
    return _cdf(compared.unit, panels, between, {**drawn, **lines([])}, metric, note)


def _cdf(
    unit: str, panels: Panels, between: FloatArray | None, drawn: Mapping[str, Line], metric: str, note: str
) -> Figure:
    beside = {} if between is None else {ANNOTATORS: between}
    panels = {title: {**curves, **beside} for title, curves in panels.items() if curves}
    limit = _limit([c for curves in panels.values() for c in curves.values()])
    with mpl.rc_context(PRINT):
        figure, axes = _panels(len(panels), f"{METRICS[metric].lower()} error of a film ({unit})", "films (%)")
        for ax, (title, curves) in zip(axes, panels.items(), strict=True):
            for name, values in curves.items():
                cumulative_curve(ax, values, limit, drawn[name], name)
            ax.set(title=title, xlim=(0, limit), ylim=(0, 101))
        _finish(figure, axes, list(drawn), note)
    return figure


def _limit(curves: Sequence[FloatArray]) -> float:
    """Right end of all axes: where the curves end, but no farther than the best of them bears."""
    medians = [float(np.median(c[~np.isnan(c)])) for c in curves if not np.isnan(c).all()]
    best = min((m for m in medians if 0 < m < np.inf), default=np.inf)
    return min(max(map(axis_end, curves), default=1.0), _TIMES_MEDIAN * best) or 1.0


def size_figure(compared: Compared, table: pd.DataFrame, note: str) -> Figure:
    """Draw error against the number of training films on logarithmic axes: one row a kind of error, one panel a figure.

    The table has also rows of the annotators. ``learned_from`` is how many films a size is; figures are :data:`NAMES`.
    """
    kinds = list(dict.fromkeys(table["metric"]))
    drawn = lines(compared.methods)
    with mpl.rc_context(PRINT):
        figure = Figure(figsize=(TWO_COLUMNS, 0.7 + 2.15 * len(kinds)), layout="constrained")
        grid = figure.subplots(len(kinds), len(NAMES), sharex=True, sharey="row", squeeze=False)
        for row, metric in zip(grid, kinds, strict=True):
            own = table[table["metric"] == metric]
            for ax, name in zip(row, NAMES, strict=True):
                _against_size(ax, own, name, drawn)
            row[0].set_ylabel(f"{METRICS[metric].lower()} ({compared.unit})")
            log_ticks(row[0].yaxis, *row[0].get_ylim())
        sizes = sorted(set(table.loc[table["method"] != ANNOTATORS, "learned_from"]))
        for ax, title in zip(grid[0], NAMES.values(), strict=True):
            ax.set(title=title, xlim=(sizes[0] / 1.3, sizes[-1] * 1.3))
            ax.xaxis.set_major_locator(mpl.ticker.FixedLocator(sizes))
            ax.xaxis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
            ax.xaxis.set_minor_locator(mpl.ticker.NullLocator())
        for ax in grid[-1]:
            ax.set_xlabel("training films")
        _finish(figure, list(grid.ravel()), list(drawn), note)
    return figure


def _against_size(ax: Axes, table: pd.DataFrame, name: str, drawn: Mapping[str, Line]) -> None:
    limits = log_limits(table[list(NAMES)].to_numpy(dtype=np.float64))
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
        top, of_axis = np.full(len(open_ended), 0.97), ax.get_xaxis_transform()
        ax.plot(open_ended, top, "^", color=line.colour, markersize=3.5, transform=of_axis)
    for value in table.loc[table["method"] == ANNOTATORS, name]:
        if np.isfinite(value):
            ax.axhline(value, color=drawn[ANNOTATORS].colour, linestyle=drawn[ANNOTATORS].dash, label=ANNOTATORS)


def outline_figure(compared: Compared, table: pd.DataFrame, metric: str, note: str) -> Figure:
    """Draw the mean error of each ``landmark`` in the order of the scheme, one panel a size, one line a method."""
    table, drawn = table[table["metric"] == metric], lines(compared.methods)
    place = {name: i for i, name in enumerate(compared.scheme.landmarks)}
    sizes = [s for s in compared.sizes if (table["size"] == s).any()]
    outlines = compared.scheme.outlines
    on = {i: o.name for o in outlines for i in o.points}
    along = f"landmark along the {outlines[0].name}" if len(outlines) == 1 else "landmark, in the order of the scheme"
    with mpl.rc_context(PRINT):
        figure, axes = _panels(len(sizes), along, f"mean {METRICS[metric].lower()} error ({compared.unit})")
        for ax, size in zip(axes, sizes, strict=True):
            for method, own in table[table["size"] == size].groupby("method", sort=False):
                line = drawn[str(method)]
                x = own["landmark"].map(place).to_numpy(dtype=np.float64)
                mark = "o" if own["mean"].notna().sum() <= _MARKED else None
                ax.plot(x, own["mean"], color=line.colour, linestyle=line.dash, marker=mark, label=str(method))
            ax.set(title=films_learned(size), yscale="log", xlim=(-1, len(place)))
            if len(outlines) > 1 and len(place) > _MARKED:
                shade_outlines(ax, [on.get(i, "") for i in range(len(place))], compared.scheme)
        log_ticks(axes[0].yaxis, *axes[0].get_ylim())
        _finish(figure, axes, list(drawn), note)
    return figure


def shape_figure(compared: Compared, table: pd.DataFrame, mean: Points, metric: str, note: str) -> Figure:
    """Draw where errors sit on a shape, one panel a method.

    ``mean`` is (n, 2) the shape, y down. The table is of one metric and size, a row a ``landmark`` more, its ``mean``
    finite, and not empty.
    """
    place = {name: i for i, name in enumerate(compared.scheme.landmarks)}
    methods = list(dict.fromkeys(table["method"]))
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
            draw_outlines(ax, mean, compared.scheme, color="#d1d5db", linewidth=0.8, zorder=0)
            own = table[table["method"] == method]
            at = mean[own["landmark"].map(place).to_numpy(dtype=np.intp)]
            points = ax.scatter(*at.T, c=own["mean"], norm=colours, cmap="viridis", s=11, linewidths=0)
            ax.set(title=method, aspect="equal", xticks=[], yticks=[])
            ax.invert_yaxis()
            ax.spines[:].set_visible(False)
        for ax in axes[len(methods) :]:
            ax.set_visible(False)
        label, beyond = f"{METRICS[metric].lower()} ({compared.unit})", "max" if end < most else "neither"
        bar = figure.colorbar(points, ax=list(axes), label=label, aspect=30, extend=beyond)
        log_ticks(bar.ax.yaxis, least, end)
        _finish(figure, [], [], note)
    return figure


def subgroup_figure(compared: Compared, table: pd.DataFrame, note: str) -> Figure:
    """Draw the median point-to-point error of each subgroup with its interval.

    The table is of one size, a row a ``column`` and ``value`` more, with the number of ``films``, and not empty.
    """
    table = table[table["metric"] == "point_to_point"]
    drawn = lines(compared.methods)
    columns = {c: list(dict.fromkeys(part["value"])) for c, part in table.groupby("column", sort=False)}
    methods = list(dict.fromkeys(table["method"]))
    limits = log_limits(table["median"].to_numpy(dtype=np.float64))
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
        grid[-1].set_xlabel(f"median point-to-point error ({compared.unit}); films in brackets")
        log_ticks(grid[-1].xaxis, *limits)
        _finish(figure, list(grid), methods, note)
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


def _finish(figure: Figure, axes: Sequence[Axes], names: Sequence[str], note: str) -> None:
    """Put one legend for all panels below them, where it covers nothing, and above them the note."""
    found: dict[str, Any] = {}
    for ax in axes:
        handles, labels = ax.get_legend_handles_labels()
        found |= dict(zip(labels, handles, strict=True))
    shown = [n for n in names if n in found]
    if shown:
        widths = [0.75 + 0.065 * len(n) for n in shown]  # inches, about
        room = figure.get_figwidth()
        columns = len(shown) if sum(widths) <= room else max(1, int(room / max(widths)))
        further = -(-len(shown) // columns) - 1
        figure.set_figheight(figure.get_figheight() + further * _LEGEND_ROW)  # the panels keep their height
        figure.legend([found[n] for n in shown], shown, loc="outside lower center", ncols=columns)
    figure.suptitle(note, size=7, color=GREY, x=0.01, ha="left")
