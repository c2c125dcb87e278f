"""Forests: flat arrays that say what scikit-learn's trees say, and a file that is checked before it is believed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from landvote.errors import ModelError
from landvote.forests import forest as forest_module
from landvote.forests.features import table
from landvote.forests.forest import Forest, flatten, grow, grow_tree, join
from landvote.forests.training import gather


@pytest.fixture
def patches(views, quick):
    return gather(views(), quick).patches(0, quick)


def rows_of(patches, features):
    return table(patches.integrals, patches.which, patches.origins, features)


def leaf_of(forest, root, patches, landmark=0):
    """Walk every patch down a flat tree, one node at a time."""
    first, end = forest.pools[landmark]
    found = []
    for row in rows_of(patches, forest.features[first:end]):
        node = root
        while forest.nodes[node, 0] >= 0:
            feature, threshold, left, right = forest.nodes[node]
            node = left if row[feature] <= threshold else right
        found.append(forest.nodes[node, 2])
    return np.array(found)


def test_a_flat_tree_says_what_scikit_learn_says(patches, quick):
    for number in range(3):
        features, regressor = grow_tree(patches, quick, 0, number)
        flat = flatten(features, regressor)
        assert len(flat.leaves) > 4
        expected = regressor.predict(rows_of(patches, features))
        np.testing.assert_allclose(flat.leaves[leaf_of(flat, 0, patches), :2], expected, atol=1e-5)


def test_a_leaf_keeps_mean_and_spread_of_its_patches(patches, quick, monkeypatch):
    monkeypatch.setattr(forest_module.np, "bincount", lambda _, minlength: np.ones(minlength, int))  # no bootstrap
    flat = flatten(*grow_tree(patches, quick, 0, 0))
    at = leaf_of(flat, 0, patches)
    for number, (x, y, spread) in enumerate(flat.leaves):
        own = patches.offsets[at == number]
        assert len(own) >= quick.leaf
        assert (x, y) == pytest.approx(own.mean(axis=0), abs=1e-4)
        assert spread == pytest.approx(np.sqrt(((own - own.mean(axis=0)) ** 2).sum(axis=1).mean()), abs=1e-3)


def test_trees_differ_and_the_seed_repeats_them(patches, quick):
    region = np.zeros((2, 2))
    one, again = (grow(patches, quick, 0, region) for _ in range(2))
    for field in dataclasses.fields(Forest):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(again, field.name))
    assert one.roots.shape == (1, 3)
    for changes, landmark in (({"seed": 1}, 0), ({}, 1)):
        other = grow(patches, quick.model_copy(update=changes), landmark, region)
        assert not np.array_equal(other.features, one.features)
    trees = [flatten(*grow_tree(patches, quick, 0, t)) for t in range(2)]
    assert not np.array_equal(trees[0].features, trees[1].features)


def test_joined_forests_say_what_each_said(patches, quick):
    forests = [grow(patches, quick, p, np.full((2, 2), p)) for p in range(3)]
    joined = join(forests)
    assert joined.roots.shape == (3, 3)
    assert joined.region[:, 0, 0].tolist() == [0, 1, 2]
    for p, forest in enumerate(forests):
        for t in range(3):
            alone = forest.leaves[leaf_of(forest, forest.roots[0, t], patches)]
            np.testing.assert_array_equal(joined.leaves[leaf_of(joined, joined.roots[p, t], patches, p)], alone)


def test_a_forest_comes_back_from_its_file(patches, quick, tmp_path):
    forest = grow(patches, quick, 0, np.array([[3.0, 4.0], [1.0, 2.0]]))
    forest.save(tmp_path / "f.npz")
    back = Forest.load(tmp_path / "f.npz", quick)
    for field in dataclasses.fields(Forest):
        a, b = getattr(forest, field.name), getattr(back, field.name)
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype


def broken(forest, name, index, value):
    array = getattr(forest, name).copy()
    array[index] = value
    return dataclasses.replace(forest, **{name: array})


@pytest.mark.parametrize(
    ("name", "index", "value"),
    [
        ("nodes", (0, 0), 10_000),
        ("nodes", (0, 2), 0),
        ("nodes", (0, 3), 10_000),
        ("nodes", (-1, 2), 10_000),
        ("nodes", (-1, 2), -1),
        ("pools", (0, 1), 10_000),
        ("pools", (0, 0), 1),
        ("roots", (0, 0), -1),
        ("roots", (0, 1), 10_000),
    ],
)
def test_a_forest_that_points_beyond_its_arrays_is_refused(patches, quick, tmp_path, name, index, value):
    broken(grow(patches, quick, 0, np.zeros((2, 2))), name, index, value).save(tmp_path / "f.npz")
    with pytest.raises(ModelError, match=r"f\.npz: not a forest by these settings: its trees point beyond"):
        Forest.load(tmp_path / "f.npz", quick)


def test_a_file_that_is_no_forest_is_named(patches, quick, tmp_path):
    file = tmp_path / "f.npz"
    with pytest.raises(ModelError, match=r"f\.npz: not a forest"):
        Forest.load(file, quick)
    for content in (b"", b"garbage" * 20):
        file.write_bytes(content)
        with pytest.raises(ModelError, match=r"f\.npz: not a forest"):
            Forest.load(file, quick)
    np.savez(file, features=np.zeros((1, 5), np.int16))
    with pytest.raises(ModelError, match=r"f\.npz: not a forest \(.*pools"):
        Forest.load(file, quick)
    forest = grow(patches, quick, 0, np.zeros((2, 2)))
    forest.save(file)
    with pytest.raises(ModelError, match=r"features reach beyond a patch of 8 cells"):
        Forest.load(file, quick.model_copy(update={"patch": 8}))
    with pytest.raises(ModelError, match=r"roots is int32 of shape \(1, 3\), expected int32 of 1 x 9"):
        Forest.load(file, quick.model_copy(update={"trees": 9}))
    dataclasses.replace(forest, leaves=forest.leaves.astype(float)).save(file)
    with pytest.raises(ModelError, match=r"leaves is float64"):
        Forest.load(file, quick)
