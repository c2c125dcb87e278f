"""Points: weights by which least squares outvotes some."""

import numpy as np

from landvote.data.points import cauchy_weights


def test_weights_fall_with_the_distance_in_units_of_twice_the_median():
    distance = np.array([[3.0, 1.0, np.nan, 2.0, 6.0], [0.5, np.nan, 4.0, 1.5, np.nan], np.full(5, np.nan)])
    for row, scale in zip(distance, (5.0, 3.0, 1.0), strict=True):
        expected = np.nan_to_num(1 / (1 + (row / scale) ** 2))
        np.testing.assert_allclose(cauchy_weights(row, 0.1), expected)
    np.testing.assert_allclose(cauchy_weights(distance, 0.1), [cauchy_weights(row, 0.1) for row in distance])


def test_a_scale_is_never_smaller_than_the_least():
    np.testing.assert_allclose(cauchy_weights(np.array([0.1, 0.1, 2.0]), 1.0), [1 / 1.0025, 1 / 1.0025, 0.5])
