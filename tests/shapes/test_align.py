import numpy as np
import pytest

from landvote.errors import ShapeError
from landvote.frames import Frame
from landvote.shapes import align, pose

RNG = np.random.default_rng(3)
BASE = np.array([[0, 0], [40, 5], [60, 50], [20, 70], [-10, 40.0]])


def moved(shape, rng):
    frame = Frame.similarity(rng.uniform(0.5, 2), rng.uniform(-0.5, 0.5), (0, 0), rng.uniform(-99, 99, 2), (1, 1))
    return frame.to_grid(shape)


def test_copies_that_were_moved_turned_and_scaled_fall_on_each_other():
    aligned = align(np.stack([moved(BASE, RNG) for _ in range(7)]))
    np.testing.assert_allclose(aligned.shapes, np.broadcast_to(aligned.mean, (7, 5, 2)), atol=1e-8)
    np.testing.assert_allclose(aligned.mean.mean(axis=0), 0, atol=1e-9)


def test_the_mean_has_the_size_and_direction_of_the_shapes():
    frames = [Frame.similarity(s, a, (0, 0), (0, 0), (1, 1)) for s, a in ((1, 0.1), (1, 0.5), (3, 0.3))]
    aligned = align(np.stack([f.to_grid(BASE) for f in frames]))
    expected = Frame.similarity(1, 0.3, BASE.mean(axis=0), (0, 0), (1, 1)).to_grid(BASE)
    np.testing.assert_allclose(aligned.mean, expected, atol=1e-6)


def test_what_is_left_holds_no_scale_and_no_rotation():
    shapes = np.stack([moved(BASE + RNG.normal(0, 4, BASE.shape), RNG) for _ in range(20)])
    aligned = align(shapes)
    mean, rest = aligned.mean.ravel(), (aligned.shapes - aligned.mean).reshape(20, -1)
    turned = (aligned.mean @ np.array([[0, 1], [-1, 0]])).ravel()
    np.testing.assert_allclose(rest @ mean / (mean @ mean), 0, atol=1e-9)
    np.testing.assert_allclose(rest @ turned / (mean @ mean), 0, atol=1e-9)


def test_missing_points_are_left_out_and_nothing_else_changes():
    shapes = np.stack([moved(BASE, RNG) for _ in range(6)])
    shapes[1, 2] = np.nan
    shapes[4, 0] = np.nan
    aligned = align(shapes)
    assert np.isnan(aligned.shapes[1, 2]).all()
    left = np.isfinite(aligned.shapes)
    np.testing.assert_allclose(aligned.shapes[left], np.broadcast_to(aligned.mean, (6, 5, 2))[left], atol=1e-7)


def test_films_with_too_few_points_are_named_as_not_kept():
    shapes = np.stack([moved(BASE, RNG) for _ in range(4)])
    shapes[2, 2:] = np.nan
    np.testing.assert_array_equal(align(shapes).kept, [0, 1, 3])


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (BASE[None], "1 of 1 shapes"),
        (np.zeros((3, 5, 2)), "0 of 3 shapes"),
        (np.zeros((3, 5)), "expected \\(films, landmarks, 2\\)"),
        (np.stack([np.column_stack([np.arange(5.0), 2 * np.arange(5.0)])] * 3), "on one line"),
        (
            np.where(np.arange(5)[None, :, None] == 3, np.nan, np.stack([BASE, BASE * 2])),
            "landmarks \\[3\\] are missing",
        ),
    ],
)
def test_shapes_that_teach_nothing_are_refused(shapes, message):
    with pytest.raises(ShapeError, match=message):
        align(shapes)


def test_a_pose_goes_there_and_back():
    frame = pose(BASE, BASE * 2 + [5, 7])
    np.testing.assert_allclose(frame.to_grid(BASE), BASE * 2 + [5, 7])
    assert frame.scale == pytest.approx(2)
