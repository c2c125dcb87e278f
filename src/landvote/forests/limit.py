"""The time limit: how often films are seen and how many trees are grown, as far as the time goes.

How often is decided before growing, by costs measured on some of the films. How many trees is decided while growing: a
tree more for all landmarks is begun as long as the longest such round so far would end in time. No tree depends on
another, so a forest that is cut short is what it would have been if no more had been asked for.
"""

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from landvote.forests.forest import Patches, flatten, grow_tree
from landvote.forests.gathering import digest, gather, rounds
from landvote.forests.settings import ForestSettings
from landvote.frames import Views
from landvote.runtime.arrays import load_arrays, save_arrays
from landvote.runtime.processors import processors
from landvote.votes import Estimate, Lesson

_MEASURED = 200  # films are enough to measure by
_ENOUGH = 60  # views, of however few films: trees of fewer patches tell little of how long those of thousands take
_OVERRUN = 1.05  # of the time: a round of trees that is not finished then is given up
_FEWEST = 0.5  # of the trees asked for: films are seen more often only if at least so many trees can be grown as well


def at_a_time(settings: ForestSettings, lesson: Lesson) -> int:
    """Return how many landmarks are learned at the same time."""
    return min(settings.jobs or processors(), lesson.landmarks)


def measure(views: Views, settings: ForestSettings, jobs: int, often: int = 1) -> Callable[[int, int], float]:
    """Look ``often`` at some of the films, and grow a tree of as many landmarks as are learned at the same time.

    Returns:
        The function that says how many seconds it takes to look so many times, and to grow so many trees, one after the
        other while every job does, from all that was seen.
    """
    seen = settings.model_copy(update={"views": often})
    gather(
        replace(views, working=views.working[:1]), settings.model_copy(update={"views": 1})
    )  # what is done once in a process is not counted
    working = views.working[:: max(1, -(-len(views.working) // _MEASURED))]
    begun = time.monotonic()
    gathered = gather(replace(views, working=working), seen, jobs)
    measured = len(gathered.points)
    look = (time.monotonic() - begun) / measured
    shown = np.argsort(-np.isfinite(gathered.points).all(axis=2).sum(axis=0), kind="stable")[:jobs].tolist()
    cut = [(landmark, own) for landmark in shown if len((own := gathered.patches(landmark, seen)).which)]

    def grown(landmark_and_patches: tuple[int, Patches]) -> float:
        landmark, own = landmark_and_patches
        start = time.monotonic()
        flatten(*grow_tree(own, seen, landmark, 0))
        return time.monotonic() - start

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(grown, cut[:1]))  # compiles
        tree = float(np.mean(list(pool.map(grown, cut)) or 0.0))
    patches = float(np.mean([len(own.which) for _, own in cut] or 1.0))

    def seconds(looks: int, trees: int) -> float:
        more = looks / measured
        sorting = math.log(more * patches + 1) / math.log(patches + 1)  # a tree of n patches takes n log n
        return look * looks + tree * trees * more * sorting

    return seconds


def estimate(settings: ForestSettings, lesson: Lesson, films: int, minutes: float | None) -> Estimate:
    """Return how long one look at each film and one tree per landmark take; and all looks and trees within ``minutes``.

    For the least, getting ready and measuring count as long as they took here: learning within a limit begins with much
    the same.
    """
    begun, jobs = time.monotonic(), at_a_time(settings, lesson)
    seconds = measure(lesson.views, settings, jobs, math.ceil(_ENOUGH / max(1, len(lesson.views))))
    measured = len({film.identifier for film in lesson.views.working})
    looks, turns = math.ceil(films * len(lesson.views) / measured), math.ceil(lesson.landmarks / jobs)
    least = time.monotonic() - begun + seconds(looks, turns)
    whole = seconds(looks * rounds(lesson.views, settings), turns * settings.trees)
    grown = settings.trees * rounds(lesson.views, settings)
    return Estimate(least / 60, min(whole / 60, minutes or math.inf), grown, "trees times views of each film")


class Limit:
    """How often films are seen and how many trees are grown.

    The decision is kept in the lesson's folder; there, one that an earlier call has made about the same films counts,
    and so does its time. Without ``minutes``, all that the settings say is grown. Forests are grown by ``settings``:
    with as many views of a film as there is time for.
    """

    def __init__(self, lesson: Lesson, settings: ForestSettings, minutes: float | None) -> None:
        self.settings = settings
        self._trees = 0  # as decided in the end
        self._longest = 0.0  # seconds of a round of trees
        self._seconds = math.inf if minutes is None else 60 * minutes
        self._begun = time.monotonic()
        self._file = lesson.folder / "limit.npz"
        views, most = lesson.views, rounds(lesson.views, settings)
        places = (film.frame.to_grid(film.points) for film in views.working)
        self._origin = digest(settings, np.array([len(views), lesson.landmarks]), *places)
        if minutes is None or self._taken_up() or most == 1:
            return
        jobs = at_a_time(settings, lesson)
        seconds = measure(views, settings, jobs)
        trees = math.ceil(_FEWEST * settings.trees) * math.ceil(lesson.landmarks / jobs)
        left = self._seconds - self._used
        fitting = (often for often in range(most, 1, -1) if seconds(often * len(views), trees) <= left)
        self.settings = settings.model_copy(update={"views": next(fitting, 1)})
        self.keep()

    def goals(self) -> Iterator[int]:
        """Yield how many trees each landmark is to have before the next goal is asked for; end when the time is up."""
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
