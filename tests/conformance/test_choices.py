"""One contract for every choice: points under votes, NaN where there are none; nothing that it was given changes."""

from __future__ import annotations

import numpy as np
import pytest

from landvote.errors import ModelError
from landvote.localiser.families import CHOICES
from landvote.votes import VoteMap
from toys import box, votes_at

SIZE = (96, 96)


@pytest.fixture(params=CHOICES)
def settings(request):
    return CHOICES[request.param]()


@pytest.fixture
def choice(settings):
    return settings.fit([box(i)[1] for i in range(12)])


def on_grid(i):
    points = box(i)[1]
    low, extent = points.min(axis=0), np.ptp(points, axis=0).max()
    return 15 + (points - low) * 64 / extent


def test_its_settings_survive_json_and_the_table(settings):
    assert CHOICES.parse(settings.model_dump(mode="json")) == settings


def test_where_all_votes_meet_there_the_points_are(choice):
    points = on_grid(20)
    found = choice.choose(votes_at(points, SIZE))
    np.testing.assert_allclose(found.points, points, atol=1.5)
    assert found.dispersion.shape == (5,)
    assert (found.dispersion >= 0).all()
    assert found.votes > 0
    assert found.parameters.ndim == 1


def test_more_votes_count_for_more(choice):
    votes = votes_at(on_grid(20), SIZE)
    double = VoteMap(votes.votes * np.float32(2), 1, 1.5)
    assert choice.choose(double).votes == pytest.approx(2 * choice.choose(votes).votes, rel=1e-3)


def test_votes_are_not_changed_and_it_chooses_the_same_twice(choice):
    votes = votes_at(on_grid(21), SIZE)
    before = votes.votes.copy()
    one, again = choice.choose(votes), choice.choose(votes)
    np.testing.assert_array_equal(votes.votes, before)
    np.testing.assert_array_equal(one.points, again.points)


@pytest.mark.parametrize("blind", [range(5), range(1, 5), (2,)], ids=["no votes", "one landmark", "all but one"])
def test_landmarks_without_votes_have_a_point_and_dispersion_or_neither(choice, blind):
    points = on_grid(22)
    points[list(blind)] = np.nan
    found = choice.choose(votes_at(points, SIZE))
    seen = np.isfinite(found.points).all(axis=1)
    np.testing.assert_array_equal(seen, np.isfinite(found.dispersion))
    assert seen[[p for p in range(5) if p not in blind]].all()
    assert np.isfinite(found.votes)


def test_holes_in_training_shapes_are_learned_around(settings):
    shapes = [box(i)[1] for i in range(12)]
    for i, points in enumerate(shapes):
        points[i % 5] = np.nan
    found = settings.fit(shapes).choose(votes_at(on_grid(20), SIZE))
    np.testing.assert_allclose(found.points, on_grid(20), atol=2.5)


def test_saved_and_loaded_it_chooses_the_same(settings, choice, tmp_path):
    files = choice.save(tmp_path)
    assert sorted(files) == sorted(tmp_path.iterdir())
    loaded = settings.load(tmp_path, 5)
    one, other = (each.choose(votes_at(on_grid(23), SIZE)) for each in (choice, loaded))
    np.testing.assert_array_equal(one.points, other.points)
    np.testing.assert_array_equal(one.dispersion, other.dispersion)
    for file in files:
        with pytest.raises(ModelError, match=file.name):
            settings.load(tmp_path, 4)
        file.write_bytes(b"garbage")
        with pytest.raises(ModelError, match=file.name):
            settings.load(tmp_path, 5)
