"""Augmentation: random variations of a film, for training.

The paper adds one rotated copy of each film, between 5 degrees clockwise and 35 degrees anti-clockwise (section 4.1).
The default here draws anew at every step and moves, grey levels, sharpness, noise and covered spots together; for the
local stage the movement also stands for the error of the stage before it.
"""

from typing import Annotated

import cv2
import numpy as np
from pydantic import Field, NonNegativeFloat, NonNegativeInt

from landvote.frames.deformation import Deformation
from landvote.frames.frame import Frame
from landvote.frames.view import Grid
from landvote.runtime.settings import Settings


class Augmentation(Settings):
    """Ranges that variations are drawn from; zero switches one off.

    Attributes:
        rotation: lowest and highest angle in degrees; positive is clockwise on screen.
        scale: largest relative change of size; 0.1 means 1/1.1 to 1.1.
        shift: largest shift along x and along y, as a share of the grid.
        stretch: largest relative change of the width against the height; 0.1 means 1/1.1 to 1.1.
        deform: SD of smooth deformations along x and along y, as a share of the grid.
        mirror: swap left and right in half of the views, where the scheme names mirrored pairs.
        gamma: largest power the grey levels are raised to, or its inverse; 0 for none.
        contrast: largest relative change of contrast, and of brightness as a share of the grey range.
        blur: largest SD of a Gaussian blur, grid cells.
        noise: largest SD of white noise; the grey range is about 2.
        invert: share of views with inverted grey levels.
        erase: share of views with one to three covered rectangles.
        crop: largest share of the height that is covered at the top, and at the bottom, as if the film ended there.
        copies: 0 draws anew each time a film is seen; c > 0 makes c fixed copies of each film once (the paper: 1).
    """

    rotation: tuple[float, float] = (-15.0, 15.0)
    scale: NonNegativeFloat = 0.15
    shift: NonNegativeFloat = 0.08
    stretch: NonNegativeFloat = 0.0
    deform: Annotated[float, Field(ge=0, le=0.05)] = 0.0
    mirror: bool = True
    gamma: NonNegativeFloat = 1.6
    contrast: NonNegativeFloat = 0.25
    blur: NonNegativeFloat = 1.0
    noise: NonNegativeFloat = 0.08
    invert: NonNegativeFloat = 0.0
    erase: NonNegativeFloat = 0.25
    crop: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    copies: NonNegativeInt = 0

    def move(self, frame: Frame, rng: np.random.Generator) -> Frame:
        """Return ``frame`` turned, scaled and shifted at random about the middle of its grid."""
        angle = np.deg2rad(rng.uniform(*self.rotation))
        scale = (1 + self.scale) ** rng.uniform(-1, 1)
        shift = rng.uniform(-self.shift, self.shift, 2) * np.array(frame.size)
        moved = frame.then(scale, angle, shift)
        return moved.stretched((1 + self.stretch) ** rng.uniform(-1, 1)) if self.stretch else moved

    def field(self, size: tuple[int, int], rng: np.random.Generator) -> Deformation | None:
        """Return a smooth deformation of a grid of ``size``, (width, height), drawn at random; None for none."""
        return Deformation.draw(size, self.deform * max(size), rng) if self.deform else None

    def shade(self, grid: Grid, rng: np.random.Generator) -> Grid:
        """Return standardised grey levels, (height, width), varied at random."""
        if self.erase and rng.random() < self.erase:
            grid = _erase(grid, rng)
        if self.gamma and rng.random() < 0.5:
            power = np.float32((1 + self.gamma) ** rng.uniform(-1, 1))
            grid = np.power((grid + np.float32(1.5)) / 3, power) * 3 - np.float32(1.5)
        if self.contrast:
            gain = rng.uniform(1 - self.contrast, 1 + self.contrast)
            offset = rng.uniform(-self.contrast, self.contrast)
            grid = grid * np.float32(gain) + np.float32(offset)
        if self.blur and rng.random() < 0.3:
            sd = rng.uniform(0.3, 0.3 + self.blur)
            grid = cv2.GaussianBlur(grid, (0, 0), sd).astype(np.float32, copy=False)
        if self.noise and rng.random() < 0.5:
            grid = grid + rng.standard_normal(grid.shape, dtype=np.float32) * np.float32(rng.uniform(0, self.noise))
        if self.invert and rng.random() < self.invert:
            grid = -grid
        if self.crop:
            top, bottom = (int(rng.uniform(0, self.crop) * len(grid)) for _ in range(2))
            grid = grid.copy()
            grid[:top], grid[len(grid) - bottom :] = 0, 0  # as outside of a film
        return grid


def _erase(grid: Grid, rng: np.random.Generator) -> Grid:
    """Cover one to three rectangles with one grey level each: markers, shields, collimation."""
    grid = grid.copy()
    height, width = grid.shape
    for _ in range(rng.integers(1, 4)):
        w, h = (rng.uniform(0.05, 0.3, 2) * (width, height)).astype(int)
        x, y = rng.integers(0, width - w), rng.integers(0, height - h)
        grid[y : y + h, x : x + w] = rng.uniform(-1.2, 1.2)
    return grid
