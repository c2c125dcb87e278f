"""The charts of an evaluation. Each function returns a matplotlib figure; nothing global is touched."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landvote.data.scheme import Scheme
from landvote.evaluation.measure import ANNOTATORS
from landvote.evaluation.metrics import FloatArray
from landvote.evaluation.units import SUFFIX
from landvote.reports.marks import axis_end, cumulative_curve, log_ticks, shade_outlines
from landvote.reports.style import COLOURS, DASHES, GREY, STYLE, lines

_MOST_NAMES = 40  # more landmarks than this are not named one by one under an axis


def cdf_figure(panels: Mapping[str, Mapping[str, FloatArray]], unit: str) -> Figure:
    """Draw cumulative distributions of film errors: one panel a metric, one curve a method.

    ``panels`` are title -> (name of the curve -> (films,) errors; NaN left out, infinity = never reached).
    """
    with mpl.rc_context({**STYLE, "lines.linewidth": 1.8}):
        figure = Figure(figsize=(4.8 * len(panels), 3.7), layout="constrained")
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for ax, (title, curves) in zip(axes, panels.items(), strict=True):
            limit = max((axis_end(values) for values in curves.values()), default=1.0)
            look, beyond = lines([name for name in curves if name != ANNOTATORS]), []
            for name, values in curves.items():
                cumulative_curve(ax, values, limit, look[name], name)
                if outside := int((values > limit).sum()):
                    beyond.append(f"{outside} ({name})" if len(curves) > 1 else str(outside))
            ax.set(title=title, xlabel=f"mean error of a film ({unit})", xlim=(0, limit))
            ax.legend(loc="lower right")
            if beyond:
                note = f"films beyond this axis: {', '.join(beyond)}"
                ax.text(0.98, 0.36, note, transform=ax.transAxes, ha="right", color=GREY, size=9)
        axes[0].set(ylabel="films with this error or less (%)", ylim=(0, 101))
    return figure


def landmark_figure(table: pd.DataFrame, unit: str, scheme: Scheme) -> Figure:
    """Draw the mean error per landmark with its interval, point-to-point and, where there is one, point-to-curve.

    The table is :attr:`landvote.evaluation.Evaluation.landmarks`; of too many landmarks only the outlines are named.
    """
    with mpl.rc_context(STYLE):
        named = len(table) <= _MOST_NAMES
        figure = Figure(figsize=(9.6, 3.9 if named else 3.5), layout="constrained")
        ax = figure.subplots()
        place = np.arange(len(table))
        for kind, colour, shift in [("point_to_point", COLOURS[0], -0.12), ("point_to_curve", COLOURS[1], 0.12)]:
            if f"{kind}_mean_{SUFFIX[unit]}" in table:
                mean, low, high = (table[f"{kind}_{c}_{SUFFIX[unit]}"].to_numpy() for c in ("mean", "low", "high"))
                ax.vlines(place + shift, low, high, color=colour, alpha=0.45, linewidth=2.2)
                ax.plot(place + shift, mean, "o", color=colour, markersize=3.4, label=kind.replace("_", "-"))
        ax.set(ylabel=f"mean error ({unit})", xlim=(-1, len(table)), ylim=(0, None))
        ax.grid(visible=False, axis="x")
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.2)
        if named:
            long = max(map(len, table["landmark"])) * len(table) > 90
            ax.set_xticks(place, table["landmark"], rotation=60 if long else 0, ha="right" if long else "center")
            ax.set_xlabel("landmark")
        else:
            shade_outlines(ax, table["outline"].tolist(), scheme)
            ax.set_xlabel("landmark, in the order of the scheme")
    return figure


def calibration_figure(
    expected: Sequence[float] | FloatArray, actual: Sequence[float] | FloatArray, unit: str
) -> Figure:
    """Draw actual against expected error of films, (films,) each in the unit, on logarithmic axes."""
    pairs = np.column_stack([expected, actual])
    pairs = pairs[np.isfinite(pairs).all(axis=1) & (pairs > 0).all(axis=1)]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.4, 4.0), layout="constrained")
        ax = figure.subplots()
        if len(pairs):
            _against_level(ax, pairs.min(), pairs.max())
            ax.plot(*pairs.T, "o", color=COLOURS[0], markersize=4.5, alpha=0.7, markeredgewidth=0, label="a film")
            ax.legend(loc="upper left")
        ax.set(xlabel=f"mean expected error ({unit})", ylabel=f"mean actual error ({unit})")
    return figure


def reliability_figure(tenths: Sequence[Mapping[str, Any]], unit: str) -> Figure:
    """Draw the mean actual error of points against the expected one, in tenths, with intervals, on logarithmic axes.

    Tenths are those of :func:`landvote.evaluation.expectation.summarise_expected`, in the unit.
    """
    shown = [t for t in tenths if (t["expected"] or 0) > 0 and (t["actual"]["value"] or 0) > 0]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.4, 4.0), layout="constrained")
        ax = figure.subplots()
        if shown:
            x, y = (
                np.array(values, np.float64)
                for values in zip(*((t["expected"], t["actual"]["value"]) for t in shown), strict=True)
            )
            ends = np.array([[t["actual"][end] or np.nan for end in ("low", "high")] for t in shown], np.float64)
            every = np.concatenate([x, y, ends.ravel()])
            _against_level(ax, np.nanmin(every), np.nanmax(every))
            ax.vlines(x, *ends.T, color=COLOURS[0], alpha=0.45, linewidth=2.2)
            ax.plot(x, y, "o-", color=COLOURS[0], markersize=4.5, linewidth=1, label="a tenth of the points")
            ax.legend(loc="upper left")
        ax.set(xlabel=f"mean expected error ({unit})", ylabel=f"mean actual error ({unit})")
    return figure


def sparsification_figure(curve: Mapping[str, Any], unit: str) -> Figure:
    """Draw the mean error of the points that are left when the most doubtful are taken away, the best, and at random.

    The curve is that of :func:`landvote.evaluation.expectation.summarise_expected`, in the unit.
    """
    taken = 100 * (1 - np.array(curve["left"], np.float64))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.4, 4.0), layout="constrained")
        ax = figure.subplots()
        ax.axhline(curve["expected"][0], color=GREY, linewidth=1, linestyle=(0, (4, 2)), label="taken away at random")
        ax.plot(taken, curve["expected"], color=COLOURS[0], label="largest expected errors first")
        ax.plot(taken, curve["best"], color=COLOURS[1], linestyle=DASHES[1], label="largest actual errors first (best)")
        ax.set(xlabel="points taken away (%)", ylabel=f"mean actual error of those left ({unit})", xlim=(0, 95))
        ax.set(ylim=(0, 1.3 * curve["expected"][0] or 1))
        ax.legend(loc="upper right")
    return figure


def _against_level(ax: Axes, low: float, high: float) -> None:
    """Make logarithmic axes of one scale, with the line on which actual errors are those expected."""
    ends = np.array([low / 1.3, high * 1.3])
    ax.plot(ends, ends, color=GREY, linewidth=1, linestyle=(0, (4, 2)), label="expected = actual")
    ax.set(xscale="log", yscale="log", xlim=ends, ylim=ends, aspect="equal")
    for axis in (ax.xaxis, ax.yaxis):
        log_ticks(axis, *ends)
