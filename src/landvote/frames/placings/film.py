"""The whole film with a margin, for all landmarks or for the reference points: where every search begins."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from landvote.data.points import Points
from landvote.data.scheme import Scheme
from landvote.errors import ModelError
from landvote.frames.frame import Frame
from landvote.frames.placings.layout import same_area
from landvote.frames.placings.placing import FILE, Placing, PlacingSettings, TrainingShapes
from landvote.runtime.arrays import load_arrays, save_arrays

_SIZES = 20  # films, at most about twice as many, are enough to know their median shape


@dataclass(frozen=True)
class FilmPlacing(Placing):
    """The whole film with a margin, a share of the grid on every side, for one target: ``landmarks``."""

    size: tuple[int, int]
    margin: float
    landmarks: tuple[int, ...]

    @property
    def targets(self) -> tuple[tuple[int, ...], ...]:  # type: ignore[override]  # read-only, as all of a frozen class
        """The one target."""
        return (self.landmarks,)

    def frame(self, target: int, image_size: tuple[int, int], points: Points) -> Frame:  # noqa: ARG002 - nothing is known yet
        """Return the frame that holds the whole film."""
        return Frame.whole(image_size, self.size, self.margin)

    def save(self, folder: Path) -> list[Path]:
        """Write size, margin and landmarks."""
        return [save_arrays(folder / FILE, size=self.size, margin=self.margin, landmarks=self.landmarks)]


class FilmSettings(PlacingSettings):
    """The whole film.

    Attributes:
        find: ``all`` landmarks, or only the ``reference`` points.
        fit_aspect: keep the grid's area but give it the shape that films have.
    """

    kind: Literal["film"] = "film"
    find: Literal["all", "reference"] = "all"
    fit_aspect: bool = True

    @property
    def finds_all(self) -> bool:
        """Whether all landmarks are looked for."""
        return self.find == "all"

    def fit(self, shapes: TrainingShapes) -> FilmPlacing:
        """Give the grid the median shape of the films, if asked to."""
        median = np.median(shapes.sizes[:: max(1, len(shapes.sizes) // _SIZES)], axis=0)
        size = same_area(self.size, median, shapes.multiple) if self.fit_aspect else self.size
        return FilmPlacing(size, self.border, tuple(range(len(shapes.scheme))) if self.finds_all else shapes.reference)

    def load(self, folder: Path, scheme: Scheme) -> FilmPlacing:
        """Read what was saved."""
        stored = load_arrays(folder / FILE, "size", "margin", "landmarks")
        landmarks = tuple(int(i) for i in stored["landmarks"])
        if not set(landmarks) <= set(range(len(scheme))) or (self.finds_all and len(landmarks) != len(scheme)):
            raise ModelError(f"{folder / FILE}: for landmarks {list(landmarks)}, expected those of {len(scheme)}")
        width, height = (int(v) for v in stored["size"])
        return FilmPlacing((width, height), float(stored["margin"]), landmarks)
