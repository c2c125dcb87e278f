"""3D Slicer: markups as JSON (``.mrk.json``), and the older lists of fiducials (``.fcsv``); one file per film.

Positions are millimetres (or micrometres) in the patient's space, L, P, S or R, A, S, and become pixels by
:mod:`landvote.formats.kinds.slicer_space`. A control point that is called ``occluded`` in its description is that.
"""

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from landvote.data.points import FloatArray
from landvote.data.scheme import Outline
from landvote.errors import DataError, PointsError
from landvote.formats.films import Films
from landvote.formats.format import Fact, Format, Reading
from landvote.formats.json_text import field, number, peek_json, read_json
from landvote.formats.kinds.slicer_space import Space, space_of
from landvote.formats.points import Mark, PointTable, numbers, table_of
from landvote.runtime.files import read_text, write_json

_CURVES = {"Curve": False, "ClosedCurve": True}  # type -> whether it is closed
_UNITS = {"mm": 1.0, "um": 0.001}
_TO_LPS = {"LPS": np.ones(3), "RAS": np.array([-1.0, -1.0, 1.0])}
_FARTHEST = 1e9  # millimetres
_OCCLUDED = "occluded"
_SCHEMA = (
    "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
    "markups-schema-v1.0.3.json#"
)
_COLUMNS = "id,x,y,z,ow,ox,oy,oz,vis,sel,lock,label,desc,associatedNodeID"  # of .fcsv files that name none
_SYSTEMS = {"LPS": "LPS", "RAS": "RAS", "0": "RAS", "1": "LPS"}  # numbers in files of Slicer 4.0 to 4.10
_DEFINED = "2"  # position status in .fcsv files


class _InSpace(Format):
    """Points in millimetres; ``spacing`` is how many a pixel has, by default what Slicer takes from the film."""

    per_film: ClassVar[bool] = True
    spacing: float | None = Field(default=None, gt=0, allow_inf_nan=False)

    def space(self, path: Path, films: Films | None, image: str) -> Space:
        """Return where the pixels of a film are; PointsError if it is needed and not at hand."""
        if self.spacing is not None:
            return Space.flat(self.spacing, self.spacing)
        if films is None:
            found = f"{path}: points in millimetres"
            raise PointsError(f"{found}, expected the film at hand, or the setting spacing, in millimetres per pixel")
        try:
            return space_of(films.file(image)[1])
        except DataError as error:
            raise PointsError(f"{path}: {error}") from error


class Slicer(_InSpace):
    """Markups: fiducials and curves by name; a curve through its points is an outline as well."""

    suffixes: ClassVar[tuple[str, ...]] = (".mrk.json",)
    holds: ClassVar[frozenset[Fact]] = frozenset({"names", "missing", "occluded"})
    decimals: ClassVar[int | None] = None
    kind: Literal["slicer"] = "slicer"

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:
        """Say whether it is JSON with a list of markups."""
        content = peek_json(path, start)
        return isinstance(content, dict) and isinstance(content.get("markups"), list)

    def read(self, path: Path, reading: Reading) -> PointTable:
        """Read fiducials and curves; other markups (lines, planes, ...) are passed over, and counted in a note.

        Raises:
            PointsError: no such file; another coordinate system or unit; a position that is not three numbers; a point
                that is given twice; or as :func:`landvote.formats.kinds.slicer_space.space_of`.
        """
        marks: list[tuple[str, FloatArray, bool]] = []
        outlines: list[Outline] = []
        others: Counter[str] = Counter()
        for k, markup in enumerate(field(str(path), read_json(path), "markups", list), 1):
            where = f"{path}, markup {k}"
            kind = field(where, markup, "type", str)
            if kind != "Fiducial" and kind not in _CURVES:
                others[kind] += 1
                continue
            first = len(marks)
            marks += _control_points(where, markup)
            if kind in _CURVES and len(marks) > first:
                places = tuple(range(first, len(marks)))
                outlines.append(Outline(name=f"curve {len(outlines) + 1}", points=places, closed=_CURVES[kind]))
        notes = [f"{count} markups of type {kind} are passed over" for kind, count in others.items()]
        if not marks:
            found = "; ".join(notes) or "no control points"
            raise PointsError(f"{path}: {found}, expected a markup of type Fiducial, Curve or ClosedCurve")
        space = self.space(path, reading.films, reading.image)
        return _table(path, reading, space, marks, outlines, notes)

    def write(self, path: Path, table: PointTable, films: Films | None = None) -> None:
        """Write a markup of fiducials in the schema v1.0.3, LPS, with missing points as undefined ones."""
        (row,) = table.rows
        positions = self.space(path, films, row.image).positions(row.points)
        occluded = [False] * len(positions) if row.occluded is None else row.occluded.tolist()
        points = [
            {
                "id": str(i), "label": name, "description": _OCCLUDED if hidden else "", "associatedNodeID": "",
                "position": position.tolist() if np.isfinite(position).all() else "",
                "orientation": [-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0],
                "selected": True, "locked": False, "visibility": True,
                "positionStatus": "defined" if np.isfinite(position).all() else "undefined",
            }
            for i, (name, position, hidden) in enumerate(zip(table.landmarks, positions, occluded, strict=True), 1)
        ]  # fmt: skip
        markup = {
            "type": "Fiducial", "coordinateSystem": "LPS", "coordinateUnits": "mm", "locked": False,
            "fixedNumberOfControlPoints": False, "labelFormat": "%N-%d", "lastUsedControlPointNumber": len(points),
            "controlPoints": points, "measurements": [],
        }  # fmt: skip
        write_json(path, {"@schema": _SCHEMA, "markups": [markup]})


class SlicerFcsv(_InSpace):
    """Lists of fiducials as Slicer 4 wrote them."""

    suffixes: ClassVar[tuple[str, ...]] = (".fcsv",)
    holds: ClassVar[frozenset[Fact]] = frozenset({"names", "missing", "occluded"})
    writes: ClassVar[bool] = False
    kind: Literal["slicer-fcsv"] = "slicer-fcsv"

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:  # noqa: ARG003 - told by its content
        """Say whether the first line is that of such a list."""
        return start.removeprefix(b"\xef\xbb\xbf").startswith(b"# Markups fiducial file")

    def read(self, path: Path, reading: Reading) -> PointTable:
        """Read a list of fiducials.

        Raises:
            PointsError: no such file; a coordinate system other than LPS and RAS; a row that is not one of a point; or
                as :func:`landvote.formats.kinds.slicer_space.space_of`.
        """
        lines = read_text(path, PointsError).splitlines()
        told = {}
        for line in lines:
            key, equals, value = line.removeprefix("#").partition("=")
            if line.startswith("#") and equals:
                told[key.strip().casefold()] = value.strip()
        system = _SYSTEMS.get(told.get("coordinatesystem", "").upper())
        if system is None:
            found = told.get("coordinatesystem", "")
            raise PointsError(f"{path}: CoordinateSystem is {found!r}, expected LPS (or 1) or RAS (or 0)")
        columns = [name.strip() for name in told.get("columns", _COLUMNS).split(",")]
        if not {"x", "y", "z", "label"} <= set(columns):
            raise PointsError(f"{path}: columns {', '.join(columns)!r}, expected x, y, z and label among them")
        marks = []
        for n, line in enumerate(lines, 1):
            if line.strip() and not line.startswith("#"):
                where = f"{path}, line {n}"
                try:
                    (cells,) = csv.reader([line])
                except (csv.Error, ValueError) as error:
                    raise PointsError(f"{where}: cannot be read as CSV ({error})") from error
                extra = ("positionStatus", "autocreated")[: max(0, len(cells) - len(columns))]  # which no header names
                marks.append(_fiducial(where, dict(zip((*columns, *extra), cells, strict=False)), _TO_LPS[system]))
        if not marks:
            raise PointsError(f"{path}: no points, expected a row for each")
        space = self.space(path, reading.films, reading.image)
        return _table(path, reading, space, marks, [], [])


def _control_points(where: str, markup: Any) -> list[tuple[str, FloatArray, bool]]:  # noqa: ANN401 - as the file has it
    """Return the control points of a markup: label, (3,) LPS in millimetres, whether it is occluded."""
    system, unit = (str(markup.get(f"coordinate{key}", usual)) for key, usual in (("System", "LPS"), ("Units", "mm")))
    if system not in _TO_LPS or unit not in _UNITS:
        raise PointsError(f"{where}: coordinates {system!r} in {unit!r}, expected 'LPS' or 'RAS' in 'mm' or 'um'")
    found = []
    for k, point in enumerate(field(where, markup, "controlPoints", list), 1):
        here = f"{where}, point {k}"
        if not isinstance(point, dict):
            raise PointsError(f"{here}: {str(point)[:40]!r}, expected a control point")
        position, status = point.get("position", ""), point.get("positionStatus", "defined")
        place = np.full(3, np.nan)
        if status == "defined" and position != "":
            values = [number(here, value) for value in field(here, point, "position", list)]
            if len(values) != 3:
                raise PointsError(f"{here}: a position of {len(values)} numbers, expected 3")
            place = np.array(values) * _TO_LPS[system] * _UNITS[unit]
        hidden = str(point.get("description", "")).strip().casefold() == _OCCLUDED and bool(np.isfinite(place).all())
        found.append((str(point.get("label") or ""), place, hidden))
    return found


def _fiducial(where: str, cells: dict[str, str], to_lps: FloatArray) -> tuple[str, FloatArray, bool]:
    place = np.full(3, np.nan)
    if cells.get("positionStatus", _DEFINED).strip() == _DEFINED:
        try:
            place = np.array([float(cells[axis]) for axis in "xyz"]) * to_lps
        except (KeyError, ValueError):
            place = np.full(3, np.inf)
        if not np.isfinite(place).all():
            found = ", ".join(cells.get(axis, "") for axis in "xyz")
            raise PointsError(f"{where}: position {found[:60]!r}, expected three numbers")
    hidden = cells.get("desc", "").strip().casefold() == _OCCLUDED and bool(np.isfinite(place).all())
    return cells.get("label", "").strip(), place, hidden


def _table(
    path: Path, reading: Reading, space: Space, marks: list[tuple[str, FloatArray, bool]], outlines: list[Outline],
    notes: list[str],
) -> PointTable:  # fmt: skip
    """Return control points as a table; where none has a label they are numbered."""
    labels = [label for label, _, _ in marks]
    counted = not any(labels)
    if counted:
        labels = list(numbers(len(marks)))
    if "" in labels:
        raise PointsError(f"{path}: point {labels.index('') + 1} has no label, expected one for all or for none")
    places = np.array([place for _, place, _ in marks])
    if len(far := np.flatnonzero((np.abs(places) > _FARTHEST).any(axis=1))):
        found = f"{path}: point {labels[far[0]]!r} is at {places[far[0]].tolist()}"
        raise PointsError(f"{found}, expected coordinates between -1e9 and 1e9 mm")
    pixels = space.pixels(places).tolist()
    read = [
        Mark(f"{path}, point {k}", "", "", name, (x, y), hidden)
        for k, (name, (x, y), (_, _, hidden)) in enumerate(zip(labels, pixels, marks, strict=True), 1)
    ]
    table = table_of(read, reading.scheme, labels, outlines=outlines)
    return replace(table, notes=(*table.notes, *notes), counted=counted)
