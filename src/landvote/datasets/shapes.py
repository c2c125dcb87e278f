"""Shapes without their films: the points of a DATA folder, or of a file or folder in any format, as one array."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from landvote.data.points import FloatArray, Points, mean_points
from landvote.data.sample import numbered
from landvote.data.scheme import Scheme
from landvote.datasets.folder import read_folder
from landvote.datasets.place import Place
from landvote.datasets.plausible import annotators_apart
from landvote.errors import DataError, PointsError
from landvote.formats.family import FORMATS
from landvote.formats.format import check_centre
from landvote.formats.points import far_point
from landvote.formats.reading import read_points


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


def read_shapes(
    path: Path, scheme: Scheme | None = None, centre: float | None = None, *, films: Path | None = None,
    kind: str | None = None,
) -> ShapeTable:  # fmt: skip
    """Read the shapes of DATA, or of a file or folder of points in any format (subfolders too), without films.

    No film is decoded but by a format that needs its size. ``scheme`` says what the points mean; else the folder's own,
    else they are numbered. ``films``, ``kind`` and ``centre`` as in :func:`landvote.datasets.folder.read_folder`.

    Raises:
        DataError: nothing there, points that cannot be read, or differ in number between films.
        SettingError: another ``centre`` or ``kind``.
    """
    check_centre(centre)
    place = Place.of(path, films, kind, centre) if path.is_dir() or films else None
    if place and place.films_if_any():
        found = read_folder(path, scheme, films=films, kind=kind, centre=centre, require_points=True)
        samples = [s for s in found if s.annotations]
        subjects = numbered([s.subject for s in samples])  # their names may be patients'
        attributes = tuple({"subject": str(n), **s.attributes} for n, s in zip(subjects, samples, strict=True))
        points = np.stack([s.points for s in samples])
        return ShapeTable(tuple(s.identifier for s in samples), points, samples[0].scheme, attributes)
    scheme = scheme or (place.scheme() if place else None)
    problems: list[DataError] = []
    if place:
        table = place.read_points(None, problems, [], scheme)
    else:
        table = read_points(path, kind, centre=centre, scheme=scheme)
    if problems or table is None:
        known = f"no points, expected those of a known format ({', '.join(FORMATS)})"
        raise problems[0] if problems else PointsError(f"{path}: {known}")
    if scheme is None:
        scheme = Scheme.numbered(len(table.landmarks))
    shapes: dict[str, dict[str, Points]] = {}
    for row in table.rows:
        if far := far_point(row, table.landmarks):
            raise far
        selected = row.points if len(row.points) == len(scheme) else row.points[list(scheme.columns)]
        shapes.setdefault(row.image, {})[row.annotator] = selected
    if not shapes:
        raise PointsError(f"{path}: no shapes, expected a row or a file for each film")
    if apart := annotators_apart(shapes):
        raise apart[0]
    points = np.stack([mean_points(list(given.values()), len(scheme)) for given in shapes.values()])
    return ShapeTable(tuple(shapes), points, scheme, tuple({} for _ in shapes))
