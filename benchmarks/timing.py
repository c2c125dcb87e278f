"""Fair timing on a machine that is never quiet: what is compared takes turns, and each pair of turns gives a ratio."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Turn:
    """What one call took: wall-clock seconds, and processor seconds of all its threads and child processes."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        benchmark: what was measured.
        seconds: median wall-clock seconds of it.
        against: what it was measured against.
        against_seconds: median wall-clock seconds of that.
        ratio: median over the pairs of turns of the ratio of wall-clock seconds.
        cpu_ratio: the same of processor seconds, which other programs on the machine disturb less.
        limit: the highest ratio allowed, or None where the figure is for information.
        repeats: pairs of turns.
    """

    benchmark: str
    seconds: float
    against: str
    against_seconds: float
    ratio: float
    cpu_ratio: float
    limit: float | None
    repeats: int


class Stopwatch:
    """Counts from when it is made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), _cpu_seconds()

    def turn(self) -> Turn:
        """Return what has passed since."""
        return Turn(time.perf_counter() - self._wall, _cpu_seconds() - self._cpu)


def take_turns(functions: Sequence[Callable[[], object]], repeats: int) -> list[list[Turn]]:
    """Call each function ``repeats`` times in turn, after one call that is not counted; one list per function."""
    for function in functions:
        function()
    turns: list[list[Turn]] = [[] for _ in functions]
    for _ in range(repeats):
        for function, own in zip(functions, turns, strict=True):
            watch = Stopwatch()
            function()
            own.append(watch.turn())
    return turns


def compare(
    benchmark: str, turns: Sequence[Turn], against: str, others: Sequence[Turn], limit: float | None = None
) -> Row:
    """Put the turns of two rivals, taken in pairs, into one row."""
    pairs = list(zip(turns, others, strict=True))
    return Row(
        benchmark,
        statistics.median(t.wall for t in turns),
        against,
        statistics.median(o.wall for o in others),
        statistics.median(t.wall / o.wall for t, o in pairs),
        statistics.median(t.cpu / max(o.cpu, 1e-6) for t, o in pairs),
        limit,
        len(turns),
    )


def _cpu_seconds() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(u.ru_utime + u.ru_stime for u in usages)
