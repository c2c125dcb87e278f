"""Several shapes on one film, as programs have them that draw two hips on it: each becomes a side of the film."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from landvote.data.points import Points
from landvote.errors import PointsError
from landvote.formats.films import Films
from landvote.formats.format import size_of
from landvote.formats.points import PointRow, PointTable
from landvote.formats.sides import film_and_side, with_side

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
    kept = [[s for s in each if np.isfinite(s[0].points).any()] or each[:1] for each in films_of.values()]
    named = {side_named(label) for found in films_of.values() for _, label in found} == {"L", "R"}
    pairs = sum(len(found) == _BOTH for found in kept)
    rows: list[PointRow] = []
    for found in kept:
        (first, label), *others = found
        if len(found) > _BOTH:
            raise PointsError(f"{first.where}: {len(found)} shapes on {first.image!r}, expected two at most")
        if named:
            if others and side_named(label) == side_named(others[0][1]):
                both = f"two shapes of side {side_named(label)} on {first.image!r}"
                raise PointsError(f"{first.where}: {both}, expected one of each")
            rows += [replace(row, image=with_side(row.image, side_named(label))) for row, label in found]
        elif others:
            in_order = sorted(found, key=partial(_place, found))
            rows += [replace(row, image=with_side(row.image, str(i))) for i, (row, _) in enumerate(in_order, 1)]
        else:
            rows.append(_by_middle(first, films) if pairs else first)
    notes = ["of two shapes on a film the one farther left is _1"] if pairs and not named else []
    empty = sum(map(len, films_of.values())) - sum(map(len, kept))
    notes += [f"{empty} shapes without points beside others are passed over"] if empty else []
    return rows, notes


def shape_numbers(labels: Sequence[str], points: Sequence[tuple[float, float]]) -> list[int]:
    """Return of each labelled point of a film which shape it is of: 0 or 1 where two lie side by side, 1 to the right.

    Two shapes are there if most labels are given twice, two labels at least, and a gap divides left from right.
    Otherwise all are 0.
    """
    places: dict[str, list[float]] = {}
    for label, (x, _) in zip(labels, points, strict=True):
        places.setdefault(label, []).append(x)
    pairs = [sorted(xs) for xs in places.values() if len(xs) == _BOTH]
    if max(_BOTH, len(places) / 2) > len(pairs) or any(len(xs) > _BOTH for xs in places.values()):
        return [0] * len(labels)
    left, right = max(x for x, _ in pairs), min(x for _, x in pairs)
    return [int(left < right and x > (left + right) / 2) for x, _ in points]


def side_named(label: str) -> str:
    """Return L or R if a label names that side, as ``left hip``, ``hip_L`` and ``R`` do; else nothing."""
    sides = {match[1][0].upper() for match in _SIDE.finditer(label)}
    return sides.pop() if len(sides) == 1 else ""


def sided_alike(tables: Sequence[PointTable], films: Films | None) -> Sequence[PointTable]:
    """Return tables of one file each, in which the only shape of a file has a side too if another file has two shapes.

    Raises:
        PointsError: this needs the size of a film, and neither the file nor ``films`` knows it.
    """
    if not any(len(table.rows) > 1 and film_and_side(table.rows[0].image)[1] for table in tables):
        return tables
    return [
        replace(table, rows=(_by_middle(table.rows[0], films),)) if len(table.rows) == 1 else table for table in tables
    ]


def _by_middle(row: PointRow, films: Films | None) -> PointRow:
    """Return the only shape of a film as that of the half of the film it lies in; PointsError as size_of."""
    middle = (size_of(row, films)[0] - 1) / 2
    here = row.points[np.isfinite(row.points).all(axis=1), 0]
    return replace(row, image=with_side(row.image, "1" if not len(here) or here.mean() < middle else "2"))


def _place(found: Sequence[tuple[PointRow, str]], shape: tuple[PointRow, str]) -> float:
    """Return how far right a shape lies, by the landmarks that all shapes of the film have, if there are any."""
    every: list[Points] = [each.points for each, _ in found]
    points = shape[0].points
    shared = np.isfinite(np.stack(every)).all(axis=(0, 2))
    here = points[shared] if shared.any() else points[np.isfinite(points).all(axis=1)]
    return float(here[:, 0].mean())
