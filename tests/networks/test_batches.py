"""Batches: made in the background, each decided by its number alone; a failed worker's own exception surfaces."""

import threading

import numpy as np
import pytest
import torch

from landvote.frames import Augmentation, Frame, Views
from landvote.frames.views import CachedFilm
from landvote.networks.batches import batch_at, batches


def gathered(films=5, augmentation=None):
    rng = np.random.default_rng(0)
    frame = Frame.whole((24, 24), (16, 16))
    working = [
        CachedFilm.of(rng.integers(0, 255, (24, 24)).astype(np.uint8), frame, rng.uniform(4, 20, (2, 2)), str(i))
        for i in range(films)
    ]
    return Views(working, augmentation or Augmentation())


def test_a_batch_depends_on_its_number_alone():
    views = gathered()
    stream = batches(views, 0, 3, seed=4)
    first = [next(stream) for _ in range(4)]
    stream.close()
    resumed = batches(views, 2, 3, seed=4)
    for expected, again in zip(first[2:], resumed, strict=False):
        torch.testing.assert_close(again.pictures, expected.pictures, rtol=0, atol=0)
        torch.testing.assert_close(again.points, expected.points, rtol=0, atol=0)
    resumed.close()
    assert not torch.equal(batch_at(views, 0, 3, seed=5).pictures, first[0].pictures)


def test_batches_have_pictures_and_points_in_grid_coordinates():
    batch = batch_at(gathered(augmentation=Augmentation(copies=0)), 0, 3, seed=0)
    assert (batch.pictures.shape, batch.pictures.dtype) == ((3, 1, 16, 16), torch.float32)
    assert (batch.points.shape, batch.points.dtype) == ((3, 2, 2), torch.float32)


def test_each_epoch_sees_every_film_once_in_an_order_of_its_own():
    still = Augmentation(rotation=(0, 0), scale=0, shift=0, gamma=0, contrast=0, blur=0, noise=0, erase=0)
    views = gathered(6, still)
    known = {v.points.astype(np.float32).tobytes(): i for i, v in enumerate(map(views.plain, range(6)))}
    drawn = [
        [known[p.numpy().tobytes()] for step in (2 * e, 2 * e + 1) for p in batch_at(views, step, 3, 0).points]
        for e in range(3)
    ]
    assert [sorted(epoch) for epoch in drawn] == [list(range(6))] * 3
    assert len({tuple(epoch) for epoch in drawn}) == 3


def test_a_failed_worker_raises_its_own_exception(monkeypatch):
    class DamagedError(Exception):
        pass

    def broken(self, index, rng):
        raise DamagedError("film 3")

    monkeypatch.setattr(Views, "varied", broken)
    stream = batches(gathered(), 0, 3, seed=0)
    with pytest.raises(DamagedError, match="film 3"):
        next(stream)


def test_the_worker_ends_with_its_reader():
    before = threading.active_count()
    stream = batches(gathered(), 0, 3, seed=0)
    next(stream)
    assert threading.active_count() == before + 1
    stream.close()
    assert threading.active_count() == before


def test_one_film_is_varied_anew_each_time():
    batch = batch_at(gathered(1), 0, 3, seed=0)
    assert not torch.equal(batch.pictures[0], batch.pictures[1])
    assert len({points.numpy().tobytes() for points in batch.points}) == 3
