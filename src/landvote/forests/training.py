"""Training: a forest for each landmark, landmarks in parallel, each kept as soon as it is there."""

from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import numpy.typing as npt

from landvote.errors import ModelError, TrainingError
from landvote.forests.forest import Forest, bundle, first_trees, flatten, grow_tree
from landvote.forests.gathering import Gathered, digest, gather, rounds
from landvote.forests.limit import Limit, at_a_time
from landvote.forests.settings import ForestSettings
from landvote.runtime.arrays import load_arrays
from landvote.runtime.events import ForestGrown, StageLearned
from landvote.votes import Lesson


def train(lesson: Lesson, settings: ForestSettings, minutes: float | None) -> list[Forest]:
    """Grow a forest for each landmark, and keep it in the lesson's folder as soon as it is there.

    Within a limit all landmarks get their first tree, then all their second, and so on until the time is up.

    In memory are 4 bytes for each cell of each view (``films * views`` of them, a patch wider than the grid), and for
    each landmark that is being learned 4 bytes per patch and feature of the pool: with the defaults, 500 films on a
    grid of 224 x 224 take 0.6 GiB, and each landmark 80 MiB. Landmarks share the views, so their number does not count.

    A forest found in the folder, grown from the same patches by the same settings, is not grown again. ``settings`` say
    what is grown, at most if there is a limit of ``minutes``, and by which seed. All forests have as many trees.

    Raises:
        StoppedError: the lesson's token asked for it.
        SettingError: training would take more than ``settings.memory_gib``.
        TrainingError: there is nothing to learn a landmark from.
    """
    limit, jobs = Limit(lesson, settings, minutes), at_a_time(settings, lesson)
    growth = _Growth(lesson, limit, gather(lesson.views, limit.settings, jobs, lesson.stop))
    # threads: both the features and scikit-learn's trees are computed without Python's lock, and views are not copied
    with ThreadPoolExecutor(jobs) as pool:
        for trees in limit.goals():
            growth.go_on(pool, trees)
    growth.tell(lesson.landmarks)
    forests = [forest for forest in growth.forests if forest is not None]
    trees, views = min(forest.trees for forest in forests), limit.settings.views
    limit.keep(trees)
    for unit, done, asked in (("trees", trees, settings.trees), ("views of each film", views, settings.views)):
        lesson.listener(StageLearned(lesson.stage, unit, done, asked, late=done < asked))
    return [first_trees(forest, trees) for forest in forests]


def landmark_file(folder: Path, landmark: int) -> Path:
    """Return where a landmark's forest is kept: both what a resumed training needs and what a saved voter is."""
    return folder / f"landmark_{landmark:03d}.npz"


class _Growth:
    """The forests while they grow, None before the first tree; those that an earlier call has left are taken up."""

    def __init__(self, lesson: Lesson, limit: Limit, gathered: Gathered) -> None:
        self._lesson, self._limit, self._gathered, self._settings = lesson, limit, gathered, limit.settings
        self._origins = [_origin(gathered, limit.settings, landmark) for landmark in range(lesson.landmarks)]
        self.forests = [self._found(landmark) for landmark in range(lesson.landmarks)]
        self._ended = Event()
        self._told = 0

    def go_on(self, pool: Executor, trees: int) -> None:
        """Let each landmark have ``trees`` trees, as far as there is time."""
        self.tell()  # of forests that were found
        work = [pool.submit(self._grow, landmark, trees) for landmark in range(self._lesson.landmarks)]
        try:
            for each in as_completed(work):
                each.result()
                self.tell()
        except BaseException:
            self._ended.set()  # each job ends with the tree it is growing
            pool.shutdown(wait=False, cancel_futures=True)
            self._limit.keep()
            raise

    def tell(self, done: int = 0) -> None:
        """Tell how far growing is, in forests: so many, or by the trees there are or the time limit, as is farthest."""
        whole = sum(forest.trees for forest in self.forests if forest is not None) // self._settings.trees
        done = max(done, whole, int(self._limit.progress * (self._lesson.landmarks - 1)))
        while self._told < done:
            self._told += 1
            self._lesson.listener(ForestGrown(self._lesson.stage, self._told, self._lesson.landmarks))

    def _grow(self, landmark: int, trees: int) -> None:
        parts = [begun] if (begun := self.forests[landmark]) else []
        have = sum(part.trees for part in parts)
        if have >= trees:
            return
        patches = self._gathered.patches(landmark, self._settings)
        for tree in range(have, trees):
            self._lesson.stop.check()
            if self._ended.is_set() or (tree and self._limit.over):
                return
            parts.append(flatten(*grow_tree(patches, self._settings, landmark, tree)))
        views = np.array([rounds(self._lesson.views, self._settings)], np.int32)
        bundled = bundle(parts, self._gathered.region(landmark))
        forest = replace(bundled, views=views, origin=self._origins[landmark])
        forest.save(landmark_file(self._lesson.folder, landmark))
        self.forests[landmark] = forest

    def _found(self, landmark: int) -> Forest | None:
        """Return the forest that an earlier call has grown from the same patches, or begun to grow; or None."""
        file = landmark_file(self._lesson.folder, landmark)
        if not file.exists():
            return None
        try:
            same = np.array_equal(load_arrays(file, "origin")["origin"], self._origins[landmark])
            return Forest.load(file, self._settings) if same else None
        except ModelError as error:  # files are written whole, so this one was damaged later
            raise ModelError(f"{error}; delete it to have it grown again") from error


def _origin(gathered: Gathered, settings: ForestSettings, landmark: int) -> npt.NDArray[np.uint8]:
    """Return a digest of all that a landmark's forest depends on, but for the grey levels of patches not drawn."""
    patches = gathered.patches(landmark, settings)
    if not len(patches.which):
        found = f"not one of {len(gathered.points)} training views shows it or its surroundings"
        raise TrainingError(f"landmark {landmark}: {found}; expected one at least")
    return digest(settings, patches.which, patches.origins, patches.offsets)
