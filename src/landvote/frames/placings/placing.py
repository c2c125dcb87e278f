"""The placing: where a stage looks. From the points known so far to frames; one file per kind beside this one."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import Field, PositiveInt

from landvote.data.points import Points
from landvote.data.scheme import Scheme
from landvote.frames.frame import Frame
from landvote.frames.strip import Strip
from landvote.runtime.settings import Settings

FILE = "placing.npz"
"""The file in a stage's folder that a placing writes."""


class Placing(ABC):
    """Says which frames to look through, and which landmarks each of them is for. An interface.

    Attributes:
        size: width and height of the grid of every frame.
        targets: per frame, the landmarks it is for.
        cell: the length of a cell on the film, as a share of its longer side, that 99.5 % of the frames had at least in
            training; 0 where that says nothing.
        places_look_alike: whether the first landmarks of all targets lie in places that look alike, and so on.
    """

    size: tuple[int, int]
    targets: tuple[tuple[int, ...], ...]
    cell: float = 0.0
    places_look_alike: ClassVar[bool] = True

    @abstractmethod
    def frame(self, target: int, image_size: tuple[int, int], points: Points) -> Frame | None:
        """Return the frame of one target, an index into ``targets``, or None where the points do not place it.

        ``image_size`` is the film's width and height; ``points`` are (n, 2) image coordinates of all landmarks as known
        so far, NaN if unknown.
        """

    @abstractmethod
    def save(self, folder: Path) -> list[Path]:
        """Write it into ``folder``, an existing one, and return the files written."""

    def body(self, points: Points) -> Frame | None:  # noqa: ARG002 - for placings that tell it
        """Return the similarity from the image to the body, whose landmarks lie from -1 to 1 on average.

        None where voters are not to know where on the body they look, or the ``points`` do not tell it.
        """
        return None

    def strip(self, points: Points) -> Strip | None:  # noqa: ARG002 - for placings that unroll films
        """Return the strip into which a film is unrolled before it is looked at; None for films as they are.

        Frames are of the strip then, and the ``points`` that define them are in its coordinates.
        """
        return None

    def training_strips(self, points: Points) -> Sequence[Strip | None]:
        """Return the strips into which a film is unrolled to be learned from, given its true points; by default one."""
        return (self.strip(points),)

    def smallest_cell(self, image_size: tuple[int, int]) -> float:
        """Return how many pixels of such a film a cell measured at least in training; 0 where that says nothing."""
        return self.cell * max(image_size)

    def log_likelihood(self, image_size: tuple[int, int], points: Points) -> float:  # noqa: ARG002 - for placings that learn it
        """Return the logarithm, up to a constant, of how likely the targets lie there on such a film; 0 if unknown."""
        return 0.0

    def frames(self, image_size: tuple[int, int], points: Points) -> list[Frame | None]:
        """Return the frames of all targets; see :meth:`frame`."""
        return [self.frame(target, image_size, points) for target in range(len(self.targets))]


@dataclass(frozen=True)
class TrainingShapes:
    """The training shapes that a placing is fitted to.

    Attributes:
        scheme: of the landmarks.
        reference: the landmarks that place a patch: those of the scheme, or chosen where it names none.
        points: per training film (n, 2) image coordinates; NaN where missing.
        sizes: per training film width and height in pixels.
        multiple: what the width and height of a grid have to be multiples of where the placing chooses them.
    """

    scheme: Scheme
    reference: tuple[int, ...]
    points: list[Points]
    sizes: list[tuple[int, int]]
    multiple: int = 1


class PlacingSettings(Settings, ABC):
    """How one kind of placing looks. A subclass names its ``kind``.

    Attributes:
        size: width and height of the grid, in cells.
        border: free share of the grid on each side.
        unrolls: whether films are unrolled before they are looked at, see :meth:`Placing.strip`.
    """

    unrolls: ClassVar[bool] = False

    size: tuple[PositiveInt, PositiveInt]
    border: float = Field(default=0.1, ge=0, lt=0.45)

    @property
    def finds_all(self) -> bool:
        """Whether each frame is for all landmarks of the scheme."""
        return False

    def applies(self, scheme: Scheme) -> bool:  # noqa: ARG002 - every film can be looked at
        """Say whether the landmarks of ``scheme`` can be looked for in this way."""
        return True

    @abstractmethod
    def fit(self, shapes: TrainingShapes) -> Placing:
        """Return the placing that the training films teach; PointsError if no film has the points that it takes."""

    @abstractmethod
    def load(self, folder: Path, scheme: Scheme) -> Placing:
        """Return the placing saved into ``folder``; ModelError if the file is missing, broken or of another scheme."""
