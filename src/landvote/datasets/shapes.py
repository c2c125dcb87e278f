"""Shapes without their films: a DATA folder, a folder of .pts files, or a CSV of points, as one array."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from landvote.data.points import FloatArray, Points, mean_points
from landvote.data.scheme import Scheme
from landvote.datasets.folder import read_folder
from landvote.errors import PointsError
from landvote.formats.points import read_csv
from landvote.formats.pts import check_origin, read_pts


@dataclass(frozen=True)
class ShapeTable:
    """The shapes of several films.

    Attributes:
        films: (m) what each is called.
        points: (m, n, 2), the mean over the annotators, in the coordinates of the file; NaN where missing.
        scheme: what the points mean.
        attributes: per film, what else is known of it.
    """

    films: tuple[str, ...]
    points: FloatArray
    scheme: Scheme
    attributes: tuple[dict[str, str], ...]


def read_shapes(path: Path, scheme: Scheme | None = None, origin: int = 0) -> ShapeTable:
    """Read the shapes of a DATA folder, a folder with .pts files (in subfolders too), a .pts file, or a CSV of points.

    No film is decoded. ``scheme`` says what the points mean; else the folder's own, else they are numbered. ``origin``
    is what the file calls the first pixel, 0 or 1.

    Raises:
        DataError: nothing there, points that cannot be read, or differ in number between films.
    """
    check_origin(origin)
    if (path / "images").is_dir():
        samples = [s for s in read_folder(path, scheme, origin=origin, require_points=True) if s.annotations]
        attributes = tuple({"subject": s.subject, **s.attributes} for s in samples)
        points = np.stack([s.points for s in samples])
        return ShapeTable(tuple(s.identifier for s in samples), points, samples[0].scheme, attributes)
    if scheme is None and (path / "scheme.toml").is_file():
        scheme = Scheme.read(path / "scheme.toml")
    found = _from_csv(path, scheme, origin) if path.suffix.lower() == ".csv" else _from_pts(path, origin)
    if not found:
        raise PointsError(f"{path}: no shapes, expected a DATA folder, .pts files or a CSV of points")
    scheme = scheme or Scheme.numbered(len(next(iter(found.values()))))
    for film, p in found.items():
        if len(p) != scheme.file_points:
            raise PointsError(f"{path}: {film} has {len(p)} points, expected {scheme.file_points}")
    points = np.stack(list(found.values()))[:, list(scheme.columns)]
    return ShapeTable(tuple(found), points, scheme, tuple({} for _ in found))


def _from_csv(path: Path, scheme: Scheme | None, origin: int) -> dict[str, Points]:
    rows: dict[str, list[Points]] = {}
    for row in read_csv(path, scheme).rows:
        rows.setdefault(row.image, []).append(row.points - origin)
    return {film: mean_points(points, len(points[0])) for film, points in rows.items()}


def _from_pts(path: Path, origin: int) -> dict[str, Points]:
    files = [path] if path.is_file() else sorted(path.rglob("*.pts"))
    return {(f.name if path.is_file() else f.relative_to(path).as_posix()): read_pts(f, origin) for f in files}
