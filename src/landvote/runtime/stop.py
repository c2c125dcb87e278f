"""The stop token: asks work to end soon, from another thread, another process, or at a given time."""

import threading
import time
from pathlib import Path
from typing import Self

from landvote.errors import StoppedError


class StopToken:
    """Asked now and then by the trainer or the locator: after each optimiser step, tree or film.

    Work that is stopped leaves a state from which the same call goes on. A token may be sent to another process: what
    it is asked there depends on the time and the file alone.

    It stops at ``until``, in seconds since 1970, or as soon as ``file`` exists: how one process asks another.
    """

    def __init__(self, until: float | None = None, file: Path | None = None) -> None:
        self.until = until
        self.file = file
        self._asked = threading.Event()

    @classmethod
    def after(cls, minutes: float | None, file: Path | None = None) -> Self:
        """Return a token that stops ``minutes`` from now; never, if None."""
        return cls(None if minutes is None else time.time() + 60 * minutes, file)

    def stop(self) -> None:
        """Ask the work that holds this token to stop; safe in a signal handler and from any thread."""
        self._asked.set()

    @property
    def stopped(self) -> bool:
        """Whether it is time to stop."""
        late = self.until is not None and time.time() >= self.until
        return late or self._asked.is_set() or (self.file is not None and self.file.exists())

    def check(self) -> None:
        """Raise StoppedError if it is time to stop; to be called where the state on disk is one to go on from."""
        if self.stopped:
            raise StoppedError("stopped as asked; the same call goes on from here")

    def __reduce__(self) -> tuple["type[StopToken]", tuple[float | None, Path | None]]:
        return StopToken, (self.until, self.file)  # a lock cannot be sent, a new one can be made
