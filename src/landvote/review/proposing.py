"""Proposals of a model, film by film, while the server runs."""

import threading
from dataclasses import replace

from landvote.data.side import side_of
from landvote.errors import LandvoteError
from landvote.localiser import Localiser
from landvote.models.locate import something_to_see
from landvote.review.films import ReviewFilms
from landvote.review.store import Store
from landvote.runtime.stop import StopToken


class Proposer:
    """Locates the landmarks of all films that have no proposal of this model yet, in a thread of its own."""

    def __init__(self, localiser: Localiser, films: ReviewFilms, store: Store) -> None:
        self.localiser, self._films, self._store = localiser, films, store
        self._stop, self._done, self._failed = StopToken(), 0, 0
        self._thread = threading.Thread(target=self._run, name="proposer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """Stop after the film at hand, and wait for that."""
        self._stop.stop()
        self._thread.join()

    def said(self) -> dict[str, int | bool]:
        """Return how many films are done, how many of them could not be located, and whether it is at work."""
        return {"done": self._done, "failed": self._failed, "working": self._thread.is_alive()}

    def _run(self) -> None:
        for sample in self._films.samples:
            if self._stop.stopped:
                return
            if self._store.proposed_by(sample.identifier) != self.localiser.model:
                side = side_of(sample.identifier, self.localiser.sides)
                try:
                    found = self.localiser.locate(something_to_see(sample.open()), side)
                except LandvoteError:  # a film that cannot be read says so when it is opened on the page
                    self._failed += 1
                else:
                    self._store.propose([replace(found, identifier=sample.identifier)])
            self._done += 1
