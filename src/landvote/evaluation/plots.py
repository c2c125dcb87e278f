"""The charts of a report. Each function returns a matplotlib figure; nothing global is touched."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.ticker
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landvote.evaluation.statistics import cumulative
from landvote.evaluation.units import SUFFIX
from landvote.files import atomic_write
from landvote.scheme import Scheme

FloatArray = npt.NDArray[np.float64]

# Okabe & Ito's palette, told apart by colour-blind readers; grey is kept for what is not the method.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GREY = "#6b7280"
ANNOTATORS = "annotators"

STYLE: dict[Any, Any] = {  # the names of the settings are typed differently from one matplotlib to the next
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#9ca3af",
    "axes.labelcolor": "#1f2937",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e5e7eb",
    "grid.linewidth": 0.8,
    "xtick.color": "#374151",
    "ytick.color": "#374151",
    "legend.frameon": False,
    "svg.hashsalt": "landvote",  # the same figures give the same file
}

_NO_DATE: dict[str, dict[str, Any]] = {"svg": {"Date": None}, "png": {"Software": None}}

MOST_NAMES = 40
"""More landmarks than this are not named one by one under an axis."""


def cdf_figure(panels: Mapping[str, Mapping[str, FloatArray]], unit: str) -> Figure:
    """Draw cumulative distributions of film errors: one panel a metric, one curve a method.

    Args:
        panels: title -> (name of the curve -> (films,) errors; NaN left out, infinity = never reached). The curve
            called ``"annotators"`` is drawn in grey, dashed.
        unit: of the errors.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(4.8 * len(panels), 3.7), layout="constrained")
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
        for ax, (title, curves) in zip(axes, panels.items(), strict=True):
            _cumulative_panel(ax, curves)
            ax.set(title=title, xlabel=f"mean error of a film ({unit})")
        axes[0].set(ylabel="films with this error or less (%)", ylim=(0, 101))
    return figure


def _cumulative_panel(ax: Axes, curves: Mapping[str, FloatArray]) -> None:
    limit = max((axis_end(values) for values in curves.values()), default=1.0)
    methods = [name for name in curves if name != ANNOTATORS]
    colour = {**dict(zip(methods, COLOURS * len(methods), strict=False)), ANNOTATORS: GREY}
    beyond = []
    for name, values in curves.items():
        x, share = cumulative(values)
        style = (0, (4, 2)) if name == ANNOTATORS else "-"
        # From (0, 0), and on to the edge: a share stays what it is to the right of the last film.
        x, share = np.r_[0.0, x, max(limit, x[-1] if x.size else 0.0)], np.r_[0.0, share, share[-1:] if x.size else 0.0]
        ax.step(x, 100 * share, where="post", color=colour[name], linestyle=style, linewidth=1.8, label=name)
        if outside := int((values > limit).sum()):
            beyond.append(f"{outside} ({name})" if len(curves) > 1 else str(outside))
    ax.set_xlim(0, limit)
    ax.legend(loc="lower right")
    if beyond:
        note = f"films beyond this axis: {', '.join(beyond)}"
        ax.text(0.98, 0.36, note, transform=ax.transAxes, ha="right", color=GREY, size=9)


def axis_end(values: FloatArray) -> float:
    """Right end of the axis: the largest error, unless a few wild films would squeeze all others into a corner."""
    finite = values[np.isfinite(values)]
    return 1.04 * min(float(finite.max()), 3 * float(np.quantile(finite, 0.9))) if finite.size else 1.0


def landmark_figure(table: pd.DataFrame, unit: str, scheme: Scheme) -> Figure:
    """Draw the mean error per landmark with its interval, point-to-point and, where there is one, point-to-curve.

    Args:
        table: :attr:`landvote.evaluation.Evaluation.landmarks`.
        unit: of the errors.
        scheme: its outlines are marked along the axis where landmarks are too many to be named.
    """
    with mpl.rc_context(STYLE):
        named = len(table) <= MOST_NAMES
        figure = Figure(figsize=(9.6, 3.9 if named else 3.5), layout="constrained")
        ax = figure.subplots()
        place = np.arange(len(table))
        for kind, colour, shift in [("point_to_point", COLOURS[0], -0.12), ("point_to_curve", COLOURS[1], 0.12)]:
            if f"{kind}_mean_{SUFFIX[unit]}" in table:
                mean, low, high = (table[f"{kind}_{c}_{SUFFIX[unit]}"].to_numpy() for c in ("mean", "low", "high"))
                ax.vlines(place + shift, low, high, color=colour, alpha=0.45, linewidth=2.2)
                ax.plot(place + shift, mean, "o", color=colour, markersize=3.4, label=kind.replace("_", "-"))
        ax.set(ylabel=f"mean error ({unit})", xlim=(-1, len(table)))
        ax.set_ylim(bottom=0)
        ax.grid(visible=False, axis="x")
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.2)
        if named:
            long = max(map(len, table["landmark"])) * len(table) > 90
            ax.set_xticks(place, table["landmark"], rotation=60 if long else 0, ha="right" if long else "center")
            ax.set_xlabel("landmark")
        else:
            mark_outlines(ax, table, scheme)
    return figure


def mark_outlines(ax: Axes, table: pd.DataFrame, scheme: Scheme) -> None:
    """Name runs of landmarks on one outline below the axis, every other run shaded."""
    ax.set_xlabel("landmark, in the order of the scheme")
    for i, outline in enumerate(o.name for o in scheme.outlines):
        members = np.flatnonzero(table["outline"].to_numpy() == outline)
        if len(members):
            if i % 2 == 0:
                ax.axvspan(members[0] - 0.5, members[-1] + 0.5, color="#f3f4f6", zorder=0)
            below_top = ax.get_xaxis_transform()
            ax.text(members.mean(), 0.97, outline, transform=below_top, ha="center", va="top", color=GREY)


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
            steps = (1, 2, 5) if ends[1] > 10 * ends[0] else (1, 1.5, 2, 3, 4, 5, 7)
            for axis in (ax.xaxis, ax.yaxis):
                axis.set_major_locator(mpl.ticker.LogLocator(base=10, subs=steps))
                axis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
                axis.set_minor_locator(mpl.ticker.NullLocator())
            ax.legend(loc="upper left")
        ax.set(xlabel="mean expected error (px)", ylabel="mean actual error (px)")
    return figure


def save_figure(figure: Figure, file: Path, dpi: float | None = None, style: dict[Any, Any] = STYLE) -> None:
    """Write a figure as PNG or SVG, whole or not at all; the same figure gives the same file.

    Args:
        figure: what to write.
        file: ends in ``.png`` or ``.svg``.
        dpi: dots per inch of a PNG; by default the figure's own.
        style: the one it was made with: ticks are made anew when a figure is drawn.
    """
    kind = file.suffix.removeprefix(".")
    with mpl.rc_context(style), atomic_write(file) as temporary:
        figure.savefig(temporary, format=kind, dpi=dpi or "figure", metadata=_NO_DATE[kind])


def as_data_uri(figure: Figure, kind: str = "svg") -> str:
    """Return a figure as ``data:`` address, so that a page needs no file beside it; ``kind`` is ``svg`` or ``jpeg``."""
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE):
        if kind == "svg":
            figure.savefig(buffer, format="svg", metadata=_NO_DATE[kind])
        else:
            figure.savefig(buffer, format="jpeg", pil_kwargs={"quality": 88, "subsampling": 0})
    mime = {"svg": "image/svg+xml", "jpeg": "image/jpeg"}[kind]
    return f"data:{mime};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
