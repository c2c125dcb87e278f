"""Poses: look at all targets at once, in each of several scales and angles, and keep the best."""

from typing import Literal

from landvote.data.radiograph import Radiograph
from landvote.localiser.look import Candidate, Look
from landvote.localiser.search import SearchSettings


class PoseSearch(SearchSettings):
    """Look in each pose."""

    kind: Literal["poses"] = "poses"

    def look_once(self, look: Look, radiograph: Radiograph, known: Candidate) -> list[Candidate]:
        """Return one candidate per pose."""
        return [look.at_all(pose, radiograph, known) for pose in self.poses]
