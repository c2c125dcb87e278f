"""Long CSV: ``image, landmark, x, y[, annotator][, occluded]``, one row per landmark, by name or by index.

Columns are separated by commas, semicolons or tabs. Without x and y, or without a row, a landmark is missing.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from landvote.errors import PointsError
from landvote.formats.cells import cell_of, name_in, point_in
from landvote.formats.films import Films
from landvote.formats.format import Fact, Format, Reading
from landvote.formats.points import Mark, PointTable, table_of
from landvote.formats.tables import records, separator, write_records

_REQUIRED = ("image", "landmark", "x", "y")
_OPTIONAL = ("annotator", "occluded")
_FLAGS = {"": False, "0": False, "false": False, "no": False, "1": True, "true": True, "yes": True}


class LongCsv(Format):
    """One row per film, annotator and landmark: the form that keeps most."""

    suffixes: ClassVar[tuple[str, ...]] = (".csv",)
    holds: ClassVar[frozenset[Fact]] = frozenset({"names", "annotators", "missing", "occluded"})
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
            expected = "'image, landmark, x, y[, annotator][, occluded]'"
            raise PointsError(f"{path}, line 1: columns {columns!r}, expected {expected}")
        marks: list[Mark] = []
        for where, cells in lines:
            with reading.row():
                marks.append(_mark(where, dict(zip(header, cells, strict=True))))
        return table_of(marks, reading.scheme)

    def write(self, path: Path, table: PointTable, films: Films | None = None) -> None:  # noqa: ARG002 - needs no films
        """Write a row for each landmark of each row, missing ones too; optional columns only where they say something.

        Three decimals.
        """
        annotated = any(row.annotator for row in table.rows)
        hidden = any(row.occluded is not None and row.occluded.any() for row in table.rows)
        columns = [*_REQUIRED, *(["annotator"] if annotated else []), *(["occluded"] if hidden else [])]

        def rows() -> Iterator[list[str]]:
            for row in table.rows:
                occluded = row.occluded if row.occluded is not None else [False] * len(table.landmarks)
                for name, (x, y), flag in zip(table.landmarks, row.points, occluded, strict=True):
                    optional = [*([row.annotator] if annotated else []), *(["1" if flag else "0"] if hidden else [])]
                    yield [row.image, name, cell_of(x), cell_of(y), *optional]

        write_records(path, columns, rows(), PointsError)


def _mark(where: str, entry: dict[str, str]) -> Mark:
    name, flag = name_in(where, "landmark", entry["landmark"]), entry.get("occluded", "")
    if flag.lower() not in _FLAGS:
        raise PointsError(f"{where}: landmark {name!r} has occluded = {flag!r}, expected 1, 0 or nothing")
    image, point = name_in(where, "image", entry["image"]), point_in(where, name, entry["x"], entry["y"])
    return Mark(where, image, entry.get("annotator", ""), name, point, _FLAGS[flag.lower()])
