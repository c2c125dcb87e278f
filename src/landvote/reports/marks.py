"""Marks that several charts share: cumulative curves, outlines, runs of landmarks, the ends and ticks of axes."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import matplotlib.ticker
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis

from landvote.data.points import Points
from landvote.data.scheme import Scheme
from landvote.evaluation.metrics import FloatArray
from landvote.evaluation.statistics import cumulative
from landvote.reports.style import GREY, Line


def cumulative_curve(ax: Axes, errors: FloatArray, limit: float, line: Line, label: str) -> None:
    """Draw the share of (films,) errors up to each error, in per cent, from (0, 0) to the limit at least.

    NaN are left out; infinite errors count, so the curve ends below 100. A share stays constant beyond the last film.
    """
    x, share = cumulative(errors)
    x, share = np.r_[0.0, x, max(limit, x[-1] if x.size else 0.0)], np.r_[0.0, share, share[-1:] if x.size else 0.0]
    ax.step(x, 100 * share, where="post", color=line.colour, linestyle=line.dash, label=label)


def draw_outlines(ax: Axes, points: Points, scheme: Scheme, label: str = "", **style: Any) -> None:  # noqa: ANN401 - of a line
    """Draw the outlines of (n, 2) points, each by one line; NaN breaks it. The first carries the label, if any."""
    for i, outline in enumerate(scheme.outlines):
        ax.plot(*points[outline.ring()].T, label=label if label and i == 0 else "_", **style)


def shade_outlines(ax: Axes, outlines: Sequence[str], scheme: Scheme) -> None:
    """Name runs of landmarks on one outline along the x axis, every other run shaded.

    ``outlines`` is the name of the outline of each landmark, in the order of the axis from x = 0; empty for none.
    """
    for i, outline in enumerate(o.name for o in scheme.outlines):
        members = np.flatnonzero(np.asarray(outlines) == outline)
        if len(members):
            if i % 2 == 0:
                ax.axvspan(members[0] - 0.5, members[-1] + 0.5, color="#f3f4f6", zorder=0)
            below_top = ax.get_xaxis_transform()
            ax.text(members.mean(), 0.97, outline, transform=below_top, ha="center", va="top", color=GREY)


def axis_end(values: FloatArray) -> float:
    """Return the right end of an axis: the largest error, unless a few wild films would squeeze all others."""
    finite = values[np.isfinite(values)]
    return 1.04 * min(float(finite.max()), 3 * float(np.quantile(finite, 0.9))) if finite.size else 1.0


def log_limits(values: FloatArray) -> tuple[float, float]:
    """Return the ends of a logarithmic axis: room for all figures, and for as much of their intervals as is of use."""
    some = values[np.isfinite(values) & (values > 0)]
    return (float(some.min()) / 2, float(some.max()) * 2) if some.size else (0.1, 10.0)


def log_ticks(axis: Axis, low: float, high: float) -> None:
    """Name as many places of a logarithmic axis as are of use."""
    ratio = high / max(low, 1e-9)
    steps = (1,) if ratio > 300 else (1, 2, 5) if ratio > 8 else (1, 1.5, 2, 3, 4, 5, 7)
    axis.set_major_locator(mpl.ticker.LogLocator(base=10, subs=steps))
    axis.set_major_formatter(mpl.ticker.FormatStrFormatter("%g"))
    axis.set_minor_locator(mpl.ticker.NullLocator())
