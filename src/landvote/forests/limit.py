"""The time limit: how often films are seen and how many trees are grown, as far as the time goes.

Landmarks are learned one after the other, so the first ones decide how many trees all have. The schedule lets each grow
one tree more as long as, by the trees timed so far, all others can have as many before the time is up. Where trees turn
out slower later on, later landmarks get fewer, and in the end all have as many as the one with the fewest. A tree does
not depend on those after it: forests that are cut short are what they would have been if no more had been grown.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from landvote.errors import StoppedError
from landvote.forests.forest import flatten, grow_tree
from landvote.forests.gathering import digest, gather, rounds
from landvote.forests.settings import ForestSettings
from landvote.frames import Views
from landvote.processors import processors
from landvote.runtime.arrays import load_arrays, save_arrays
from landvote.votes import Lesson

_MEASURED = 200  # films are enough to measure by
_RESERVE, _OVERRUN = 0.97, 1.05  # of the time: what the first landmarks plan for, and what later ones keep to
_FEWEST = 0.5  # of the trees asked for: films are seen more often only if at least so many trees can be grown as well


@dataclass(frozen=True)
class Costs:
    """What learning takes, measured on a few views.

    Attributes:
        view: seconds to look at a film once.
        tree: seconds to grow one tree from ``views`` views while every job grows one; 0 if they show no landmark.
        views: how many there were.
    """

    view: float
    tree: float
    views: int

    @classmethod
    def measure(cls, views: Views, landmarks: int, settings: ForestSettings, jobs: int) -> Costs:
        """Look at some of the films once, and grow a tree of as many landmarks as are learned at the same time."""
        once = settings.model_copy(update={"views": 1})
        gather(replace(views, working=views.working[:1]), once)  # what is done once in a process is not counted
        working = views.working[:: max(1, -(-len(views.working) // _MEASURED))]
        begun = time.monotonic()
        gathered = gather(replace(views, working=working), once, jobs)
        seen = time.monotonic()
        shown = np.argsort(-np.isfinite(gathered.points).all(axis=2).sum(axis=0), kind="stable")[: min(jobs, landmarks)]
        patches = {int(i): gathered.patches(int(i), once) for i in shown}
        patches = {landmark: own for landmark, own in patches.items() if len(own.which)}

        def grown(landmark: int) -> float:
            start = time.monotonic()
            flatten(*grow_tree(patches[landmark], once, landmark, 0))
            return time.monotonic() - start

        with ThreadPoolExecutor(jobs) as pool:
            list(pool.map(grown, list(patches)[:1]))  # compiles
            seconds = list(pool.map(grown, patches))
        count = len(gathered.points)
        return cls((seen - begun) / count, float(np.mean(seconds)) if seconds else 0.0, count)

    def seconds(self, views: int, trees: int) -> float:
        """Return how long it takes to look ``views`` times, and to grow ``trees`` trees one after the other."""
        sorting = np.log2(max(views, 2)) / np.log2(max(self.views, 2))
        return self.view * views + self.tree * trees * views / self.views * float(sorting)


def least_seconds(settings: ForestSettings, lesson: Lesson, films: int) -> float:
    """Return how long the least useful training takes, see :meth:`VoterSettings.least_minutes`.

    Getting ready and measuring counts as long as it took here: :meth:`Schedule.decide` does the same.
    """
    begun, jobs = time.monotonic(), min(settings.jobs or processors(), lesson.landmarks)
    costs = Costs.measure(lesson.views, lesson.landmarks, settings, jobs)
    measured = len({film.identifier for film in lesson.views.working})
    views = math.ceil(films * len(lesson.views) / measured)
    return time.monotonic() - begun + costs.seconds(views, math.ceil(lesson.landmarks / jobs))


class Schedule:
    """How many views and trees there is time for; shared by the threads that grow.

    Args:
        lesson: what is learned from; what was decided is kept in its folder.
        settings: what is grown, at most.
        jobs: landmarks that are learned at the same time.
        minutes: that learning may take from now on, or None.

    Attributes:
        settings: those by which forests are grown: with as many views of a film as there is time for.
        trees: that each landmark has in the end; may still go down while trees are grown.
    """

    def __init__(self, lesson: Lesson, settings: ForestSettings, jobs: int, minutes: float | None) -> None:
        self.settings = settings
        self.trees = settings.trees
        self._begun = time.monotonic()
        self._stop, self._jobs = lesson.stop, jobs
        self._seconds = None if minutes is None else 60 * minutes
        self._file, self._origin = lesson.folder / "limit.npz", _origin(lesson, settings)
        self._timed: list[float] = []  # seconds that trees took
        self._waiting = self._ended = 0  # landmarks
        self._fixed = minutes is None  # whether the number of trees stays as it is
        self._abandoned = False
        self._lock = threading.Lock()

    @classmethod
    def decide(cls, lesson: Lesson, settings: ForestSettings, jobs: int, minutes: float | None) -> Schedule:
        """Go on with what an earlier call has decided about the same films, or decide how often they are seen."""
        made = cls(lesson, settings, jobs, minutes)
        if minutes is None or made._taken_up():
            return made
        costs = Costs.measure(lesson.views, lesson.landmarks, settings, jobs)
        trees = math.ceil(_FEWEST * settings.trees) * math.ceil(lesson.landmarks / jobs)
        count, most = len(lesson.views), rounds(lesson.views, settings)
        left = made._left(_RESERVE)
        fitting = (often for often in range(most, 1, -1) if costs.seconds(often * count, trees) <= left)
        if most > 1:  # else there is nothing to choose
            made.settings = settings.model_copy(update={"views": next(fitting, 1)})
        made._keep()
        return made

    def begin(self, waiting: int, found: int) -> None:
        """Begin to grow the forests of ``waiting`` landmarks; those of ``found`` were grown by an earlier call.

        If there are any, the rest is to be like them, even if the interruption has cost time.
        """
        self._waiting, self._ended = waiting, found
        self._fixed = self._fixed or found > 0

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of a landmark's trees as long as there is time for one more; at least the first.

        The caller grows each before it asks for the next: that is how long a tree takes.

        Raises:
            StoppedError: the lesson's token asked for it, or :meth:`abandon` was called.
        """
        with self._lock:
            self._waiting -= 1
        for number in range(self.settings.trees):
            self._stop.check()
            if self._abandoned:
                raise StoppedError("another landmark could not be learned")
            if not self._time_for(number):
                break
            start = time.monotonic()
            yield number
            self._timed.append(time.monotonic() - start)
        with self._lock:
            self._ended += 1
            self._keep()

    def abandon(self) -> None:
        """Let no job begin another tree; the time that was used is kept."""
        self._abandoned = True
        with self._lock:
            self._keep()

    def _time_for(self, grown: int) -> bool:
        """Say whether a landmark with ``grown`` trees may have another one; if not, no landmark has in the end."""
        with self._lock:
            if grown and not self._fixed and self._timed:
                to_grow = 1 + math.ceil(self._waiting / self._jobs) * (
                    grown + 1
                )  # by this job, before all have as many
                if to_grow * float(np.mean(self._timed)) > self._left(_OVERRUN if self._ended else _RESERVE):
                    self.trees = min(self.trees, grown)
            return grown < self.trees

    def _left(self, share: float) -> float:
        """Return how many seconds are left of a share of the time."""
        return math.inf if self._seconds is None else share * self._seconds - (time.monotonic() - self._begun)

    def _keep(self) -> None:
        if self._seconds is not None:
            decided = {"views": self.settings.views, "trees": self.trees, "seconds": time.monotonic() - self._begun}
            save_arrays(self._file, origin=self._origin, **decided)

    def _taken_up(self) -> bool:
        """Take up what an earlier call decided on these films, and count its time; return whether there was one."""
        if not self._file.exists():
            return False
        kept = load_arrays(self._file, "origin", "views", "trees", "seconds")
        if not np.array_equal(kept["origin"], self._origin):
            return False
        self.settings = self.settings.model_copy(update={"views": int(kept["views"])})
        self.trees = int(kept["trees"])
        self._begun -= float(kept["seconds"])
        return True


def _origin(lesson: Lesson, settings: ForestSettings) -> npt.NDArray[np.uint8]:
    """Return a digest of the settings, and of where the landmarks lie in all films."""
    views = lesson.views
    return digest(
        settings, np.array([len(views), lesson.landmarks]), *(w.frame.to_grid(w.points) for w in views.working)
    )
