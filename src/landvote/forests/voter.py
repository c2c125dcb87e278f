"""Rival two: a random forest per landmark whose trees say, of a patch, where the landmark is.

Regression voting as in Cootes et al. (ECCV 2012) and Lindner et al. (TMI 2013; TPAMI 2015), without the shape model.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from landvote.errors import ModelError
from landvote.forests.features import integral
from landvote.forests.forest import Forest, join
from landvote.forests.search import Positions, around, search
from landvote.forests.settings import ForestSettings
from landvote.forests.training import landmark_file, train
from landvote.frames import View, Views
from landvote.votes import VoteMap, Voter


class ForestVoter(Voter):
    """Votes with one forest per landmark.

    Args:
        landmarks: how many landmarks it votes for.
        settings: how the forests are grown and how they vote.
    """

    def __init__(self, landmarks: int, settings: ForestSettings) -> None:
        self.landmarks = landmarks
        self.settings = settings
        self._forests: list[Forest] = []

    @property
    def computed_on(self) -> str:
        """The CPU, always."""
        return "cpu"

    def fit(self, training: Views, validation: Views, folder: Path, report: Callable[[dict[str, Any]], None]) -> None:  # noqa: ARG002 - nothing here is chosen by them
        """Grow the forests, or those that are not in ``folder`` yet."""
        self._take(train(training, self.landmarks, self.settings, folder, report))

    def vote(self, view: View) -> VoteMap:
        """Search around each point that is known, and where the landmark lay in training around one that is not."""
        height, width = view.pixels.shape
        image = integral(view.pixels, self.settings.patch)
        votes = search(image, self._joined, self._weights, self.positions(view), (width, height), self.settings.cell)
        return VoteMap(votes, self.settings.cell, self.settings.smoothing)

    def positions(self, view: View) -> Positions:
        """Return where each landmark is searched."""
        known = np.isfinite(view.points).all(axis=1, keepdims=True)
        mean, sd = self._joined.region[:, 0], self._joined.region[:, 1]
        half = np.where(known, self.settings.radius, self.settings.reach * sd)
        size = (view.pixels.shape[1], view.pixels.shape[0])
        return around(np.where(known, view.points, mean), half, self.settings.step, size)

    def save(self, folder: Path) -> None:
        """Write one npz per landmark."""
        for landmark, forest in enumerate(self._forests):
            forest.save(landmark_file(folder, landmark))

    def load(self, folder: Path) -> None:
        """Read them.

        Raises:
            ModelError: a file is missing or broken, or there are more than this voter has landmarks.
        """
        beyond = landmark_file(folder, self.landmarks)
        if beyond.exists():
            raise ModelError(f"{beyond}: a forest of another scheme, expected {self.landmarks} landmarks")
        self._take([Forest.load(landmark_file(folder, i), self.settings) for i in range(self.landmarks)])

    def _take(self, forests: list[Forest]) -> None:
        self._forests = forests
        self._joined = join(forests)
        spread = self._joined.leaves[:, 2]
        self._weights = np.float32(1) / (1 + spread**2) if self.settings.weighted else np.ones_like(spread)
