"""Lists of images, by which VXL and BoneFinder find the points of many films.

::

    image_dir: ../images/
    points_dir: ./points/
    images:
    {
    hip-01.dcm_L.pts : hip-01.dcm
    hip-01.dcm_R.pts : hip-01.dcm
    }

Paths of another machine are found beside the list. Two files of one film are its two sides.
"""

import re
from dataclasses import replace
from pathlib import Path, PureWindowsPath
from typing import ClassVar, Literal

from landvote.errors import PointsError
from landvote.formats.format import Fact, Format, Reading
from landvote.formats.kinds.crvs import outlines_beside
from landvote.formats.kinds.pts import read_pts
from landvote.formats.points import PointRow, PointTable
from landvote.formats.sides import film_and_side, with_side, without_suffix_and_side
from landvote.runtime.files import read_text

_PAIR = re.compile(r"(\S.*?)\s+:\s+(\S.*)")
_IMAGES = re.compile(rb"^\s*images\s*:", re.MULTILINE)
_POINTS = re.compile(rb"^\s*points_dir\s*:", re.MULTILINE)


class VxlList(Format):
    """A line per point file, with the film it is of."""

    suffixes: ClassVar[tuple[str, ...]] = (".txt", ".lst")
    holds: ClassVar[frozenset[Fact]] = frozenset({"outlines"})
    writes: ClassVar[bool] = False
    kind: Literal["vxl-list"] = "vxl-list"

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:  # noqa: ARG003 - told by its content
        """Say whether it has a folder of points and a list of images."""
        return bool(_POINTS.search(start) and _IMAGES.search(start))

    def read(self, path: Path, reading: Reading) -> PointTable:
        """Read the points of all films in a list.

        Raises:
            PointsError: no such list; a line that is no pair; a point file that is not there or cannot be read; a film
                that is given twice and not by sides; files that differ in their number of points.
        """
        points_dir, pairs = _parsed(path)
        rows: dict[str, PointRow] = {}
        for where, file, image in pairs:
            found = _found(path, where, points_dir, file)
            (row,) = read_pts(found).rows
            film = with_side(reading.film_called(image), _side(file, image))
            if film in rows:
                raise PointsError(f"{where}: points of {film!r} were given before, expected one file or two sides")
            rows[film] = replace(row, image=film, where=f"{where}, {found}")
            first = next(iter(rows.values()))
            if len(row.points) != len(first.points):
                said = f"{len(first.points)} as in the first file of the list"
                raise PointsError(f"{found}: {len(row.points)} points, expected {said}")
        n = len(first.points)
        outlines, notes = outlines_beside(found.parent, n)
        table = PointTable.numbered((row.image, "", row.points) for row in rows.values())
        return replace(table, rows=tuple(rows.values()), outlines=tuple(outlines), notes=tuple(notes))


def _parsed(path: Path) -> tuple[str, list[tuple[str, str, str]]]:
    """Return the folder of points, and (file and line, point file, image) of each pair."""
    points_dir, pairs, within = "", [], False
    for n, raw in enumerate(read_text(path, PointsError).splitlines(), 1):
        line, where = raw.split("//")[0].strip(), f"{path}, line {n}"
        if not within:
            key, _, value = line.partition(":")
            points_dir = value.strip() if key.strip() == "points_dir" else points_dir
            within = key.strip() == "images"
            line = value.strip() if within else ""
        line = line.strip("{} \t")
        if line:
            pair = _PAIR.fullmatch(line)
            if pair is None:
                raise PointsError(f"{where}: {line[:60]!r}, expected 'POINTS.pts : IMAGE'")
            pairs.append((where, pair[1], pair[2]))
    if not pairs:
        raise PointsError(f"{path}: no pairs of points and images, expected 'images: {{ POINTS.pts : IMAGE }}'")
    return points_dir, pairs


def _found(path: Path, where: str, points_dir: str, file: str) -> Path:
    """Return a point file: in the folder that the list names, or in one beside the list."""
    name = PureWindowsPath(points_dir).name
    for folder in (path.parent / points_dir, path.parent / name, path.parent):
        try:
            if (folder / file).is_file():
                return folder / file
        except (OSError, ValueError):  # no path of this machine
            continue
    raise PointsError(f"{where}: no file {file!r}, expected it in {points_dir!r}, or beside the list")


def _side(file: str, image: str) -> str:
    """Return the side that a point file is called after, or nothing; the film may have got another suffix since."""
    stem = re.sub(r"\.pts$", "", PureWindowsPath(file).name, flags=re.IGNORECASE)
    for film, side in (film_and_side(stem), without_suffix_and_side(stem)):
        if side and PureWindowsPath(film).stem in (PureWindowsPath(image).stem, PureWindowsPath(image).name):
            return side
    return ""
