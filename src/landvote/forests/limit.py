"""The time limit: how often films are seen and how many trees are grown, as far as the time goes.

How often is decided before growing, by costs measured on some of the films. How many trees is decided while growing: a
tree more for all landmarks is begun as long as the longest such round so far would end in time. No tree depends on
another, so a forest that is cut short is what it would have been if no more had been asked for.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from landvote.forests.forest import flatten, grow_tree
from landvote.forests.gathering import digest, gather, rounds
from landvote.forests.settings import ForestSettings
from landvote.frames import Views
from landvote.processors import processors
from landvote.runtime.arrays import load_arrays, save_arrays
from landvote.votes import Lesson

_MEASURED = 200  # films are enough to measure by
_OVERRUN = 1.05  # of the time: a round of trees that is not finished then is given up
_FEWEST = 0.5  # of the trees asked for: films are seen more often only if at least so many trees can be grown as well


@dataclass(frozen=True)
class Costs:
    """What learning takes, measured on a few views.

    Attributes:
        view: seconds to look at a film once.
        tree: seconds to grow one tree from ``views`` views while every job grows one; 0 if they show no landmark.
        views: how many there were.
        patches: how many of them one tree has grown from, on average.
    """

    view: float
    tree: float
    views: int
    patches: float

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
        count, numbers = len(gathered.points), [len(own.which) for own in patches.values()]
        tree, number = (float(np.mean(seconds)), float(np.mean(numbers))) if patches else (0.0, 1.0)
        return cls((seen - begun) / count, tree, count, number)

    def seconds(self, views: int, trees: int) -> float:
        """Return how long it takes to look ``views`` times, and to grow ``trees`` trees one after the other."""
        more = views / self.views
        sorting = math.log(more * self.patches + 1) / math.log(self.patches + 1)  # a tree of n patches takes n log n
        return self.view * views + self.tree * trees * more * sorting


def least_seconds(settings: ForestSettings, lesson: Lesson, films: int) -> float:
    """Return how long the least useful training takes, see :meth:`VoterSettings.least_minutes`.

    Getting ready and measuring counts as long as it took here: learning within a limit begins with the same.
    """
    begun, jobs = time.monotonic(), min(settings.jobs or processors(), lesson.landmarks)
    costs = Costs.measure(lesson.views, lesson.landmarks, settings, jobs)
    measured = len({film.identifier for film in lesson.views.working})
    views = math.ceil(films * len(lesson.views) / measured)
    return time.monotonic() - begun + costs.seconds(views, math.ceil(lesson.landmarks / jobs))


class Limit:
    """How often films are seen and how many trees are grown; what was decided is kept in the lesson's folder.

    Args:
        lesson: what is learned from.
        settings: what is grown, at most.
        minutes: that learning may take from now on, or None.

    Attributes:
        settings: those by which forests are grown: with as many views of a film as there is time for.
    """

    def __init__(self, lesson: Lesson, settings: ForestSettings, minutes: float | None) -> None:
        self.settings = settings
        self._trees = 0  # as decided in the end
        self._longest = 0.0  # seconds of a round of trees
        self._seconds = math.inf if minutes is None else 60 * minutes
        self._begun = time.monotonic()
        self._file, self._origin = lesson.folder / "limit.npz", _origin(lesson, settings)

    @classmethod
    def begin(cls, lesson: Lesson, settings: ForestSettings, jobs: int, minutes: float | None) -> Self:
        """Go on with what an earlier call has decided about the same films, or decide how often they are seen."""
        limit = cls(lesson, settings, minutes)
        most = rounds(lesson.views, settings)
        if minutes is None or limit._taken_up() or most == 1:
            return limit
        costs = Costs.measure(lesson.views, lesson.landmarks, settings, jobs)
        trees = math.ceil(_FEWEST * settings.trees) * math.ceil(lesson.landmarks / jobs)
        left = limit._seconds - limit._used
        fitting = (often for often in range(most, 1, -1) if costs.seconds(often * len(lesson.views), trees) <= left)
        limit.settings = settings.model_copy(update={"views": next(fitting, 1)})
        limit.keep()
        return limit

    def goals(self) -> Iterator[int]:
        """Yield how many trees each landmark is to have next: all of them, or one more as long as there is time.

        The caller grows them before it asks for the next goal.
        """
        if self._trees or math.isinf(self._seconds):
            yield self._trees or self.settings.trees
            return
        for trees in range(1, self.settings.trees + 1):
            begun = self._used
            if trees > 1 and begun + self._longest > self._seconds:
                break
            yield trees
            self._longest = max(self._longest, self._used - begun)
            self.keep()

    @property
    def progress(self) -> float:
        """How much of the time is used, 0 to 1; 0 without a limit."""
        return min(1.0, self._used / self._seconds)

    @property
    def over(self) -> bool:
        """Whether no tree but a landmark's first is to be begun any more."""
        return not self._trees and self._used > _OVERRUN * self._seconds

    @property
    def _used(self) -> float:
        return time.monotonic() - self._begun

    def keep(self, trees: int = 0) -> None:
        """Keep the time used and, in the end, how many trees all landmarks have."""
        if math.isfinite(self._seconds):
            times = {"seconds": self._used, "longest": self._longest}
            save_arrays(self._file, origin=self._origin, views=self.settings.views, trees=trees, **times)

    def _taken_up(self) -> bool:
        """Take up what an earlier call decided on these films, and count its time; return whether there was one."""
        if not self._file.exists():
            return False
        kept = load_arrays(self._file, "origin", "views", "trees", "seconds", "longest")
        if not np.array_equal(kept["origin"], self._origin):
            return False
        self.settings = self.settings.model_copy(update={"views": int(kept["views"])})
        self._trees = int(kept["trees"])
        self._begun -= float(kept["seconds"])
        self._longest = float(kept["longest"])
        return True


def _origin(lesson: Lesson, settings: ForestSettings) -> npt.NDArray[np.uint8]:
    """Return a digest of the settings, and of where the landmarks lie in all films."""
    views = lesson.views
    return digest(
        settings, np.array([len(views), lesson.landmarks]), *(w.frame.to_grid(w.points) for w in views.working)
    )
