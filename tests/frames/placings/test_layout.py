"""Placing: where a stage looks, learned from training points."""

from __future__ import annotations

import numpy as np
import pytest

from landvote.errors import PointsError
from landvote.frames import FilmPlacing, Frame, PartPlacing, ReferencePlacing
from landvote.frames.placing import ends, same_area, spread_points

SHAPE = np.array([[0, 0], [60, 5], [55, 140], [-10, 130], [20, 70], [40, 90]], float)


def films(count=40, shape=SHAPE, seed=0, jitter=4.0):
    """Return the shape at random places, sizes and angles, each point displaced a little."""
    rng = np.random.default_rng(seed)
    return [
        Frame.similarity(
            rng.uniform(0.7, 1.6), rng.uniform(-0.4, 0.4), (0, 0), rng.uniform(200, 600, 2), (1, 1)
        ).to_grid(shape + rng.normal(0, jitter, shape.shape))
        for _ in range(count)
    ]


def spine(count=20, parts=5, seed=0):
    rows = [(x, y + 45 * g) for g in range(parts) for x, y in ((0, 0), (50, 0), (0, 30), (50, 30))]
    return films(count, np.array(rows, float), seed, jitter=1.5)


def films_of(training):
    """Return films that end a little below the row, as people frame them."""
    return [(900, round(points[-1, 1] + 60 + 8 * i % 3)) for i, points in enumerate(training)]


SQUARE = [(900, 900)] * 60  # films of any number of patches

SPINE_PARTS = tuple(tuple(range(4 * g, 4 * g + 4)) for g in range(5))


def test_the_film_placing_holds_the_whole_film():
    placing = FilmPlacing((64, 48), 0.1, (2, 5))
    (frame,) = placing.frames((300, 500), np.full((6, 2), np.nan))
    corners = frame.to_grid(np.array([[-0.5, -0.5], [299.5, 499.5]]))
    assert (corners >= -0.5 + 0.1 * 48 - 1e-9).all()
    assert (corners <= np.array([64, 48]) - 0.5 - 0.1 * 48 + 1e-9).all()
    assert placing.parts == ((2, 5),)


@pytest.mark.parametrize("reference", [(0, 2), (0, 1, 2, 3)])
@pytest.mark.parametrize("fit_aspect", [False, True])
def test_a_reference_patch_holds_all_training_points_within_its_border(reference, fit_aspect):
    training = films()
    placing = ReferencePlacing.fit(training, SQUARE, (128, 128), reference, 0.12, fit_aspect=fit_aspect)
    free = np.array(placing.size) * 0.12
    inside = []
    for points in training:
        known = np.full_like(points, np.nan)
        known[list(reference)] = points[list(reference)]  # the stage before found these alone
        (frame,) = placing.frames((900, 900), known)
        assert frame.size == placing.size
        grid = frame.to_grid(points)
        assert ((grid > -0.5) & (grid < np.array(placing.size) - 0.5)).all()
        inside.append(((grid >= free - 2) & (grid <= np.array(placing.size) - free + 1)).all())
    assert np.mean(inside) >= 0.95
    assert placing.parts == (tuple(range(6)),)


def test_two_reference_points_fall_exactly_on_the_layout():
    training = films(10)
    placing = ReferencePlacing.fit(training, SQUARE, (128, 128), (1, 3), 0.1, fit_aspect=False)
    (frame,) = placing.frames((900, 900), training[0])
    np.testing.assert_allclose(frame.to_grid(training[0][[1, 3]]), placing.layout[[1, 3]], atol=1e-9)


def test_the_patch_fills_its_grid():
    """A border wider than asked for wastes resolution: the tighter direction uses all of its room."""
    training = films(jitter=0)
    placing = ReferencePlacing.fit(training, SQUARE, (160, 96), (0, 2), 0.1, fit_aspect=False)
    extent = np.ptp(placing.layout, axis=0) / (np.array((160, 96)) * 0.8)
    assert extent.max() == pytest.approx(1, abs=0.01)


def test_a_patch_stands_upright_on_average():
    placing = ReferencePlacing.fit(films(60), SQUARE, (128, 128), (0, 2), 0.1, fit_aspect=False)
    along = placing.layout[2] - placing.layout[0]
    expected = SHAPE[2] - SHAPE[0]
    assert np.degrees(abs(np.angle(complex(*along) / complex(*expected)))) < 6


def test_fit_aspect_gives_a_tall_shape_a_tall_patch():
    placing = ReferencePlacing.fit(films(jitter=0), SQUARE, (128, 128), (0, 2), 0.1, fit_aspect=True)
    assert placing.size[1] > placing.size[0]
    kept = ReferencePlacing.fit(films(jitter=0), SQUARE, (128, 128), (0, 2), 0.1, fit_aspect=False)
    assert kept.size == (128, 128)


def test_missing_points_do_not_spoil_a_layout():
    training = films()
    whole = ReferencePlacing.fit(training, SQUARE, (128, 128), (0, 2), 0.1, fit_aspect=False)
    for i, points in enumerate(training):
        points[4 + i % 2] = np.nan
    training[0][0] = np.nan  # a film without a reference point cannot teach where the rest lies
    holed = ReferencePlacing.fit(training, SQUARE, (128, 128), (0, 2), 0.1, fit_aspect=False)
    assert np.isfinite(holed.layout).all()
    np.testing.assert_allclose(holed.layout, whole.layout, atol=4)


def test_how_small_a_patch_was_in_training_goes_with_the_film():
    """One film in 40 has a patch a third as large; the others set what is usual, as shares of their films."""
    sizes = [300.0] * 39 + [100.0]
    training = [Frame.similarity(s / 300, 0.0, (0, 0), (100, 100), (1, 1)).to_grid(SHAPE) for s in sizes]
    placing = ReferencePlacing.fit(training, [(600, 1200)] * 40, (128, 128), (0, 2), 0.1, fit_aspect=False)
    (largest,), (smallest,) = (placing.frames((600, 1200), p) for p in (training[0], training[-1]))
    assert smallest.scale == pytest.approx(3 * largest.scale)
    assert 1 / smallest.scale < placing.least((600, 1200)) < 1 / largest.scale
    assert placing.least((300, 600)) == pytest.approx(placing.least((600, 1200)) / 2)
    assert FilmPlacing((64, 48), 0.1, (0,)).least((600, 1200)) == 0


def test_no_film_with_all_reference_points_is_named():
    training = films(3)
    for points in training:
        points[2] = np.nan
    with pytest.raises(PointsError, match=r"all reference points \[0, 2\]"):
        ReferencePlacing.fit(training, SQUARE, (128, 128), (0, 2), 0.1, fit_aspect=False)


def test_each_part_lies_in_the_middle_of_its_patch_with_its_border():
    training = spine()
    placing = PartPlacing.fit(training, films_of(training), (96, 96), SPINE_PARTS, 0.28)
    assert placing.parts == SPINE_PARTS
    for points in training:
        frames = placing.frames((2000, 2000), points)
        assert len(frames) == 5
        for frame, part in zip(frames, SPINE_PARTS, strict=True):
            grid = frame.to_grid(points[list(part)])
            np.testing.assert_allclose((grid.min(axis=0) + grid.max(axis=0)) / 2, [47.5, 47.5], atol=6)
            assert grid.min() > 0.28 * 96 - 6
            assert grid.max() < 0.72 * 96 + 6


def test_a_part_is_placed_by_its_neighbours_where_it_is_missing_itself():
    training = spine()
    placing = PartPlacing.fit(training, films_of(training), (96, 96), SPINE_PARTS, 0.28)
    points = training[3].copy()
    points[list(SPINE_PARTS[2])] = np.nan
    grid = placing.frames((2000, 2000), points)[2].to_grid(training[3][list(SPINE_PARTS[2])])
    np.testing.assert_allclose(grid.mean(axis=0), [47.5, 47.5], atol=8)


def test_parts_never_seen_together_are_named():
    training = spine(3)
    for points in training:
        points[9] = np.nan
    with pytest.raises(PointsError, match="part 1"):
        PartPlacing.fit(training, films_of(training), (96, 96), SPINE_PARTS, 0.28)


def test_spread_points_are_far_apart():
    corners = np.array([[0, 0], [100, 0], [0, 100], [100, 100]], float)
    middle = np.random.default_rng(0).uniform(40, 60, (20, 2))
    shapes = np.stack([np.concatenate([middle, corners]) + s for s in range(5)])
    assert spread_points(shapes, 4) == (20, 21, 22, 23)


def test_spread_points_avoid_those_that_are_often_missing():
    shapes = np.stack([SHAPE] * 10)
    shapes[:5, 2] = np.nan
    chosen = spread_points(shapes, 4)
    assert len(chosen) == 4
    assert 2 not in chosen


def test_spread_points_are_two_at_least_though_each_is_missing_somewhere():
    shapes = np.stack([SHAPE] * 10)
    for i in range(1, 6):
        shapes[:i, i] = np.nan  # every landmark is missing more often than the one before
    assert spread_points(shapes, 3) == (0, 1)


@pytest.mark.parametrize(("size", "extent"), [((256, 192), (1, 1)), ((224, 224), (430, 1180)), ((96, 96), (1000, 10))])
def test_same_area_keeps_the_area_in_steps_of_32(size, extent):
    width, height = same_area(size, np.array(extent, float))
    assert (width % 32, height % 32) == (0, 0)
    assert width * height == pytest.approx(size[0] * size[1], rel=0.35)
    aspect = np.clip(extent[0] / extent[1], 0.25, 4)
    assert width / height == pytest.approx(aspect, rel=0.35)


def placed_by(points, count=6):
    """Return the frame of a patch that ``count`` reference points on a 400 x 300 film place, after they moved there."""
    layout = np.array([[40.0, 20], [100, 30], [110, 90], [50, 100], [20, 60], [75, 110]])[:count]
    placing = ReferencePlacing((128, 128), tuple(range(count)), layout, np.array(0.01))
    return placing.frames((400, 300), points(layout))[0]


def test_a_reference_point_that_went_astray_is_outvoted():
    def astray(layout):
        points = layout * 1.5 + [100.0, 60.0]
        points[2] += [90.0, -70.0]
        return points

    frame = placed_by(astray)
    assert frame is not None
    straight = placed_by(lambda layout: layout * 1.5 + [100.0, 60.0])
    corners = np.array([[0.0, 0.0], [127.0, 127.0]])
    np.testing.assert_allclose(frame.to_image(corners), straight.to_image(corners), atol=2.5)


@pytest.mark.parametrize(
    "move",
    [
        lambda layout: layout + np.array([900.0, 0.0]),  # beside the film
        lambda layout: layout * 12 - [560.0, 610.0],  # as if the patch were twelve times the grid
        lambda layout: np.full_like(layout, np.nan),
        lambda layout: np.zeros_like(layout) + 50.0,  # all on one spot
    ],
)
def test_a_patch_that_cannot_be_is_not_placed(move):
    assert placed_by(move, count=2) is None


def test_ends_are_shares_of_the_film_beyond_the_row_whichever_way_it_runs():
    down = np.array([[50, 9.5], [50, 19.5], [50, 79.5]])
    parts = ((0,), (1,), (2,))
    expected = np.log([0.1, 0.2])
    np.testing.assert_allclose(ends(down, parts, (300, 100)), expected)
    np.testing.assert_allclose(ends(down[:, ::-1], parts, (100, 300)), expected)
    up = 99 - down
    np.testing.assert_allclose(ends(up, parts, (300, 100)), expected)
    beyond = down - [0, 30]
    assert ends(beyond, parts, (300, 100))[0] < np.log(0.01)
    down[2] = np.nan
    assert np.isnan(ends(down, parts, (300, 100))).all()


def test_a_row_is_likely_where_rows_lay_in_training():
    training = spine()
    films, placing = films_of(training), PartPlacing.fit(training, films_of(training), (96, 96), SPINE_PARTS, 0.28)
    step = training[0][16] - training[0][12]
    likely = [placing.likely(films[0], training[0] + k * step) for k in (-1, 0, 1)]
    assert max(likely) == likely[1]
    assert placing.likely((400, 320), np.full_like(training[0], np.nan)) == 0


def test_where_rows_end_is_not_known_from_one_film():
    training = spine(1)
    placing = PartPlacing.fit(training, [(400, 320)], (96, 96), SPINE_PARTS, 0.28)
    assert np.isfinite(placing.likely((400, 320), training[0] + 45.0))
