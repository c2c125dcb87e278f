"""Views for training: every film of a stage held small in memory, varied anew each time it is asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from landvote.data.points import Points
from landvote.data.sample import Sample
from landvote.frames.augment import Augmentation
from landvote.frames.deformation import Deformation
from landvote.frames.frame import Frame
from landvote.frames.placings import Placing
from landvote.frames.view import View, standardise

_FINER = 1.25  # the working copy has this many pixels per grid cell ...
_WIDER = 1.5  # ... and covers this many times the grid, so that it can be turned and shifted


@dataclass(frozen=True)
class CachedFilm:
    """A film reduced to what a stage can ever see of it.

    ``pixels`` (height, width) float16, NaN outside the film; ``base`` maps the image to them; ``frame`` is the stage's
    own, unvaried view; ``points`` (n, 2) are the landmarks of this view in image coordinates; ``body`` is that of
    views.
    """

    pixels: npt.NDArray[np.float16]
    base: Frame
    frame: Frame
    points: Points
    identifier: str
    body: Frame | None = None

    @classmethod
    def of(
        cls, pixels: npt.NDArray[np.generic], frame: Frame, points: Points, identifier: str, body: Frame | None = None
    ) -> "CachedFilm":
        """Reduce a film for one frame."""
        width, height = (int(np.ceil(s * _FINER * _WIDER)) for s in frame.size)
        centre, middle = (np.array(frame.size) - 1) / 2, (np.array([width, height]) - 1) / 2
        base = frame.into(Frame.similarity(_FINER, 0.0, centre, middle, (width, height)))
        grey = base.warp(pixels.astype(np.float32))
        seen = grey[np.isfinite(grey)]
        if seen.size:  # float16 has 11 bits: centre and scale first, so that 16-bit films keep what they show
            grey = (grey - seen.mean()) / max(float(seen.std()), 1e-6)
        return cls(grey.astype(np.float16), base, frame, points, identifier, body)

    def view(self, frame: Frame, field: Deformation | None = None) -> View:
        """Look at the film through ``frame`` (image to grid), and deform what is on the grid."""
        inverse = np.linalg.inv(self.base.matrix[:, :2])
        linear = frame.matrix[:, :2] @ inverse
        local = Frame(np.column_stack([linear, frame.matrix[:, 2] - linear @ self.base.matrix[:, 2]]), frame.size)
        pixels, points = self.pixels.astype(np.float32), frame.to_grid(self.points)
        if field is not None:
            pixels, points = field.warp(pixels, local), field.move(points)
        else:
            pixels = local.warp(pixels)
        return View(standardise(pixels), points, frame, self.identifier, self.body)


@dataclass(frozen=True)
class Views:
    """The films of one stage, as views: plain ones to judge by, varied ones to learn from.

    Attributes:
        working: one entry per film and target, or more where a placing unrolls films in several ways.
        augmentation: what varied views are drawn from.
        mirror: landmark that takes each landmark's place when a view is mirrored, or None.
    """

    working: list[CachedFilm]
    augmentation: Augmentation
    mirror: npt.NDArray[np.intp] | None = None

    def __len__(self) -> int:
        return len(self.working) * (1 + self.augmentation.copies)

    def plain(self, index: int) -> View:
        """Return film ``index`` as the stage would see it."""
        film = self.working[index % len(self.working)]
        return film.view(film.frame)

    def varied(self, index: int, rng: np.random.Generator) -> View:
        """Return view ``index``, varied at random; with fixed copies, the same variation each time."""
        copy, film = divmod(index, len(self.working))
        working = self.working[film]
        if self.augmentation.copies:
            if copy == 0:
                return self.plain(film)
            rng = np.random.default_rng([film, copy])
        frame = self.augmentation.move(working.frame, rng)
        swapped = self.augmentation.mirror and self.mirror is not None and rng.random() < 0.5
        field = self.augmentation.field(frame.size, rng)
        view = working.view(frame.mirrored() if swapped else frame, field)
        points = view.points[self.mirror] if swapped else view.points
        return View(self.augmentation.shade(view.pixels, rng), points, view.frame, view.identifier, view.body)


TrainingLook: TypeAlias = tuple[Placing, Augmentation, npt.NDArray[np.intp] | None]


class Reading:
    """Reads films for all stages at once: each film is decoded once, and every stage keeps what it can see of it.

    ``looks`` are the placing, the augmentation and the mirror of each stage; ``seen`` is called after each film.
    """

    def __init__(
        self, samples: Sequence[Sample], looks: Sequence[TrainingLook], seen: Callable[[], None] = lambda: None
    ) -> None:
        self._samples, self._looks, self._seen = samples, looks, seen
        self._working: list[list[CachedFilm]] = [[] for _ in looks]
        self._read = 0

    def views(self, most: int | None = None) -> list[Views]:
        """Read on until ``most`` films are read, or all, and return the views of each stage."""
        for sample in self._samples[self._read : most]:
            radiograph, points = sample.open(), sample.points
            for (placing, _, _), working in zip(self._looks, self._working, strict=True):
                body = placing.body(points)
                for strip in placing.training_strips(points):
                    pixels, seen = radiograph.pixels, points
                    if strip is not None:
                        pixels, seen = strip.warp(pixels), strip.to_grid(points)
                    size = (pixels.shape[1], pixels.shape[0])
                    for frame, target in zip(placing.frames(size, seen), placing.targets, strict=True):
                        if frame is not None:
                            working.append(CachedFilm.of(pixels, frame, seen[list(target)], sample.identifier, body))
            self._read += 1
            self._seen()
        looks = zip(self._working, self._looks, strict=True)
        return [Views(list(working), augmentation, mirror) for working, (_, augmentation, mirror) in looks]
