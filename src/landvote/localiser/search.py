"""The search: in what order a stage looks, and from where. Poses of one frame, or a row part by part."""

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt

from landvote.data.radiograph import Radiograph
from landvote.localiser.look import Candidate, Look, Pose, best
from landvote.runtime.settings import Settings

_SAME = 0.01  # of the film: candidates closer together are one


class SearchSettings(Settings, ABC):
    """How one kind of search goes about it; it learns nothing, so these settings are the search. Subclasses are final.

    Attributes:
        rounds: how often to look again, from where the last look found the landmarks.
        angles, scales: poses to try, degrees (positive is clockwise on screen) and factors: each look is taken once for
            each angle and scale, as the global searcher of Lindner et al. 2013 does. Networks need one, (0) and (1).
        unrolls: whether it can look at films that the placing unrolls.
        keep: how many of the places found go on to the next look; the one whose landmarks have most votes there wins.
    """

    unrolls: ClassVar[bool] = False

    rounds: PositiveInt = 1
    angles: tuple[float, ...] = Field(default=(0.0,), min_length=1)
    scales: tuple[PositiveFloat, ...] = Field(default=(1.0,), min_length=1)
    keep: PositiveInt = 1

    @property
    def poses(self) -> list[Pose]:
        """The scales and angles (radians) to look at."""
        return [(scale, float(np.deg2rad(angle))) for scale in self.scales for angle in self.angles]

    @abstractmethod
    def look_once(self, look: Look, radiograph: Radiograph, known: Candidate) -> list[Candidate]:
        """Return what one round finds from one candidate."""

    def settle(self, look: Look, radiograph: Radiograph, known: Candidate) -> Candidate:  # noqa: ARG002 - for rows
        """Return a candidate as it is after the last round."""
        return known

    def run(self, look: Look, radiograph: Radiograph, candidates: list[Candidate]) -> list[Candidate]:
        """Return up to ``keep`` candidates, most votes first, found from those of the stage before."""
        for _ in range(self.rounds):
            seen = [found for known in candidates for found in self.look_once(look, radiograph, known)]
            candidates = best(seen, self.keep, _SAME * max(radiograph.size))
        return [self.settle(look, radiograph, known) for known in candidates]
