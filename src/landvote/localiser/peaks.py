"""Peaks: each landmark is where most of its votes meet, whatever the others do (section 3.2 of the paper)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from landvote.data.points import Points
from landvote.localiser.choice import Choice, ChoiceSettings, Chosen
from landvote.votes import VoteMap


@dataclass(frozen=True)
class Peaks(Choice):
    """Takes the peak of each landmark's votes."""

    def choose(self, votes: VoteMap, known: Points | None = None) -> Chosen:  # noqa: ARG002 - votes alone count
        """Return the peaks."""
        points, dispersion = votes.peaks()
        return Chosen(points, dispersion, votes.evidence(points))

    def save(self, folder: Path) -> list[Path]:  # noqa: ARG002 - nothing is learned
        """Write nothing."""
        return []


class PeakSettings(ChoiceSettings):
    """The peak of each landmark's votes."""

    kind: Literal["peaks"] = "peaks"

    def fit(self, shapes: Sequence[Points]) -> Peaks:  # noqa: ARG002 - nothing is learned
        """Return the choice of peaks."""
        return Peaks()

    def load(self, folder: Path, landmarks: int) -> Peaks:  # noqa: ARG002 - nothing was saved
        """Return the choice of peaks."""
        return Peaks()
