"""``landvote shape``: measure how a set of shapes varies; pictures, curves and one row of numbers per film."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from landvote.data.points import FloatArray
from landvote.datasets.shapes import ShapeTable
from landvote.errors import ShapeError
from landvote.formats.kinds.wide_csv import WideCsv
from landvote.formats.points import PointTable
from landvote.reports.shapes import aligned_figure, curves_figure, modes_figure
from landvote.reports.style import save_figure
from landvote.reports.tables import write_csv
from landvote.runtime.files import expect_folder, refuse_existing, write_json
from landvote.shapes import Aligned, Fit, ShapeModel, align
from landvote.shapes.measure import compactness, generalisation, specificity

_FILES = ("modes.png", "aligned.png", "curves.png", "curves.csv", "parameters.csv", "aligned.csv", "shape.npz",
          "summary.json")  # fmt: skip


def study(
    table: ShapeTable, out: Path, share: float = 0.98, *, mirrored: bool = False, force: bool = False
) -> dict[str, Any]:
    """Learn a shape model, write what it says about the shapes into ``out``, and return what ``summary.json`` holds.

    The folder gets ``modes.png`` (mean and modes, +-3 SD), ``aligned.png`` (all shapes on their mean), ``curves.png``
    and ``curves.csv`` (compactness, generalisation, specificity), ``parameters.csv`` (one row a film: size, parameters
    in SDs, distance from the mean), ``aligned.csv`` (points after Procrustes alignment) and ``shape.npz`` (the model).
    The modes cover a ``share`` of the variance, of mirror images too if ``mirrored``, by the pairs of the scheme.

    Raises:
        ShapeError: no model can be learned from the shapes, or they cannot be mirrored.
        ExistsError: a file is there already, and ``force`` is not asked for.
    """
    expect_folder(out)
    if not force:
        for name in _FILES:
            refuse_existing(out / name)
    scheme, points = table.scheme, table.points
    if mirrored and not scheme.mirrored:
        raise ShapeError(f"scheme {scheme.name!r} names no mirrored pairs, expected them to learn from mirror images")
    aligned = align(points)
    model = ShapeModel.fit(points, share, mirror=scheme.mirror() if mirrored else None)
    curves = measured(points, aligned, model)
    films, fits = [table.films[i] for i in aligned.kept], [model.match(points[i]) for i in aligned.kept]
    save_figure(modes_figure(model, scheme), out / "modes.png")
    save_figure(aligned_figure(aligned, scheme), out / "aligned.png")
    save_figure(curves_figure(curves), out / "curves.png")
    write_csv(out / "curves.csv", curves)
    write_csv(out / "parameters.csv", parameters(table, aligned, model, fits), digits=5)
    shapes = PointTable.numbered((film, "", shape) for film, shape in zip(films, aligned.shapes, strict=True))
    WideCsv().write(out / "aligned.csv", shapes)
    model.save(out / "shape.npz")
    distances = [model.distance(fit.parameters) for fit in fits]
    summary = {
        "films": len(films), "left_out": [f for i, f in enumerate(table.films) if i not in aligned.kept],
        "landmarks": len(scheme), "modes": model.modes_count, "share": share,
        "residual": float(np.sqrt(model.scatter.mean())),
        "implausible": [f for f, d in zip(films, distances, strict=True) if 0 < 0.999 * model.limit < d],
    }  # fmt: skip
    write_json(out / "summary.json", summary)
    return summary


def measured(shapes: FloatArray, aligned: Aligned, model: ShapeModel) -> pd.DataFrame:
    """Return one row per number of modes, 0 and up: compactness, generalisation and specificity."""
    if len(aligned.kept) < 3:
        raise ShapeError(f"{len(aligned.kept)} shapes, expected three at least to tell how well a model generalises")
    further = generalisation(shapes[aligned.kept], model.modes_count)
    quality = {"compactness": compactness(model), "generalisation": further, "specificity": specificity(model, aligned)}
    return pd.DataFrame({"modes": range(model.modes_count + 1), **quality})


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
