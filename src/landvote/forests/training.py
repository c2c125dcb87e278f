"""Training: integral images of varied views held once, patches of them for each landmark, landmarks in parallel."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed

from landvote.errors import ModelError, SettingError, TrainingError
from landvote.forests.features import Integral, integral
from landvote.forests.forest import Forest, Patches, grow
from landvote.forests.settings import ForestSettings
from landvote.frames import Views
from landvote.processors import processors
from landvote.sample import Points

Report = Callable[[dict[str, Any]], None]
_GIB = 1024**3


@dataclass(frozen=True)
class Gathered:
    """The training views.

    Attributes:
        integrals: (views, height + patch, width + patch) integral images.
        points: (views, n, 2) grid coordinates of the landmarks, NaN where missing.
        patch: side of the patches that are to be cut.
    """

    integrals: Integral
    points: Points
    patch: int

    def region(self, landmark: int) -> npt.NDArray[np.float64]:
        """Return (2, 2): mean and SD of where a landmark lay; NaN if it never was there."""
        own = self.points[np.isfinite(self.points[:, landmark]).all(axis=1), landmark]
        return np.stack([own.mean(axis=0), own.std(axis=0)]) if len(own) else np.full((2, 2), np.nan)

    def patches(self, landmark: int, settings: ForestSettings) -> Patches:
        """Draw a landmark's patches: in each view that shows it, as many as the settings say, those on the grid."""
        rng = np.random.default_rng([settings.seed, 1, landmark])
        at = np.repeat(self.points[:, landmark], settings.patches, axis=0)
        middle = np.rint(at + rng.uniform(-settings.displacement, settings.displacement, at.shape))
        pitch = self.integrals.shape[2]
        last = np.array([pitch, self.integrals.shape[1]]) - self.patch - 1
        kept = np.flatnonzero((middle >= 0).all(axis=1) & (middle <= last).all(axis=1))  # NaN is not
        origins = middle[kept, 1] * pitch + middle[kept, 0]
        which = (kept // settings.patches).astype(np.int32)
        return Patches(self.integrals, which, origins.astype(np.int32), at[kept] - middle[kept])


def train(views: Views, landmarks: int, settings: ForestSettings, folder: Path, report: Report) -> list[Forest]:
    """Grow a forest for each landmark, and keep it in ``folder`` as soon as it is there.

    In memory are 4 bytes for each cell of each view (``films * views`` of them, a patch wider than the grid), and for
    each landmark that is being learned 4 bytes per patch and feature of the pool: with the defaults, 500 films on a
    grid of 224 x 224 take 0.6 GiB, and each landmark 80 MiB. Landmarks share the views, so their number does not count.

    Args:
        views: what to learn from.
        landmarks: how many there are.
        settings: see there.
        folder: a forest found there, grown from the same patches by the same settings, is not grown again.
        report: is given a row per landmark.

    Raises:
        SettingError: training would take more than ``settings.memory_gib``.
        TrainingError: there is nothing to learn a landmark from.
    """
    jobs = min(settings.jobs or processors(), landmarks)
    gathered = gather(views, settings, jobs)

    def one(landmark: int) -> Forest:
        patches = gathered.patches(landmark, settings)
        if not len(patches.which):
            raise TrainingError(
                f"landmark {landmark}: not one of {len(gathered.points)} training views shows it or its surroundings; "
                f"expected one at least"
            )
        return _grown_or_found(landmark_file(folder, landmark), patches, settings, landmark, gathered.region(landmark))

    # threads: both the features and scikit-learn's trees are computed without Python's lock, and views are not copied
    work = Parallel(n_jobs=jobs, backend="threading", return_as="generator")(delayed(one)(i) for i in range(landmarks))
    forests = []
    for forest in work:
        forests.append(forest)
        report({"progress": len(forests) / landmarks, "landmark": len(forests)})
    return forests


def gather(views: Views, settings: ForestSettings, jobs: int = 1) -> Gathered:
    """Look at each film as often as the settings say; hold the integral images of what was seen.

    Raises:
        SettingError: they would take more memory than ``settings.memory_gib``.
        TrainingError: there is no view.
    """
    if not len(views):
        raise TrainingError("no training film has the points that place a view; expected one at least")
    rounds = 1 if views.augmentation.copies else settings.views
    count = rounds * len(views)
    height, width = views.plain(0).pixels.shape
    shape = (count, height + settings.patch, width + settings.patch)
    needed = 4 * np.prod(shape, dtype=float) + jobs * count * settings.patches * settings.pool * 4
    if needed > settings.memory_gib * _GIB:
        raise SettingError(
            f"{count} training views of {width} x {height} cells and {jobs} landmarks at a time take "
            f"{needed / _GIB:.2g} GiB, memory_gib is {settings.memory_gib:g}; set fewer views, patches or jobs, "
            f"or more memory_gib"
        )
    integrals, points = np.empty(shape, np.int32), []
    for number in range(count):
        view = views.varied(number % len(views), np.random.default_rng([settings.seed, 0, number]))
        integrals[number] = integral(view.pixels, settings.patch)
        points.append(view.points)
    return Gathered(integrals, np.stack(points), settings.patch)


def landmark_file(folder: Path, landmark: int) -> Path:
    """Return where a landmark's forest is kept: both what a resumed training needs and what a saved voter is."""
    return folder / f"landmark_{landmark:03d}.npz"


def _grown_or_found(
    file: Path, patches: Patches, settings: ForestSettings, landmark: int, region: npt.NDArray[np.float64]
) -> Forest:
    origin = np.frombuffer(_origin(patches, settings), np.uint8)
    if file.exists() and np.array_equal(_stored_origin(file), origin):
        return Forest.load(file, settings)
    forest = replace(grow(patches, settings, landmark, region), origin=origin)
    forest.save(file)
    return forest


def _stored_origin(file: Path) -> npt.NDArray[np.uint8]:
    """Return the digest kept with a forest. Files are written whole, so one that cannot be read was damaged later."""
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            return np.asarray(stored["origin"])
    except (OSError, KeyError, ValueError, EOFError, BadZipFile) as error:
        raise ModelError(f"{file}: not a forest ({error}); delete it to have it grown again") from error


def _origin(patches: Patches, settings: ForestSettings) -> bytes:
    """Return a digest of all that a landmark's forest depends on, but for the grey levels of patches not drawn."""
    digest = hashlib.sha256(settings.model_dump_json(exclude={"jobs", "memory_gib"}).encode())
    for array in (patches.which, patches.origins, patches.offsets):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.digest()
