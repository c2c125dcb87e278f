"""Rival two: a random forest per landmark whose trees say, of a patch, where the landmark is.

Regression voting as in Cootes et al. (ECCV 2012) and Lindner et al. (TMI 2013; TPAMI 2015), without the shape model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from landvote.errors import ModelError, SettingError
from landvote.forests.features import integral
from landvote.forests.forest import Forest, join
from landvote.forests.search import Positions, around, search
from landvote.forests.settings import ForestSettings, ForestTraining
from landvote.forests.training import landmark_file, train
from landvote.frames import View
from landvote.votes import Lesson, VoteMap, Voter


@dataclass(frozen=True, eq=False)
class ForestVoter(Voter):
    """Votes with one forest per landmark.

    ``joined`` are all forests as one, for the search; ``weights`` (leaves,) are what a vote of each leaf of it weighs.
    """

    settings: ForestSettings
    forests: tuple[Forest, ...]
    joined: Forest
    weights: npt.NDArray[np.float32]

    @classmethod
    def of(cls, settings: ForestSettings, forests: Sequence[Forest]) -> Self:
        """Return the voter with these forests, one per landmark, all with as many trees."""
        joined = join(forests)
        spread = joined.leaves[:, 2]
        return cls(
            settings, tuple(forests), joined,
            np.float32(1) / (1 + spread**2) if settings.weighted else np.ones_like(spread),
        )  # fmt: skip

    @classmethod
    def fit(cls, settings: ForestSettings, training: ForestTraining, lesson: Lesson) -> Self:
        """Grow the forests, or those that are not in the lesson's folder yet; see :func:`train`.

        The smaller one of the lesson's minutes and the training's is the limit; the seeds are added up.
        """
        minutes = min((m for m in (training.minutes, lesson.minutes) if m is not None), default=None)
        seed = settings.seed + training.seed + lesson.seed
        if seed < 0:
            raise SettingError(f"seed: {settings.seed} + {training.seed} + {lesson.seed}, expected 0 at least in all")
        return cls.of(settings, train(lesson, settings.model_copy(update={"seed": seed}), minutes))

    @classmethod
    def load(cls, settings: ForestSettings, folder: Path, landmarks: int) -> Self:
        """Read what :meth:`save` wrote.

        Raises:
            ModelError: a file is missing or broken, or there are more than ``landmarks``; or one has other trees than
                the first.
        """
        beyond = landmark_file(folder, landmarks)
        if beyond.exists():
            raise ModelError(f"{beyond}: a forest of another scheme, expected {landmarks} landmarks")
        forests = [Forest.load(landmark_file(folder, landmark), settings) for landmark in range(landmarks)]
        for landmark, forest in enumerate(forests):
            if forest.trees != forests[0].trees:
                expected = f"{forests[0].trees} as in {landmark_file(folder, 0).name}"
                raise ModelError(f"{landmark_file(folder, landmark)}: {forest.trees} trees, expected {expected}")
        return cls.of(settings, forests)

    @property
    def computed_on(self) -> str:
        """The CPU, always."""
        return "cpu"

    def vote(self, view: View) -> VoteMap:
        """Search around each point that is known, and where the landmark lay in training around one that is not."""
        height, width = view.pixels.shape
        image = integral(view.pixels, self.settings.patch)
        votes = search(image, self.joined, self.weights, self.positions(view), (width, height), self.settings.cell)
        return VoteMap(votes, self.settings.cell, self.settings.smoothing)

    def positions(self, view: View) -> Positions:
        """Return where each landmark is searched."""
        known = np.isfinite(view.points).all(axis=1, keepdims=True)
        mean, sd = self.joined.region[:, 0], self.joined.region[:, 1]
        half = np.where(known, self.settings.radius, self.settings.reach * sd)
        size = (view.pixels.shape[1], view.pixels.shape[0])
        return around(np.where(known, view.points, mean), half, self.settings.step, size)

    def save(self, folder: Path) -> list[Path]:
        """Write one npz per landmark. Where the folder is that of the lesson, it is the file that was kept there."""
        files = [landmark_file(folder, landmark) for landmark in range(len(self.forests))]
        for file, forest in zip(files, self.forests, strict=True):
            forest.save(file)
        return files
