"""DeepLabCut's ``CollectedData_NAME.csv``: one row per film, and header lines down to "coords". Read only.

::

    scorer,,,ann,ann
    bodyparts,,,hip,hip
    coords,,,x,y
    labeled-data,films,a.png,1.5,2

The film stands in three cells, or in one as older versions have it. Scorers are annotators. A line "individuals" may
follow that of the scorers: two of them are the two sides of a film. An empty cell is a missing point.
"""

from pathlib import Path
from typing import ClassVar, Literal, NamedTuple

import numpy as np

from landvote.errors import PointsError
from landvote.formats.cells import name_in, point_in
from landvote.formats.film_shapes import by_side
from landvote.formats.format import Fact, Format, Reading
from landvote.formats.points import PointRow, PointTable
from landvote.formats.tables import lines_of, separator
from landvote.runtime.files import read_text

_HEADERS = ("scorer", "individuals", "bodyparts", "coords")
_EXPECTED = "header lines scorer, bodyparts and coords, and columns x and y for each landmark"


class _Shape(NamedTuple):
    scorer: str
    individual: str


class DeepLabCut(Format):
    """One row per film; columns of x and y for each landmark."""

    suffixes: ClassVar[tuple[str, ...]] = (".csv",)
    writes: ClassVar[bool] = False
    holds: ClassVar[frozenset[Fact]] = frozenset({"names", "annotators", "missing"})
    kind: Literal["deeplabcut"] = "deeplabcut"

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:  # noqa: ARG003 - told by its first lines
        """Say whether the first lines are such headers."""
        lines = start.decode("utf-8-sig", "replace").split("\n")[:2]
        first = [line.split(separator(line))[0].strip() for line in lines]
        return first[:1] == ["scorer"] and first[1:] in (["bodyparts"], ["individuals"])

    def read(self, path: Path, reading: Reading) -> PointTable:
        """Read one row per film, scorer and individual.

        Raises:
            PointsError: no such file; other header lines; a row with too few or too many values, or half a point; a
                film that is given twice; more than two individuals on a film.
        """
        text = read_text(path, PointsError)
        lines = [line for line in lines_of(path, text, separator(text.partition("\n")[0]), PointsError) if any(line[1])]
        header = {cells[0]: cells for _, cells in lines[: len(_HEADERS)] if cells[0] in _HEADERS}
        columns, first = _columns(path, header)
        landmarks = tuple(dict.fromkeys(name for shape in columns.values() for name in shape))
        place = {name: i for i, name in enumerate(landmarks)}
        width = len(header["coords"])
        several = len({shape.scorer for shape in columns}) > 1
        seen: set[str] = set()
        shapes = []
        for where, cells in lines[len(header) :]:
            if len(cells) != width:
                raise PointsError(f"{where}: {len(cells)} values, expected {width} as in the header")
            try:
                film = reading.film_called(name_in(where, "image", "/".join(filter(None, cells[:first]))))
            except PointsError as error:
                raise PointsError(f"{where}: {error}") from error
            if film in seen:
                raise PointsError(f"{where}: film {film!r} was given before, expected once")
            seen.add(film)
            for (scorer, individual), places in columns.items():
                points = np.full((len(landmarks), 2), np.nan)
                for name, column in places.items():
                    points[place[name]] = point_in(where, name, cells[column], cells[column + 1])
                if np.isfinite(points).any() or not several:
                    shapes.append((PointRow(film, scorer, points, where), individual))
        rows, notes = by_side(shapes, reading.films)
        return PointTable(tuple(rows), landmarks, notes=tuple(notes))


def _columns(path: Path, header: dict[str, list[str]]) -> tuple[dict[_Shape, dict[str, int]], int]:
    """Return, per scorer and individual, landmark -> column of its x; and the number of columns that name the film."""
    scorers, parts, axes = (header.get(name, []) for name in ("scorer", "bodyparts", "coords"))
    individuals = header.get("individuals", [""] * len(axes))
    first = next((i for i, axis in enumerate(axes) if i and axis), 0)
    if not first or not len(scorers) == len(parts) == len(axes) == len(individuals) or (len(axes) - first) % 2:
        raise PointsError(f"{path}: header lines {', '.join(header) or 'missing'}, expected {_EXPECTED}")
    found: dict[_Shape, dict[str, int]] = {}
    for i in range(first, len(axes), 2):
        names = {(scorers[j], individuals[j], parts[j]) for j in (i, i + 1)}
        if axes[i : i + 2] != ["x", "y"] or len(names) > 1 or not parts[i]:
            column = f"columns {i + 1} and {i + 2} are {parts[i]} {axes[i]} and {parts[i + 1]} {axes[i + 1]}"
            raise PointsError(f"{path}: {column}, expected x and y of one landmark")
        places = found.setdefault(_Shape(scorers[i], individuals[i]), {})
        if parts[i] in places:
            raise PointsError(f"{path}: landmark {parts[i]!r} has columns twice, expected once")
        places[parts[i]] = i
    return found, first
