"""Small pictures of where a landmark lies: the neighbourhood of its points on approved films, averaged."""

import threading
from itertools import islice

import cv2
import numpy as np
import numpy.typing as npt

from landvote.errors import ImageError
from landvote.review.films import ReviewFilms
from landvote.review.store import Store

_FILMS = 20  # at most, in one picture
_KEPT = 3 * _FILMS  # films that stay in memory, made small
_LONG = 640  # pixels of the longer side of the films that the pictures are cut from
_PART = 0.2  # of that side, which a picture shows
_SIDE = 160  # pixels of a picture
_GAP, _ARM = 5, 16  # where the cross in the middle begins and ends

Grey = npt.NDArray[np.uint8]


class MeanPictures:
    """Makes the pictures when they are asked for. Several threads may call it; films are read once, and stay small."""

    def __init__(self, store: Store, films: ReviewFilms) -> None:
        self._store, self._films = store, films
        self._numbers = {sample.identifier: number for number, sample in enumerate(films.samples)}
        self._small: dict[int, tuple[Grey, float] | None] = {}
        self._made: dict[tuple[str, str], tuple[int, bytes]] = {}
        self._mutex = threading.Lock()  # one picture at a time; edits wait for none

    def picture(self, landmark: str, side: str) -> bytes | None:
        """Return the picture of a landmark as PNG, from approved films that show this side, empty for none.

        None where no such film has the landmark. It is made anew when there are more or fewer such films than before.
        """
        points = {
            number: point for image, point in self._store.states.approved_points(landmark).items()
            if (number := self._numbers.get(image)) is not None and self._films.samples[number].side.name == side
        }  # fmt: skip
        with self._mutex:
            count, made = self._made.get((landmark, side), (0, b""))
            if len(points) != count:
                patches = (_patch(*film, points[n]) for n in sorted(points) if (film := self._film(n)))
                made = _mean(list(islice(patches, _FILMS)))
                self._made[landmark, side] = (len(points), made)
            return made or None

    def _film(self, number: int) -> tuple[Grey, float] | None:
        """Return a film made small, and its pixels per pixel of the film; None for one that cannot be read."""
        if number not in self._small:
            if len(self._small) > _KEPT:
                self._small.clear()
            try:
                self._small[number] = self._films.smaller(number, _LONG)
            except ImageError:
                self._small[number] = None
        return self._small[number]


def _patch(film: Grey, scale: float, point: tuple[float, float]) -> Grey:
    """Return the neighbourhood of a point, which is in pixels of the whole film; black beside the film."""
    x, y = ((v + 0.5) * scale - 0.5 for v in point)
    zoom = _SIDE / (_PART * max(film.shape))
    middle = (_SIDE - 1) / 2
    move = np.array([[zoom, 0, middle - zoom * x], [0, zoom, middle - zoom * y]])
    patch: Grey = cv2.warpAffine(film, move, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR)  # type: ignore[assignment]
    return patch


def _mean(patches: list[Grey]) -> bytes:
    """Return the mean with a cross in its middle as PNG; nothing of no patches."""
    if not patches:
        return b""
    mean = np.mean(patches, axis=0)
    low, high = np.percentile(mean, [1, 99])
    grey = ((mean - low) * (230 / max(float(high - low), 1e-9))).clip(0, 230).astype(np.uint8)
    picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
    for colour, thick in (((0, 0, 0), 5), ((255, 209, 90), 2)):  # blue, green, red
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            near, far = ((_SIDE // 2 + dx * v, _SIDE // 2 + dy * v) for v in (_GAP, _ARM))
            cv2.line(picture, near, far, colour, thick)
    made: bytes = cv2.imencode(".png", picture)[1].tobytes()
    return made
