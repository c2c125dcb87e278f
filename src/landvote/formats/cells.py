"""Coordinates in the cells of a table: a number, or nothing where a point is missing."""

import math

from landvote.errors import PointsError

_MISSING = frozenset({"", "nan", "na"})


def point_in(where: str, name: str, x: str, y: str) -> tuple[float, float]:
    """Return the point in two cells, NaN where both say that it is missing; PointsError if one is no number."""
    first, second = number_in(where, name, x), number_in(where, name, y)
    if math.isnan(first) != math.isnan(second):
        raise PointsError(f"{where}: point {name} has x = {x!r} and y = {y!r}, expected both or neither")
    return first, second


def name_in(where: str, noun: str, name: str) -> str:
    """Return the cell that names a film ("image") or a landmark; PointsError if it is empty."""
    if not name:
        raise PointsError(f"{where}: names no {noun}, expected its name")
    return name


def cell_of(value: float) -> str:
    """Return a coordinate as the text of a cell: three decimals, nothing if it is missing."""
    return f"{value:.3f}" if math.isfinite(value) else ""


def number_in(where: str, name: str, text: str) -> float:
    """Return the number in a cell of a point, NaN where it is missing; PointsError if it is none, or infinite."""
    if text.lower() in _MISSING:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if not math.isfinite(value):
        raise PointsError(f"{where}: point {name} has the value {text!r}, expected a number, or nothing if missing")
    return value
