"""Landmark tables: wide CSV (one row per film), long CSV (one row per landmark), and the writer of the wide form.

Wide: ``image[, annotator], x0, y0, x1, y1, ...``. Long: ``image, landmark, x, y[, annotator]``, where a landmark is a
name or an index. Columns are separated by commas, semicolons or tabs. An empty cell, ``nan`` or ``NA`` is a missing
point. Image pixels, x right, y down.
"""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from landvote.data.points import Points
from landvote.data.scheme import Scheme
from landvote.errors import PointsError, nearest
from landvote.formats.tables import records
from landvote.runtime.files import atomic_write

_MISSING = frozenset({"", "nan", "na"})
_LONG = {"image", "landmark", "x", "y"}


@dataclass(frozen=True)
class PointRow:
    """What one annotator marked on one film.

    Attributes:
        image: the film, as the file calls it.
        annotator: of the points; empty where the file does not say.
        points: (n, 2) in image coordinates, in the order of the file; NaN where missing.
        where: file and line, for messages.
    """

    image: str
    annotator: str
    points: Points
    where: str


@dataclass(frozen=True)
class PointTable:
    """All rows of a point file, and what its n landmarks are called where no scheme says."""

    rows: tuple[PointRow, ...]
    landmarks: tuple[str, ...]


def read_csv(path: Path, scheme: Scheme | None = None) -> PointTable:
    """Read a wide or long CSV, told apart by the header.

    Raises:
        PointsError: as :func:`read_wide_csv` and :func:`read_long_csv`.
    """
    header, _ = records(path, PointsError)
    return read_long_csv(path, scheme) if set(header) >= _LONG else read_wide_csv(path)


def read_wide_csv(path: Path) -> PointTable:
    """Read ``image[, annotator], x0, y0, x1, y1, ...``, one row per film and annotator.

    Raises:
        PointsError: no such header; a row with too few, too many or non-numeric values, or half a point; a film given
            twice by one annotator. Names file, line, value found and value expected.
    """
    header, lines = records(path, PointsError)
    n = (len(header) - 1) // 2
    columns = [f"{axis}{i}" for i in range(n) for axis in "xy"]
    first = ["image", "annotator"] if "annotator" in header else ["image"]
    if n < 1 or header != first + columns:
        expected = "'image, x0, y0, x1, y1, ...' or 'image, annotator, x0, y0, ...' or 'image, landmark, x, y'"
        raise PointsError(f"{path}, line 1: columns {', '.join(header)[:80]!r}, expected {expected}")
    rows: dict[tuple[str, str], PointRow] = {}
    for where, cells in lines:
        values = cells[len(first) :]
        points = [_point(where, f"{i}", *values[2 * i : 2 * i + 2]) for i in range(n)]
        row = PointRow(_image(where, cells[0]), cells[1] if len(first) > 1 else "", np.array(points), where)
        before = rows.setdefault((row.image, row.annotator), row)
        if before is not row:
            by = f" by {row.annotator!r}" if row.annotator else ""
            raise PointsError(f"{where}: {row.image!r}{by} was given before ({before.where}), expected once")
    return PointTable(tuple(rows.values()), tuple(map(str, range(n))))


def read_long_csv(path: Path, scheme: Scheme | None = None) -> PointTable:
    """Read ``image, landmark, x, y[, annotator]``, one row per landmark; landmarks without a row are missing.

    The scheme says which names there are and in which order. Without one, indices are taken as they are and names in
    the order in which they first appear.

    Raises:
        PointsError: no such header; an unknown landmark; a wrong or half-missing value; a landmark given twice.
    """
    header, lines = records(path, PointsError)
    if not _LONG <= set(header) <= _LONG | {"annotator"}:
        columns = ", ".join(header)
        raise PointsError(f"{path}, line 1: columns {columns!r}, expected 'image, landmark, x, y[, annotator]'")
    entries = [(where, dict(zip(header, cells, strict=True))) for where, cells in lines]
    number, landmarks = _numbering([e["landmark"] for _, e in entries], scheme)
    rows: dict[tuple[str, str], PointRow] = {}
    given: set[tuple[str, str, int]] = set()
    for where, entry in entries:
        image, annotator, name = _image(where, entry["image"]), entry.get("annotator", ""), entry["landmark"]
        if name not in number:
            hint = nearest(name, number) or f", expected one of {len(landmarks)} known landmarks"
            raise PointsError(f"{where}: unknown landmark {name!r}{hint}")
        if (image, annotator, number[name]) in given:
            raise PointsError(f"{where}: landmark {name!r} of {image!r} is given twice, expected once per annotator")
        given.add((image, annotator, number[name]))
        unknown = PointRow(image, annotator, np.full((len(landmarks), 2), np.nan), where)
        row = rows.setdefault((image, annotator), unknown)
        row.points[number[name]] = _point(where, name, entry["x"], entry["y"])
    return PointTable(tuple(rows.values()), landmarks)


def write_wide_csv(path: Path, rows: Iterable[tuple[str, str | None, Points]]) -> int:
    """Write (image, annotator or None, points) rows as a wide CSV, whole or not at all; return how many.

    The annotator column is written if any row names one. Coordinates keep three decimals; missing points are empty.

    Raises:
        PointsError: there are no rows, or they differ in their number of points.
    """
    kept = list(rows)
    if not kept or len({len(points) for _, _, points in kept}) != 1:
        raise PointsError(f"{path}: expected one or more rows of equally many points")
    named = any(annotator for _, annotator, _ in kept)
    header = ["image", *(["annotator"] if named else [])]
    header += [f"{axis}{i}" for i in range(len(kept[0][2])) for axis in "xy"]
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for image, annotator, points in kept:
            numbers = [f"{v:.3f}" if math.isfinite(v) else "" for v in points.ravel()]
            writer.writerow([image, *([annotator or ""] if named else []), *numbers])
    return len(kept)


def _point(where: str, name: str, x: str, y: str) -> tuple[float, float]:
    first, second = _number(where, name, x), _number(where, name, y)
    if math.isnan(first) != math.isnan(second):
        raise PointsError(f"{where}: point {name} has x = {x!r} and y = {y!r}, expected both or neither")
    return first, second


def _number(where: str, name: str, text: str) -> float:
    if text.lower() in _MISSING:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if not math.isfinite(value):
        raise PointsError(f"{where}: point {name} has the value {text!r}, expected a number, or nothing if missing")
    return value


def _image(where: str, name: str) -> str:
    if not name:
        raise PointsError(f"{where}: names no image, expected its file name")
    return name


def _numbering(names: Sequence[str], scheme: Scheme | None) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return landmark name or index -> row of the points, and what the rows are called."""
    if scheme is not None:
        number = {str(i): i for i in range(scheme.file_points)}
        number |= dict(zip(scheme.landmarks, scheme.columns, strict=True))
        return number, tuple(map(str, range(scheme.file_points)))
    if names and all(name.isdecimal() for name in names):
        n = max(map(int, names)) + 1
        return {name: int(name) for name in names}, tuple(map(str, range(n)))
    order = tuple(dict.fromkeys(names))
    return {name: i for i, name in enumerate(order)}, order
