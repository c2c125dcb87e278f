"""Long CSV: ``image, landmark, x, y`` and optional columns, one row per landmark, by name or by index.

Columns are separated by commas, semicolons or tabs. Without x and y, or without a row, a landmark is missing. Optional
are ``annotator`` and ``occluded``, and of predictions ``expected_error`` and ``error_90`` (the radius that holds the
truth in 90 % of cases), both in pixels, and of the film ``known``, whether it is of the kind that the model was made
from, and ``probability_of_shift``, of a row of parts. Nothing stands where one of these is not known.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from landvote.data.points import FloatArray
from landvote.errors import PointsError
from landvote.formats.cells import cell_of, name_in, number_in, point_in
from landvote.formats.films import Films
from landvote.formats.format import Fact, Format, Reading
from landvote.formats.points import Mark, PointRow, PointTable, table_of
from landvote.formats.tables import records, separator, write_records

_REQUIRED = ("image", "landmark", "x", "y")
_OPTIONAL = ("annotator", "occluded", "expected_error", "error_90", "known", "probability_of_shift")
_OF_FILM = ("known", "probability_of_shift")
_FLAGS = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}


class LongCsv(Format):
    """One row per film, annotator and landmark: the form that keeps most."""

    suffixes: ClassVar[tuple[str, ...]] = (".csv",)
    holds: ClassVar[frozenset[Fact]] = frozenset(
        {"names", "annotators", "missing", "occluded", "expected_error", "error_90", "known", "probability_of_shift"}
    )
    kind: Literal["long-csv"] = "long-csv"

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:  # noqa: ARG003 - told by its header
        """Say whether the header has the columns of a long table."""
        line = start.decode("utf-8-sig", "replace").partition("\n")[0]
        return set(_REQUIRED) <= {cell.strip() for cell in line.split(separator(line))}

    def read(self, path: Path, reading: Reading) -> PointTable:
        """Read one row per landmark, see :func:`landvote.formats.points.table_of`.

        Raises:
            PointsError: no such header; an unknown landmark; a wrong or half-missing value; a landmark given twice.
        """
        header, lines = records(path, PointsError)
        if not set(_REQUIRED) <= set(header) <= {*_REQUIRED, *_OPTIONAL}:
            columns = ", ".join(header)
            expected = f"'image, landmark, x, y[, {'][, '.join(_OPTIONAL)}]'"
            raise PointsError(f"{path}, line 1: columns {columns!r}, expected {expected}")
        marks: list[Mark] = []
        known: dict[tuple[str, str], tuple[bool | None, float]] = {}
        for where, cells in lines:
            with reading.row():
                entry = dict(zip(header, cells, strict=True))
                mark = _mark(where, entry)
                flag = _flag(where, mark.landmark, entry, "known") if entry.get("known") else None
                told = flag, _probability(where, entry)
                if str(known.setdefault((mark.image, mark.annotator), told)) != str(told):  # NaN is no number's equal
                    found = ", ".join(f"{key} = {entry[key]!r}" for key in _OF_FILM if key in entry)
                    expected = f"expected the same for all landmarks of {mark.image!r}"
                    raise PointsError(f"{where}: {found}, and another value before, {expected}")
                marks.append(mark)
        table = table_of(marks, reading.scheme)
        of_film = [known[row.image, row.annotator] for row in table.rows]
        rows = zip(table.rows, of_film, strict=True)
        return replace(
            table, rows=tuple(replace(row, known=flag, probability_of_shift=shift) for row, (flag, shift) in rows)
        )

    def write(self, path: Path, table: PointTable, films: Films | None = None) -> None:  # noqa: ARG002 - needs no films
        """Write a row for each landmark of each row, missing ones too; optional columns only where they say something.

        Three decimals.
        """
        names, every = table.landmarks, range(len(table.landmarks))
        optional: dict[str, Callable[[PointRow, int], str]] = {}
        if any(row.annotator for row in table.rows):
            optional["annotator"] = lambda row, _: row.annotator
        if any(row.occluded is not None and row.occluded.any() for row in table.rows):
            optional["occluded"] = lambda row, i: "1" if row.occluded is not None and row.occluded[i] else "0"
        if any(row.expected_error is not None and np.isfinite(row.expected_error).any() for row in table.rows):
            optional["expected_error"] = lambda row, i: _cell_in(row.expected_error, i)
        if any(row.error_90 is not None and np.isfinite(row.error_90).any() for row in table.rows):
            optional["error_90"] = lambda row, i: _cell_in(row.error_90, i)
        if any(row.known is not None for row in table.rows):
            optional["known"] = lambda row, _: {True: "1", False: "0", None: ""}[row.known]
        if any(np.isfinite(row.probability_of_shift) for row in table.rows):
            optional["probability_of_shift"] = lambda row, _: cell_of(row.probability_of_shift)

        rows = (
            [row.image, names[i], *map(cell_of, row.points[i]), *(told(row, i) for told in optional.values())]
            for row in table.rows
            for i in every
        )
        write_records(path, [*_REQUIRED, *optional], rows, PointsError)


def _cell_in(values: FloatArray | None, i: int) -> str:
    return "" if values is None else cell_of(values[i])


def _mark(where: str, entry: dict[str, str]) -> Mark:
    name = name_in(where, "landmark", entry["landmark"])
    hidden = _flag(where, name, entry, "occluded")
    image, point = name_in(where, "image", entry["image"]), point_in(where, name, entry["x"], entry["y"])
    errors = (_length(where, name, entry, key) for key in ("expected_error", "error_90"))
    return Mark(where, image, entry.get("annotator", ""), name, point, hidden, *errors)


def _flag(where: str, name: str, entry: dict[str, str], key: str) -> bool:
    flag = entry.get(key, "")
    if flag.lower() not in _FLAGS:
        raise PointsError(f"{where}: landmark {name!r} has {key} = {flag!r}, expected 1, 0 or nothing")
    return _FLAGS[flag.lower()]


def _probability(where: str, entry: dict[str, str]) -> float:
    """Return the probability of a shift; NaN where none is given."""
    text = entry.get("probability_of_shift", "")
    value = number_in(where, "the row", text)
    if value < 0 or value > 1:
        raise PointsError(f"{where}: probability_of_shift = {text!r}, expected a number from 0 to 1, or nothing")
    return value


def _length(where: str, name: str, entry: dict[str, str], key: str) -> float:
    """Return an error in pixels; NaN where none is given."""
    text = entry.get(key, "")
    value = number_in(where, name, text)
    if value < 0:
        raise PointsError(f"{where}: landmark {name!r} has {key} = {text!r}, expected a number of pixels, or nothing")
    return value
