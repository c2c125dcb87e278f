"""Gathering: which views and patches are learned from, and what is held in memory."""

import dataclasses

import numpy as np
import pytest

from landvote.errors import SettingError, StoppedError
from landvote.forests.features import integral
from landvote.forests.gathering import gather
from landvote.frames import Augmentation, Views
from landvote.runtime.stop import StopToken


def test_patches_lie_around_their_landmark_on_the_grid(views, quick):
    gathered = gather(views(), quick)
    patches = gathered.patches(1, quick)
    assert len(patches.which) == 8 * 2 * 6  # films, views, patches
    assert np.abs(patches.offsets).max() <= 8.5  # displacement, and half a cell of rounding
    assert np.abs(patches.offsets).max() > 7
    assert np.abs(patches.offsets.mean(axis=0)).max() < 2
    y, x = np.divmod(patches.origins, gathered.integrals.shape[2])
    middle = np.column_stack([x, y])
    np.testing.assert_allclose(middle + patches.offsets, gathered.points[patches.which, 1], atol=1e-9)


def test_views_are_varied_again_each_time_unless_copies_are_fixed(views, quick):
    seen = views(3)
    gathered = gather(seen, quick)
    assert len(gathered.integrals) == 6
    assert len({image.tobytes() for image in gathered.integrals}) == 6
    fixed = Views(seen.working, Augmentation(copies=2))
    assert len(gather(fixed, quick).integrals) == len(fixed) == 9
    plain = gather(Views(seen.working, Augmentation(copies=1)), quick)
    np.testing.assert_array_equal(plain.integrals[0], integral(seen.plain(0).pixels, quick.patch))


def test_patches_beyond_the_grid_are_left_out(views, quick):
    gathered = gather(views(), quick)
    moved = dataclasses.replace(gathered, points=gathered.points - [14, 0])
    patches = moved.patches(0, quick)
    assert 0 < len(patches.which) < 96
    assert (patches.origins % gathered.integrals.shape[2] < 48).all()


def test_the_region_is_where_a_landmark_lay(views, quick):
    gathered = gather(views(), quick)
    mean, sd = gathered.region(2)
    np.testing.assert_allclose(mean, gathered.points[:, 2].mean(axis=0))
    np.testing.assert_allclose(sd, gathered.points[:, 2].std(axis=0))
    some = gathered.points.copy()
    some[:4, 2, 1] = np.nan
    np.testing.assert_allclose(dataclasses.replace(gathered, points=some).region(2)[0], some[4:, 2].mean(axis=0))


def test_films_that_miss_a_landmark_are_left_out(views, quick):
    whole, half = views(6), views(3, missing=[1])
    gathered = gather(Views(whole.working + half.working, whole.augmentation), quick)
    patches = gathered.patches(1, quick)
    assert set(patches.which) == {0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14}
    assert np.isfinite(patches.offsets).all()


def test_more_memory_than_allowed_is_refused_before_it_is_taken(views, quick):
    settings = quick.model_copy(update={"views": 500_000})
    with pytest.raises(SettingError, match=r"4000000 training views of 48 x 40 cells .* GiB, memory_gib is 6"):
        gather(views(), settings)


def test_a_stop_is_heard_before_each_view(views, quick, monkeypatch):
    stop, seen = StopToken(), []

    def varied(self, index, rng):
        seen.append(index)
        if len(seen) == 3:
            stop.stop()
        return self.plain(index)

    monkeypatch.setattr(Views, "varied", varied)
    with pytest.raises(StoppedError):
        gather(views(), quick, stop=stop)
    assert seen == [0, 1, 2]
