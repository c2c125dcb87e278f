"""The points layer that napari saves as CSV: ``index, axis-0, axis-1[, features]``, one file per film. Read only.

Axes are y and x. With three, the first is the number of the film in a stack, from 0, in the order of their names. The
feature that names the landmarks is the only one of text, or the setting ``label``; without one they have their order.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

from landvote.errors import PointsError
from landvote.formats.cells import name_in, point_in
from landvote.formats.films import Films
from landvote.formats.format import Fact, Format, Reading
from landvote.formats.points import Mark, PointTable, table_of
from landvote.formats.tables import records, separator

_Y_X, _FILM_Y_X = 2, 3  # axes


class NapariPoints(Format):
    """One film, or a stack of them; ``label`` is the column that names the landmarks."""

    suffixes: ClassVar[tuple[str, ...]] = (".csv",)
    per_film: ClassVar[bool] = True
    writes: ClassVar[bool] = False
    holds: ClassVar[frozenset[Fact]] = frozenset({"names", "missing"})
    kind: Literal["napari"] = "napari"
    label: str = ""

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:  # noqa: ARG003 - told by its header
        """Say whether the header begins with index and axes."""
        line = start.decode("utf-8-sig", "replace").partition("\n")[0]
        header = [cell.strip() for cell in line.split(separator(line))]
        return header[:3] == ["index", "axis-0", "axis-1"]

    def read(self, path: Path, reading: Reading) -> PointTable:
        """Read one film, or the films of a stack.

        Raises:
            PointsError: no such file; a header without two or three axes; several columns of text, or no column
                ``label``; a wrong or half-missing value; a landmark that is given twice; a stack of films that are not
                at hand.
        """
        header, lines = records(path, PointsError)
        axes = [column for column in header if column.startswith("axis-")]
        if (
            header[:1] != ["index"]
            or axes != [f"axis-{i}" for i in range(len(axes))]
            or len(axes) not in (_Y_X, _FILM_Y_X)
        ):
            columns = ", ".join(header)[:80]
            raise PointsError(f"{path}, line 1: columns {columns!r}, expected 'index, axis-0, axis-1' or one axis more")
        rows = [(where, dict(zip(header, cells, strict=True))) for where, cells in lines]
        if not rows:
            raise PointsError(f"{path}: no points, expected one at least")
        features = [column for column in header[1:] if column not in axes]
        label = self._labelling(path, features, [row for _, row in rows])
        own, stack = reading.image or path.stem, len(axes) == _FILM_Y_X
        called = sorted(reading.films.files) if stack and reading.films else ()
        films = [_film(where, row["axis-0"], reading.films, called) if stack else own for where, row in rows]
        names = [name_in(where, "landmark", row[label]) if label else "" for where, row in rows]
        if not label:
            so_far: dict[str, int] = {}
            for i, film in enumerate(films):
                names[i] = str(so_far.setdefault(film, 0))
                so_far[film] += 1
        marks = [
            Mark(where, film, "", name, point_in(where, name, row[axes[-1]], row[axes[-2]]))
            for (where, row), film, name in zip(rows, films, names, strict=True)
        ]
        notes = ["films are counted in the order of their names"] if stack else []
        unread = [feature for feature in features if feature != label]
        notes += [f"columns {', '.join(unread)} are passed over"] if unread else []
        table = table_of(marks, reading.scheme)
        return replace(table, notes=(*table.notes, *notes))

    def _labelling(self, path: Path, features: list[str], rows: list[dict[str, str]]) -> str:
        """Return the column that names the landmarks, nothing if there is none."""
        if self.label:
            if self.label not in features:
                known = ", ".join(features) or "none"
                raise PointsError(f"{path}, line 1: no column {self.label!r}, expected label to be one of: {known}")
            return self.label
        texts = [feature for feature in features if not all(_is_number(row[feature]) for row in rows)]
        if len(texts) > 1:
            found = f"columns of text {', '.join(texts)}"
            raise PointsError(f"{path}: {found}, expected the one with names, as in format 'napari:label={texts[0]}'")
        return texts[0] if texts else ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text == ""
    return True


def _film(where: str, place: str, films: Films | None, called: Sequence[str]) -> str:
    """Return the film at a place in a stack of films that are called so."""
    if films is None:
        raise PointsError(f"{where}: points of a stack, expected the films at hand")
    number = float(place) if place.replace(".", "", 1).isdecimal() else -1.0
    if not 0 <= number < len(called) or number != int(number):
        found = f"{where}: film {place!r} of the stack"
        raise PointsError(f"{found}, expected 0 to {len(called) - 1} (films in {films.place})")
    return called[int(number)]
