"""The trainer: ``landvote train`` in a process of its own, see :mod:`landvote.review.child`."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from landvote.runtime.files import writing
from landvote.runtime.processors import processors

COMMAND = (sys.executable, "-m", "landvote.review.child")

_PATIENCE = 3.0  # seconds between asking the process to end and ending it
_SAID = 4096  # bytes at the end of what it printed, in which the error is


class Trainer:
    """A running training, or one that has ended.

    Args:
        command: that is run, before the words.
        words: of the command line of ``landvote``.
        log: a file for all that it prints.

    Raises:
        DataError: the log cannot be written, or the command cannot be run.
    """

    def __init__(self, command: Sequence[str], words: Sequence[str], log: Path) -> None:
        self._log, self.begun = log, time.time()
        self._stopped = False
        count = str(max(1, processors() - 1))  # one stays with the server
        limits = dict.fromkeys(("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "LOKY_MAX_CPU_COUNT"), count)
        with writing(log), log.open("wb") as printed:
            self._process = subprocess.Popen(  # noqa: S603 - no shell, and words of ours
                [*command, *words], stdin=subprocess.PIPE, stdout=printed, stderr=subprocess.STDOUT,
                env=os.environ | limits, start_new_session=True,
            )  # fmt: skip

    @property
    def running(self) -> bool:
        """Whether it is at work."""
        return self._process.poll() is None

    @property
    def stopped(self) -> bool:
        """Whether :meth:`stop` was called while it was at work."""
        return self._stopped

    @property
    def killed(self) -> bool:
        """Whether something else than :meth:`stop` has ended it, such as the system."""
        status = self._process.poll()
        return status is not None and status < 0 and not self._stopped

    def stop(self) -> None:
        """End it now, and wait for that; the next training goes on from what is on the disk."""
        self._stopped |= self.running
        for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
            self._send(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE)
                break
        if self._process.stdin:
            self._process.stdin.close()

    def _send(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            if hasattr(os, "killpg") and self.running:  # with all processes that it has started
                os.killpg(self._process.pid, number)
            else:
                self._process.send_signal(number)

    def error(self) -> str:
        """Return why it failed, as it has printed last; empty if it has not failed."""
        if not self._process.poll():
            return ""
        lines = said(self._log)
        errors = [line.removeprefix("landvote: ") for line in lines if line.startswith("landvote: ")]
        return (errors or lines or [f"it ended with status {self._process.returncode} and said nothing"])[-1]


def options_as_words(options: Mapping[str, object]) -> list[str]:
    """Return options of ``landvote train`` as words of a command line; one that is None has no value."""
    return [
        word for name, value in options.items()
        for word in ([f"--{name}"] if value is None else [f"--{name}", str(value)])
    ]  # fmt: skip


def said(log: Path) -> list[str]:
    """Return the last lines that a trainer has printed; none if there is no log."""
    try:
        with log.open("rb") as opened:
            opened.seek(max(0, os.fstat(opened.fileno()).st_size - _SAID))
            return [line for line in opened.read().decode(errors="replace").splitlines() if line.strip()]
    except OSError:
        return []
