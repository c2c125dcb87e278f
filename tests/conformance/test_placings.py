"""One contract for every placing: frames hold their targets, map back, and are none where points place nothing."""

from __future__ import annotations

import numpy as np
import pytest

from landvote.data.scheme import Outline, Scheme
from landvote.errors import ModelError
from landvote.frames.placings import TrainingShapes
from landvote.localiser.families import PLACINGS
from toys import SPINE_PARTS, films_of, spine

SIDE = Outline(name="left side", points=(0, 4, 8, 12, 16))
SCHEME = Scheme.numbered(20).model_copy(update={"repeats": SPINE_PARTS, "order": "down", "outlines": (SIDE,)})
FILM = (900, 900)
NOTHING = np.full((20, 2), np.nan)


@pytest.fixture(params=PLACINGS)
def settings(request):
    return PLACINGS[request.param](size=(64, 96), border=0.2)


@pytest.fixture
def shapes():
    training = spine()
    return TrainingShapes(SCHEME, (0, 19), training, films_of(training), 32)


@pytest.fixture
def placing(settings, shapes):
    return settings.fit(shapes)


def test_its_settings_survive_json_and_the_table(settings):
    assert PLACINGS.parse(settings.model_dump(mode="json")) == settings
    assert settings.border == 0.2
    assert settings.applies(SCHEME)


def test_all_targets_have_as_many_landmarks_and_none_twice(settings, placing):
    assert len({len(target) for target in placing.targets}) == 1  # one voter serves them all
    together = [i for target in placing.targets for i in target]
    assert sorted(set(together)) == sorted(together)
    assert set(together) <= set(range(20))
    assert settings.finds_all == (placing.targets == (tuple(range(20)),))


def test_a_frame_holds_its_target_and_maps_back(placing, shapes):
    for points in shapes.points:
        frames = placing.frames(FILM, points)
        assert len(frames) == len(placing.targets)
        for target, frame in zip(placing.targets, frames, strict=True):
            assert frame.size == placing.size
            grid = frame.to_grid(points[list(target)])
            assert ((grid > -0.5) & (grid < np.array(frame.size) - 0.5)).all()
            np.testing.assert_allclose(frame.to_image(grid), points[list(target)], atol=1e-8)


def test_all_frames_are_those_of_each_target(placing, shapes):
    points = shapes.points[2]
    for target, frame in enumerate(placing.frames(FILM, points)):
        np.testing.assert_array_equal(placing.frame(target, FILM, points).matrix, frame.matrix)


def test_points_are_not_changed_and_nothing_is_learned_from_them(placing, shapes):
    points = shapes.points[1].copy()
    first = [frame.matrix.copy() for frame in placing.frames(FILM, points)]
    placing.frames(FILM, shapes.points[3])
    np.testing.assert_array_equal(points, shapes.points[1])
    for before, after in zip(first, placing.frames(FILM, points), strict=True):
        np.testing.assert_array_equal(after.matrix, before)


def test_where_nothing_is_known_there_is_the_whole_film_or_no_frame(placing):
    for frame in placing.frames(FILM, NOTHING):
        assert frame is None or frame.to_grid(np.array([[0.0, 0], [899, 899]])).min() >= 0
    assert placing.log_likelihood(FILM, NOTHING) == 0


def test_some_points_missing_leave_finite_frames(placing, shapes):
    points = shapes.points[4].copy()
    points[::3] = np.nan
    for frame in placing.frames(FILM, points):
        assert frame is None or np.isfinite(frame.matrix).all()


def test_training_films_with_holes_teach_as_far_as_they_go(settings, shapes):
    shapes.points[0][5:] = np.nan
    shapes.points[1][0] = np.nan
    assert all(np.isfinite(frame.matrix).all() for frame in settings.fit(shapes).frames(FILM, shapes.points[2]))


def test_the_smallest_cell_grows_with_the_film(placing):
    small, large = placing.smallest_cell((300, 450)), placing.smallest_cell((600, 900))
    assert small >= 0
    assert large == pytest.approx(2 * small)


def test_saved_and_loaded_it_places_the_same(settings, placing, shapes, tmp_path):
    files = placing.save(tmp_path)
    assert files == list(tmp_path.iterdir())
    loaded = settings.load(tmp_path, SCHEME)
    assert (loaded.size, loaded.targets) == (placing.size, placing.targets)
    for points in shapes.points[:3]:
        for one, other in zip(placing.frames(FILM, points), loaded.frames(FILM, points), strict=True):
            np.testing.assert_array_equal(one.matrix, other.matrix)
        assert loaded.log_likelihood(FILM, points) == placing.log_likelihood(FILM, points)
        assert loaded.smallest_cell(FILM) == placing.smallest_cell(FILM)


@pytest.mark.parametrize("spoil", ["missing", "broken", "another scheme"])
def test_a_file_that_is_not_its_own_is_named(settings, placing, tmp_path, spoil):
    (file,) = placing.save(tmp_path)
    scheme = SCHEME
    if spoil == "another scheme":
        parts = tuple(tuple(range(3 * g, 3 * g + 3)) for g in range(5))
        scheme = Scheme.numbered(15).model_copy(update={"repeats": parts, "order": "down"})
    elif spoil == "broken":
        file.write_bytes(file.read_bytes()[:50])
    else:
        file.unlink()
    with pytest.raises(ModelError, match=file.name):
        settings.load(tmp_path, scheme)
