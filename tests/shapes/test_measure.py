import numpy as np
import pytest

from landvote.shapes import ShapeModel, align
from landvote.shapes.measure import compactness, generalisation, specificity

T = np.linspace(0, 2 * np.pi, 20, endpoint=False)
CIRCLE = np.column_stack([50 * np.cos(T), 70 * np.sin(T)])
MODES = np.stack([np.column_stack([np.cos(3 * T), np.sin(3 * T)]), np.column_stack([np.cos(5 * T), -np.sin(5 * T)])])


def drawn(m, noise, seed=0):
    rng = np.random.default_rng(seed)
    shapes = CIRCLE + np.tensordot(rng.standard_normal((m, 2)) * [6, 3], MODES, axes=1)
    return shapes + rng.normal(0, noise, shapes.shape)


def test_compactness_rises_from_nothing_to_the_share_asked_for():
    model = ShapeModel.fit(drawn(80, 0.3), share=0.99)
    curve = compactness(model)
    assert curve[0] == 0
    assert (np.diff(curve) > 0).all()
    assert 0.99 <= curve[-1] <= 1


def test_two_modes_describe_unseen_shapes_and_no_more_are_needed():
    errors = generalisation(drawn(60, 0.2), 4)
    assert errors[0] > 3
    assert errors[1] < errors[0] / 1.5
    assert errors[2] == pytest.approx(0.2 * np.sqrt(np.pi / 2), rel=0.15)  # the noise: mean of a Rayleigh distribution
    assert errors[3] == pytest.approx(errors[2], rel=0.1)


def test_generalisation_is_in_the_units_of_the_shapes():
    np.testing.assert_allclose(generalisation(3 * drawn(12, 0.2), 2), 3 * generalisation(drawn(12, 0.2), 2), rtol=1e-6)


def test_missing_points_do_not_count():
    shapes = drawn(30, 0.2)
    whole = generalisation(shapes, 2)
    shapes[::3, 4] = np.nan
    np.testing.assert_allclose(generalisation(shapes, 2), whole, rtol=0.15)


def test_random_shapes_of_a_good_model_are_near_real_ones():
    shapes = drawn(80, 0.3)
    aligned = align(shapes)
    good = specificity(ShapeModel.fit(shapes, share=0.95), aligned)
    loose = ShapeModel.fit(np.concatenate([shapes, drawn(40, 12.0, seed=1)]), share=0.99)
    assert specificity(loose, aligned)[-1] > 2 * good[-1]
    np.testing.assert_array_equal(good, specificity(ShapeModel.fit(shapes, share=0.95), aligned))
