"""Several shapes on one film, as programs have them that draw two hips on it: each becomes a side of the film."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from landvote.data.points import Points
from landvote.errors import PointsError
from landvote.formats.films import Films
from landvote.formats.format import size_of
from landvote.formats.points import PointRow
from landvote.formats.sides import with_side

_BOTH = 2
_SIDE = re.compile(r"(?:^|[^a-z])(left|right|l|r)(?=[^a-z]|$)", re.IGNORECASE)


def by_side(shapes: Iterable[tuple[PointRow, str]], films: Films | None) -> tuple[list[PointRow], list[str]]:
    """Return the rows of shapes under the names of their sides, and what was assumed; ``shapes`` are rows with labels.

    Labels that tell left and right apart name the sides ``L`` and ``R``. Else the shape farther left on a film is
    ``1``, and the other ``2``; and where a film has one and another film has two, the middle of the film tells which.
    A film's only shape has no side where all films have one. Shapes without points are passed over beside others.

    Raises:
        PointsError: a film has more than two shapes, or two of one side; or a size that is needed is not known.
    """
    films_of: dict[tuple[str, str], list[tuple[PointRow, str]]] = {}
    for row, label in shapes:
        films_of.setdefault((row.image, row.annotator), []).append((row, label))
    named = {side_named(label) for found in films_of.values() for _, label in found} == {"L", "R"}
    rows, pairs, empty = list[PointRow](), 0, 0
    for every in films_of.values():
        found = [each for each in every if np.isfinite(each[0].points).any()] or every[:1]
        empty += len(every) - len(found)
        if len(found) > _BOTH:
            first = found[0][0]
            raise PointsError(f"{first.where}: {len(found)} shapes on {first.image!r}, expected two at most")
        pairs += len(found) == _BOTH
        if named:
            sides = [side_named(label) for _, label in found]
            if len(set(sides)) < len(sides):
                both = f"two shapes of side {sides[0]} on {found[0][0].image!r}"
                raise PointsError(f"{found[0][0].where}: {both}, expected one of each")
        else:
            found = found if len(found) < _BOTH else sorted(found, key=lambda each: _place(each[0], found))
            sides = ["1", "2"] if len(found) == _BOTH else [""]
        rows += [replace(row, image=with_side(row.image, side)) for (row, _), side in zip(found, sides, strict=True)]
    if pairs and not named:
        single = {id(row) for row in rows if (row.image, row.annotator) in films_of}
        rows = [side_by_middle(row, films) if id(row) in single else row for row in rows]
    notes = [f"of two shapes on a film ({pairs} films) the one farther left is _1"] if pairs and not named else []
    notes += [f"{empty} shapes without points beside others are passed over"] if empty else []
    return rows, notes


def side_named(label: str) -> str:
    """Return L or R if a label names that side, as ``left hip``, ``hip_L`` and ``R`` do; else nothing."""
    sides = {match[1][0].upper() for match in _SIDE.finditer(label)}
    return sides.pop() if len(sides) == 1 else ""


def side_by_middle(row: PointRow, films: Films | None) -> PointRow:
    """Return the only shape of a film, where other films have two, as that of the half of the film it lies in.

    Raises:
        PointsError: it needs the size of the film, and neither the row nor ``films`` knows it.
    """
    middle = (size_of(row, films)[0] - 1) / 2
    here = row.points[np.isfinite(row.points).all(axis=1), 0]
    return replace(row, image=with_side(row.image, "1" if not len(here) or here.mean() < middle else "2"))


def _place(row: PointRow, found: Sequence[tuple[PointRow, str]]) -> float:
    """Return how far right a shape lies, by the landmarks that all shapes of the film have, if there are any."""
    every: list[Points] = [each.points for each, _ in found]
    shared = np.isfinite(np.stack(every)).all(axis=(0, 2))
    here = row.points[shared] if shared.any() else row.points[np.isfinite(row.points).all(axis=1)]
    return float(here[:, 0].mean())
