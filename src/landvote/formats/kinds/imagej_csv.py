"""ImageJ and Fiji: tables of results (Analyze > Measure) and XY Coordinates, as text; one file per film, or of several.

::

     ,Label,Area,Mean,X,Y
    1,hip-01.png:femoral head,0,111,12.250,8.500

ImageJ measures in millimetres where an image has a scale, as most DICOM films have, and in pixels elsewhere. The table
does not say which.
"""

import csv
import math
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import numpy as np
from pydantic import Field

from landvote.errors import DataError, PointsError
from landvote.films.dicom import read_header
from landvote.formats.films import Films
from landvote.formats.format import Fact, Format, Reading
from landvote.formats.kinds.imagej_roi import is_own_name
from landvote.formats.points import Mark, PointTable, table_of
from landvote.formats.tables import separator
from landvote.runtime.files import read_text

_NUMBER = r"[-+]?\d+(\.\d*)?"
_COORDINATES = re.compile(rf"\s*{_NUMBER}\t{_NUMBER}\s*")
_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing")  # best first, as ImageJ takes them
_NO_SCALE = (1.0, 1.0)


class _Row(NamedTuple):
    """A measured point: where it stands, the film and the ROI or "", and what the table says of x and y."""

    where: str
    film: str
    roi: str
    x: float
    y: float


class ImagejCsv(Format):
    """A row per point, by the name of its ROI; where these have no names of their own, by order.

    ``unit`` is that of X and Y, by default that in which they fit into the film; ``spacing`` is millimetres per pixel,
    by default that of the film.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".txt")
    per_film: ClassVar[bool] = True
    holds: ClassVar[frozenset[Fact]] = frozenset({"names", "missing"})
    writes: ClassVar[bool] = False
    kind: Literal["imagej-csv"] = "imagej-csv"
    unit: Literal["", "pixel", "mm"] = ""
    spacing: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:  # noqa: ARG003 - told by its content
        """Say whether it has the header of such a table, or lines of two numbers and a tab alone."""
        text = start.decode("utf-8-sig", "replace")
        header = _header(text.partition("\n")[0])
        lines = text.splitlines()
        lines = lines if len(lines) < 2 or len(start) < 1 << 16 else lines[:-1]  # the last one may be cut
        return _is_results(header) or (bool(lines) and all(_COORDINATES.fullmatch(line) for line in lines))

    def read(self, path: Path, reading: Reading) -> PointTable:
        """Read the points of a film, or of several films that ``Label`` names.

        Raises:
            PointsError: no such table; a value that is no number; names for some points alone; films that differ in
                their number of points without names; X and Y that may be pixels as well as millimetres.
        """
        rows = _rows(path, reading)
        films = Counter(row.film for row in rows)
        names = Counter((row.film, row.roi) for row in rows)
        own = [not row.roi or is_own_name(row.roi) for row in rows]
        counted = all(own) or (len(rows) > 1 and any(n > 1 and n == films[film] for (film, _), n in names.items()))
        if counted and len(set(films.values())) > 1:
            (film, n), *others = films.items()
            other = next((name, m) for name, m in others if m != n)
            found = f"{path}: {other[1]} points of {other[0]!r}, whose names are not their own"
            raise PointsError(f"{found}, expected {n} as of {film!r}")
        if any(own) and not counted:
            unnamed = rows[own.index(True)]
            raise PointsError(f"{unnamed.where}: ROI {unnamed.roi!r} has no name of its own, expected names for all")
        scales, notes = {}, []
        for film in films:
            scales[film], note = self._scale(path, reading, film, [row for row in rows if row.film == film])
            notes.append(note)
        place: Counter[str] = Counter()
        marks = []
        for row in rows:
            dx, dy = scales[row.film]
            name = str(place[row.film]) if counted else row.roi
            place[row.film] += 1
            marks.append(Mark(row.where, row.film, "", name, (row.x / dx, row.y / dy)))
        table = table_of(marks, reading.scheme)
        notes += ["points have no names of their own: their order is taken"] if counted else []
        said = tuple(dict.fromkeys((*table.notes, *notes)))
        return replace(table, notes=said, counted=counted)

    def _scale(self, path: Path, reading: Reading, film: str, rows: list[_Row]) -> tuple[tuple[float, float], str]:
        """Return what to divide X and Y of a film by, and what is to be said of it."""
        pixels = "X and Y are taken as pixels (unit=mm says otherwise)"
        if self.unit == "pixel":
            return _NO_SCALE, "X and Y are taken as pixels, as asked"
        if self.spacing is not None:
            return (self.spacing, self.spacing), f"X and Y are taken as millimetres, {self.spacing:g} a pixel, as asked"
        try:
            found = _spacing_and_size(reading.films, film or reading.image)
        except DataError as error:
            raise PointsError(f"{path}: {error}") from error
        if found is None:
            if self.unit == "mm":
                raise PointsError(
                    f"{path}: no film gives the millimetres of {film or reading.image!r}, expected the setting spacing"
                )
            return _NO_SCALE, pixels
        spacing, size = found
        if self.unit == "mm":
            return spacing, "X and Y are taken as millimetres of the film, as asked"
        most = np.max([(row.x, row.y) for row in rows], axis=0)
        as_pixels, as_millimetres = (bool((most <= np.array(size) * step).all()) for step in (1, spacing))
        if as_pixels == as_millimetres and spacing != _NO_SCALE:
            found_there = (
                f"{path}: X and Y of {film or reading.image!r} may be pixels, or millimetres as its film has them"
            )
            raise PointsError(f"{found_there}, expected the setting unit = pixel or mm")
        if as_millimetres:
            return spacing, "X and Y are taken as millimetres, since they would lie outside the film as pixels"
        return _NO_SCALE, "X and Y are taken as pixels, since they would lie outside the film as millimetres"


def _spacing_and_size(films: Films | None, film: str) -> tuple[tuple[float, float], tuple[int, int]] | None:
    """Return the (x, y) millimetres that ImageJ gives a pixel of a DICOM film, and (width, height); else None."""
    if films is None or films.sided(film) is None:
        return None
    header = read_header(films.file(film)[1], [*_SPACINGS, "Columns", "Rows"])
    if header is None:
        return None
    for keyword in _SPACINGS:
        try:
            dy, dx = (float(value) for value in header.get(keyword) or ())
            size = int(header.get("Columns") or 0), int(header.get("Rows") or 0)
        except (TypeError, ValueError):
            continue
        if 0 < dx < math.inf and 0 < dy < math.inf:
            return (dx, dy), size
    return None


def _rows(path: Path, reading: Reading) -> list[_Row]:
    """Return the points of a table of results, or of lines of coordinates."""
    lines = read_text(path, PointsError).splitlines()
    header = _header(lines[0]) if lines else []
    results = _is_results(header)
    delimiter = separator(lines[0]) if results else "\t"
    x, y, label = header.index("X") if results else 0, header.index("Y") if results else 1, -1
    label = header.index("Label") if "Label" in header else -1
    rows = []
    try:
        for n, cells in enumerate(csv.reader(lines[int(results) :], delimiter=delimiter), 1 + int(results)):
            where = f"{path}, line {n}"
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != (len(header) if results else 2):
                expected = f"{len(header)} as in the header" if results else "x and y, separated by a tab"
                raise PointsError(f"{where}: {len(cells)} values, expected {expected}")
            film, roi = _divided(cells[label].strip(), reading) if label >= 0 else ("", "")
            rows.append(_Row(where, film, roi, *(_number(where, cells[i], delimiter) for i in (x, y))))
    except csv.Error as error:
        raise PointsError(f"{path}: cannot be read as CSV ({error}), expected a table of results") from error
    if not rows:
        raise PointsError(f"{path}: no points, expected a table with the columns Label, X and Y, or lines of x and y")
    return rows


def _divided(label: str, reading: Reading) -> tuple[str, str]:
    """Return film and ROI of a label: ``film``, ``film:roi`` or ``film:slice:roi``."""
    film, colon, rest = label.partition(":")
    name = reading.film_called(film)
    if reading.films is not None and film and reading.films.sided(name) is None:
        name = reading.films.called_after(film)  # measured on the same film in another form
    return name, rest.rpartition(":")[2] if colon else ""


def _header(line: str) -> list[str]:
    return [cell.strip().strip('"') for cell in line.split(separator(line))]


def _is_results(header: list[str]) -> bool:
    return {"X", "Y"} <= set(header) and ("Label" in header or header[0] == "") and len(set(header)) == len(header)


def _number(where: str, text: str, delimiter: str) -> float:
    """Return a number, with a comma for a point where columns are not separated by commas."""
    try:
        value = float(text if delimiter == "," else text.replace(",", "."))
    except ValueError:
        value = math.inf
    if not math.isfinite(value):
        raise PointsError(f"{where}: {text[:40]!r}, expected a number")
    return value
