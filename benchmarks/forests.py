"""Forests: the fused search against scikit-learn's predictions on scikit-image's features, and against its budget."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from skimage.feature import haar_like_feature
from skimage.transform import integral_image
from sklearn.tree import DecisionTreeRegressor

from hips import outlined, simulated
from landvote.forests.features import KINDS, Features, integral
from landvote.forests.forest import Forest, bundle, flatten, grow_tree
from landvote.forests.gathering import gather
from landvote.forests.search import Positions, search
from landvote.forests.settings import ForestSettings
from landvote.frames import Augmentation, Reading
from landvote.frames.placings import ReferenceSettings, TrainingShapes
from landvote.frames.view import Grid
from timing import Row, Turn, compare, take_turns

BUDGET = 0.004  # seconds for 2,000 positions and 10 trees on one core
LIMIT = 0.1  # at least ten times as fast
_FILMS, _LANDMARK, _GRID = 40, 10, 112
_MANY, _FEW = (50, 40), (10, 10)  # positions along x and y; scikit-image takes seconds for a hundred
_SETTINGS = ForestSettings(jobs=1)
_RECTANGLES = (((0, 0), (1, 0)), ((0, 0), (0, 1)), ((0, 0), (1, 0), (2, 0)), ((0, 0), (0, 1), (0, 2)),
               ((0, 0), (1, 0), (1, 1), (0, 1)))  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One landmark's trees, as scikit-learn has them and as landvote has them, and a view to search."""

    trees: list[tuple[Features, DecisionTreeRegressor]]
    forest: Forest
    pixels: Grid

    def ours(self, positions: tuple[int, int]) -> Callable[[], object]:
        """Return the search: from the integral image to the votes."""
        image = integral(self.pixels, _SETTINGS.patch)
        first, count = (np.array([pair], np.int32) for pair in (_first(self.pixels, positions), positions))
        where = Positions(first, count, 1)
        weights = np.ones(len(self.forest.leaves), np.float32)
        size = (self.pixels.shape[1], self.pixels.shape[0])
        return lambda: search(image, self.forest, weights, where, size, _SETTINGS.cell)

    def theirs(self, positions: tuple[int, int]) -> Callable[[], object]:
        """Return the predictions of scikit-learn on features of scikit-image; no vote is cast yet."""
        patch = _SETTINGS.patch
        levels = np.rint(np.pad(self.pixels, patch) * 512).astype(np.int64)
        left, top = (first - patch // 2 + patch for first in _first(self.pixels, positions))
        windows = [
            integral_image(levels[y : y + patch, x : x + patch])
            for y in range(top, top + positions[1])
            for x in range(left, left + positions[0])
        ]
        asked = [_as_in_scikit_image(features) for features, _ in self.trees]

        def run() -> list[npt.NDArray[np.float64]]:
            out = []
            for (_, tree), (kinds, coordinates) in zip(self.trees, asked, strict=True):
                rows = [haar_like_feature(w, 0, 0, patch, patch, kinds, coordinates) for w in windows]
                out.append(tree.predict(np.array(rows, np.float32)))
            return out

        return run


def rows(repeats: int) -> list[Row]:
    """Measure one landmark of simulated hips."""
    case = learned()
    (many,) = take_turns([case.ours(_MANY)], 4 * repeats)
    ours, theirs = take_turns([case.ours(_FEW), case.theirs(_FEW)], max(1, repeats // 5))
    budget = [Turn(BUDGET, BUDGET)] * len(many)
    return [
        compare(_what(_MANY), many, "4 ms", budget),
        compare(_what(_FEW), ours, "predict of scikit-learn, features of scikit-image", theirs, LIMIT),
    ]


def learned() -> Case:
    """Grow one landmark's trees."""
    with simulated(_FILMS) as samples:
        scheme = samples[0].scheme
        shapes = TrainingShapes(scheme, scheme.reference, *outlined(samples), multiple=32)
        placing = ReferenceSettings(size=(_GRID, _GRID), border=0.12).fit(shapes)
        varied = Augmentation(rotation=(-7, 7), scale=0.06, shift=0.02, erase=0)
        (views,) = Reading(samples, [(placing, varied, None)]).views()
    patches = gather(views, _SETTINGS).patches(_LANDMARK, _SETTINGS)
    trees = [grow_tree(patches, _SETTINGS, _LANDMARK, t) for t in range(_SETTINGS.trees)]
    forest = bundle([flatten(*tree) for tree in trees], np.zeros((2, 2)))
    return Case(trees, forest, views.plain(0).pixels)


def _what(positions: tuple[int, int]) -> str:
    return f"search, {positions[0] * positions[1]:,} positions x {_SETTINGS.trees} trees"


def _first(pixels: Grid, positions: tuple[int, int]) -> tuple[int, int]:
    """Return the first position, so that they lie in the middle of the view."""
    height, width = pixels.shape
    return (width - positions[0]) // 2, (height - positions[1]) // 2


def _as_in_scikit_image(features: Features) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.object_]]:
    """Return kinds, and per feature the first and last (row, column) of each of its rectangles."""
    coordinates = np.empty(len(features), object)
    coordinates[:] = [
        [[(y + v * h, x + u * w), (y + v * h + h - 1, x + u * w + w - 1)] for u, v in _RECTANGLES[kind]]
        for kind, x, y, w, h in features.astype(int)
    ]
    return np.array(KINDS)[features[:, 0]], coordinates
