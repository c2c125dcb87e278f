"""A forest: regression trees that say, of a patch, how far away the landmark is. Grown by scikit-learn, kept flat."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.tree import DecisionTreeRegressor

from landvote.data.points import FloatArray
from landvote.errors import ModelError
from landvote.forests.features import Features, Indices, Integral, draw, fit_into, table
from landvote.forests.settings import ForestSettings
from landvote.runtime.arrays import load_arrays, save_arrays

_LAYOUT = {"features": "int16 of n x 5", "pools": "int32 of 1 x 2", "nodes": "int32 of n x 4",
           "leaves": "float32 of n x 3", "roots": "int32 of 1 x n", "region": "float64 of 1 x 2 x 2",
           "views": "int32 of 1"}  # fmt: skip


@dataclass(frozen=True)
class Patches:
    """The n patches that one landmark's forest learns from."""

    integrals: Integral  # (views, height, width) of the training views
    which: Indices  # (n,) the view of each patch
    origins: Indices  # (n,) where its corner lies in the flat integral image
    offsets: FloatArray  # (n, 2) from the patch's middle to the landmark, grid cells


@dataclass(frozen=True)
class Forest:
    """The trees of one landmark, or (:func:`join`) of several.

    Attributes:
        features: (f, 5) int16, as :func:`landvote.forests.features.draw` makes them.
        pools: (landmarks, 2) int32, the rows of ``features`` that are a landmark's: first, and one past the last.
        nodes: (m, 4) int32: feature (counted from the landmark's first), threshold, left (feature <= threshold) and
            right child; a leaf has feature -1, and its row of ``leaves`` instead of children.
        leaves: (l, 3) float32: mean offset to the landmark along x and y, and the root mean square distance of the
            leaf's training patches from that mean, grid cells.
        roots: (landmarks, trees) int32 rows of ``nodes``.
        region: (landmarks, 2, 2) mean and SD, along x and y, of where the landmark lay in training views.
        views: (1,) int32, how often each film was seen; empty in what is not one landmark's finished forest.
        origin: digest of the patches and settings it was grown from, by which a training finds it again; may be empty.
    """

    features: Features
    pools: Indices
    nodes: Indices
    leaves: npt.NDArray[np.float32]
    roots: Indices
    region: FloatArray
    views: Indices = field(default_factory=lambda: np.zeros(0, np.int32))
    origin: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))

    @property
    def trees(self) -> int:
        """Trees per landmark."""
        return int(self.roots.shape[1])

    def save(self, file: Path) -> None:
        """Write the arrays as npz."""
        save_arrays(file, **{each.name: getattr(self, each.name) for each in fields(self)})

    @classmethod
    def load(cls, file: Path, settings: ForestSettings) -> "Forest":
        """Read one landmark's forest. A time limit may have left it fewer trees or views than the settings say.

        Raises:
            ModelError: the file is missing or broken, or holds no forest by these settings.
        """
        forest = cls(**load_arrays(file, *(each.name for each in fields(cls))))
        if fault := forest._fault(settings):
            raise ModelError(f"{file}: not a forest by these settings: {fault}")
        return forest

    def _fault(self, settings: ForestSettings) -> str:
        """Return what does not fit, so that the search, which checks nothing, never reads beyond an array."""
        for name, expected in _LAYOUT.items():
            array = getattr(self, name)
            found = f"{array.dtype} of {' x '.join(map(str, array.shape))}"
            if not re.fullmatch(re.sub(r"\bn\b", r"\\d+", expected), found):
                return f"{name} is {array.dtype} of shape {array.shape}, expected {expected}"
        if not 1 <= self.trees <= settings.trees:
            return f"{self.trees} trees, expected 1 to {settings.trees}"
        if not fit_into(self.features, settings.patch):
            return f"features reach beyond a patch of {settings.patch} cells"
        leaf = self.nodes[:, 0] < 0
        children, below = self.nodes[~leaf, 2:], np.flatnonzero(~leaf)[:, None]
        sound = (
            self.pools.tolist() == [[0, len(self.features)]]
            and (self.nodes[:, 0] < len(self.features)).all()
            and (children > below).all()  # so every way down ends
            and (children < len(self.nodes)).all()
            and ((self.nodes[leaf, 2] >= 0) & (self.nodes[leaf, 2] < len(self.leaves))).all()
            and ((self.roots >= 0) & (self.roots < len(self.nodes))).all()
        )
        return "" if sound else "its trees point beyond their arrays"


def join(forests: Sequence[Forest]) -> Forest:
    """Return forests of one landmark each, all with as many trees, as one of all landmarks."""
    return _behind_one_another(forests, axis=0)


def bundle(forests: Sequence[Forest], region: FloatArray) -> Forest:
    """Return trees of one landmark, flat or bundled before, as its forest; ``region`` is (2, 2)."""
    one = _behind_one_another(forests, axis=1)
    first = np.repeat(one.pools[:, 0], [len(f.nodes) for f in forests])
    one.nodes[:, 0] += np.where(one.nodes[:, 0] < 0, 0, first)
    return replace(one, pools=np.array([[0, len(one.features)]], np.int32), region=region[None])


def _behind_one_another(forests: Sequence[Forest], axis: int) -> Forest:
    """Return the arrays of all, so moved that they point to the same as before; roots are joined along ``axis``."""
    counts = [[0, 0, 0], *([len(f.features), len(f.nodes), len(f.leaves)] for f in forests[:-1])]
    pools, nodes, roots = [], [], []
    for f, (features, before, leaves) in zip(forests, np.cumsum(counts, axis=0, dtype=np.int32), strict=True):
        pools.append(f.pools + features)
        moves = np.where(f.nodes[:, :1] < 0, [0, 0, leaves, 0], [0, 0, before, before])
        nodes.append(f.nodes + moves.astype(np.int32))
        roots.append(f.roots + before)
    return Forest(
        np.concatenate([f.features for f in forests]), np.concatenate(pools), np.concatenate(nodes),
        np.concatenate([f.leaves for f in forests]), np.concatenate(roots, axis=axis),
        np.concatenate([f.region for f in forests]),
    )  # fmt: skip


def grow_tree(
    patches: Patches, settings: ForestSettings, landmark: int, tree: int
) -> tuple[Features, DecisionTreeRegressor]:
    """Return the pool of features of one tree, and the tree that scikit-learn grows on them.

    A tree has its own bootstrap sample of the patches, of which there must be one at least. Its randomness depends on
    the numbers of ``landmark`` and ``tree``, not on what is grown before it.
    """
    rng = np.random.default_rng([settings.seed, 2, landmark, tree])
    features = draw(rng, settings.pool, settings.patch)
    n = len(patches.which)
    times = np.bincount(rng.integers(0, n, n), minlength=n)
    drawn = np.flatnonzero(times)
    rows = table(patches.integrals, patches.which[drawn], patches.origins[drawn], features)
    regressor = DecisionTreeRegressor(
        min_samples_leaf=settings.leaf, max_features=settings.tried, random_state=int(rng.integers(2**31))
    )
    regressor.fit(rows, patches.offsets[drawn], sample_weight=times[drawn])
    return features, regressor


def flatten(features: Features, regressor: DecisionTreeRegressor) -> Forest:
    """Return a grown tree as flat arrays (the region not known yet).

    scikit-learn goes left where the feature, as float32, is at most the threshold. Features are whole numbers that
    float32 holds exactly, so the threshold rounded down divides them alike.
    """
    tree = regressor.tree_
    leaf = tree.children_left < 0
    nodes = np.column_stack([tree.feature, np.floor(tree.threshold), tree.children_left, tree.children_right])
    nodes[leaf] = [-1, 0, 0, 0]
    nodes[leaf, 2] = np.arange(leaf.sum())
    spread = np.sqrt(2 * np.maximum(tree.impurity[leaf], 0))  # the impurity is the mean over x and y of the variance
    leaves = np.column_stack([tree.value[leaf, :, 0], spread])
    used, place = np.unique(nodes[~leaf, 0].astype(int), return_inverse=True)
    nodes[~leaf, 0] = place
    pool, root = np.array([[0, len(used)]], np.int32), np.zeros((1, 1), np.int32)
    return Forest(features[used], pool, nodes.astype(np.int32), leaves.astype(np.float32), root, np.zeros((1, 2, 2)))


def first_trees(forest: Forest, trees: int) -> Forest:
    """Return one landmark's forest with its first trees alone: what :func:`bundle` makes of those."""
    if trees == forest.trees:
        return forest
    nodes = forest.nodes[: forest.roots[0, trees]]
    features, leaves = nodes[:, 0].max(initial=-1) + 1, (nodes[:, 0] < 0).sum()
    return replace(
        forest, features=forest.features[:features], pools=np.array([[0, features]], np.int32), nodes=nodes,
        leaves=forest.leaves[:leaves], roots=forest.roots[:, :trees],
    )  # fmt: skip
