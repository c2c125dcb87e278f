"""Wide CSV: ``image[, annotator], x0, y0, x1, y1, ...``, one row per film and annotator.

Columns are separated by commas, semicolons or tabs. An empty cell, ``nan`` or ``NA`` is a missing point.
"""

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from landvote.errors import PointsError
from landvote.formats.cells import cell_of, name_in, point_in
from landvote.formats.films import Films
from landvote.formats.format import Fact, Format, Reading
from landvote.formats.points import PointRow, PointTable, numbers, refuse_many
from landvote.formats.tables import records, separator, write_records

_EXPECTED = "'image, x0, y0, x1, y1, ...' or 'image, annotator, x0, y0, ...' or 'image, landmark, x, y'"


class WideCsv(Format):
    """One row per film and annotator; landmarks by their order."""

    suffixes: ClassVar[tuple[str, ...]] = (".csv",)
    holds: ClassVar[frozenset[Fact]] = frozenset({"annotators", "missing"})
    kind: Literal["wide-csv"] = "wide-csv"

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:  # noqa: ARG003 - told by its header
        """Say whether the header begins as that of a wide table."""
        line = start.decode("utf-8-sig", "replace").partition("\n")[0]
        header = [cell.strip() for cell in line.split(separator(line))]
        return header[:1] == ["image"] and "x0" in header[1:3]

    def read(self, path: Path, reading: Reading) -> PointTable:
        """Read one row per film and annotator.

        Raises:
            PointsError: no such header; a row with too few, too many or non-numeric values, or half a point; a film
                given twice by one annotator. Names file, line, value found and value expected.
        """
        header, lines = records(path, PointsError)
        n = (len(header) - 1) // 2
        refuse_many(f"{path}, line 1", n)
        first = ["image", "annotator"] if "annotator" in header else ["image"]
        if n < 1 or header != [*first, *_columns(n)]:
            raise PointsError(f"{path}, line 1: columns {', '.join(header)[:80]!r}, expected {_EXPECTED}")
        rows: dict[tuple[str, str], PointRow] = {}
        for where, cells in lines:
            with reading.row():
                values = cells[len(first) :]
                points = [point_in(where, f"{i}", *values[2 * i : 2 * i + 2]) for i in range(n)]
                annotator = cells[1] if len(first) > 1 else ""
                row = PointRow(name_in(where, "image", cells[0]), annotator, np.array(points), where)
                before = rows.setdefault((row.image, row.annotator), row)
                if before is not row:
                    by = f" by {row.annotator!r}" if row.annotator else ""
                    raise PointsError(f"{where}: {row.image!r}{by} was given before ({before.where}), expected once")
        return PointTable(tuple(rows.values()), numbers(n))

    def write(self, path: Path, table: PointTable, films: Films | None = None) -> None:  # noqa: ARG002 - needs no films
        """Write one row per row; the annotator column only if any row names one. Three decimals."""
        named = any(row.annotator for row in table.rows)
        header = ["image", *(["annotator"] if named else []), *_columns(len(table.landmarks))]
        rows = (
            [row.image, *([row.annotator] if named else []), *map(cell_of, row.points.ravel())] for row in table.rows
        )
        write_records(path, header, rows, PointsError)


def _columns(n: int) -> list[str]:
    return [f"{axis}{i}" for i in range(n) for axis in "xy"]
