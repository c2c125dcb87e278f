import numpy as np
import pytest
from scipy.stats import chi2

from landvote.errors import ModelError, ShapeError
from landvote.frames import Frame
from landvote.shapes import ShapeModel

T = np.linspace(0, 2 * np.pi, 20, endpoint=False)
CIRCLE = np.column_stack([50 * np.cos(T), 70 * np.sin(T)])
MODES = np.stack([np.column_stack([np.cos(3 * T), np.sin(3 * T)]), np.column_stack([np.cos(5 * T), -np.sin(5 * T)])])
SDS = np.array([6.0, 2.0])


def drawn(m, seed=0, noise=0.0):
    rng = np.random.default_rng(seed)
    shapes = CIRCLE + np.tensordot(rng.standard_normal((m, 2)) * SDS, MODES, axes=1)
    return shapes + rng.normal(0, noise, shapes.shape)


@pytest.fixture(scope="module")
def model():
    return ShapeModel.fit(drawn(200))


def test_two_modes_are_found_again_with_their_variances(model):
    assert model.modes_count == 2
    expected = (SDS**2) * (MODES**2).sum(axis=(1, 2))
    np.testing.assert_allclose(model.variances, expected, rtol=0.25)
    overlap = abs(
        np.tensordot(model.modes, MODES / np.sqrt((MODES**2).sum(axis=(1, 2), keepdims=True)), ((1, 2), (1, 2)))
    )
    np.testing.assert_allclose(np.diag(overlap), 1, atol=0.01)


def test_fewer_shapes_than_points_are_enough():
    assert ShapeModel.fit(drawn(5)).modes_count == 2


def test_identical_shapes_give_a_rigid_model():
    rigid = ShapeModel.fit(np.stack([CIRCLE] * 4))
    assert rigid.modes_count == 0
    assert rigid  # it is a shape model
    moved = Frame.similarity(2, 0.4, (0, 0), (9, 8), (1, 1)).to_grid(CIRCLE)
    np.testing.assert_allclose(rigid.match(moved).points, moved, atol=1e-6)


def test_scatter_is_that_of_shapes_it_did_not_learn_from():
    few = ShapeModel.fit(drawn(12, noise=1.0), share=1.0)  # repeats all twelve exactly
    assert 1.5 < few.scatter.mean() < 6  # noise of variance 1 in x and in y, and what twelve shapes do not tell
    assert few.residual.shape == (20, 2, 2)


def test_the_share_of_variance_decides_how_many_modes():
    shapes = drawn(200, noise=0.5)
    assert ShapeModel.fit(shapes, share=0.8).modes_count == 1
    assert ShapeModel.fit(shapes, share=1.0).modes_count > 10
    assert ShapeModel.fit(shapes, share=1.0, most=4).modes_count == 4


def test_missing_points_are_filled_in_from_the_others(model):
    shapes = drawn(200)
    shapes[np.random.default_rng(5).random(shapes.shape[:2]) < 0.1] = np.nan
    holes = ShapeModel.fit(shapes, most=2)
    np.testing.assert_allclose(holes.variances, model.variances, rtol=0.1)
    np.testing.assert_allclose(holes.mean, model.mean, atol=0.3)


def test_a_shape_of_the_model_is_matched_exactly_wherever_it_lies(model):
    frame = Frame.similarity(0.4, -0.3, (0, 0), (300, 200), (1, 1))
    points = frame.to_grid(model.shape(np.array([15.0, -5.0])))
    fit = model.match(points)
    np.testing.assert_allclose(fit.points, points, atol=0.01)
    np.testing.assert_allclose(fit.parameters, [15, -5], rtol=0.01)
    assert fit.pose.scale == pytest.approx(0.4, rel=1e-3)


def test_missing_and_weightless_points_do_not_pull(model):
    points = model.shape(np.array([10.0, 4.0]))
    broken = points.copy()
    broken[3] = np.nan
    broken[7] += 500
    weights = np.ones(20)
    weights[7] = 0
    np.testing.assert_allclose(model.match(broken, weights).points, points, atol=0.05)


def test_few_points_give_a_sober_shape(model):
    points = model.mean.copy()
    points[4:] = np.nan
    points[:4] += np.random.default_rng(0).normal(0, 1, (4, 2))
    assert model.distance(model.match(points).parameters) < model.limit


def test_the_limit_holds_the_accepted_share_of_normal_shapes(model):
    parameters = np.random.default_rng(1).standard_normal((4000, 2)) * np.sqrt(model.variances)
    inside = np.mean([model.distance(b) <= model.limit for b in parameters])
    assert model.limit == pytest.approx(np.sqrt(chi2.ppf(0.98, 2)))
    assert inside == pytest.approx(0.98, abs=0.01)


def test_a_wild_shape_is_brought_to_the_nearest_plausible_one(model):
    wild = np.array([200.0, 40.0])
    tamed = model.limited(wild)
    assert model.distance(tamed) == pytest.approx(model.limit)
    angles = np.linspace(0, 2 * np.pi, 3600)
    border = model.limit * np.sqrt(model.variances) * np.column_stack([np.cos(angles), np.sin(angles)])
    nearest = border[np.linalg.norm(border - wild, axis=1).argmin()]
    np.testing.assert_allclose(tamed, nearest, atol=0.2)
    np.testing.assert_array_equal(model.limited(np.array([1.0, 1.0])), [1, 1])


def test_mirrored_shapes_make_the_mean_symmetric():
    shapes = drawn(30)
    swap = (10 - np.arange(20)) % 20  # x -> -x takes the angle t to pi - t
    model = ShapeModel.fit(shapes, mirror=swap)
    np.testing.assert_allclose(model.mean[swap] * [-1, 1], model.mean, atol=1e-6)


def test_save_then_load_is_the_same(model, tmp_path):
    model.save(tmp_path / "shape.npz")
    again = ShapeModel.load(tmp_path / "shape.npz")
    for name in ("mean", "modes", "variances", "residual", "accept", "total"):
        np.testing.assert_array_equal(getattr(again, name), getattr(model, name))


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "shape.npz").write_bytes(b"PK not really")
    with pytest.raises(ModelError, match=r"shape\.npz: cannot be read .* expected an npz with mean, modes"):
        ShapeModel.load(tmp_path / "shape.npz")


@pytest.mark.parametrize("points", [np.full((20, 2), np.nan), np.zeros((20, 2)), np.zeros((3, 2))])
def test_points_that_place_nothing_are_refused(model, points):
    with pytest.raises(ShapeError):
        model.match(points)


@pytest.mark.parametrize(("share", "accept"), [(0, 0.98), (1.1, 0.98), (0.9, 1.0)])
def test_settings_out_of_range_are_refused(share, accept):
    with pytest.raises(ShapeError, match="expected values from 0 to 1"):
        ShapeModel.fit(drawn(5), share, accept)
