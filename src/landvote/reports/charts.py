"""The charts of an evaluation. Each function returns a matplotlib figure; nothing global is touched."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from landvote.data.scheme import Scheme
from landvote.evaluation.measure import ANNOTATORS
from landvote.evaluation.metrics import FloatArray
from landvote.evaluation.units import SUFFIX
from landvote.reports.marks import axis_end, cumulative_curve, log_ticks, shade_outlines
from landvote.reports.style import COLOURS, GREY, STYLE, lines

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


def calibration_figure(expected: Sequence[float] | FloatArray, actual: Sequence[float] | FloatArray) -> Figure:
    """Draw actual against expected error of films, (films,) pixels each, on logarithmic axes."""
    pairs = np.column_stack([expected, actual])
    pairs = pairs[np.isfinite(pairs).all(axis=1) & (pairs > 0).all(axis=1)]
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.4, 4.0), layout="constrained")
        ax = figure.subplots()
        if len(pairs):
            ends = np.array([pairs.min() / 1.3, pairs.max() * 1.3])
            ax.plot(ends, ends, color=GREY, linewidth=1, linestyle=(0, (4, 2)), label="expected = actual")
            ax.plot(*pairs.T, "o", color=COLOURS[0], markersize=4.5, alpha=0.7, markeredgewidth=0, label="a film")
            ax.set(xscale="log", yscale="log", xlim=ends, ylim=ends, aspect="equal")
            for axis in (ax.xaxis, ax.yaxis):
                log_ticks(axis, *ends)
            ax.legend(loc="upper left")
        ax.set(xlabel="mean expected error (px)", ylabel="mean actual error (px)")
    return figure
