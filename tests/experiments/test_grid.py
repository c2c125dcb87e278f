"""Grid files: what is read, what is refused, what a scale changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from landvote.data.scheme import Scheme
from landvote.errors import SettingError
from landvote.experiments.grid import read_grid
from landvote.recipes import recipe

GRID = """
title = "t"
sizes = [10, "all"]
folds = 3
test = 20
data = {simulate = 60}
methods = [{name = "A", recipe = "whdv"}, {name = "B", recipe = "rfrv", set = ["local.forest.trees=3"]}]

[scales.small]
note = "fewer of everything"
sizes = [5]
test = 8
changes = [
  {methods = ["B"], set = ["local.forest.trees=2"]},
  {methods = ["A", "B"], set = ["seed=4"]},
  {methods = ["B"], set = ["local.forest.trees=1"]},
]
"""
SHIPPED = sorted((Path(__file__).parents[2] / "grids").glob("*.toml"))


def written(folder, text=GRID):
    (folder / "grid.toml").write_text(text)
    return folder / "grid.toml"


def test_a_grid_is_read_as_it_stands(tmp_path):
    grid = read_grid(written(tmp_path)).at("paper")
    assert grid.sizes == (10, "all")
    assert grid.methods[1].set == ("local.forest.trees=3",)
    assert not grid.note


def test_a_scale_reduces_and_says_what(tmp_path):
    grid = read_grid(written(tmp_path)).at("small")
    assert (grid.sizes, grid.test, grid.folds, grid.note) == ((5,), 8, 3, "fewer of everything")
    assert grid.methods[0].set == ("seed=4",)
    chosen = recipe("rfrv", grid.methods[1].set)
    assert ({s.voter.trees for s in chosen.stages if s.name == "local"}, chosen.seed) == (
        {1},
        4,
    )  # the scale has the last word, and its last change


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('recipe = "whdv"', 'recipe = "whvd"', "'whvd' is unknown.*did you mean 'whdv'"),
        ('name = "B"', 'name = "A"', "'A' is there twice"),
        ("folds = 3", "fold = 3", "fold.*did you mean 'folds'"),
        ("folds = 3", "folds = 0", "folds: .*greater than 0, found 0"),
        ("simulate = 60", 'simulate = 60, folder = "x"', "either folder or simulate"),
        ('methods = ["A", "B"]', 'methods = ["A", "C"]', "'small' changes 'C', expected one of A, B"),
        ('methods = ["A", "B"]', "methods = []", "scales.small.changes.1.methods: .*at least 1 item"),
        ("changes = [", "set = {B = []}\nchanges = [", "unknown key 'scales.small.set'"),
        ("sizes = [10", "sizes = [10.5", "sizes.0"),
        ("title = ", "title ", "not a TOML file"),
    ],
)
def test_what_is_no_grid_is_named(tmp_path, old, new, message):
    file = written(tmp_path, GRID.replace(old, new, 1))
    with pytest.raises(SettingError, match=message) as raised:
        read_grid(file)
    assert str(file) in str(raised.value)


def test_no_file_and_no_such_scale_are_errors(tmp_path):
    with pytest.raises(SettingError, match=r"nothing.toml: cannot be read"):
        read_grid(tmp_path / "nothing.toml")
    with pytest.raises(SettingError, match="scale 'smal': expected one of paper, small; did you mean 'small'"):
        read_grid(written(tmp_path)).at("smal")


@pytest.mark.parametrize("file", SHIPPED, ids=lambda f: f.stem)
@pytest.mark.parametrize("scale", ["paper", "laptop"])
def test_the_shipped_grids_hold_recipes_that_can_be_made(file, scale):
    grid = read_grid(file).at(scale)
    scheme = Scheme.named(grid.data.scheme or "femur")
    for method in grid.methods:
        recipe(method.recipe, method.set, scheme)
    assert bool(grid.note) == (scale == "laptop")


def test_the_papers_grid_is_the_papers():
    grid = read_grid(next(f for f in SHIPPED if f.stem == "paper")).at("paper")
    assert grid.sizes == (100, 200, 500, 1000)
    assert (grid.folds, grid.test, grid.validation, grid.data.simulate) == (3, 500, 0.15, 1696)
    assert {"HO", "HDV", "WHDV", "RFRV-CLM"} <= {m.name for m in grid.methods}
