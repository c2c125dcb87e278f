"""Point files (``.pts``): as VXL and BoneFinder write them, and as menpo and iBUG do; one file per film.

::

    version: 1
    n_points: 2
    {
    10.5 20.25
    nan nan
    }

The old form is the number of points followed by the coordinates. VXL counts pixels from 0, menpo and iBUG write the
same header and count from 1, and nothing says which, unless a point is missing. VXL has no word for that, and its own
reader never comes to an end on ``nan``: menpo's form keeps missing points, and a file with ``nan`` is not VXL's.
"""

import io
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from landvote.errors import PointsError
from landvote.formats.films import Films
from landvote.formats.format import Fact, Format, Reading
from landvote.formats.kinds.crvs import outlines_beside, read_crvs, write_crvs
from landvote.formats.points import PointRow, PointTable, numbers, refuse_many
from landvote.runtime.files import read_text, write_text

_LABEL = re.compile(r"^(version|n_points|image_size_[xyz])\s*:\s*(.*)$")
_COUNT = re.compile(r"[0-9]{1,9}")
_START = re.compile(rb"^\s*(version|n_points)\s*:", re.MULTILINE)
_MISSING = re.compile(rb"^[\s{]*nan\s", re.MULTILINE | re.IGNORECASE)


class VxlPts(Format):
    """As VXL and BoneFinder count: from 0.

    ``curves`` is a file with outlines (``.crvs``), by default the only one that lies in the folder of the points.
    """

    suffixes: ClassVar[tuple[str, ...]] = (".pts",)
    per_film: ClassVar[bool] = True
    holds: ClassVar[frozenset[Fact]] = frozenset({"outlines"})
    kind: Literal["vxl-pts"] = "vxl-pts"
    curves: Path | None = None

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:  # noqa: ARG003 - told by its content
        """Say whether it has a line of such a header, and no missing point."""
        return bool(_START.search(start)) and not _MISSING.search(start)

    def read(self, path: Path, reading: Reading) -> PointTable:  # noqa: ARG002 - knows an order alone
        """Read one film and the curves through its points; see :func:`read_pts`."""
        table = read_pts(path)
        n = len(table.landmarks)
        outlines, notes = read_crvs(self.curves, n) if self.curves else outlines_beside(path.parent, n)
        return replace(table, outlines=tuple(outlines), notes=tuple(notes))

    def write(self, path: Path, table: PointTable, films: Films | None = None) -> None:  # noqa: ARG002 - needs no films
        """Write one film with all its points; see :func:`write_pts`."""
        write_pts(path, table.rows[0])

    def write_beside(self, folder: Path, table: PointTable) -> None:
        """Write the outlines, if there are any, as curves."""
        if table.outlines:
            write_crvs(folder / "outlines.crvs", table.outlines)


class MenpoPts(Format):
    """As menpo and iBUG count: from 1."""

    suffixes: ClassVar[tuple[str, ...]] = (".pts",)
    per_film: ClassVar[bool] = True
    holds: ClassVar[frozenset[Fact]] = frozenset({"missing"})
    kind: Literal["menpo-pts"] = "menpo-pts"
    centre: float = 1

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:  # noqa: ARG003 - told by its content
        """Say whether it has a line of such a header, which is that of VXL."""
        return bool(_START.search(start))

    def read(self, path: Path, reading: Reading) -> PointTable:  # noqa: ARG002 - knows an order alone
        """Read one film; see :func:`read_pts`."""
        return read_pts(path)

    def write(self, path: Path, table: PointTable, films: Films | None = None) -> None:  # noqa: ARG002 - needs no films
        """Write one film, ``nan nan`` for a missing point; see :func:`write_pts`."""
        write_pts(path, table.rows[0])


def read_pts(path: Path) -> PointTable:
    """Read one ``.pts`` file, as it counts: both VXL forms, ``//`` comments, ``nan nan`` for a missing point.

    Raises:
        PointsError: not such a file; too few, too many or non-numeric values; half a point.
    """
    labels, body = _parse(path)
    if labels.get("version", "1") != "1":
        raise PointsError(f"{path}: version {labels['version']!r}, expected 1")
    if "n_points" not in labels:  # the old form: the number comes first
        if not body:
            raise PointsError(f"{path}: no points, expected 'version: 1, n_points: N, {{, rows, }}'")
        (line, first), *body = body
        labels["n_points"] = first[0]
        body = [(line, first[1:]), *body] if first[1:] else body
    count = labels["n_points"]
    if not _COUNT.fullmatch(count) or int(count) < 1:
        raise PointsError(f"{path}: number of points is {count!r}, expected 1 or more")
    values = [_pair(f"{path}, line {number}", tokens) for number, tokens in body]
    if len(values) != int(count):
        raise PointsError(f"{path}: {len(values)} points, expected {count} as its header says")
    width, height = (labels.get(f"image_size_{axis}", "") for axis in "xy")
    size = (int(width), int(height)) if _COUNT.fullmatch(width) and _COUNT.fullmatch(height) else None
    return PointTable((PointRow("", "", np.array(values), str(path), size=size),), numbers(len(values)))


def write_pts(path: Path, row: PointRow) -> None:
    """Write the points of a film as a ``.pts`` file, whole or not at all, with the three lines that readers skip."""
    rows = "".join(f"{x:.3f} {y:.3f}\n" if math.isfinite(x + y) else "nan nan\n" for x, y in row.points)
    write_text(path, f"version: 1\nn_points: {len(row.points)}\n{{\n{rows}}}\n")


def _parse(path: Path) -> tuple[dict[str, str], list[tuple[int, list[str]]]]:
    """Return the labels and, per line with values, (line number, values)."""
    text = read_text(path, PointsError)
    labels: dict[str, str] = {}
    body: list[tuple[int, list[str]]] = []
    braces = ""
    for number, raw in enumerate(io.StringIO(text), 1):
        line = raw.split("//")[0].strip()
        if label := _LABEL.match(line):
            labels[label[1]] = label[2].strip()
            continue
        braces += "".join(c for c in line if c in "{}")
        if tokens := line.replace("{", " ").replace("}", " ").split():
            body.append((number, tokens))
            refuse_many(str(path), len(body) - 1)  # at once; in the old form one line is their number
    if braces not in ("", "{}") or ("n_points" in labels and not braces):
        raise PointsError(f"{path}: braces {braces!r}, expected the points between one '{{' and one '}}' (cut short?)")
    return labels, body


def _pair(where: str, tokens: list[str]) -> tuple[float, float]:
    if len(tokens) != 2:
        raise PointsError(f"{where}: {len(tokens)} values ({' '.join(tokens)[:40]!r}), expected x and y")
    try:
        x, y = (float(t) for t in tokens)
    except ValueError:
        x = y = math.inf
    if math.isnan(x) != math.isnan(y) or math.isinf(x) or math.isinf(y):
        raise PointsError(f"{where}: {' '.join(tokens)!r}, expected two numbers or 'nan nan'")
    return x, y
