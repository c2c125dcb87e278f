"""Windows along the outlines of a scheme, finer than any view of all landmarks can be; one voter serves them all."""

from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, PositiveInt

from landvote.data.points import FloatArray, Points, apart
from landvote.data.scheme import Outline, Scheme
from landvote.errors import ModelError, PointsError
from landvote.frames.frame import Frame
from landvote.frames.placings.layout import Parts, lay, lay_each, mean_layout
from landvote.frames.placings.placing import FILE, Placing, PlacingSettings, TrainingShapes
from landvote.runtime.arrays import load_arrays, save_arrays


@dataclass(frozen=True)
class OutlinePlacing(Placing):
    """One window for each few landmarks that follow each other on an outline, which runs through it from left to right.

    A window lies on its own landmarks and on ``near`` ones before and after them, as the stage before found these. So
    the outline looks alike in all windows, and the voter is told where on the body each of them is.

    Attributes:
        shape: (n, 2) the mean shape, from -1 to 1, upright.
        layouts: (windows, n, 2) where all landmarks lie on the grid of each window on average.
    """

    size: tuple[int, int]
    targets: Parts
    near: Parts
    shape: Points
    layouts: FloatArray
    cell: float
    places_look_alike: ClassVar[bool] = False

    def frame(self, target: int, image_size: tuple[int, int], points: Points) -> Frame | None:
        """Return the frame that the landmarks near a window define."""
        near = list(self.near[target])
        return lay(points[near], self.layouts[target][near], self.size, image_size)

    def frames(self, image_size: tuple[int, int], points: Points) -> list[Frame | None]:
        """Return the frames of all windows at once."""
        near = np.array(list(zip_longest(*self.near, fillvalue=-1))).T  # at the ends of an open outline are fewer
        known = np.where(near[..., None] < 0, np.nan, points[near])
        layouts = np.take_along_axis(self.layouts, np.maximum(near, 0)[..., None], axis=1)
        return lay_each(known, layouts, self.size, image_size)

    def body(self, points: Points) -> Frame | None:
        """Lay the points on the mean shape."""
        given = np.isfinite(points).all(axis=1)
        if not apart(points[given]):
            return None
        return Frame.matching(points, self.shape, (1, 1))

    def save(self, folder: Path) -> list[Path]:
        """Write size, windows, shape, layouts and cell."""
        file, windows = folder / FILE, np.array(self.targets)
        return [
            save_arrays(file, size=self.size, targets=windows, shape=self.shape, layouts=self.layouts, cell=self.cell)
        ]


class OutlineSettings(PlacingSettings):
    """Windows along the outlines.

    Attributes:
        landmarks: that one window is for.
        beside: landmarks before and after these that it is laid on as well.
    """

    kind: Literal["outline"] = "outline"
    landmarks: PositiveInt = 5
    beside: int = Field(default=2, ge=0)

    def applies(self, scheme: Scheme) -> bool:
        """Say whether the scheme has an outline of as many landmarks as a window is for."""
        return any(len(outline.points) >= max(self.landmarks, 2) for outline in scheme.outlines)

    def fit(self, shapes: TrainingShapes) -> OutlinePlacing:
        """Learn from the training films how long the outlines are, and where on the body.

        A window is never looked through if one of its landmarks has no place on any film.

        Raises:
            PointsError: that is so of all windows.
        """
        targets, near = self._windows(shapes.scheme)
        points = np.stack(shapes.points)
        upright = [mean_layout(points, own) for own in near]
        lengths = [np.ptp(mean[list(own)], axis=0).max() for mean, own in zip(upright, targets, strict=True)]
        if not np.isfinite(lengths).any():
            raise PointsError(f"no training film has {self.landmarks} landmarks of an outline that follow each other")
        scale = min(self.size) * (1 - 2 * self.border) / float(np.nanmedian(lengths))
        layouts = [self._laid(mean, own, scale) for mean, own in zip(upright, targets, strict=True)]
        cells = [
            1 / frame.scale / max(film)
            for known, film in zip(points, shapes.sizes, strict=True)
            for own, layout in zip(near, layouts, strict=True)
            if (frame := lay(known[list(own)], layout[list(own)], self.size, film)) is not None
        ]
        shape = mean_layout(points, tuple(sorted({i for own in targets for i in own})))
        shape = (shape - np.nanmean(shape, axis=0)) / np.nanmax(np.abs(shape - np.nanmean(shape, axis=0)))
        cell = float(np.quantile(cells, 0.005)) if cells else 0.0
        return OutlinePlacing(self.size, targets, near, shape, np.stack(layouts), cell)

    def _laid(self, mean: Points, own: tuple[int, ...], scale: float) -> Points:
        """Return a mean shape with the landmarks of a window in the middle of its grid, from left to right."""
        chord = mean[own[-1]] - mean[own[0]]  # NaN, and so the whole, where one of these is never known
        angle = -float(np.arctan2(chord[1], chord[0]))
        frame = Frame.similarity(scale, angle, mean[list(own)].mean(axis=0), (np.array(self.size) - 1) / 2, self.size)
        return frame.to_grid(mean)

    def _windows(self, scheme: Scheme) -> tuple[Parts, Parts]:
        """Return the landmarks of each window, and those that it is laid on."""
        targets, near = [], []
        for outline in scheme.outlines:
            for first in _starts(outline, self.landmarks):
                targets.append(_along(outline, first, first + self.landmarks))
                near.append(_along(outline, first - self.beside, first + self.landmarks + self.beside))
        return tuple(targets), tuple(near)

    def load(self, folder: Path, scheme: Scheme) -> OutlinePlacing:
        """Read what was saved."""
        stored = load_arrays(folder / FILE, "size", "targets", "shape", "layouts", "cell")
        targets, near = self._windows(scheme)
        if stored["shape"].shape != (len(scheme), 2) or not np.array_equal(stored["targets"], targets):
            raise ModelError(f"{folder / FILE}: not for the outlines of the scheme's {len(scheme)} landmarks")
        width, height = (int(v) for v in stored["size"])
        return OutlinePlacing((width, height), targets, near, stored["shape"], stored["layouts"], float(stored["cell"]))


def _starts(outline: Outline, length: int) -> list[int]:
    """Return where windows of ``length`` landmarks begin, so that each landmark is in one at least; none if too few."""
    count = len(outline.points)
    if count < max(length, 2):
        return []
    windows = -(-count // length)
    if outline.closed:
        return [round(i * count / windows) for i in range(windows)]
    return [round(i * (count - length) / max(1, windows - 1)) for i in range(windows)]


def _along(outline: Outline, first: int, end: int) -> tuple[int, ...]:
    """Return the landmarks of an outline from number ``first`` to before ``end``; a closed one goes on at its start."""
    count = len(outline.points)
    if outline.closed:
        return tuple(dict.fromkeys(outline.points[i % count] for i in range(first, end)))
    return outline.points[max(0, first) : min(end, count)]
