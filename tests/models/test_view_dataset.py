"""The views of a stage as datasets: what the stage learns from, in any order, in any process, and in batches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from landvote.errors import SettingError, StoppedError
from landvote.localiser import Conditions
from landvote.models import divide
from landvote.models.view_dataset import view_datasets
from landvote.runtime.stop import StopToken
from toys import ELL, ell, ell_sample, tiny


@pytest.fixture(scope="module")
def recipe():
    return tiny("whdv", "validation=0.25")


@pytest.fixture(scope="module")
def datasets(recipe):
    return view_datasets(divide([ell_sample(i) for i in range(8)], recipe), recipe, "local")


def same(one, other):
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(one[:3], other[:3], strict=True))


def test_items_are_what_the_stage_sees_of_the_films(datasets):
    training, validation = datasets
    assert (len(training), len(validation)) == (6, 2)
    for pixels, points, matrix, name in (*training, *validation):
        truth = ell(int(name.removesuffix(".png")))[1]
        assert (pixels.dtype, points.dtype, pixels.shape, points.shape) == (np.float32, np.float32, (48, 48), (6, 2))
        np.testing.assert_allclose(truth @ matrix[:, :2].T + matrix[:, 2], points, atol=1e-3)
    assert len({item.identifier for item in (*training, *validation)}) == 8


def test_an_item_depends_on_seed_epoch_and_place_alone(datasets):
    training, validation = datasets
    assert same(training[2], training[2])
    assert same(training[-1], training[len(training) - 1])
    assert not same(training[2], replace(training, epoch=1)[2])
    assert not same(training[2], replace(training, seed=1)[2])
    assert same(validation[0], replace(validation, epoch=1)[0])
    with pytest.raises(IndexError):
        training[6]


def test_films_stored_as_negatives_are_brought_to_the_polarity_of_most(recipe):
    films = [ell_sample(i) for i in range(8)]
    split = divide(films, recipe)
    odd = split.training[0]
    negative = replace(odd, open=lambda: replace(odd.open(), pixels=255 - odd.open().pixels))
    mixed = replace(split, training=[negative, *split.training[1:]])
    plain, turned = (replace(view_datasets(s, recipe, "local")[0], varied=False) for s in (split, mixed))
    np.testing.assert_allclose(plain[0].pixels, turned[0].pixels, atol=0.02)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # torch's workers, in a process that has threads
def test_a_loader_of_torch_takes_them_with_two_workers(datasets):
    from torch.utils.data import DataLoader

    training, _ = datasets
    batches = list(DataLoader(training, batch_size=3, num_workers=2))
    assert [tuple(batch.pixels.shape) for batch in batches] == [(3, 48, 48)] * 2
    assert [name for batch in batches for name in batch.identifier] == [item.identifier for item in training]
    for name in ("pixels", "points", "matrix"):
        expected = np.stack([getattr(item, name) for item in training])
        np.testing.assert_array_equal(np.concatenate([getattr(b, name).numpy() for b in batches]), expected)


def test_a_stage_that_is_not_there_is_named(recipe):
    split = divide([ell_sample(i) for i in range(8)], recipe)
    with pytest.raises(SettingError, match=f"no stage 'locale' for scheme '{ELL.name}', .*did you mean 'local'"):
        view_datasets(split, recipe, "locale")


def test_reading_can_be_stopped(recipe):
    stop = StopToken()
    stop.stop()
    split = divide([ell_sample(i) for i in range(8)], recipe)
    with pytest.raises(StoppedError):
        view_datasets(split, recipe, "local", Conditions(stop=stop))
