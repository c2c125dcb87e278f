"""The film that teaches most: films in the order in which it is best to annotate them.

Without a model the most typical film comes first, and then always the one farthest from all that are known (k-centre).
With a model the distance is multiplied by the error to expect, and films that the model does not know come before all.
"""

import threading
import time
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from landvote.data.points import FloatArray
from landvote.errors import DataError
from landvote.review.films import ReviewFilms
from landvote.review.store import Store
from landvote.runtime.stop import StopToken
from landvote.uncertainty.familiarity import film_at

_CENTRES = 50  # films are ordered one by one, the others by their distance from all of these
_AGAIN = 3.0  # seconds between looks whether the order has changed
_SHARE = 1.0  # seconds of rest for each second of reading films: the page comes first
_CALM = 10.0  # the same, for each second of ranking


def rank(
    features: npt.NDArray[np.float32], known: Sequence[int], errors: FloatArray | None = None,
    strange: Sequence[int] = (),
) -> list[int]:  # fmt: skip
    """Return the rows of (n, d) features that are not ``known``, those first that teach most.

    ``errors`` are (n,) those to expect, in any unit, NaN where there is none: such count as the median. ``strange``
    rows come before all others.
    """
    weight = np.ones(len(features))
    if errors is not None and np.isfinite(errors).any():
        usual = float(np.nanmedian(errors))
        weight = (np.where(np.isfinite(errors), errors, usual) / max(usual, 1e-9)).clip(min=1e-3)
    away = np.full(len(features), np.inf)
    for row in known:
        away = np.minimum(away, _distances(features, row))
    left = np.ones(len(features), bool)
    left[list(known)] = False
    first = np.zeros(len(features), bool)
    first[list(strange)] = True
    order: list[int] = []
    if not len(known) and len(features):
        typical = int(np.argmin(((features - features.mean(axis=0)) ** 2).sum(axis=1)))
        order, left[typical], away = [typical], False, _distances(features, typical)
    for group in (left & first, left & ~first):
        for _ in range(min(_CENTRES, int(group.sum()))):
            row = int(np.argmax(np.where(group, away * weight, -1.0)))
            order.append(row)
            group[row] = False
            away = np.minimum(away, _distances(features, row))
        rest = np.flatnonzero(group)
        order += rest[np.argsort(-(away * weight)[rest], kind="stable")].tolist()
    return order


def _distances(features: npt.NDArray[np.float32], row: int) -> FloatArray:
    return np.asarray(np.sqrt(((features - features[row]) ** 2).sum(axis=1)), np.float64)


class Teaching:
    """Ranks the films of a review, in a thread of its own, from their small pictures.

    Films whose picture is not known yet have no rank; those that cannot be read never have one.
    """

    def __init__(self, films: ReviewFilms, store: Store) -> None:
        self._films, self._store = films, store
        self._stop, self._ranks = StopToken(), dict[int, int]()
        self._thread = threading.Thread(target=self._run, name="teaching", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Stop after the film at hand, and wait for that."""
        self._stop.stop()
        self._thread.join()

    def ranks(self) -> Mapping[int, int]:
        """Return number of a film -> its rank from 0; films without one are left out."""
        return self._ranks

    def order(self) -> list[int]:
        """Return the numbers of all films: those with a rank first."""
        ranks = self._ranks
        return sorted(range(len(self._films)), key=lambda number: (ranks.get(number, len(self._films)), number))

    def _run(self) -> None:
        features: dict[int, npt.NDArray[np.float32]] = {}
        due = 0.0
        for number in range(len(self._films)):
            begun = time.monotonic()
            if (row := self._features(number)) is not None:
                features[number] = row
            if time.monotonic() > due:
                due = time.monotonic() + self._rank(features)
            if self._rest(_SHARE * (time.monotonic() - begun)):
                return
        before: object = None
        while not self._stop.stopped:
            now = (self._store.edits, self._store.proposals.outlook())
            self._rest(_AGAIN if now == before else self._rank(features))
            before = now

    def _rest(self, seconds: float) -> bool:
        """Wait, and say whether it is time to end."""
        until = time.monotonic() + seconds
        while not self._stop.stopped and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
        return self._stop.stopped

    def _features(self, number: int) -> npt.NDArray[np.float32] | None:
        try:
            picture = self._films.thumbnail(number)
        except DataError:
            return None
        grey = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE)
        if grey is None:
            return None  # a small picture that was damaged
        scaled = np.asarray(grey, np.float32) / np.float32(128) - np.float32(1)
        row: npt.NDArray[np.float32] = film_at(scaled)[0]
        return row

    def _rank(self, features: Mapping[int, npt.NDArray[np.float32]]) -> float:
        """Rank the films whose features are known, and return for how many seconds that is enough."""
        begun_at = time.monotonic()
        if not features:
            return _AGAIN
        numbers = list(features)
        names = [self._films.samples[number].identifier for number in numbers]
        begun, outlook = self._store.states.begun(), self._store.proposals.outlook()
        errors = np.array([outlook.get(name, (np.nan, None))[0] for name in names])
        strange = [row for row, name in enumerate(names) if name in outlook and outlook[name][1] is False]
        known = [row for row, name in enumerate(names) if name in begun]
        rows = rank(np.stack([features[number] for number in numbers]), known, errors, strange)
        self._ranks = {numbers[row]: place for place, row in enumerate(rows)}
        return max(_AGAIN, _CALM * (time.monotonic() - begun_at))
