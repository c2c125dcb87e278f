"""The table of points: the currency that every reader of point files returns and every writer takes.

Coordinates are landvote's own: image pixels, x right, y down, (0, 0) the centre of the top-left pixel. Whatever a file
calls them, :mod:`landvote.formats.family` has brought them there.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from landvote.data.points import MAX_LANDMARKS, FloatArray, Points
from landvote.data.prediction import Prediction
from landvote.data.scheme import Outline, Scheme
from landvote.errors import PointsError, nearest

BoolArray: TypeAlias = npt.NDArray[np.bool_]

_FARTHEST = 1e6  # pixels: no film is so wide, and what lies beyond is a number that was never set


@dataclass(frozen=True, eq=False)
class PointRow:
    """The points that one annotator, or one model, gives one film.

    Attributes:
        image: the film, as the file calls it.
        annotator: of the points; empty where the file does not say.
        points: (n, 2) in image coordinates, in the order of the file; NaN where missing.
        where: file and line, for messages.
        occluded: (n,) whether a landmark is hidden, and marked where it must be; None where the file does not say. A
            missing point is not occluded.
        expected_error: (n,) pixels, of predictions; None where the file gives none.
        error_90: (n,) radii that hold the truth in 90 % of cases, pixels, of predictions; None where it gives none.
        known: whether the film is of the kind that the model was made from; None where the file does not say.
        size: width and height of the film in pixels, or None where the file does not give them.
        prediction: the one it is of, for what else that says; None where it is not of a prediction.
        probability_of_shift: of a row of parts, of predictions; NaN where the file gives none.
    """

    image: str
    annotator: str
    points: Points
    where: str = ""
    occluded: BoolArray | None = None
    expected_error: FloatArray | None = None
    error_90: FloatArray | None = None
    known: bool | None = None
    size: tuple[int, int] | None = None
    prediction: Prediction | None = None
    probability_of_shift: float = float("nan")


@dataclass(frozen=True)
class PointTable:
    """All that a file or a folder of point files says: films x annotators x landmarks.

    Attributes:
        rows: one per film and annotator.
        landmarks: n names, in the order of the points; "0", "1", ... where the file knows an order and no names.
        outlines: curves through the landmarks, where the file gives any.
        notes: what was assumed, and why, in words: the centre of the first pixel, an order, formats that look the same.
        form: the kind of the format it was read from; empty where it was not read.
        counted: whether the file knows an order and no names, in a format that may hold names: films then have to have
            as many points as each other.
        matched: whether a reader has found the landmarks by their names in a scheme, whose order they now have.

    Raises:
        PointsError: a row does not have one point per landmark, or there are too many landmarks.
    """

    rows: tuple[PointRow, ...]
    landmarks: tuple[str, ...]
    outlines: tuple[Outline, ...] = ()
    notes: tuple[str, ...] = ()
    form: str = ""
    counted: bool = False
    matched: bool = False

    def __post_init__(self) -> None:
        refuse_many(self.rows[0].where if self.rows else self.form, len(self.landmarks))
        for row in self.rows:
            if len(row.points) != len(self.landmarks):
                found = f"{row.where or row.image}: {len(row.points)} points"
                raise PointsError(f"{found}, expected {len(self.landmarks)}, as many as there are landmarks")

    @classmethod
    def numbered(cls, rows: Iterable[tuple[str, str, Points]]) -> "PointTable":
        """Return a table of (image, annotator or "", points), whose landmarks have no names.

        Raises:
            PointsError: the rows differ in their number of points.
        """
        made = tuple(PointRow(*row) for row in rows)
        return cls(made, numbers(len(made[0].points) if made else 0))

    @property
    def named(self) -> bool:
        """Whether the landmarks have names, and not just their numbers."""
        return self.landmarks != numbers(len(self.landmarks))

    def named_by(self, scheme: Scheme) -> "PointTable":
        """Return the table in the order of a scheme, all points of its files or those in use, with names and outlines.

        Landmarks that have names are found by them, others by their order, and a note says so. The points that the
        scheme does not use are left out where none is given.

        Raises:
            PointsError: a landmark that the scheme does not know; neither as many as in a file nor as are in use.
        """
        where = self.rows[0].where if self.rows else self.form
        table = self._placed(scheme, where) if self.named else self
        if not self.matched and set(scheme.landmarks).isdisjoint(self.landmarks):
            order = f"order assumed: points have no names of scheme {scheme.name!r} and are taken in its order"
            table = replace(table, notes=(*table.notes, order))
        if len(table.landmarks) not in (scheme.file_points, len(scheme)):
            either = f" (or the {len(scheme)} in use)" if len(scheme) != scheme.file_points else ""
            found = f"{where}: {len(table.landmarks)} points"
            raise PointsError(f"{found}, expected {scheme.file_points}{either} for scheme {scheme.name!r}")
        if len(table.landmarks) != scheme.file_points:
            return replace(table, landmarks=scheme.landmarks, outlines=scheme.outlines)
        unused = sorted(set(range(scheme.file_points)) - set(scheme.columns))
        if not any(np.isfinite(row.points[unused]).any() for row in table.rows):
            return replace(table.taken(scheme.columns, scheme.landmarks), outlines=scheme.outlines)
        names = list(numbers(scheme.file_points))
        for column, name in zip(scheme.columns, scheme.landmarks, strict=True):
            names[column] = name
        places = [tuple(scheme.columns[i] for i in outline.points) for outline in scheme.outlines]
        outlines = (o.model_copy(update={"points": p}) for o, p in zip(scheme.outlines, places, strict=True))
        return replace(table, landmarks=tuple(names), outlines=tuple(outlines))

    def taken(self, columns: Sequence[int], landmarks: tuple[str, ...]) -> "PointTable":
        """Return the table with other ``landmarks``: per landmark, the column it had, or -1 for one that is missing."""
        rows = tuple(_taken(row, np.asarray(columns, dtype=np.intp)) for row in self.rows)
        return PointTable(rows, landmarks, notes=self.notes, form=self.form)

    def _placed(self, scheme: Scheme, where: str) -> "PointTable":
        number, landmarks = _numbering((), scheme)
        columns = [-1] * len(landmarks)
        for column, name in enumerate(self.landmarks):
            if name not in number:
                raise PointsError(f"{where}: {_unknown(name, number)}")
            if columns[number[name]] >= 0:
                twice = self.landmarks[columns[number[name]]]
                raise PointsError(f"{where}: landmark {name!r} is {twice!r} as well, expected one of both")
            columns[number[name]] = column
        return self.taken(columns, landmarks)


class Mark(NamedTuple):
    """One landmark on one film, in the file's own coordinates: what formats with names are read as, one by one."""

    where: str
    image: str
    annotator: str
    landmark: str
    point: tuple[float, float]
    occluded: bool = False
    expected_error: float = math.nan
    error_90: float = math.nan


def table_of(
    marks: Sequence[Mark], scheme: Scheme | None, landmarks: Sequence[str] = (),
    sizes: Mapping[str, tuple[int, int]] = MappingProxyType({}), outlines: Sequence[Outline] = (),
) -> PointTable:  # fmt: skip
    """Return marks as a table; landmarks without a mark are missing.

    The scheme says which names there are and in which order; they may be given as indices as well. Without one,
    ``landmarks`` are the names that the file itself lists, and ``outlines`` curves through them in that order; others
    follow. Without these, names that are all numbers are put in their order, and others stay in that in which they
    first appear. ``sizes`` are width and height of the films that the file gives them of.

    Raises:
        PointsError: an unknown landmark; one that is given twice; one that is occluded and has no coordinates; too many
            landmarks.
    """
    listed = tuple(landmarks)
    number, landmarks = _numbering([mark.landmark for mark in marks], scheme, listed)
    refuse_many(marks[0].where if marks else "", len(landmarks))
    rows: dict[tuple[str, str], PointRow] = {}
    given: set[tuple[str, str, int]] = set()
    expected, radii = (any(math.isfinite(getattr(m, key)) for m in marks) for key in ("expected_error", "error_90"))
    for mark in marks:
        where, image, annotator, name, point, occluded, *_ = mark
        if name not in number:
            raise PointsError(f"{where}: {_unknown(name, number)}")
        if (image, annotator, number[name]) in given:
            raise PointsError(f"{where}: landmark {name!r} of {image!r} is given twice, expected once per annotator")
        if occluded and not np.isfinite(point).all():
            raise PointsError(f"{where}: landmark {name!r} is occluded and has no x and y, expected both or neither")
        given.add((image, annotator, number[name]))
        row = rows.get((image, annotator))
        if row is None:
            unknown, hidden = np.full((len(landmarks), 2), np.nan), np.zeros(len(landmarks), bool)
            errors, within = (np.full(len(landmarks), np.nan) if told else None for told in (expected, radii))
            row = PointRow(image, annotator, unknown, where, hidden, errors, within, size=sizes.get(image))
            rows[image, annotator] = row
        row.points[number[name]] = point
        if row.occluded is not None:
            row.occluded[number[name]] = occluded
        if row.expected_error is not None:
            row.expected_error[number[name]] = mark.expected_error
        if row.error_90 is not None:
            row.error_90[number[name]] = mark.error_90
    ordered = scheme is None and not listed and bool(landmarks) and not all(map(str.isdecimal, landmarks))
    notes = ("landmarks are in the order in which they are first named",) if ordered else ()
    matched = scheme is not None and any(mark.landmark in scheme.landmarks for mark in marks)
    return PointTable(tuple(rows.values()), landmarks, () if scheme else tuple(outlines), notes, matched=matched)


def far_point(row: PointRow, landmarks: Sequence[str]) -> PointsError | None:
    """Return an error that names a point a million pixels or more away from the film's corner; None without one."""
    with np.errstate(invalid="ignore"):
        far = np.flatnonzero((np.abs(row.points) >= _FARTHEST).any(axis=1))
    if not len(far):
        return None
    x, y = row.points[far[0]]
    found = f"{row.where}: point {landmarks[far[0]]} of {row.image!r} is at ({x:g}, {y:g})"
    return PointsError(f"{found}, expected coordinates between -1e6 and 1e6 pixels")


def refuse_many(where: str, count: int) -> None:
    """Raise PointsError if there are too many landmarks, before memory is set aside for each of them on each film."""
    if count > MAX_LANDMARKS:
        raise PointsError(f"{where}: {count} landmarks, expected at most {MAX_LANDMARKS}")


def numbers(n: int) -> tuple[str, ...]:
    """Return the names of n landmarks that have none."""
    return tuple(map(str, range(n)))


def _taken(row: PointRow, columns: npt.NDArray[np.intp]) -> PointRow:
    """Return a row with the points of some columns; -1 is the one added at the end, which is missing."""

    def placed(values: FloatArray | None) -> FloatArray | None:
        return None if values is None else np.append(values, np.nan)[columns]

    return replace(
        row, points=np.vstack([row.points, [[np.nan, np.nan]]])[columns],
        occluded=None if row.occluded is None else np.append(row.occluded, False)[columns],
        expected_error=placed(row.expected_error), error_90=placed(row.error_90),
    )  # fmt: skip


def _unknown(name: str, number: Mapping[str, int]) -> str:
    hint = nearest(name, number) or f", expected one of {len(set(number.values()))} known landmarks"
    return f"unknown landmark {name!r}{hint}"


def _numbering(
    names: Sequence[str], scheme: Scheme | None, listed: tuple[str, ...] = ()
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return landmark name or index -> row of the points, and what the rows are called."""
    if scheme is not None:
        number = {str(i): i for i in range(scheme.file_points)}
        number |= dict(zip(scheme.landmarks, scheme.columns, strict=True))
        return number, numbers(scheme.file_points)
    order = tuple(dict.fromkeys((*listed, *names)))
    if not listed and all(name.isdecimal() for name in order):
        order = tuple(sorted(order, key=lambda name: (int(name), name)))
    return {name: i for i, name in enumerate(order)}, order
