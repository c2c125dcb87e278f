"""Growing all forests: what it learns from, what it holds in memory, and that a killed call loses nothing."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from landvote.errors import ModelError, SettingError, TrainingError
from landvote.forests import training
from landvote.forests.features import integral
from landvote.forests.forest import Forest
from landvote.forests.training import gather, landmark_file, train
from landvote.forests.voter import ForestVoter
from landvote.frames import Augmentation, Views


def same(one, other):
    return all(
        np.array_equal(getattr(a, field.name), getattr(b, field.name))
        for a, b in zip(one, other, strict=True)
        for field in dataclasses.fields(Forest)
    )


def quiet(row):
    pass


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


def test_a_landmark_that_no_view_shows_is_named(views, quick, tmp_path):
    with pytest.raises(TrainingError, match="landmark 1: not one of 16 training views shows it"):
        train(views(missing=[1]), 3, quick, tmp_path, quiet)
    with pytest.raises(TrainingError, match="no training film"):
        train(Views([], Augmentation()), 3, quick, tmp_path, quiet)


def test_more_memory_than_allowed_is_refused_before_it_is_taken(views, quick, tmp_path):
    settings = quick.model_copy(update={"views": 500_000})
    with pytest.raises(SettingError, match=r"4000000 training views of 48 x 40 cells .* GiB, memory_gib is 6"):
        train(views(), 3, settings, tmp_path, quiet)


def test_progress_is_reported_per_landmark(views, quick, tmp_path):
    rows = []
    train(views(), 3, quick, tmp_path, rows.append)
    assert [row["landmark"] for row in rows] == [1, 2, 3]
    assert rows[-1]["progress"] == 1


def test_how_many_at_a_time_changes_nothing(views, quick, tmp_path):
    forests = [
        train(views(), 3, quick.model_copy(update={"jobs": jobs}), tmp_path / str(jobs), quiet) for jobs in (1, 3, 0)
    ]
    assert same(forests[0], forests[1])
    assert same(forests[0], forests[2])


def test_a_killed_training_goes_on_and_ends_the_same(views, quick, tmp_path, monkeypatch):
    expected = train(views(), 3, quick, tmp_path / "whole", quiet)
    grown = []
    grow = training.grow

    def counted(patches, settings, landmark, region):
        grown.append(landmark)
        if len(grown) == 3:
            raise KeyboardInterrupt
        return grow(patches, settings, landmark, region)

    monkeypatch.setattr(training, "grow", counted)
    with pytest.raises(KeyboardInterrupt):
        train(views(), 3, quick, tmp_path / "killed", quiet)
    assert landmark_file(tmp_path / "killed", 1).exists()
    damaged = landmark_file(tmp_path / "killed", 0)
    damaged.write_bytes(b"half a file")  # by another program's mischief
    with pytest.raises(ModelError, match=r"landmark_000\.npz: not a forest .*delete it"):
        train(views(), 3, quick, tmp_path / "killed", quiet)
    damaged.unlink()
    grown[3:] = []
    resumed = train(views(), 3, quick, tmp_path / "killed", quiet)
    assert sorted(grown[3:]) == [0, 2]
    assert same(expected, resumed)
    assert train(views(), 3, quick, tmp_path / "killed", quiet)
    assert len(grown) == 5


@pytest.mark.parametrize("changes", [{"leaf": 4}, {"seed": 3}])
def test_a_forest_of_other_settings_or_films_is_grown_anew(views, quick, tmp_path, changes):
    first = train(views(), 1, quick, tmp_path, quiet)
    other = train(views(), 1, quick.model_copy(update=changes), tmp_path, quiet)
    assert not same(first, other)
    films = train(views(seed=5), 1, quick, tmp_path, quiet)
    assert same(films, train(views(seed=5), 1, quick, tmp_path / "fresh", quiet))


def test_a_saved_voter_is_found_by_a_training_that_goes_on(views, quick, tmp_path, monkeypatch):
    voter, again = ForestVoter(3, quick), ForestVoter(3, quick)
    voter.fit(views(), views(1), tmp_path, quiet)
    voter.save(tmp_path)  # over what the training kept
    monkeypatch.setattr(training, "grow", None)  # nothing is grown again
    again.fit(views(), views(1), tmp_path, quiet)
    view = views().plain(0)
    np.testing.assert_array_equal(again.vote(view).votes, voter.vote(view).votes)
