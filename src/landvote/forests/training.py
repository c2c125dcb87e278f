"""Training: a forest for each landmark, landmarks in parallel, each kept as soon as it is there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from landvote.errors import ModelError, TrainingError
from landvote.forests.forest import Forest, first_trees, grow
from landvote.forests.gathering import Gathered, digest, gather, rounds
from landvote.forests.limit import Schedule
from landvote.forests.settings import ForestSettings
from landvote.processors import processors
from landvote.runtime.arrays import load_arrays
from landvote.runtime.events import ForestGrown, Note
from landvote.votes import Lesson


def train(lesson: Lesson, settings: ForestSettings, minutes: float | None) -> list[Forest]:
    """Grow a forest for each landmark, and keep it in the lesson's folder as soon as it is there.

    In memory are 4 bytes for each cell of each view (``films * views`` of them, a patch wider than the grid), and for
    each landmark that is being learned 4 bytes per patch and feature of the pool: with the defaults, 500 films on a
    grid of 224 x 224 take 0.6 GiB, and each landmark 80 MiB. Landmarks share the views, so their number does not count.

    Args:
        lesson: what to learn from. A forest found in its folder, grown from the same patches by the same settings, is
            not grown again.
        settings: what is grown, at most if there is a limit; with the seed that counts.
        minutes: that it may take, or None.

    Returns:
        One forest per landmark, all with as many trees.

    Raises:
        StoppedError: the lesson's token asked for it.
        SettingError: training would take more than ``settings.memory_gib``.
        TrainingError: there is nothing to learn a landmark from.
    """
    landmarks, folder = lesson.landmarks, lesson.folder
    jobs = min(settings.jobs or processors(), landmarks)
    schedule = Schedule.decide(lesson, settings, jobs, minutes)
    used = schedule.settings
    gathered = gather(lesson.views, used, jobs, lesson.stop)
    views = np.array([rounds(lesson.views, used)], np.int32)
    origins = [_origin(gathered, used, landmark) for landmark in range(landmarks)]
    found = [_found(landmark_file(folder, i), origins[i], schedule) for i in range(landmarks)]
    forests = {i: forest for i, forest in enumerate(found) if forest is not None}
    for done in range(len(forests)):
        lesson.listener(ForestGrown(lesson.stage, done + 1, landmarks))
    schedule.begin(landmarks - len(forests), len(forests))

    def one(landmark: int) -> tuple[int, Forest]:
        patches, region = gathered.patches(landmark, used), gathered.region(landmark)
        grown = grow(patches, used, landmark, region, schedule.numbers())
        forest = replace(grown, views=views, origin=origins[landmark])
        forest.save(landmark_file(folder, landmark))
        return landmark, forest

    # threads: both the features and scikit-learn's trees are computed without Python's lock, and views are not copied
    with ThreadPoolExecutor(jobs) as pool:
        work = [pool.submit(one, landmark) for landmark in range(landmarks) if landmark not in forests]
        try:
            for each in as_completed(work):
                landmark, forests[landmark] = each.result()
                lesson.listener(ForestGrown(lesson.stage, len(forests), landmarks))
        except BaseException:
            schedule.abandon()  # each job ends with the tree it is growing
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if (schedule.trees, used.views) != (settings.trees, settings.views):
        lesson.listener(Note(
            f"{lesson.stage}: the {minutes:g} minutes are enough for {schedule.trees} of {settings.trees} trees, "
            f"and for {used.views} of {settings.views} views of each film"
        ))  # fmt: skip
    return [first_trees(forests[landmark], schedule.trees) for landmark in range(landmarks)]


def landmark_file(folder: Path, landmark: int) -> Path:
    """Return where a landmark's forest is kept: both what a resumed training needs and what a saved voter is."""
    return folder / f"landmark_{landmark:03d}.npz"


def _origin(gathered: Gathered, settings: ForestSettings, landmark: int) -> npt.NDArray[np.uint8]:
    """Return a digest of all that a landmark's forest depends on, but for the grey levels of patches not drawn."""
    patches = gathered.patches(landmark, settings)
    if not len(patches.which):
        raise TrainingError(
            f"landmark {landmark}: not one of {len(gathered.points)} training views shows it or its surroundings; "
            f"expected one at least"
        )
    return digest(settings, patches.which, patches.origins, patches.offsets)


def _found(file: Path, origin: npt.NDArray[np.uint8], schedule: Schedule) -> Forest | None:
    """Return the forest that an earlier call has grown from the same patches, with trees enough; or None.

    Raises:
        ModelError: files are written whole, so this one was damaged later.
    """
    if not file.exists():
        return None
    try:
        if not np.array_equal(load_arrays(file, "origin")["origin"], origin):
            return None
        forest = Forest.load(file, schedule.settings)
    except ModelError as error:
        raise ModelError(f"{error}; delete it to have it grown again") from error
    return forest if forest.trees >= schedule.trees else None
