"""Haar-like features: the same as scikit-image's, to the last digit, also at the border of the grid."""

import numpy as np
import pytest
from skimage.feature import haar_like_feature
from skimage.transform import integral_image

from landvote.forests.features import COEFFICIENTS, CORNERS, KINDS, corners, draw, fit_into, integral, table

RECTANGLES = {  # along x and y, of one rectangle's width and height, in the order of scikit-image
    "type-2-x": [(0, 0), (1, 0)],
    "type-2-y": [(0, 0), (0, 1)],
    "type-3-x": [(0, 0), (1, 0), (2, 0)],
    "type-3-y": [(0, 0), (0, 1), (0, 2)],
    "type-4": [(0, 0), (1, 0), (1, 1), (0, 1)],
}


def in_scikit_image(features):
    """Return the features as scikit-image writes them: (row, column) of two corners of each rectangle."""
    kinds, coordinates = [], []
    for kind, x, y, w, h in features.astype(int):
        kinds.append(KINDS[kind])
        places = [(x + u * w, y + v * h) for u, v in RECTANGLES[KINDS[kind]]]
        coordinates.append([[(b, a), (b + h - 1, a + w - 1)] for a, b in places])
    out = np.empty(len(coordinates), object)
    out[:] = coordinates
    return out, np.array(kinds)


def oracle(pixels, x, y, features, patch):
    """Compute the features of the patch of cell (x, y) by scikit-image."""
    levels = np.rint(np.clip(pixels, -2, 2) * 512).astype(np.int64)
    around = np.pad(levels, patch)
    corner_x, corner_y = x - patch // 2 + patch, y - patch // 2 + patch
    window = around[corner_y : corner_y + patch, corner_x : corner_x + patch]
    coordinates, kinds = in_scikit_image(features)
    return haar_like_feature(integral_image(window), 0, 0, patch, patch, feature_type=kinds, feature_coord=coordinates)


@pytest.mark.parametrize("patch", [4, 7, 13, 20])
def test_features_are_those_of_scikit_image_anywhere_on_the_grid(patch):
    rng = np.random.default_rng(patch)
    pixels = rng.normal(0, 1, (23, 31)).astype(np.float32)
    features = draw(rng, 200, patch)
    assert set(features[:, 0]) == set(range(5))
    image = integral(pixels, patch)
    places = [(0, 0), (30, 0), (0, 22), (30, 22), (15, 11), (29, 3)]  # (x, y), all corners among them
    origins = np.array([y * image.shape[1] + x for x, y in places], np.int32)
    ours = table(image[None], np.zeros(len(places), np.int32), origins, features)
    assert ours.dtype == np.float32
    for row, (x, y) in zip(ours, places, strict=True):
        np.testing.assert_array_equal(row, oracle(pixels, x, y, features, patch))
    assert len(np.unique(ours)) > 100


def test_the_brightest_large_patch_is_still_exact():
    pixels = np.full((128, 128), 7.0, np.float32)
    pixels[:, 64:] = -7
    image = integral(pixels, 128)
    feature = np.array([[0, 0, 0, 64, 128]], np.int16)  # all of the patch, its left half counted negative
    value = table(image[None], np.zeros(1, np.int32), np.array([64 * image.shape[1] + 64], np.int32), feature)
    assert value[0, 0] == -(128 * 128 * 1024)
    large = np.full((1024, 1024), 2.0, np.float32)
    assert integral(large, 4)[-1, -1] == 1024**3


def test_drawn_features_fit_into_their_patch_and_use_all_of_it():
    features = draw(np.random.default_rng(0), 5000, 9)
    assert fit_into(features, 9)
    assert not fit_into(features, 8)
    offsets = corners(features, 100)
    assert (offsets.shape, offsets.dtype) == ((5000, CORNERS), np.uint32)
    assert (offsets.min(), offsets.max()) == (0, 909)
    assert (COEFFICIENTS.sum(axis=1) == 0).all()
    for broken in ([5, 0, 0, 1, 1], [-1, 0, 0, 1, 1], [0, -1, 0, 1, 1], [0, 0, 0, 0, 1], [0, 0, 0, 5, 1]):
        assert not fit_into(np.array([broken], np.int16), 9)


def test_many_patches_in_blocks_are_the_same_as_one_by_one():
    rng = np.random.default_rng(1)
    images = np.stack([integral(rng.normal(0, 1, (20, 24)).astype(np.float32), 6) for _ in range(5)])
    which, origins = rng.integers(0, 5, 50).astype(np.int32), rng.integers(0, 20 * 30, 50).astype(np.int32)
    features = draw(rng, 30, 6)
    together = table(images, which, origins, features)
    assert together.flags.f_contiguous
    alone = [table(images, which[i : i + 1], origins[i : i + 1], features)[0] for i in range(50)]
    np.testing.assert_array_equal(together, alone)
