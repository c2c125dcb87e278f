"""ImageJ and Fiji: points as ``.roi`` files and in the ``RoiSet.zip`` of the ROI manager; one file per film.

One ROI per landmark has its name. A ROI of several points, and names that ImageJ makes of coordinates, tell an order.
"""

import io
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from landvote.data.points import Points
from landvote.errors import PointsError
from landvote.formats.films import Films
from landvote.formats.format import Fact, Format, Reading
from landvote.formats.points import Mark, PointRow, PointTable, numbers, table_of
from landvote.runtime.files import atomic_write

_MAGIC, _ZIP = b"Iout", b"PK"
_TYPES = ("polygon", "rectangle", "oval", "line", "freeline", "polyline", "nothing", "freehand", "traced", "angle")
_POINT = 10
_SUBPIXEL = 128
_HEADER = 64  # bytes of the first header, and of the second
_MOST_BYTES = 1 << 20  # of a ROI: 65535 points have less
_MOST_ROIS = 20_000
_OWN_NAME = re.compile(r"(\d{4,}-){1,3}\d{4,}(-\d+)?")  # slice, y and x, and a number where they are equal
_NOT_IN_ENTRY = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_BROKEN = (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, RuntimeError, NotImplementedError)


class _Roi(NamedTuple):
    """A ROI of points: its name or "", (n, 2) pixels, and the slice it lies on or 0."""

    name: str
    points: Points
    slice: int


class ImagejRoi(Format):
    """A ROI per landmark, by its name."""

    suffixes: ClassVar[tuple[str, ...]] = ("-roiset.zip", "_roiset.zip", ".zip", ".roi")
    per_film: ClassVar[bool] = True
    holds: ClassVar[frozenset[Fact]] = frozenset({"names", "missing"})
    decimals: ClassVar[int | None] = None
    kind: Literal["imagej-roi"] = "imagej-roi"

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:
        """Say whether it is a ROI, or a zip with one in it."""
        if not start.startswith(_ZIP):
            return start.startswith(_MAGIC)
        try:
            with zipfile.ZipFile(path) as archive:
                return any(_is_roi(entry) for entry in archive.infolist())
        except _BROKEN:
            return False

    def read(self, path: Path, reading: Reading) -> PointTable:
        """Read one film; a zip is read in memory, and nothing of it is ever extracted.

        Raises:
            PointsError: no such file; a ROI that is no point, or broken; a name that stands there twice; ROIs on
                several slices; a zip that is too large.
        """
        try:
            with path.open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
            rois = _zipped(path) if content.startswith(_ZIP) else [_decoded(str(path), "", content)]
        except _BROKEN as error:
            raise PointsError(f"{path}: cannot be read ({error}), expected a .roi file or a RoiSet.zip") from error
        if len(slices := {roi.slice for roi in rois} - {0}) > 1:
            raise PointsError(f"{path}: ROIs on slices {sorted(slices)[:3]}, expected those of one film")
        names, counted = _names(path, rois)
        points = np.concatenate([roi.points for roi in rois]) if rois else np.empty((0, 2))
        if not rois:  # a film whose points are all missing
            n = reading.scheme.file_points if reading.scheme else 0
            return PointTable((PointRow("", "", np.full((n, 2), np.nan), str(path)),), numbers(n))
        marks = [Mark(str(path), "", "", name, (x, y)) for name, (x, y) in zip(names, points.tolist(), strict=True)]
        table = table_of(marks, reading.scheme, names)
        note = ("ROIs have no names of their own: their order is taken",) if counted else ()
        return replace(table, notes=(*table.notes, *note), counted=counted)

    def write(self, path: Path, table: PointTable, films: Films | None = None) -> None:  # noqa: ARG002 - needs no films
        """Write a zip of a ROI per landmark that is there.

        Raises:
            PointsError: a name that cannot be written.
        """
        (row,) = table.rows
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            entries = _entries(table.landmarks)
            for name, entry, (x, y) in zip(table.landmarks, entries, row.points.tolist(), strict=True):
                if math.isfinite(x + y):
                    archive.writestr(zipfile.ZipInfo(entry), _encoded(path, name, x, y), zipfile.ZIP_DEFLATED)
        with atomic_write(path) as temporary:
            temporary.write_bytes(content.getvalue())


def is_own_name(name: str) -> bool:
    """Say whether ImageJ made the name of a ROI itself, of its coordinates."""
    return _OWN_NAME.fullmatch(name) is not None


def _is_roi(entry: zipfile.ZipInfo) -> bool:
    """Say whether this is a ROI, and not what macOS puts beside it."""
    name = entry.filename
    return name.lower().endswith(".roi") and not name.startswith("__MACOSX/")


def _zipped(path: Path) -> list[_Roi]:
    """Return the ROIs in a zip, in its order."""
    with zipfile.ZipFile(path) as archive:
        entries = [entry for entry in archive.infolist() if _is_roi(entry)]
        if len(entries) > _MOST_ROIS:
            raise PointsError(f"{path}: {len(entries)} ROIs, expected at most {_MOST_ROIS}")
        rois = []
        for entry in entries:
            with archive.open(entry) as file:  # no more than the limit is unpacked, whatever the zip says
                content = file.read(_MOST_BYTES + 1)
            rois.append(_decoded(f"{path}, {entry.filename!r}", entry.filename[: -len(".roi")], content))
    return rois


def _decoded(where: str, name: str, content: bytes) -> _Roi:
    """Return the points of a ROI, which is called ``name`` unless it says otherwise."""
    if len(content) > _MOST_BYTES:
        raise PointsError(f"{where}: more than {_MOST_BYTES} bytes, expected those of a ROI of points")
    if len(content) < _HEADER or not content.startswith(_MAGIC):
        raise PointsError(f"{where}: no ROI of ImageJ or cut short ({len(content)} bytes), expected a ROI of points")
    kind = content[6]
    if kind != _POINT:
        found = _TYPES[kind] if kind < len(_TYPES) else f"unknown kind ({kind})"
        raise PointsError(f"{where}: a ROI of type {found}, expected points")
    top, left = struct.unpack_from(">2h", content, 8)
    (n,), (options,) = struct.unpack_from(">H", content, 16), struct.unpack_from(">H", content, 50)
    place, header2 = struct.unpack_from(">2i", content, 56)
    subpixel = bool(options & _SUBPIXEL)
    if len(content) < _HEADER + n * (12 if subpixel else 4):
        raise PointsError(f"{where}: cut short at {len(content)} bytes, expected {n} points")
    points = np.frombuffer(content, ">i2", 2 * n, _HEADER).reshape(2, n).T + np.array([float(left), float(top)])
    if subpixel:
        with np.errstate(invalid="ignore"):  # a NaN may be one that signals
            points = np.frombuffer(content, ">f4", 2 * n, _HEADER + 4 * n).reshape(2, n).T.astype(float)
    if not n or not np.isfinite(points).all():
        raise PointsError(f"{where}: {'no points' if not n else 'a coordinate that is no number'}, expected points")
    if _HEADER <= header2 <= len(content) - _HEADER:
        _, channel, slice_, frame = struct.unpack_from(">4i", content, header2)
        start, length = struct.unpack_from(">2i", content, header2 + 16)
        if length > 0 and 0 <= start <= len(content) - 2 * length:
            name = content[start : start + 2 * length].decode("utf-16-be", "replace")
        place = place or max(channel, slice_, frame)
    return _Roi(name, points, max(place, 0))


def _names(path: Path, rois: list[_Roi]) -> tuple[list[str], bool]:
    """Return a name for each point of some ROIs, and whether these are but numbers, in order."""
    own = [not roi.name or is_own_name(roi.name) for roi in rois]
    total = sum(len(roi.points) for roi in rois)
    if all(own) or (len(rois) == 1 and total > 1):
        return list(numbers(total)), True
    if any(own):
        name = rois[own.index(True)].name
        raise PointsError(f"{path}: ROI {name!r} has no name of its own, expected names for all ROIs or for none")
    return [name for roi in rois for name in _each(roi)], False


def _each(roi: _Roi) -> Iterable[str]:
    return [roi.name] if len(roi.points) == 1 else [f"{roi.name}-{i}" for i in range(1, len(roi.points) + 1)]


def _entries(names: Iterable[str]) -> list[str]:
    """Return the entry of each name: legal as a file, and of its own where file systems ignore case."""
    taken: set[str] = set()
    entries = []
    for name in names:
        legal = _NOT_IN_ENTRY.sub("_", name)[:100].rstrip(". ") or "_"
        free = (f"{legal}{end}" for end in ("", *(f"-{k}" for k in range(1, len(taken) + 1))))
        entry = next(entry for entry in free if entry.casefold() not in taken)
        taken.add(entry.casefold())
        entries.append(f"{entry}.roi")
    return entries


def _encoded(path: Path, name: str, x: float, y: float) -> bytes:
    """Return a ROI of one point, laid out as ImageJ 1.53 does."""
    try:
        text = name.encode("utf-16-be")
    except UnicodeEncodeError as error:
        raise PointsError(f"{path}: landmark {name!r} cannot be written as UTF-16, expected another name") from error
    left, top = (int(np.clip(np.floor(value), -32768, 32767)) for value in (x, y))
    header2 = _HEADER + 12
    bottom, right = min(top + 1, 32767), min(left + 1, 32767)
    first = struct.pack(  # one point, drawn with a line of 1, on no slice
        ">4shBx4hH16xH14xH4x2i", _MAGIC, 228, _POINT, top, left, bottom, right, 1, 1, _SUBPIXEL, 0, header2
    )
    second = struct.pack(">16x2i40x", header2 + _HEADER, len(text) // 2)
    return first + struct.pack(">2h2f", 0, 0, x, y) + second + text
