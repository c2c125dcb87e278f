"""Proposals of the model of the review, film by film, while the server runs."""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from landvote.data.side import side_of
from landvote.errors import LandvoteError
from landvote.localiser import Localiser
from landvote.models.locate import something_to_see
from landvote.review.films import ReviewFilms
from landvote.review.models.current import CurrentModel
from landvote.review.store import Store
from landvote.runtime.stop import StopToken

_CALM = 0.5  # seconds between looks for another model, or a film that is wanted, once all have been looked at
_KEPT = 100  # films that are wanted; the last ones count


class Proposer:
    """Locates the landmarks of all films that have no proposal of the current model yet, in a thread of its own.

    Films that a person has begun are left alone; so is a proposal on a film that is open, until the film is left.
    ``order`` returns the numbers of films in the order in which they are needed, and is asked once for each model.
    Films that the page fetches come first.
    """

    def __init__(
        self, films: ReviewFilms, store: Store, models: CurrentModel, order: Callable[[], Sequence[int]] | None = None
    ) -> None:
        self.models, self.order = models, order or (lambda: range(len(films)))
        self._films, self._store = films, store
        self._stop, self._working = StopToken(), False
        self._soon: deque[int] = deque(maxlen=_KEPT)
        self._open: dict[str, int] = {}
        self._failed: set[int] = set()
        self._looked: set[int] = set()
        self._thread = threading.Thread(target=self._run, name="proposer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Stop after the film at hand, and wait for that."""
        self._stop.stop()
        self._thread.join()

    def said(self) -> dict[str, int | bool]:
        """Return how many films the model has looked at, how many of them in vain, and whether it is at work."""
        return {"done": len(self._looked), "failed": len(self._failed), "working": self._working}

    def wanted(self, number: int) -> None:
        """Look at a film before others: the page has fetched it."""
        self._soon.append(number)

    def opened(self, who: str, number: int) -> None:
        """Leave the proposal on a film as it is, as long as it is the one that a person has open."""
        before = self._open.get(who)
        self._open[who] = number
        if before is not None and before != number:
            self._soon.append(before)

    def _run(self) -> None:
        localiser: Localiser | None = None
        left: Iterator[int] = iter(())
        while not self._stop.stopped:
            if (now := self.models.current()) is not localiser:
                localiser, left = now, iter(self.order())
                self._looked.clear()
                self._failed.clear()
            number = (self._soon.popleft() if self._soon else next(left, None)) if localiser else None
            self._working = number is not None
            if localiser is None or number is None:
                self.models.wait(localiser, _CALM)
            else:
                self._look(localiser, number)

    def _look(self, localiser: Localiser, number: int) -> None:
        sample = self._films.samples[number]
        there = self._store.proposed_by(sample.identifier)
        if (
            number not in self._failed
            and there != localiser.model
            and sample.identifier not in self._store.states.begun()
        ):
            if there is not None and number in self._open.values():
                return
            try:
                found = localiser.locate(something_to_see(sample.open()), side_of(sample.identifier, localiser.sides))
            except LandvoteError:  # a film that cannot be read says so when it is opened on the page
                self._failed.add(number)
            else:
                self._store.propose([replace(found, identifier=sample.identifier)], untouched=True)
        self._looked.add(number)
