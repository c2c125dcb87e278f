"""Forests: flat arrays that say what scikit-learn's trees say, and a file that is checked before it is believed."""

import dataclasses

import numpy as np
import pytest

from landvote.errors import ModelError
from landvote.forests import forest as forest_module
from landvote.forests.features import table
from landvote.forests.forest import Forest, bundle, first_trees, flatten, grow_tree, join
from landvote.forests.gathering import gather
from landvote.forests.voter import ForestVoter


@pytest.fixture
def patches(views, quick):
    return gather(views(), quick).patches(0, quick)


@pytest.fixture
def grown(patches, quick):
    """Return the function that grows a finished forest."""

    def make(landmark=0, trees=3, region=0.0, settings=quick):
        flat = [flatten(*grow_tree(patches, settings, landmark, tree)) for tree in range(trees)]
        forest = bundle(flat, np.full((2, 2), region))
        return dataclasses.replace(forest, views=np.array([2], np.int32))

    return make


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


def test_trees_differ_and_the_seed_repeats_them(patches, grown, quick):
    one, again = grown(), grown()
    same(one, again)
    assert one.roots.shape == (1, 3)
    for changes, landmark in (({"seed": 1}, 0), ({}, 1)):
        other = grown(landmark, settings=quick.model_copy(update=changes))
        assert not np.array_equal(other.features, one.features)
    trees = [flatten(*grow_tree(patches, quick, 0, t)) for t in range(2)]
    assert not np.array_equal(trees[0].features, trees[1].features)


def same(one, other):
    for field in dataclasses.fields(Forest):
        a, b = getattr(one, field.name), getattr(other, field.name)
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype


def test_joined_forests_say_what_each_said(patches, grown):
    forests = [grown(p, region=float(p)) for p in range(3)]
    joined = join(forests)
    assert joined.roots.shape == (3, 3)
    assert joined.region[:, 0, 0].tolist() == [0, 1, 2]
    for p, forest in enumerate(forests):
        for t in range(3):
            alone = forest.leaves[leaf_of(forest, forest.roots[0, t], patches)]
            np.testing.assert_array_equal(joined.leaves[leaf_of(joined, joined.roots[p, t], patches, p)], alone)


def test_bundled_trees_say_what_each_said(patches, quick):
    trees = [flatten(*grow_tree(patches, quick, 0, t)) for t in range(3)]
    bundled = bundle(trees, np.zeros((2, 2)))
    for tree, root in zip(trees, bundled.roots[0], strict=True):
        alone = tree.leaves[leaf_of(tree, 0, patches)]
        np.testing.assert_array_equal(bundled.leaves[leaf_of(bundled, root, patches)], alone)


def test_joined_forests_vote_as_the_separate_ones_do(grown, views, quick):
    forests = [grown(p) for p in range(3)]
    view = views(1, seed=9).plain(0)
    together = ForestVoter.of(quick, forests).vote(view).votes
    for p, forest in enumerate(forests):
        own = dataclasses.replace(view, points=view.points[p : p + 1])
        np.testing.assert_array_equal(together[p], ForestVoter.of(quick, [forest]).vote(own).votes[0])
    assert len({own.tobytes() for own in together}) == 3


@pytest.mark.parametrize("trees", [1, 2, 3])
def test_the_first_trees_of_a_forest_are_what_would_have_been_grown_alone(grown, trees):
    same(first_trees(grown(), trees), grown(trees=trees))


def test_a_forest_that_was_begun_goes_on_as_if_it_had_never_stopped(patches, grown, quick):
    more = [flatten(*grow_tree(patches, quick, 0, tree)) for tree in (2, 3)]
    forest = bundle([grown(trees=2), *more], np.zeros((2, 2)))
    same(dataclasses.replace(forest, views=grown().views), grown(trees=4))


def test_a_tree_that_is_only_a_leaf_is_cut_off_and_kept(grown, quick):
    settings = quick.model_copy(update={"leaf": 1000})
    forest, one = (grown(trees=trees, settings=settings) for trees in (2, 1))
    assert len(forest.features) == 0
    same(first_trees(forest, 1), one)


def test_a_forest_comes_back_from_its_file(grown, quick, tmp_path):
    forest = grown(region=4.0)
    forest.save(tmp_path / "f.npz")
    same(Forest.load(tmp_path / "f.npz", quick), forest)


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
def test_a_forest_that_points_beyond_its_arrays_is_refused(grown, quick, tmp_path, name, index, value):
    broken(grown(), name, index, value).save(tmp_path / "f.npz")
    with pytest.raises(ModelError, match=r"f\.npz: not a forest by these settings: its trees point beyond"):
        Forest.load(tmp_path / "f.npz", quick)


def test_a_file_that_is_no_forest_is_named(grown, quick, tmp_path):
    file = tmp_path / "f.npz"
    with pytest.raises(ModelError, match=r"f\.npz: cannot be read .*expected an npz with features, pools"):
        Forest.load(file, quick)
    forest = grown()
    forest.save(file)
    with pytest.raises(ModelError, match=r"features reach beyond a patch of 8 cells"):
        Forest.load(file, quick.model_copy(update={"patch": 8}))
    dataclasses.replace(forest, leaves=forest.leaves.astype(float)).save(file)
    with pytest.raises(ModelError, match=r"leaves is float64 of shape .*, expected float32 of n x 3"):
        Forest.load(file, quick)
    dataclasses.replace(forest, views=np.zeros(0, np.int32)).save(file)
    with pytest.raises(ModelError, match=r"views is int32 of shape \(0,\), expected int32 of 1"):
        Forest.load(file, quick)


def test_a_forest_has_one_tree_at_least_and_those_of_the_settings_at_most(grown, quick, tmp_path):
    file = tmp_path / "f.npz"
    grown(trees=1).save(file)
    assert Forest.load(file, quick).trees == 1
    grown(trees=4).save(file)
    with pytest.raises(ModelError, match=r"f\.npz: not a forest by these settings: 4 trees, expected 1 to 3"):
        Forest.load(file, quick)
    dataclasses.replace(grown(), roots=np.zeros((1, 0), np.int32)).save(file)
    with pytest.raises(ModelError, match=r"0 trees, expected 1 to 3"):
        Forest.load(file, quick)
