"""Evenness: annotation tools often spread landmarks evenly along an outline, between a few that the annotator chose."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from scipy.interpolate import PchipInterpolator

from landvote.data.points import FloatArray, Points
from landvote.data.scheme import Outline, Scheme
from landvote.errors import ModelError
from landvote.runtime.arrays import load_arrays, save_arrays
from landvote.shapes.carry import Index

_FILE = "evenness.npz"
_UNEVEN = 0.15
"""RMS over films by which a landmark may lie beside its even place, in mean steps; hand-placed ones do by more."""


@dataclass(frozen=True)
class Evenness:
    """How training shapes spread landmarks along the outlines of a scheme.

    Attributes:
        outlines: of the scheme.
        anchors: of each outline, which of its landmarks (by their place in it, in order) were not spread evenly between
            others; all of them where nothing is even. The ends of an open outline are anchors.
        chessboard: of each outline, whether steps are measured as the longer of their parts along x and along y, as by
            a tool that counts the pixels of a contour, and not as the crow flies.
    """

    outlines: tuple[Outline, ...]
    anchors: tuple[tuple[int, ...], ...]
    chessboard: tuple[bool, ...]

    @classmethod
    def fit(cls, scheme: Scheme, shapes: Sequence[Points]) -> "Evenness":
        """Learn from shapes, (n, 2) image coordinates each; an outline of which no shape is complete is not even."""
        anchors, chessboard = [], []
        for outline in scheme.outlines:
            lines = np.stack(shapes)[:, outline.ring()]
            lines = lines[np.isfinite(lines).all(axis=(1, 2))]
            lines = lines[np.ptp(lines, axis=1).max(axis=1) > 0]
            plain, counted = (_anchors(_along(lines, chessboard=c), closed=outline.closed) for c in (False, True))
            chessboard.append(len(counted) < len(plain))
            anchors.append(counted if chessboard[-1] else plain)
        return cls(scheme.outlines, tuple(anchors), tuple(chessboard))

    def towards(self, points: Points, held: Index | None = None) -> Points:
        """Return (n, 2) points moved along their outlines towards even places between the anchors, which stay.

        The errors of all landmarks along an outline are taken to be alike and independent. The mean that then has the
        least error gives a place in the middle between two anchors a weight of 2/3, and one close to an anchor 1/2. An
        outline with a missing (NaN) point, or with all points in one place, stays as it is.

        Landmarks that are ``held``, (k,) indices, have no error and stay, as anchors do. If they are given, even if
        none, landmarks move only between one of them and the next anchor.
        """
        moved = points.copy()
        for outline, anchors, chessboard in zip(self.outlines, self.anchors, self.chessboard, strict=True):
            line, n = points[outline.ring()], len(outline.points)
            if not np.ptp(line, axis=0).max() > 0:
                continue
            own, fixed = np.array(outline.points), np.isin(outline.points, [] if held is None else held)
            stay = np.union1d(anchors, np.flatnonzero(fixed))
            ends = np.append(stay, stay[0] + n) if outline.closed else stay
            line = np.concatenate([line[:-1], line]) if outline.closed else line  # twice round: a span may pass the end
            along = _along(line[None], chessboard=chessboard)[0]
            number = np.arange(ends[0], ends[-1])
            even = np.interp(number, ends, along[ends])
            apart = np.concatenate([[True], np.diff(along) > 0])
            places = PchipInterpolator(along[apart], line[apart])(even)  # a curve, which chords would cut short
            span, part = np.divmod(np.interp(number, ends, np.arange(len(ends))), 1)  # of the way from end to end
            one, other = (~fixed[ends % n][span.astype(int) + end] for end in (0, 1))
            weight = 1 / (1 + other * part**2 + one * (1 - part) ** 2)
            if held is not None:
                weight *= ~(one & other)
            moved[own[number % n]] += weight[:, None] * (places - points[own[number % n]])
        return moved

    def save(self, folder: Path) -> list[Path]:
        """Write which landmarks are anchors, and how steps are measured."""
        anchors = [
            i in own for line, own in zip(self.outlines, self.anchors, strict=True) for i in range(len(line.points))
        ]
        return [
            save_arrays(folder / _FILE, anchors=np.array(anchors, bool), chessboard=np.array(self.chessboard, bool))
        ]

    @classmethod
    def load(cls, folder: Path, scheme: Scheme) -> "Evenness":
        """Read what was saved; ModelError if the file is missing, broken, or for other outlines."""
        stored = load_arrays(folder / _FILE, "anchors", "chessboard")
        ends = np.cumsum([0, *(len(outline.points) for outline in scheme.outlines)])
        if stored["anchors"].shape != (ends[-1],) or stored["chessboard"].shape != (len(scheme.outlines),):
            expected = f"expected those of {len(scheme.outlines)} outlines with {ends[-1]} landmarks"
            raise ModelError(f"{folder / _FILE}: anchors of shape {stored['anchors'].shape}, {expected}")
        parts = [np.flatnonzero(stored["anchors"][a:b]) for a, b in pairwise(ends)]
        for outline, part in zip(scheme.outlines, parts, strict=True):
            if len(part) < min(2, len(outline.points)):
                found = f"{len(part)} anchors on outline {outline.name!r}"
                raise ModelError(f"{folder / _FILE}: {found}, expected two at least")
        anchors = tuple(tuple(int(i) for i in part) for part in parts)
        return cls(scheme.outlines, anchors, tuple(bool(c) for c in stored["chessboard"]))


def _along(lines: FloatArray, *, chessboard: bool) -> FloatArray:
    """Return (m, k) how far along (m, k, 2) lines their points lie, in pixels."""
    steps = np.diff(lines, axis=1)
    lengths = np.abs(steps).max(axis=2) if chessboard else np.linalg.norm(steps, axis=2)
    return np.concatenate([np.zeros((len(lines), 1)), lengths.cumsum(axis=1)], axis=1)


def _anchors(along: FloatArray, *, closed: bool) -> tuple[int, ...]:
    """Return the landmarks without which the others would not be even, given how far along (m, k) lines all lie.

    One after the other is taken out, first the one between whose neighbours all are most even, while they are even.
    """
    films, n = len(along), along.shape[1] - int(closed)
    left = list(range(n))
    if not films:
        return tuple(left)
    scaled = along / along[:, -1:] * (along.shape[1] - 1)  # in mean steps
    turns = np.concatenate([scaled[:, :-1], scaled + n], axis=1) if closed else scaled

    def uneven(place: int) -> float:
        """Return how uneven the landmarks between the neighbours of an anchor are without it."""
        if not closed and place in (0, len(left) - 1):
            return np.inf
        first, last = left[place - 1], left[(place + 1) % len(left)]
        last += n * int(last <= first)
        even = np.linspace(turns[:, first], turns[:, last], last - first + 1, axis=1)
        return float(np.sqrt(((even - turns[:, first : last + 1]) ** 2).mean(axis=0).max()))

    found = [uneven(place) for place in range(n)]
    while len(left) > 2 and min(found) <= _UNEVEN:
        place = int(np.argmin(found))
        left.pop(place)
        found.pop(place)
        for beside in (place - 1, place % len(left)):
            found[beside] = uneven(beside % len(left))
    return tuple(left)
