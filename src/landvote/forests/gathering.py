"""Gathering: integral images of varied views held once, and patches of them for each landmark."""

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from landvote.data.points import FloatArray, Points
from landvote.errors import SettingError, TrainingError
from landvote.forests.features import Integral, integral
from landvote.forests.forest import Patches
from landvote.forests.settings import ForestSettings
from landvote.frames import Views
from landvote.runtime.stop import StopToken

_GIB = 1024**3


@dataclass(frozen=True)
class Gathered:
    """The training views."""

    integrals: Integral  # (views, height + patch, width + patch)
    points: Points  # (views, n, 2) grid coordinates of the landmarks, NaN where missing

    def region(self, landmark: int) -> FloatArray:
        """Return (2, 2): mean and SD of where a landmark lay; NaN if it never was there."""
        own = self.points[np.isfinite(self.points[:, landmark]).all(axis=1), landmark]
        return np.stack([own.mean(axis=0), own.std(axis=0)]) if len(own) else np.full((2, 2), np.nan)

    def patches(self, landmark: int, settings: ForestSettings) -> Patches:
        """Draw a landmark's patches: in each view that shows it, as many as the settings say, those on the grid."""
        rng = np.random.default_rng([settings.seed, 1, landmark])
        at = np.repeat(self.points[:, landmark], settings.patches, axis=0)
        middle = np.rint(at + rng.uniform(-settings.displacement, settings.displacement, at.shape))
        _, height, pitch = self.integrals.shape
        last = np.array([pitch, height]) - settings.patch - 1
        kept = np.flatnonzero((middle >= 0).all(axis=1) & (middle <= last).all(axis=1))  # NaN is not
        origins = middle[kept, 1] * pitch + middle[kept, 0]
        which = (kept // settings.patches).astype(np.int32)
        return Patches(self.integrals, which, origins.astype(np.int32), at[kept] - middle[kept])


def rounds(views: Views, settings: ForestSettings) -> int:
    """Return how often each view is seen; those with fixed copies beside them once."""
    return 1 if views.augmentation.copies else settings.views


def gather(views: Views, settings: ForestSettings, jobs: int = 1, stop: StopToken | None = None) -> Gathered:
    """Look at each film as often as the settings say, and hold the integral images of what was seen.

    ``jobs`` landmarks will be learned at the same time, which takes memory too; ``stop`` is asked before each view.

    Raises:
        StoppedError: ``stop`` asked for it.
        SettingError: they would take more memory than ``settings.memory_gib``.
        TrainingError: there is no view.
    """
    if not len(views):
        raise TrainingError("no training film has the points that place a view; expected one at least")
    count, (height, width) = rounds(views, settings) * len(views), views.plain(0).pixels.shape
    shape = (count, height + settings.patch, width + settings.patch)
    needed = 4 * np.prod(shape, dtype=float) + jobs * count * settings.patches * settings.pool * 4
    if needed > settings.memory_gib * _GIB:
        found = f"{count} training views of {width} x {height} cells and {jobs} landmarks at a time"
        given = f"memory_gib is {settings.memory_gib:g}; set fewer views, patches or jobs, or more memory_gib"
        raise SettingError(f"{found} take {needed / _GIB:.2g} GiB, {given}")
    integrals, points = np.empty(shape, np.int32), []
    for number in range(count):
        if stop is not None:
            stop.check()
        view = views.varied(number % len(views), np.random.default_rng([settings.seed, 0, number]))
        integrals[number] = integral(view.pixels, settings.patch)
        points.append(view.points)
    return Gathered(integrals, np.stack(points))


def digest(settings: ForestSettings, *arrays: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """Return the SHA-256 of the arrays and of those settings that change what is learned."""
    sha = hashlib.sha256(settings.model_dump_json(exclude={"jobs", "memory_gib"}).encode())
    for array in arrays:
        sha.update(np.ascontiguousarray(array).tobytes())
    return np.frombuffer(sha.digest(), np.uint8)
