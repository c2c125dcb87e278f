"""Shapes without their films: the points of a DATA folder, or of a file or folder in any format, as one array."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from landvote.data.points import FloatArray, Points, mean_points
from landvote.data.sample import numbered
from landvote.data.scheme import Scheme
from landvote.datasets.folder import own_scheme, read_folder
from landvote.errors import PointsError
from landvote.formats.family import read_points
from landvote.formats.format import check_centre
from landvote.formats.points import far_point


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


def read_shapes(path: Path, scheme: Scheme | None = None, centre: float | None = None) -> ShapeTable:
    """Read the shapes of a DATA folder, or of a file or folder of points in any format (subfolders too).

    No film is decoded. ``scheme`` says what the points mean; else the folder's own, else they are numbered. ``centre``
    is what the files call the centre of the first pixel, 0, 0.5 or 1; else what their format does.

    Raises:
        DataError: nothing there, points that cannot be read, or differ in number between films.
        SettingError: another ``centre``.
    """
    check_centre(centre)
    if (path / "images").is_dir():
        samples = [s for s in read_folder(path, scheme, centre=centre, require_points=True) if s.annotations]
        subjects = numbered([s.subject for s in samples])  # their names may be patients'
        attributes = tuple({"subject": str(n), **s.attributes} for n, s in zip(subjects, samples, strict=True))
        points = np.stack([s.points for s in samples])
        return ShapeTable(tuple(s.identifier for s in samples), points, samples[0].scheme, attributes)
    scheme = scheme or own_scheme(path)
    table = read_points(path, centre=centre, scheme=scheme)
    if scheme is None:
        scheme = Scheme.numbered(len(table.landmarks))
    films: dict[str, list[Points]] = {}
    for row in table.rows:
        if far := far_point(row, table.landmarks):
            raise far
        selected = row.points if len(row.points) == len(scheme) else row.points[list(scheme.columns)]
        films.setdefault(row.image, []).append(selected)
    if not films:
        raise PointsError(f"{path}: no shapes, expected a row or a file for each film")
    points = np.stack([mean_points(given, len(scheme)) for given in films.values()])
    return ShapeTable(tuple(films), points, scheme, tuple({} for _ in films))
