"""The JSON of the CL-Detection challenges, "Multiple points" of grand-challenge.org: one file of all films. Read only.

Each point is x, y and the number of its film, from 1; films are called after their number, ``1`` or ``001``. Landmarks
are called ``"1"``, ``"2"``, ...; a scheme that has no such names takes them in that order.
"""

from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal

from landvote.errors import PointsError
from landvote.formats.films import Films
from landvote.formats.format import Fact, Format, Reading
from landvote.formats.json_text import field, number, peek_json, read_json
from landvote.formats.points import Mark, PointTable, table_of

_TYPE = "Multiple points"


class ClDetection(Format):
    """All films in one file; films and landmarks by number."""

    suffixes: ClassVar[tuple[str, ...]] = (".json",)
    writes: ClassVar[bool] = False
    holds: ClassVar[frozenset[Fact]] = frozenset({"names", "missing"})
    kind: Literal["cl-detection"] = "cl-detection"

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:
        """Say whether it calls itself so, and has points."""
        content = peek_json(path, start)
        return isinstance(content, dict) and content.get("type") == _TYPE and isinstance(content.get("points"), list)

    def read(self, path: Path, reading: Reading) -> PointTable:
        """Read all films.

        Raises:
            PointsError: no such file; a point without a name, or of other than x, y and the number of a film; a
                landmark that is given twice on a film; several films may have a number.
        """
        points = field(str(path), read_json(path), "points", list)
        films = _numbered(reading.films)
        marks = [_mark(f"{path}, point {i}", point, films) for i, point in enumerate(points, 1)]
        if not marks:
            raise PointsError(f"{path}: no points, expected one at least")
        names = {mark.landmark for mark in marks}
        counted = names <= {str(i + 1) for i in range(len(names))}
        if reading.scheme is not None and counted and not names <= set(reading.scheme.landmarks):
            marks = [mark._replace(landmark=str(int(mark.landmark) - 1)) for mark in marks]
        return table_of(marks, reading.scheme)


def _mark(where: str, point: Any, films: dict[int, list[str]]) -> Mark:  # noqa: ANN401 - as the file has it
    name, given = field(where, point, "name", str), field(where, point, "point", list)
    values = [number(where, value) for value in given]
    if len(values) != 3 or values[2] < 1 or values[2] != int(values[2]) or not name:
        raise PointsError(f"{where}: {name!r} at {str(given)[:60]}, expected a name, and x, y and a film from 1")
    x, y, film = values
    called = films.get(int(film), [str(int(film))])
    if len(called) > 1:
        raise PointsError(
            f"{where}: film {int(film)} may be {called[0]!r} or {called[1]!r}, expected one of that number"
        )
    return Mark(where, called[0], "", name, (x, y))


def _numbered(films: Films | None) -> dict[int, list[str]]:
    """Return the films that are called after a number, by that."""
    found: dict[int, list[str]] = {}
    for identifier in films.files if films else ():
        stem = PurePosixPath(identifier).stem
        if stem.isascii() and stem.isdecimal():
            found.setdefault(int(stem), []).append(identifier)
    return found
