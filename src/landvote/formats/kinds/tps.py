"""TPS files of tpsDig, geomorph and ktch: one record per film, and y from the bottom of the film.

::

    LM=2
    12.25 30.5
    -1 -1
    IMAGE=hip.png
    ID=0
    SCALE=0.5

Keys may be in small letters. A missing landmark has ``NA``, or two negative coordinates. A coordinate below the film
needs the film's height, and the programs differ in which row they call 0: the setting ``origin``.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np
from pydantic import model_validator

from landvote.data.points import FloatArray
from landvote.data.scheme import Outline
from landvote.errors import PointsError
from landvote.formats.films import Films
from landvote.formats.format import Fact, Format, Reading, placed, size_of
from landvote.formats.points import PointRow, PointTable, numbers
from landvote.formats.sides import film_and_side, with_side
from landvote.runtime.files import read_text, write_text

_START = re.compile(rb"(\xef\xbb\xbf)?\s*LM3?\s*=\s*\d+\s*?[\r\n]", re.IGNORECASE)
_COUNT = re.compile(r"[0-9]{1,9}")
_BYTES = re.compile("[\udc80-\udcff]")  # that are not UTF-8, as Python keeps them
_UNFIT = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udc7f\udd00-\udfff]")  # line ends, and no characters

_Points: TypeAlias = list[tuple[float, float]]


@dataclass
class _Record:
    """One film: its landmarks, its curves with whether they are closed, and its other keys in capitals."""

    where: str
    points: _Points = field(default_factory=list)
    curves: list[tuple[_Points, bool]] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)


class Tps(Format):
    """All films in one file, landmarks by their order.

    Attributes:
        origin: the place that y counts from, up. ``pixel``: the centre of the bottom row, as ImageJ inverts y, or what
            ``centre`` says that is called; ``edge``: the edge of the film, on the left too, so that ``centre`` is 0.5;
            ``below``: the row below the film, as where y is the height less y from the top (ml-morph).
    """

    suffixes: ClassVar[tuple[str, ...]] = (".tps",)
    holds: ClassVar[frozenset[Fact]] = frozenset({"missing"})
    kind: Literal["tps"] = "tps"
    origin: Literal["pixel", "edge", "below"] = "pixel"

    @model_validator(mode="before")
    @classmethod
    def _centre_of_edge(cls, values: Any) -> Any:  # noqa: ANN401 - whatever is given for settings
        at_edge = isinstance(values, dict) and values.get("origin") == "edge"
        return {"centre": 0.5} | values if at_edge else values

    @model_validator(mode="after")
    def _consistent(self) -> "Tps":
        if self.origin == "edge" and self.centre != 0.5:
            raise ValueError(f"origin = 'edge' and centre = {self.centre:g}, expected 0.5, which it means")
        return self

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:  # noqa: ARG003 - told by its content
        """Say whether it begins with a number of landmarks."""
        return bool(_START.match(start))

    def read(self, path: Path, reading: Reading) -> PointTable:
        """Read one row per record.

        Points of curves are landmarks if all records repeat landmarks there, and the curves are outlines; else they
        follow the landmarks, or are passed over where films differ in their number.

        Raises:
            PointsError: no such file; a record without film, or of a film that is not at hand; too few, too many or
                non-numeric values, half a point, or a third dimension; records that differ in their landmarks.
        """
        records = _records(path, read_text(path, PointsError, keep_bytes=True))
        n = len(records[0].points)
        for record in records:
            if len(record.points) != n:
                found = f"{record.where}: {len(record.points)} landmarks"
                raise PointsError(f"{found}, expected {n} as in the first record")
        outlines, notes = _curves(records)
        rows = []
        for record in records:
            points = [*record.points, *(p for points, _ in record.curves for p in points)]
            with placed(record.where):
                row = PointRow(_film(record, reading), "", np.array(points, float).reshape(-1, 2), record.where)
                rows.append(replace(row, points=self._turned(row, reading.films)))
        if any("SCALE" in record.keys for record in records):
            notes.append("SCALE is not applied, since coordinates are in pixels")
        said = f"y is counted from the bottom up, by origin={self.origin}"
        return PointTable(tuple(rows), numbers(len(rows[0].points)), outlines, (said, *notes))

    def _turned(self, row: PointRow, films: Films | None) -> FloatArray:
        """Return coordinates of the file as pixels from the top, or these as those: the way there is the way back."""
        bottom = size_of(row, films)[1] - 1 + 2 * self.centre + (self.origin == "below")
        return np.column_stack([row.points[:, 0], bottom - row.points[:, 1]])

    def write(self, path: Path, table: PointTable, films: Films | None = None) -> None:
        """Write one record per row, ``-1 -1`` for a missing point. Three decimals.

        Raises:
            PointsError: a point to the left of the film and below it, where TPS has missing ones; the name of a film
                with a line break; a film whose size is needed and not at hand.
        """
        parts = []
        for row in table.rows:
            film, _ = film_and_side(row.image)
            if _UNFIT.search(row.image) or not row.image or row.image != row.image.strip():
                raise PointsError(f"{path}: film {row.image!r} cannot be written in a line, expected another name")
            points = self._turned(row, films)
            if len(outside := np.flatnonzero((points < 0).all(axis=1))):
                found = f"point {table.landmarks[outside[0]]} of {row.image!r} is left of the film and below it"
                raise PointsError(f"{path}: {found}, and cannot be written, since TPS has missing points there")
            lines = [f"{x:.3f} {y:.3f}" if math.isfinite(x + y) else "-1 -1" for x, y in points.tolist()]
            parts.append("\n".join([f"LM={len(points)}", *lines, f"IMAGE={film}", f"ID={row.image}", "", ""]))
        write_text(path, "".join(parts))


def _records(path: Path, text: str) -> list[_Record]:
    """Return the records of a file; each begins with its number of landmarks."""
    lines = [(f"{path}, line {i}", line.strip()) for i, line in enumerate(text.splitlines(), 1) if line.strip()]
    starts = [i for i, (_, line) in enumerate(lines) if line[:2].upper() == "LM"]
    if not starts or starts[0] > 0:
        where, found = lines[0] if lines else (str(path), "")
        raise PointsError(f"{where}: {found[:40]!r}, expected records that begin with 'LM=N'")
    return [_record(lines[i:j]) for i, j in zip(starts, [*starts[1:], len(lines)], strict=True)]


def _record(lines: Sequence[tuple[str, str]]) -> _Record:
    """Return the record in some lines that are not blank, each after its file and number."""
    record, place, depth, closed = _Record(lines[0][0]), 0, 2, False
    while place < len(lines):
        where, line = lines[place]
        key, equals, value = (part.strip() for part in line.partition("="))
        key, place = key.upper(), place + 1
        if not equals:
            raise PointsError(f"{where}: {line[:40]!r}, expected a key, such as 'IMAGE=NAME'")
        if key not in ("LM", "LM3", "POINTS"):
            closed = key == "OUTLINES" if key in ("CURVES", "OUTLINES") else closed
            record.keys[key] = value
            continue
        if not _COUNT.fullmatch(value):
            raise PointsError(f"{where}: {key} is {value[:40]!r}, expected a number of points")
        rows = lines[place : place + int(value)]
        if len(rows) < int(value):
            raise PointsError(f"{where}: {len(rows)} points follow, expected {value}")
        depth = 3 if key == "LM3" else depth
        points, place = [_point(at, row.split(), depth) for at, row in rows], place + len(rows)
        if key == "POINTS":
            record.curves.append((points, closed))
        else:
            record.points = points
    return record


def _point(where: str, values: Sequence[str], depth: int) -> tuple[float, float]:
    """Return x and y, NaN where they are NA or both negative."""
    found = " ".join(values)[:40]
    if len(values) != depth:
        raise PointsError(f"{where}: {len(values)} values ({found!r}), expected {depth}")
    try:
        x, y, *z = (math.nan if value.upper() == "NA" else float(value) for value in values)
    except ValueError:
        x, y, z = math.inf, math.inf, []
    if math.isinf(x) or math.isinf(y) or math.isnan(x) != math.isnan(y):
        raise PointsError(f"{where}: {found!r}, expected numbers or NA")
    if any(each and not math.isnan(each) for each in z):
        raise PointsError(f"{where}: z is {values[2]}, expected 0: landmarks of films lie in a plane")
    return (math.nan, math.nan) if x < 0 and y < 0 else (x, y)


def _film(record: _Record, reading: Reading) -> str:
    """Return the film of a record: by its IMAGE, or by an ID that is the name of a film; ID may say the side."""
    image, name = (_decoded(record.keys.get(key, ""), reading.films) for key in ("IMAGE", "ID"))
    if not image and (not name or (reading.films is not None and reading.films.sided(name) is None)):
        raise PointsError("names no film, expected IMAGE=NAME")
    film, side = film_and_side(name)
    return with_side(reading.film_called(image or name), side if image and film == image else "")


def _decoded(name: str, films: Films | None) -> str:
    """Return a name with its bytes that are not UTF-8 as those of Latin-1, which tpsDig writes; a film keeps them."""
    if not _BYTES.search(name) or (films is not None and films.sided(name) is not None):
        return name
    return name.encode(errors="surrogateescape").decode("latin-1")


def _curves(records: Sequence[_Record]) -> tuple[tuple[Outline, ...], list[str]]:
    """Return the curves through landmarks, and what was made of others: in records are left those that are points."""
    if not any(record.curves for record in records):
        return (), []
    lengths = {tuple(len(points) for points, _ in record.curves) for record in records}
    outlines = [] if len(lengths) > 1 else [_outline(records, i) for i in range(len(records[0].curves))]
    if len(lengths) == 1 and None in outlines:
        return (), [f"the {sum(*lengths)} points of curves follow the landmarks"]
    for record in records:
        record.curves.clear()
    notes = ["curves are passed over, since films differ in their number of points"] if len(lengths) > 1 else []
    return tuple(outline for outline in outlines if outline), notes


def _outline(records: Sequence[_Record], i: int) -> Outline | None:
    """Return curve i if its points are landmarks, the same ones in all records."""
    shape = (len(records), -1, 2)
    landmarks = np.array([record.points for record in records], float).reshape(shape)[:, None]
    curve = np.array([record.curves[i][0] for record in records], float).reshape(shape)[:, :, None]
    repeats = ((landmarks == curve) | (np.isnan(landmarks) & np.isnan(curve))).all(axis=(0, 3))
    if not repeats.size or not repeats.any(axis=1).all():
        return None
    return Outline(name=f"curve {i + 1}", points=tuple(repeats.argmax(axis=1).tolist()), closed=records[0].curves[i][1])
