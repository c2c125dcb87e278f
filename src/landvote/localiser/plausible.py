"""Plausible: the points are those of a plausible shape under the votes of all landmarks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from landvote.data.points import Points
from landvote.errors import ModelError
from landvote.localiser.choice import Choice, ChoiceSettings, Chosen
from landvote.localiser.peaks import Peaks
from landvote.shapes import ShapeModel, ShapeSettings, plausible
from landvote.votes import VoteMap

_FILE = "shape.npz"


@dataclass(frozen=True)
class PlausibleShape(Choice):
    """Takes the points of the plausible shape that most votes agree on, see :func:`landvote.shapes.plausible`."""

    model: ShapeModel
    settings: ShapeSettings

    def choose(self, votes: VoteMap, known: Points | None = None) -> Chosen:
        """Return the shape's points; the peaks where fewer than two landmarks have votes."""
        found = plausible(votes, self.model, self.settings, known)
        if found is None:
            return Peaks().choose(votes)
        return Chosen(found.points, found.dispersion, votes.evidence(found.points), found.parameters)

    def save(self, folder: Path) -> list[Path]:
        """Write the shape model."""
        self.model.save(folder / _FILE)
        return [folder / _FILE]


class PlausibleSettings(ShapeSettings, ChoiceSettings):
    """A plausible shape: a shape model, and how it is searched for under the votes."""

    needs_all: ClassVar[bool] = True
    kind: Literal["shape"] = "shape"

    def fit(self, shapes: Sequence[Points]) -> PlausibleShape:
        """Learn the shape model."""
        return PlausibleShape(ShapeModel.fit(np.stack(shapes), self.share, self.accept), self)

    def load(self, folder: Path, landmarks: int) -> PlausibleShape:
        """Read the shape model."""
        model = ShapeModel.load(folder / _FILE)
        if len(model.mean) != landmarks:
            raise ModelError(f"{folder / _FILE}: for {len(model.mean)} landmarks, expected {landmarks}")
        return PlausibleShape(model, self)
