"""Coordinates that stand for a missing point: many tools write 0,0 or -1,-1 where a landmark was not marked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from landvote.data.sample import Sample

_FILMS = 3  # that have the very same coordinates, at least; of a corner of the film or beyond it, one less
_ALONE = 0.25  # of the extent of all points: nearer points of the landmark show that the place is a usual one
_NEAR = 5.0  # pixels; the same, where the extent is small


@dataclass(frozen=True)
class Placeholder:
    """Coordinates that come back exactly in several films, away from where the landmark is on the others.

    Attributes:
        place: x and y, image pixels.
        landmarks: names of the landmarks that they are given for.
        films: identifiers of the films that have them.
    """

    place: tuple[float, float]
    landmarks: tuple[str, ...]
    films: tuple[str, ...]

    def __str__(self) -> str:
        """Return what was found and what it means, without the films."""
        x, y = self.place
        of = f"landmark {self.landmarks[0]}" if len(self.landmarks) == 1 else f"{len(self.landmarks)} landmarks"
        return f"({x:g}, {y:g}) comes back exactly for {of}: a code for missing? leave such points empty"


def placeholders(samples: Sequence[Sample]) -> list[Placeholder]:
    """Return the coordinates that look like a code for missing points, those of most films first.

    A landmark is never twice in the very same place by chance, unless films are many and points whole numbers; then
    other films have it close by.
    """
    given = [(s.identifier, points) for s in samples for points in s.annotations.values()]
    if not given:
        return []
    films, stack = [film for film, _ in given], np.stack([points for _, points in given])
    known = stack[np.isfinite(stack).all(axis=2)]
    extent = float(np.median(np.linalg.norm(known - np.median(known, axis=0), axis=1)))
    alone = max(_ALONE * extent, _NEAR)
    found: dict[tuple[float, float], list[tuple[str, str]]] = {}
    for number, name in enumerate(samples[0].scheme.landmarks):
        own: list[tuple[float, float]] = list(map(tuple, stack[:, number].tolist()))
        for place in (place for place, count in Counter(own).items() if count > 1):
            having = [film for film, other in zip(films, own, strict=True) if other == place]
            distance = np.linalg.norm(stack[:, number] - place, axis=1)
            enough = len(set(having)) >= _FILMS - (max(place) <= 0)
            if enough and not ((distance > 0) & (distance < alone)).any():
                found.setdefault(place, []).extend((name, film) for film in having)
    coded = [
        Placeholder(place, tuple(dict.fromkeys(n for n, _ in entries)), tuple(dict.fromkeys(f for _, f in entries)))
        for place, entries in found.items()
    ]
    return sorted(coded, key=lambda code: -len(code.films))
