"""The side: which of two shapes on one film a sample is of, such as the left hip and the right one."""

from collections.abc import Sequence

import numpy as np

from landvote.data.points import Points
from landvote.runtime.settings import Settings


class Side(Settings):
    """One of two sides of a body. The mirrored one is learned from, and looked at, in the mirror.

    Attributes:
        name: as the points came with it: ``"L"``, ``"right"``, ``"2"``; empty where there is one shape on a film.
        mirrored: whether it is the other side of the one that a model knows.
    """

    name: str = ""
    mirrored: bool = False

    @property
    def ending(self) -> str:
        """How the names of samples and predictions of this side end."""
        return f"_{self.name}" if self.name else ""


def in_mirror(points: Points, width: int) -> Points:
    """Return (n, 2) points of a film ``width`` pixels wide as they lie in its mirror image."""
    return np.column_stack([width - 1 - points[:, 0], points[:, 1]])


def side_of(identifier: str, sides: Sequence[Side]) -> Side:
    """Return which of some sides a name ends in; the first if in none."""
    return next((side for side in sides if side.name and identifier.endswith(side.ending)), sides[0])
