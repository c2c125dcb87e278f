"""A patch laid on reference points: it holds all that it should, upright and no larger than it must be."""

import numpy as np
import pytest

from landvote.errors import PointsError
from landvote.frames import Frame
from landvote.frames.placings import FilmPlacing, ReferencePlacing, ReferenceSettings
from toys import HEXAGON, SQUARE, scattered, shapes_of


def fitted(training, reference=(0, 2), films=SQUARE, size=(128, 128)):
    return ReferenceSettings(size=size, fit_aspect=False).fit(shapes_of(training, films[: len(training)], reference))


@pytest.mark.parametrize("reference", [(0, 2), (0, 1, 2, 3)])
@pytest.mark.parametrize("multiple", [None, 32])
def test_a_reference_patch_holds_all_training_points_within_its_border(reference, multiple):
    training = scattered()
    settings = ReferenceSettings(size=(128, 128), border=0.12, fit_aspect=multiple is not None)
    placing = settings.fit(shapes_of(training, SQUARE[: len(training)], reference, multiple=multiple or 1))
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
    assert placing.targets == (tuple(range(6)),)


def test_two_reference_points_fall_exactly_on_the_layout():
    training = scattered(10)
    placing = fitted(training, (1, 3))
    (frame,) = placing.frames((900, 900), training[0])
    np.testing.assert_allclose(frame.to_grid(training[0][[1, 3]]), placing.layout[[1, 3]], atol=1e-9)


def test_the_patch_fills_its_grid():
    """A border wider than asked for wastes resolution: the tighter direction uses all of its room."""
    training = scattered(jitter=0)
    placing = fitted(training, size=(160, 96))
    extent = np.ptp(placing.layout, axis=0) / (np.array((160, 96)) * 0.8)
    assert extent.max() == pytest.approx(1, abs=0.01)


def test_a_patch_stands_upright_on_average():
    placing = fitted(scattered(60))
    along = placing.layout[2] - placing.layout[0]
    expected = HEXAGON[2] - HEXAGON[0]
    assert np.degrees(abs(np.angle(complex(*along) / complex(*expected)))) < 6


def test_fit_aspect_gives_a_tall_shape_a_tall_patch():
    placing = ReferenceSettings(size=(128, 128)).fit(shapes_of(scattered(jitter=0), SQUARE[:40], (0, 2), multiple=32))
    assert placing.size[1] > placing.size[0]
    kept = fitted(scattered(jitter=0))
    assert kept.size == (128, 128)


def test_missing_points_do_not_spoil_a_layout():
    training = scattered()
    whole = fitted(training)
    for i, points in enumerate(training):
        points[4 + i % 2] = np.nan
    training[0][0] = np.nan  # a film without a reference point cannot teach where the rest lies
    holed = fitted(training)
    assert np.isfinite(holed.layout).all()
    np.testing.assert_allclose(holed.layout, whole.layout, atol=4)


def test_how_small_a_patch_was_in_training_goes_with_the_film():
    """One film in 40 has a patch a third as large; the others set what is usual, as shares of their films."""
    sizes = [300.0] * 39 + [100.0]
    training = [Frame.similarity(s / 300, 0.0, (0, 0), (100, 100), (1, 1)).to_grid(HEXAGON) for s in sizes]
    placing = fitted(training, films=[(600, 1200)] * 40)
    (largest,), (smallest,) = (placing.frames((600, 1200), p) for p in (training[0], training[-1]))
    assert smallest.scale == pytest.approx(3 * largest.scale)
    assert 1 / smallest.scale < placing.smallest_cell((600, 1200)) < 1 / largest.scale
    assert placing.smallest_cell((300, 600)) == pytest.approx(placing.smallest_cell((600, 1200)) / 2)
    assert FilmPlacing((64, 48), 0.1, (0,)).smallest_cell((600, 1200)) == 0


def test_no_film_with_all_reference_points_is_named():
    training = scattered(3)
    for points in training:
        points[2] = np.nan
    with pytest.raises(PointsError, match=r"all reference points \[0, 2\]"):
        fitted(training)


def placed_by(points, count=6):
    """Return the frame of a patch that ``count`` reference points on a 400 x 300 film place, after they moved there."""
    layout = np.array([[40.0, 20], [100, 30], [110, 90], [50, 100], [20, 60], [75, 110]])[:count]
    placing = ReferencePlacing((128, 128), tuple(range(count)), layout, 0.01)
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
