"""Searching: the kernel against scikit-image's features, scikit-learn's trees and NumPy's additions."""

import numpy as np
import pytest
from skimage.feature import haar_like_feature
from skimage.transform import integral_image

from landvote.forests.features import KINDS, integral
from landvote.forests.forest import bundle, flatten, grow_tree, join
from landvote.forests.gathering import gather
from landvote.forests.search import Positions, around, search

RECTANGLES = (((0, 0), (1, 0)), ((0, 0), (0, 1)), ((0, 0), (1, 0), (2, 0)), ((0, 0), (0, 1), (0, 2)),
              ((0, 0), (1, 0), (1, 1), (0, 1)))  # fmt: skip


def haar(levels, x, y, features, patch):
    """Compute features of the patch of cell (x, y) by scikit-image; ``levels`` has ``patch`` empty cells around."""
    corner = np.array([y, x]) - patch // 2 + patch
    window = levels[corner[0] : corner[0] + patch, corner[1] : corner[1] + patch]
    coordinates = np.empty(len(features), object)
    coordinates[:] = [
        [[(fy + v * h, fx + u * w), (fy + v * h + h - 1, fx + u * w + w - 1)] for u, v in RECTANGLES[kind]]
        for kind, fx, fy, w, h in features.astype(int)
    ]
    kinds = np.array(KINDS)[features[:, 0]]
    return haar_like_feature(integral_image(window), 0, 0, patch, patch, feature_type=kinds, feature_coord=coordinates)


def oracle(pixels, trees, positions, patch, cell, weighted):
    """Return one landmark's votes; ``trees`` are (features, regressor), ``positions`` (k, 2)."""
    height, width = pixels.shape
    levels = np.pad(np.rint(np.clip(pixels, -2, 2) * 512).astype(np.int64), patch)
    votes = np.zeros((-(-height // cell), -(-width // cell)))
    for features, regressor in trees:
        rows = np.array([haar(levels, x, y, features, patch) for x, y in positions])
        targets = (positions + regressor.predict(rows) + 0.5) / cell - 0.5
        spread2 = 2 * regressor.tree_.impurity[regressor.apply(rows)]
        weights = (1 / (1 + spread2) if weighted else np.ones(len(rows))) / (len(positions) * len(trees))
        low = np.floor(targets)
        share = targets - low
        for u, share_x in ((low[:, 0], 1 - share[:, 0]), (low[:, 0] + 1, share[:, 0])):
            for v, share_y in ((low[:, 1], 1 - share[:, 1]), (low[:, 1] + 1, share[:, 1])):
                inside = (u >= 0) & (v >= 0) & (u < votes.shape[1]) & (v < votes.shape[0])
                at = v[inside].astype(int), u[inside].astype(int)
                np.add.at(votes, at, (weights * share_x * share_y)[inside])
    return votes


def spots(positions):
    """Return (x, y) of each position of each landmark."""
    return [
        np.array([(fx + positions.step * i, fy + positions.step * j) for j in range(rows) for i in range(columns)])
        for (fx, fy), (columns, rows) in zip(positions.first, positions.count, strict=True)
    ]


@pytest.mark.parametrize("cell", [1, 2, 3])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_kernel_votes_as_scikit_image_scikit_learn_and_numpy_do(views, quick, cell, weighted):
    seen = views()
    gathered = gather(seen, quick)
    grown = [[grow_tree(gathered.patches(p, quick), quick, p, t) for t in range(3)] for p in range(3)]
    forest = join([bundle([flatten(*tree) for tree in three], np.zeros((2, 2))) for three in grown])
    weights = 1 / (1 + forest.leaves[:, 2] ** 2) if weighted else np.ones(len(forest.leaves), np.float32)
    pixels = views(1, seed=9).plain(0).pixels
    height, width = pixels.shape
    # one landmark over the whole grid, borders included, one around a point, one at a single cell
    positions = Positions(np.array([[0, 0], [21, 4], [25, 27]]), np.array([[24, 20], [9, 7], [1, 1]]), 2)
    image = integral(pixels, quick.patch)
    votes = search(image, forest, weights, positions, (width, height), cell)
    assert votes.dtype == np.float32
    for own, three, at in zip(votes, grown, spots(positions), strict=True):
        expected = oracle(pixels, three, at, quick.patch, cell, weighted)
        assert expected.sum() > 0
        np.testing.assert_allclose(own, expected, atol=1e-5 / len(at), rtol=1e-5 if len(at) == 1 else 1e-3)
        np.testing.assert_allclose(own.sum(), expected.sum(), rtol=1e-5)


def test_positions_lie_around_a_centre_as_far_as_there_are_cells():
    centres = np.array([[10.4, 5.6], [0.0, 0.0], [19.0, 9.0], [-2.0, 12.0], [-30.0, 5.0], [1e30, -1e30]])
    positions = around(centres, np.full((6, 2), 7.0), 3, (20, 10))
    found = [s.reshape(-1, 2) for s in spots(positions)]
    xs, ys = ([sorted(set(s[:, axis].tolist())) for s in found] for axis in range(2))
    assert xs == [[4, 7, 10, 13, 16], [0, 3, 6], [13, 16, 19], [1, 4], [], []]
    assert ys == [[0, 3, 6, 9], [0, 3, 6], [3, 6, 9], [6, 9], [], []]
    assert positions.first.dtype == positions.count.dtype == np.int32


def test_a_landmark_without_positions_has_no_votes(views, quick):
    features, regressor = grow_tree(gather(views(), quick).patches(0, quick), quick, 0, 0)
    forest = flatten(features, regressor)
    image = integral(views(1).plain(0).pixels, quick.patch)
    nowhere = Positions(np.zeros((1, 2), np.int32), np.array([[0, 5]], np.int32), 2)
    weights = np.ones(len(forest.leaves), np.float32)
    votes = search(image, forest, weights, nowhere, (48, 40), 1)
    assert not votes.any()
