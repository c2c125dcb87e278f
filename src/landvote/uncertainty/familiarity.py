"""Familiarity: how odd a picture, or a part of one, looks to a model that has seen others of its kind."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from landvote.data.points import FloatArray, Points
from landvote.errors import ModelError
from landvote.frames.view import Grid
from landvote.runtime.arrays import load_arrays, save_arrays

SIDE = 8  # samples along each side of a patch
STEP = 3.0  # grid cells between them
_MODES = 8  # that patches, or films, are described by
_FOLDS = 5  # in which those are left out that tell how far unseen ones lie from the modes
_EVEN = 0.05  # SD of grey levels, whose range is about 2, that an even patch is divided by

Rows = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Familiarity:
    """What rows of numbers look like in each of g places: principal components, and what is left beside them.

    Attributes:
        mean: (g, d).
        modes: (g, k, d), orthonormal.
        variances: (g, k) of unseen rows along the modes.
        rest: (g,) mean squared distance of unseen rows from the modes.
    """

    mean: Rows
    modes: Rows
    variances: FloatArray
    rest: FloatArray

    @classmethod
    def fit(cls, rows: Sequence[Rows]) -> Self:
        """Learn from rows (g, d), one of each film; NaN where a film lacks a place.

        Variances are those of rows that were left out: a model of few rows lies close to its own.
        """
        places = [_place(np.stack([film[g] for film in rows])) for g in range(len(rows[0]))]
        mean, modes, variances, rest = zip(*places, strict=True)
        return cls(np.stack(mean), np.stack(modes), np.stack(variances), np.array(rest))

    def oddness(self, row: Rows) -> FloatArray:
        """Return (g,) how odd each of (g, d) looks: about 1 for one like those learned from, NaN where it has NaN.

        It is the root mean square of both distances, along the modes and beside them, in units of what is usual.
        """
        away = row - self.mean
        along = np.einsum("gkd,gd->gk", self.modes, away)
        beside = ((away**2).sum(axis=1) - (along**2).sum(axis=1)).clip(min=0)
        inside = (along**2 / self.variances).mean(axis=1)
        return np.asarray(np.sqrt((inside + beside / self.rest) / 2))

    def save(self, file: Path) -> Path:
        """Write the arrays as an npz, and return the file."""
        return save_arrays(file, **vars(self))

    @classmethod
    def load(cls, file: Path, places: int) -> Self:
        """Read what :meth:`save` wrote; ModelError if it is missing, broken, or for another number of places."""
        stored = load_arrays(file, "mean", "modes", "variances", "rest")
        if any(len(values) != places for values in stored.values()):
            raise ModelError(f"{file}: for {len(stored['mean'])} places, expected {places}")
        return cls(**stored)


def patches_at(pixels: Grid, points: Points) -> Rows:
    """Return (n, SIDE * SIDE) the grey levels about (n, 2) points of a view, both on its grid, without mean and SD.

    NaN for a missing point. Beside the grid the view goes on as at its border.
    """
    offsets = (np.arange(SIDE) - (SIDE - 1) / 2) * STEP
    given: npt.NDArray[np.bool_] = np.all(np.isfinite(points), axis=1)
    known = np.where(given[:, None], points, 0)
    x = np.repeat((known[:, :1] + offsets)[:, None, :], SIDE, axis=1)
    y = np.repeat((known[:, 1:] + offsets)[:, :, None], SIDE, axis=2)
    smooth = cv2.blur(pixels, (3, 3))  # samples are so far apart
    shape = (len(points) * SIDE, SIDE)  # OpenCV takes no more than 32,767 rows: 4,095 landmarks
    x, y = (v.reshape(shape).astype(np.float32) for v in (x, y))
    sampled = cv2.remap(smooth, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    seen: Rows = sampled.reshape(len(points), -1).astype(np.float32)
    seen -= seen.mean(axis=1, keepdims=True)
    seen /= np.maximum(seen.std(axis=1, keepdims=True), _EVEN)
    seen[~given] = np.nan
    return seen


def film_at(pixels: Grid) -> Rows:
    """Return (1, d) a view of the whole film, small: 24 x 24 grey levels without mean and SD, whatever its form."""
    small = cv2.resize(pixels, (24, 24), interpolation=cv2.INTER_AREA).reshape(1, -1).astype(np.float32)
    small -= small.mean()
    return np.asarray(small / max(float(small.std()), _EVEN), np.float32)


def _place(rows: Rows) -> tuple[Rows, Rows, FloatArray, float]:
    """Return mean, modes, variances and rest of (m, d) rows of one place."""
    known = rows[np.isfinite(rows).all(axis=1)].astype(np.float64)
    d = known.shape[1]
    if len(known) < 2:
        return (np.zeros(d, np.float32), np.zeros((_MODES, d), np.float32), np.full(_MODES, np.inf), np.inf)
    fold = np.arange(len(known)) % min(_FOLDS, len(known))
    along, beside = np.empty((len(known), _MODES)), np.empty(len(known))
    for left in np.unique(fold):
        mean, modes = _components(known[fold != left])
        away = known[fold == left] - mean
        along[fold == left] = away @ modes.T
        beside[fold == left] = ((away**2).sum(axis=1) - (along[fold == left] ** 2).sum(axis=1)).clip(min=0)
    mean, modes = _components(known)
    variances = np.maximum((along**2).mean(axis=0), 1e-9 * d)
    return mean.astype(np.float32), modes.astype(np.float32), variances, max(float(beside.mean()), 1e-9 * d)


def _components(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the mean and (k, d) principal components of (m, d) rows; zeros where there are fewer."""
    mean = rows.mean(axis=0)
    found = np.linalg.svd(rows - mean, full_matrices=False)[2][:_MODES]
    return mean, np.pad(found, ((0, _MODES - len(found)), (0, 0)))
