"""``landvote shape``: what varies in a set of shapes, as pictures, curves and one row of numbers per film."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from landvote.errors import ShapeError
from landvote.evaluation.plots import COLOURS, GREY, STYLE, save_figure
from landvote.files import refuse_existing, write_text
from landvote.readers.points import write_wide_csv
from landvote.readers.shapes import ShapeTable
from landvote.sample import Points
from landvote.scheme import Scheme
from landvote.shapes import Aligned, Fit, ShapeModel, align
from landvote.shapes.measure import compactness, generalisation, specificity

Array = npt.NDArray[np.float64]

_DRAWN = 6  # modes with a picture of their own
_SD = 3  # how far along a mode a picture goes
_FILES = ("modes.png", "aligned.png", "curves.png", "curves.csv", "parameters.csv", "aligned.csv", "shape.npz",
          "summary.json")  # fmt: skip


def study(
    table: ShapeTable, out: Path, share: float = 0.98, *, mirrored: bool = False, force: bool = False
) -> dict[str, Any]:
    """Learn a shape model and write what it says about the shapes into ``out``.

    Args:
        table: the shapes.
        out: folder for ``modes.png`` (mean and modes, +-3 SD), ``aligned.png`` (all shapes on their mean),
            ``curves.png`` and ``curves.csv`` (compactness, generalisation, specificity), ``parameters.csv`` (one row a
            film: size, parameters in SDs, distance from the mean, whether plausible), ``aligned.csv`` (points after
            Procrustes alignment), ``shape.npz`` (the model) and ``summary.json``.
        share: of the variance that the modes cover.
        mirrored: learn from each shape's mirror image too, by the pairs that the scheme names.
        force: overwrite the files of an earlier study.

    Returns:
        What stands in ``summary.json``.

    Raises:
        ShapeError: no model can be learned from the shapes, or they cannot be mirrored.
        DataError: a file is there already.
    """
    if not force:
        for name in _FILES:
            refuse_existing(out / name, "--force to overwrite it")
    aligned = align(table.points)
    model = ShapeModel.fit(table.points, share, mirror=_swap(table.scheme) if mirrored else None)
    curves = measured(table.points, aligned, model)
    fits = [model.match(table.points[i]) for i in aligned.kept]
    out.mkdir(parents=True, exist_ok=True)
    save_figure(modes_figure(model, table.scheme), out / "modes.png")
    save_figure(aligned_figure(aligned, table.scheme), out / "aligned.png")
    save_figure(curves_figure(curves), out / "curves.png")
    write_text(out / "curves.csv", curves.to_csv(index=False, float_format="%.6g", lineterminator="\n"))
    write_text(
        out / "parameters.csv",
        parameters(table, aligned, model, fits).to_csv(index=False, float_format="%.5g", lineterminator="\n"),
    )
    write_wide_csv(
        out / "aligned.csv", [(table.films[i], None, s) for i, s in zip(aligned.kept, aligned.shapes, strict=True)]
    )
    model.save(out / "shape.npz")
    edge = 0.999 * model.limit
    left_out = sorted(set(range(len(table.films))) - set(aligned.kept.tolist()))
    summary = {
        "films": len(aligned.kept),
        "left_out": [table.films[i] for i in left_out],
        "landmarks": len(table.scheme),
        "modes": model.modes_count,
        "share": share,
        "residual": float(np.sqrt(model.scatter.mean())),
        "implausible": [
            table.films[i]
            for i, fit in zip(aligned.kept, fits, strict=True)
            if model.modes_count and model.distance(fit.parameters) > edge
        ],
    }  # fmt: skip
    write_text(out / "summary.json", json.dumps(summary, indent=1) + "\n")
    return summary


def _swap(scheme: Scheme) -> npt.NDArray[np.intp]:
    """Return which landmark takes each one's place in a mirror."""
    if not scheme.mirrored:
        raise ShapeError(f"scheme {scheme.name!r} names no mirrored pairs, expected them to learn from mirror images")
    return scheme.mirror()


def measured(shapes: Array, aligned: Aligned, model: ShapeModel) -> pd.DataFrame:
    """Return one row per number of modes, 0 and up: compactness, generalisation and specificity."""
    if len(aligned.kept) < 3:
        raise ShapeError(f"{len(aligned.kept)} shapes, expected three at least to tell how well a model generalises")
    return pd.DataFrame(
        {
            "modes": range(model.modes_count + 1),
            "compactness": compactness(model),
            "generalisation": generalisation(shapes[aligned.kept], model.modes_count),
            "specificity": specificity(model, aligned),
        }
    )


def parameters(table: ShapeTable, aligned: Aligned, model: ShapeModel, fits: list[Fit]) -> pd.DataFrame:
    """Return one row per film: size against the mean, angle, parameters in SDs, Mahalanobis distance, what is known."""
    rows = []
    for index, fit in zip(aligned.kept, fits, strict=True):
        known = np.isfinite(table.points[index]).all(axis=1)
        error = np.linalg.norm((fit.points - table.points[index])[known], axis=1)
        c, s = fit.pose.matrix[:, 0]
        row: dict[str, Any] = {
            "image": table.films[index], "points": int(known.sum()), "scale": fit.pose.scale,
            "angle": float(np.degrees(np.arctan2(s, c))), "residual": float(error.mean()),
            "distance": model.distance(fit.parameters), "limit": model.limit,
        }  # fmt: skip
        row |= {f"b{k + 1}": b for k, b in enumerate(fit.parameters / np.sqrt(model.variances))}
        rows.append(row | table.attributes[index])
    return pd.DataFrame(rows)


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
                    draw_shape(ax, end, scheme, colour, label=f"{sign}{_SD} SD")
                if not scheme.outlines:  # nothing else says which dots belong together
                    ax.plot(*np.stack(ends).transpose(2, 0, 1), color=GREY, linewidth=0.7, zorder=1)
                ax.set_title(f"mode {k + 1}: {share:.0%}")
            draw_shape(ax, model.mean, scheme, GREY, label="mean")
            ax.invert_yaxis()
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)  # beside the shapes, which fill their axes
    return figure


def aligned_figure(aligned: Aligned, scheme: Scheme) -> Figure:
    """Draw all shapes laid on their mean."""
    extent = np.ptp(aligned.mean, axis=0)
    with mpl.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(
            figsize=(5.5, float(np.clip(5.5 * extent[1] / max(extent[0], 1e-9), 3, 10))), dpi=110, layout="constrained"
        )
        ax = figure.subplots()
        ax.axis("off")
        ax.set_aspect("equal")
        cloud = aligned.shapes.reshape(-1, 2)
        ax.plot(*cloud.T, ".", color=COLOURS[5], markersize=2, alpha=min(1.0, 60 / len(aligned.shapes)), zorder=1)
        draw_shape(ax, aligned.mean, scheme, "#1f2937", label="mean")
        ax.set_title(f"{len(aligned.shapes)} shapes on their mean")
        ax.invert_yaxis()
    return figure


def curves_figure(curves: pd.DataFrame) -> Figure:
    """Draw compactness, generalisation and specificity against the number of modes."""
    what = {
        "compactness": "share of the variance",
        "generalisation": "distance of unseen shapes",
        "specificity": "distance of random shapes",
    }
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(11, 3.2), dpi=110, layout="constrained")
        for ax, (name, label), colour in zip(figure.subplots(1, 3), what.items(), COLOURS, strict=False):
            ax.plot(curves["modes"], curves[name], color=colour, marker="o", markersize=3)
            ax.set_title(name.capitalize())
            ax.set_ylabel(label)
            ax.set_xlabel("modes")
            ax.set_ylim(bottom=0)
    return figure


def draw_shape(ax: Axes, points: Points, scheme: Scheme, colour: str, label: str) -> None:
    """Draw a shape as the scheme's outlines, or as dots where it has none."""
    ax.plot(*points.T, ".", color=colour, markersize=2.5, label=None if scheme.outlines else label)
    for i, outline in enumerate(scheme.outlines):
        index = [*outline.points, outline.points[0]] if outline.closed else list(outline.points)
        ax.plot(*points[index].T, color=colour, linewidth=1.3, label=label if i == 0 else None)
