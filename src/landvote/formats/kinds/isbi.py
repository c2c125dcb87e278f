"""Rows of ``x,y``, as the challenges of ISBI 2014 and 2015 have them: one text file per film. Read only.

The rows are the landmarks in order. Lines of one whole number that follow them are classes of the film, and no points.
"""

import re
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from landvote.errors import PointsError
from landvote.formats.cells import point_in
from landvote.formats.format import Format, Reading
from landvote.formats.points import PointRow, PointTable, numbers
from landvote.formats.tables import lines_of
from landvote.runtime.files import read_text

_CLASS = re.compile(r"-?[0-9]{1,9}")
_ROW = re.compile(r"[-+]?[0-9.][0-9.eE+-]*[ \t]*,[ \t]*[-+]?[0-9.][0-9.eE+-]*")
_LONGEST = 4096  # bytes of a start that is looked at


class IsbiRows(Format):
    """One row per landmark; landmarks by their order, annotators by folders."""

    suffixes: ClassVar[tuple[str, ...]] = (".txt",)
    per_film: ClassVar[bool] = True
    writes: ClassVar[bool] = False
    kind: Literal["isbi"] = "isbi"

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:  # noqa: ARG003 - told by its content
        """Say whether it has nothing but such rows, and then classes."""
        shown = start if len(start) <= _LONGEST else start[: start.rfind(b"\n", 0, _LONGEST) + 1]
        lines = [line.strip() for line in shown.decode("utf-8-sig", "replace").splitlines() if line.strip()]
        rows = sum(_ROW.fullmatch(line) is not None for line in lines)
        return rows > 0 and all((_ROW if i < rows else _CLASS).fullmatch(line) for i, line in enumerate(lines))

    def read(self, path: Path, reading: Reading) -> PointTable:  # noqa: ARG002 - knows an order alone
        """Read one film.

        Raises:
            PointsError: no such file; a line that is neither a row, nor a class after all rows.
        """
        points: list[tuple[float, float]] = []
        classes = 0
        for where, cells in lines_of(path, read_text(path, PointsError), ",", PointsError):
            if points and len(cells) == 1 and _CLASS.fullmatch(cells[0]):
                classes += 1
            elif any(cells):
                if len(cells) != 2 or classes:
                    expected = "a class as in the line above" if classes else "x and y"
                    raise PointsError(f"{where}: {','.join(cells)[:40]!r}, expected {expected}")
                points.append(point_in(where, f"{len(points)}", *cells))
        if not points:
            raise PointsError(f"{path}: no points, expected rows of 'x,y'")
        notes = (f"lines of classes below the points are passed over ({classes})",) if classes else ()
        return PointTable((PointRow("", "", np.array(points), str(path)),), numbers(len(points)), notes=notes)
