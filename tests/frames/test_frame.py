"""The frame moves pixels and points together: draw a dot, move both, and they must still meet."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landvote.frames import Frame

SIZE = (120, 96)
CENTRE = (np.array(SIZE) - 1) / 2


def dot(at, size, sd):
    """Return a picture of ``size`` (width, height) with a Gaussian dot centred at (x, y)."""
    x, y = np.arange(size[0]), np.arange(size[1])[:, None]
    return np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * sd**2)).astype(np.float32)


def centroid(grid):
    """Return where the bright mass of a grid lies, cells outside the film left out."""
    mass = np.nan_to_num(grid)
    y, x = np.indices(grid.shape)
    return np.array([(mass * x).sum(), (mass * y).sum()]) / mass.sum()


def meets(frame, at, image_size, sd):
    seen = centroid(frame.warp(dot(at, image_size, sd)))
    expected = frame.to_grid(np.array([at]))[0]
    np.testing.assert_allclose(seen, expected, atol=0.05)


@pytest.mark.parametrize("scale", [0.25, 0.4, 0.5, 0.7, 1.0, 1.6, 2.0, 4.0])
@pytest.mark.parametrize("degrees", [0, 17, -90, 180])
def test_a_dot_and_its_point_still_meet(scale, degrees):
    image_size = (int(300 / scale), int(260 / scale))
    at = np.array(image_size) * (0.52, 0.47) + 0.3
    frame = Frame.similarity(scale, np.deg2rad(degrees), at + 3 / scale, CENTRE, SIZE)
    meets(frame, at, image_size, sd=4 / scale)


@pytest.mark.parametrize("scale", [0.25, 1.0, 3.0])
def test_a_dot_meets_its_point_in_a_mirror_and_after_more_moves(scale):
    image_size, at = (400, 420), np.array([210.4, 190.7])
    frame = Frame.similarity(scale, 0.3, at, CENTRE, SIZE)
    meets(frame.mirrored(), at, image_size, sd=3 / scale)
    moved = frame.then(1.2, -0.5, (7.3, -4.1))
    meets(moved, at, image_size, sd=3 / scale)
    meets(moved.mirrored().then(0.8, 0.2, (-3.0, 2.0)), at, image_size, sd=3 / scale)


@pytest.mark.parametrize("image_size", [(500, 300), (300, 500), (97, 61), (40, 40)])
@pytest.mark.parametrize("at", [(0.3, 0.4), (0.75, 0.7)])
def test_a_dot_meets_its_point_on_the_whole_film(image_size, at):
    frame = Frame.whole(image_size, SIZE, margin=0.05)
    meets(frame, np.array(image_size) * at, image_size, sd=2.5 / min(frame.scale, 1))


def test_a_dot_meets_its_point_where_the_patch_hangs_over_the_edge():
    frame = Frame.similarity(0.3, 0.2, (12.0, 15.0), CENTRE, SIZE)
    meets(frame, np.array([60.0, 70.0]), (400, 400), sd=9)


@given(
    scale=st.floats(0.05, 20),
    angle=st.floats(-10, 10),
    image_point=st.tuples(st.floats(-5000, 5000), st.floats(-5000, 5000)),
    mirrored=st.booleans(),
    x=st.floats(-500, 500),
    y=st.floats(-500, 500),
)
def test_to_image_undoes_to_grid(scale, angle, image_point, mirrored, x, y):
    frame = Frame.similarity(scale, angle, image_point, CENTRE, SIZE)
    frame = frame.mirrored() if mirrored else frame
    points = np.array([[x, y], [np.nan, np.nan]])
    np.testing.assert_allclose(frame.to_grid(frame.to_image(points)), points, atol=1e-6)
    np.testing.assert_allclose(frame.to_image(frame.to_grid(points)), points, atol=1e-6)
    assert frame.scale == pytest.approx(scale)


def test_scaling_has_the_half_pixel_term():
    frame = Frame.whole((2, 2), (4, 4))
    np.testing.assert_allclose(frame.to_grid(np.array([[0.0, 1.0]])), [[0.5, 2.5]])
    shades = frame.warp(np.array([[0, 100], [0, 100]], np.uint8))
    np.testing.assert_allclose(shades, np.tile([0, 25, 75, 100], (4, 1)), atol=1e-3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_shrinking_averages_every_pixel(dtype):
    image = np.random.default_rng(0).integers(0, 255, (64, 48)).astype(dtype)
    small = Frame.whole((48, 64), (12, 16)).warp(image)
    blocks = image.astype(float).reshape(16, 4, 12, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(small, blocks, atol=0.01)


def test_the_same_size_is_the_same_picture():
    image = np.random.default_rng(0).integers(0, 65535, (31, 53)).astype(np.uint16)
    grid = Frame.whole((53, 31), (53, 31)).warp(image)
    assert grid.dtype == np.float32
    np.testing.assert_array_equal(grid, image)


def test_the_whole_film_lies_inside_its_margin():
    frame = Frame.whole((300, 200), (256, 192), margin=0.1)
    corners = np.array([[-0.5, -0.5], [299.5, 199.5]])
    (left, top), (right, bottom) = frame.to_grid(corners)
    assert (left, right) == pytest.approx((0.1 * 256 - 0.5, 0.9 * 256 - 0.5))  # the width is what limits it
    assert top + bottom == pytest.approx(191)  # centred
    assert top > 0.1 * 192 - 0.5


def test_outside_the_film_is_nan_and_only_there():
    image_size = (60, 40)
    frame = Frame.similarity(1.0, 0.4, (29.5, 19.5), CENTRE, SIZE)
    grid = frame.warp(np.ones(image_size[::-1], np.uint8))
    y, x = np.indices(grid.shape)
    at = frame.to_image(np.stack([x.ravel(), y.ravel()], axis=1).astype(float))
    inside = ((at >= -0.5) & (at <= np.array(image_size) - 0.5)).all(axis=1).reshape(grid.shape)
    np.testing.assert_array_equal(np.isfinite(grid), inside)
    assert (grid[inside] == 1).all()


def test_a_patch_beside_the_film_is_all_nan():
    frame = Frame.similarity(1.0, 0.0, (-500.0, 900.0), CENTRE, SIZE)
    assert np.isnan(frame.warp(np.ones((30, 30), np.uint8))).all()


def test_positive_angles_turn_clockwise_on_screen():
    frame = Frame.similarity(1.0, np.deg2rad(90), (0, 0), (0, 0), SIZE)
    np.testing.assert_allclose(frame.to_grid(np.array([[1.0, 0.0]])), [[0, 1]], atol=1e-12)  # right goes down


def test_then_turns_about_the_middle_of_the_grid():
    frame = Frame.whole((100, 100), SIZE)
    moved = frame.then(2.0, 1.0, (5.0, -2.0))
    middle = frame.to_image(CENTRE[None])
    np.testing.assert_allclose(moved.to_grid(middle), CENTRE[None] + [[5, -2]])
    assert moved.scale == pytest.approx(2 * frame.scale)
    unmoved = frame.then(1.0, 0.0, (0, 0))
    np.testing.assert_allclose(unmoved.matrix, frame.matrix)


def test_mirrored_swaps_left_and_right_of_the_grid():
    frame = Frame.similarity(0.7, 0.2, (50, 60), CENTRE, SIZE)
    points = np.array([[40.0, 80.0], [10.0, 20.0]])
    straight, mirrored = frame.to_grid(points), frame.mirrored().to_grid(points)
    np.testing.assert_allclose(mirrored, np.column_stack([SIZE[0] - 1 - straight[:, 0], straight[:, 1]]))
    y, x = np.mgrid[:120, :100]
    image = (127 + 80 * np.sin(x / 9) * np.cos(y / 7)).astype(np.uint8)  # smooth: OpenCV 4 rounds to 1/32 of a pixel
    np.testing.assert_allclose(frame.mirrored().warp(image), frame.warp(image)[:, ::-1], atol=0.5)


def test_matching_two_points_is_exact():
    image, grid = np.array([[10.0, 20.0], [200.0, 90.0]]), np.array([[30.0, 70.0], [60.0, 10.0]])
    frame = Frame.matching(image, grid, SIZE)
    np.testing.assert_allclose(frame.to_grid(image), grid)
    linear = frame.matrix[:, :2]  # a similarity: no shear, no mirror
    np.testing.assert_allclose(linear @ linear.T, frame.scale**2 * np.eye(2), atol=1e-12)
    assert np.linalg.det(linear) > 0


def test_matching_leaves_out_missing_points():
    truth = Frame.similarity(0.6, -0.4, (100, 80), CENTRE, SIZE)
    image = np.array([[10.0, 20.0], [np.nan, np.nan], [200.0, 90.0], [150.0, 10.0]])
    grid = truth.to_grid(image)
    image[1], grid[2] = (7.0, 7.0), np.nan
    np.testing.assert_allclose(Frame.matching(image, grid, SIZE).matrix, truth.matrix)


def test_matching_more_points_is_the_best_similarity():
    rng = np.random.default_rng(0)
    image = rng.uniform(0, 300, (8, 2))
    grid = Frame.similarity(0.4, 0.3, (150, 150), CENTRE, SIZE).to_grid(image) + rng.normal(0, 3, (8, 2))
    best = Frame.matching(image, grid, SIZE)

    def error(frame):
        return ((frame.to_grid(image) - grid) ** 2).sum()

    for scale, angle, shift in [(1.003, 0, (0, 0)), (1, 0.003, (0, 0)), (1, 0, (0.1, 0)), (1, 0, (0, -0.1))]:
        assert error(best) < error(best.then(scale, angle, shift))


@pytest.mark.parametrize(
    "points",
    [np.empty((0, 2)), np.array([[3.0, 4.0]]), np.array([[3.0, 4.0], [np.nan, np.nan]]), np.full((3, 2), 5.0)],
    ids=["none", "one", "one-and-a-missing", "all-the-same"],
)
def test_matching_too_few_points_is_an_error(points):
    with pytest.raises(ValueError, match="two different points"):
        Frame.matching(points, np.arange(2.0 * len(points)).reshape(-1, 2), SIZE)
