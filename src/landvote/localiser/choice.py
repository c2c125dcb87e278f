"""The choice: which points to take from the votes of one view. Peaks of the votes, or a plausible shape under them."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from landvote.data.points import FloatArray, Points
from landvote.runtime.settings import Settings
from landvote.votes import Evidence, VoteMap


@dataclass(frozen=True)
class Chosen:
    """Points under votes.

    Attributes:
        points: (n, 2) grid coordinates; NaN for a landmark without votes.
        dispersion: (n,) mean distance of the votes from there, grid cells; NaN for a landmark without votes.
        evidence: how the votes lie about the points, grid cells.
        parameters: (modes,) of the shape chosen; empty where no shape model chose.
    """

    points: Points
    dispersion: FloatArray
    evidence: Evidence
    parameters: FloatArray = field(default_factory=lambda: np.empty(0))

    @property
    def votes(self) -> float:
        """How many votes the points have, summed."""
        return float(np.nansum(self.evidence.peak))


class Choice(ABC):
    """Takes points from votes. An interface."""

    @abstractmethod
    def choose(self, votes: VoteMap, known: Points | None = None) -> Chosen:
        """Return the points for the landmarks of a vote map.

        ``known`` are (n, 2) grid coordinates, where the landmarks were seen before; NaN where unknown.
        """

    @abstractmethod
    def save(self, folder: Path) -> list[Path]:
        """Write what was learned into ``folder``, an existing one, and return the files written."""


class ChoiceSettings(Settings, ABC):
    """How one kind of choice takes points. A subclass names its ``kind``.

    Attributes:
        needs_all: whether it takes the votes for all landmarks at once.
    """

    needs_all: ClassVar[bool] = False

    @abstractmethod
    def fit(self, shapes: Sequence[Points]) -> Choice:
        """Learn from training shapes, (n, 2) image coordinates each; ShapeError if they are too few or too alike."""

    @abstractmethod
    def load(self, folder: Path, landmarks: int) -> Choice:
        """Return the choice saved into ``folder``; ModelError if a file is missing, broken or for other landmarks."""
