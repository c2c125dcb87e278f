"""The model of a review: the one that proposes now. Whatever needs a model asks here, each time anew."""

import threading

from landvote.localiser import Localiser


class CurrentModel:
    """Keeps the localiser that proposes, which may change while the server runs. Several threads may call it."""

    def __init__(self, localiser: Localiser | None = None) -> None:
        self._localiser = localiser
        self._changed = threading.Condition()

    def current(self) -> Localiser | None:
        """Return the localiser, None while there is none."""
        return self._localiser

    def take(self, localiser: Localiser | None) -> None:
        """Let another localiser propose from now on."""
        with self._changed:
            self._localiser = localiser
            self._changed.notify_all()

    def wait(self, other_than: Localiser | None, seconds: float) -> None:
        """Return once the localiser is another one than that, or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._localiser is not other_than, seconds)
