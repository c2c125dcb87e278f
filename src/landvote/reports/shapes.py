"""The charts of a shape study: mean and modes, all shapes on their mean, the quality of the model."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landvote.data.points import Points
from landvote.data.scheme import Scheme
from landvote.reports.marks import draw_outlines
from landvote.reports.style import COLOURS, GREY, STYLE
from landvote.shapes import Aligned, ShapeModel

_DRAWN = 6  # modes with a picture of their own
_SD = 3  # how far along a mode a picture goes


def modes_figure(model: ShapeModel, scheme: Scheme) -> Figure:
    """Draw the first modes: the mean in grey, 3 SD to either side in colour."""
    count = max(1, min(model.modes_count, _DRAWN))
    extent = np.ptp(model.mean, axis=0)
    height = float(np.clip(2.6 * extent[1] / max(extent[0], 1e-9), 2.0, 7.0))
    columns = min(count, 6 if height > 4 else 3)
    rows = -(-count // columns)
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(figsize=(2.9 * columns, (height + 0.5) * rows), dpi=110, layout="constrained")
        for k, ax in enumerate(np.ravel(figure.subplots(rows, columns, squeeze=False))):
            ax.axis("off")
            if k >= max(model.modes_count, 1):
                continue
            ax.set_aspect("equal")
            if model.modes_count:
                share = model.variances[k] / model.total
                ends = [model.mean + sign * _SD * np.sqrt(model.variances[k]) * model.modes[k] for sign in (-1, 1)]
                for end, sign, colour in zip(ends, "−+", COLOURS, strict=False):
                    _draw_shape(ax, end, scheme, colour, f"{sign}{_SD} SD")
                if not scheme.outlines:  # nothing else says which dots belong together
                    ax.plot(*np.stack(ends).transpose(2, 0, 1), color=GREY, linewidth=0.7, zorder=1)
                ax.set_title(f"mode {k + 1}: {share:.0%}")
            _draw_shape(ax, model.mean, scheme, GREY, "mean")
            ax.invert_yaxis()
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)  # beside the shapes, which fill their axes
    return figure


def aligned_figure(aligned: Aligned, scheme: Scheme) -> Figure:
    """Draw all shapes laid on their mean."""
    extent = np.ptp(aligned.mean, axis=0)
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        height = float(np.clip(5.5 * extent[1] / max(extent[0], 1e-9), 3, 10))
        figure = Figure(figsize=(5.5, height), dpi=110, layout="constrained")
        ax = figure.subplots()
        ax.axis("off")
        ax.set(aspect="equal", title=f"{len(aligned.shapes)} shapes on their mean")
        cloud = aligned.shapes.reshape(-1, 2)
        ax.plot(*cloud.T, ".", color=COLOURS[5], markersize=2, alpha=min(1.0, 60 / len(aligned.shapes)), zorder=1)
        _draw_shape(ax, aligned.mean, scheme, "#1f2937", "mean")
        ax.invert_yaxis()
    return figure


def curves_figure(curves: pd.DataFrame) -> Figure:
    """Draw compactness, generalisation and specificity against the number of modes."""
    labels = ("share of the variance", "distance of unseen shapes", "distance of random shapes")
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 3.2), dpi=110, layout="constrained")
        names = ("compactness", "generalisation", "specificity")
        for ax, name, label, colour in zip(figure.subplots(1, 3), names, labels, COLOURS, strict=False):
            ax.plot(curves["modes"], curves[name], color=colour, marker="o", markersize=3)
            ax.set(title=name.capitalize(), ylabel=label, xlabel="modes", ylim=(0, None))
    return figure


def _draw_shape(ax: Axes, points: Points, scheme: Scheme, colour: str, label: str) -> None:
    """Draw a shape as the scheme's outlines, or as dots where it has none."""
    ax.plot(*points.T, ".", color=colour, markersize=2.5, label=None if scheme.outlines else label)
    draw_outlines(ax, points, scheme, label, color=colour, linewidth=1.3)
