"""``landvote shape``: measure how a set of shapes varies; pictures, curves and one row of numbers per film."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from landvote.errors import ShapeError
from landvote.files import refuse_existing, write_text
from landvote.readers.points import write_wide_csv
from landvote.readers.shapes import ShapeTable
from landvote.reports.shapes import aligned_figure, curves_figure, modes_figure
from landvote.reports.style import save_figure
from landvote.scheme import Scheme
from landvote.shapes import Aligned, Fit, ShapeModel, align
from landvote.shapes.measure import compactness, generalisation, specificity

Array = npt.NDArray[np.float64]

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
        ExistsError: a file is there already.
    """
    if not force:
        for name in _FILES:
            refuse_existing(out / name)
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
