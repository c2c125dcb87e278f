"""Points that cannot be meant: annotators far apart, shares or per cent in place of pixels, x and y swapped."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from landvote.data.points import Points
from landvote.data.sample import Sample
from landvote.errors import PointsError

_APART = 0.25  # of the shape's extent: annotators of one landmark differ by far less
_NEAR = 5.0  # pixels, which clicks on small films may differ by
_UNITS = {1: "shares of the film (0 to 1)", 100: "per cent of the film"}
_LARGER = 2.5  # times a unit's end, at least, are films that reach beyond it
_BEYOND = 0.05  # of the film's side: a landmark may lie a little outside the film
_NAMED = 10

Size = tuple[int, int]


def annotators_apart(films: Mapping[str, Mapping[str, Points]]) -> list[PointsError]:
    """Return an error for each film with two annotators farther apart than a quarter of the shape's extent.

    ``films`` are identifier -> annotator -> (n, 2) points in image coordinates.

    They differ by the mean distance over the landmarks that both give; the extent is the diagonal of the box round the
    larger shape. One of the two has another side in mind, or another film.
    """
    found = []
    for film, annotations in films.items():
        for (one, first), (other, second) in combinations(annotations.items(), 2):
            both = np.isfinite(first).all(axis=1) & np.isfinite(second).all(axis=1)
            if both.sum() < 2:
                continue
            distance = float(np.linalg.norm(first[both] - second[both], axis=1).mean())
            extent = max(float(np.linalg.norm(np.ptp(points[both], axis=0))) for points in (first, second))
            if distance > max(_APART * extent, _NEAR):
                apart = f"{one!r} and {other!r} are {distance:.4g} pixels apart on average"
                expected = f"expected at most {max(_APART * extent, _NEAR):.4g}, a quarter of the shape's extent"
                found.append(PointsError(f"{film}: annotators {apart}, {expected}; another side or film?"))
    return found


def misplaced(samples: Sequence[Sample], sizes: Mapping[str, Size]) -> list[str]:
    """Return in words which films have points that are not pixels, or x and y swapped; ``sizes`` by identifier."""
    given = {s.identifier: s.points for s in samples if s.annotations and s.identifier in sizes}
    given = {name: points[np.isfinite(points).all(axis=1)] for name, points in given.items()}
    given = {name: points for name, points in given.items() if len(points)}
    return _in_other_units(given, sizes) or _swapped(given, sizes)


def resized(stated: Mapping[str, Size | None], sizes: Mapping[str, Size]) -> list[str]:
    """Return in words which films have another size than the file of their points gives; both by identifier.

    If width and height have changed places, the points were set on the film before EXIF, or a program, turned it.
    """
    found: dict[bool, list[str]] = {True: [], False: []}
    for name, expected in stated.items():
        size = sizes.get(name, expected)
        if size and expected and size != expected:
            found[size == expected[::-1]].append(f"{name} ({size[0]} x {size[1]}, not {expected[0]} x {expected[1]})")
    words = {
        True: "films are turned, by EXIF or since, and their points were set on the unturned picture",
        False: "films have another size than the file of their points says",
    }
    return [f"{len(names)} {words[turned]}: {_some(names)}" for turned, names in found.items() if names]


def _in_other_units(given: Mapping[str, Points], sizes: Mapping[str, Size]) -> list[str]:
    """All points of all films have to be so, on films that are all much larger."""
    if not given:
        return []
    low, high = (end(every := [p for points in given.values() for p in points.ravel()]) for end in (min, max))
    shortest = min(min(sizes[name]) for name in given)
    for end, words in _UNITS.items():
        if low >= -1 and high <= end and shortest >= _LARGER * end and len(every) > 2:
            films = f"{len(given)} films have all points between {low:.4g} and {high:.4g}"
            return [f"{films}, as if they were {words}; expected pixels: {_some(list(given))}"]
    return []


def _swapped(given: Mapping[str, Points], sizes: Mapping[str, Size]) -> list[str]:
    """Films on which points fit only if swapped: most films, or one on which they also look like the others so."""
    beyond = {name: _beyond(points, sizes[name]) for name, points in given.items()}
    fitting = [name for name, points in given.items() if _beyond(points[:, ::-1], sizes[name]) <= 0 < beyond[name]]
    far = [name for name in fitting if beyond[name] > _BEYOND]
    if not far or 2 * len(fitting) < len(given):
        others = [points for name, points in given.items() if name not in fitting]
        fitting = [name for name in far if _looks_swapped(given[name], others)]
    found = f"{len(fitting)} films have points that fit only if x and y are swapped, expected x first"
    return [f"{found}: {_some(fitting)}"] if fitting else []


def _beyond(points: Points, size: Size) -> float:
    """Return how far the farthest point lies outside the film, as a share of the film's side; negative inside."""
    side = np.array(size, dtype=np.float64)
    return float(np.maximum((-0.5 - points) / side, (points + 0.5 - side) / side).max())


def _looks_swapped(points: Points, others: Sequence[Points]) -> bool:
    """Say whether a shape is nearer to the others with x and y swapped; swapping mirrors it."""
    alike = [other for other in others if len(other) == len(points)]
    if len(points) < 3 or not alike:
        return True
    turned, given = (np.median([_residual(shape, o) for o in alike]) for shape in (points[:, ::-1], points))
    return bool(turned < given)


def _residual(points: Points, other: Points) -> float:
    """Return the share of a shape that no shift, turn and scale brings onto another, 0 to 1."""
    a, b = (p @ np.array([1, 1j]) for p in (points, other))
    a, b = a - a.mean(), b - b.mean()
    return float(1 - np.abs(np.vdot(a, b)) ** 2 / max(np.vdot(a, a).real * np.vdot(b, b).real, 1e-12))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
