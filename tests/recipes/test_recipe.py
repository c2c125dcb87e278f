"""Recipes: complete settings by name, changes that are checked, and the paper's to the letter."""

from __future__ import annotations

import json

import pytest

from landvote.errors import SettingError
from landvote.frames.augment import PAPER
from landvote.recipes import RECIPES, Recipe, build, recipe
from landvote.scheme import Scheme

FOUR = Scheme.numbered(4)
PAIRS = FOUR.model_copy(update={"groups": ((0, 1), (2, 3))})


def test_the_recipes_there_are():
    assert set(RECIPES) == {"ho", "hdv", "whdv", "whdv-shape", "rfrv", "rfrv-clm", "paper"}


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("scheme", [FOUR, PAIRS], ids=["plain", "groups"])
def test_every_recipe_builds_for_schemes_with_and_without_groups(name, scheme):
    chosen = recipe(name, scheme=scheme)
    stages = [stage.name for stage in build(chosen, scheme, "cpu").stages]
    along_row = bool(scheme.groups) and name in {"ho", "hdv", "whdv", "whdv-shape"}
    assert stages[:2] == ["global", "parts" if along_row else "local"]
    assert ("parts" in stages) == along_row
    for stage in chosen.stages.values():
        if name.startswith("rfrv"):
            assert stage.network is None
        else:
            assert stage.network.method == {"paper": "whdv", "whdv-shape": "whdv"}.get(name, name)


def test_a_shape_model_judges_where_the_name_says_so_and_all_landmarks_are_seen():
    for name in RECIPES:
        with_shape = {n for n, s in recipe(name, scheme=FOUR).stages.items() if s.shape}
        assert with_shape == {"whdv-shape": {"local"}, "rfrv-clm": {"local", "fine"}}.get(name, set())
    row = recipe("whdv-shape", scheme=PAIRS)
    assert row.global_.shape
    assert not row.parts.shape


def test_a_row_of_look_alikes_is_looked_at_as_a_whole():
    for name in ("whdv", "hdv", "ho"):
        assert recipe(name, scheme=FOUR).global_.find == "reference"
        assert recipe(name, scheme=PAIRS).global_.find == "all"
    assert recipe("paper", scheme=PAIRS) == recipe("paper")


def test_a_network_and_a_forest_cannot_both_vote():
    with pytest.raises(SettingError, match="either a network or a forest"):
        recipe("rfrv", ["local.network={width=8}"])


def test_a_shape_model_needs_all_landmarks_in_one_look():
    with pytest.raises(SettingError, match="finds all landmarks in one look"):
        recipe("whdv", ["global.shape={}"])


@pytest.mark.parametrize("name", ["rfrv", "rfrv-clm"])
def test_forests_take_no_minutes(name):
    with pytest.raises(SettingError, match="max-minutes"):
        recipe(name).within(10, FOUR)


@pytest.mark.parametrize("name", RECIPES)
def test_every_voter_of_a_recipe_can_be_made(name):
    for stage in build(recipe(name, small(name)), PAIRS, "cpu").stages:
        assert stage.make_voter(2) is not None


def small(name):
    return [f"{n}.network.width=4" if s.network else f"{n}.forest.trees=2" for n, s in recipe(name).stages.items()]


def test_the_three_methods_differ_in_their_method_and_ho_in_its_smoothing():
    alike = [f"{stage}.network.smoothing=3" for stage in ("global", "local", "parts")]
    texts = {name: recipe(name, alike).model_dump_json().replace(f'"{name}"', '"m"') for name in ("ho", "hdv", "whdv")}
    assert len(set(texts.values())) == 1
    assert recipe("ho").local.network.smoothing > recipe("whdv").local.network.smoothing


def test_the_paper_is_literal():
    paper = recipe("paper")
    assert list(paper.stages) == ["global", "local"]
    assert (paper.global_.size, paper.local.size) == ((256, 192), (224, 224))
    assert (paper.global_.look, paper.global_.find, paper.local.look, paper.local.find) == (
        "film", "reference", "reference", "all",
    )  # fmt: skip
    assert paper.validation == 0.15
    for stage in paper.stages.values():
        assert not stage.fit_aspect
        assert stage.rounds == 1
        n, t = stage.network, stage.training
        assert (n.method, n.stride, n.cell, n.smoothing, n.side, n.dense) == ("whdv", 1, 1, 4, "target", 0)
        assert (t.rate, t.schedule, t.epsilon, t.batch, t.weight_decay, t.average) == (1e-3, "constant", 1e-7, 10, 0, 0)
        assert t.keep == "best"
        assert stage.augmentation == PAPER
        assert (stage.augmentation.rotation, stage.augmentation.copies) == ((-35, 5), 1)


def test_changes_are_made_and_nothing_else():
    changed = recipe("whdv", ["local.network.width=8", "global.network.side=target", "local.size=[64, 96]", "seed=3"])
    assert (changed.local.network.width, changed.global_.network.side) == (8, "target")
    assert (changed.local.size, changed.seed) == ((64, 96), 3)
    assert changed.local.network.depth == recipe("whdv").local.network.depth
    assert changed.global_.network.width == recipe("whdv").global_.network.width


def test_an_unknown_recipe_names_the_nearest():
    with pytest.raises(SettingError, match=r"recipe 'whvd' is unknown, .*did you mean 'whdv'\?"):
        recipe("whvd")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("local.network.widht=8", r"local.network.widht.*'widht' is unknown, .*did you mean 'width'\?"),
        ("locl.network.width=8", r"'locl' is unknown, expected one of .*did you mean 'local'\?"),
        ("local.network.width.x=8", r"'x' is unknown, expected none below local.network.width"),
        ("paper=1", r"'paper' is unknown"),
        ("local.network.width", r"'local.network.width': expected key=value"),
        ("local.network.width=wide", r"local.network.width: .*integer.*found 'wide'"),
        ("local.network.width=-4", r"local.network.width: .*greater than 0.*found -4"),
        ("local.network.stride=3", r"local.network.stride: .*found 3"),
        ("local.network.method=whvd", r"local.network.method: .*'whdv'.*found 'whvd'"),
        ("validation=1.5", r"validation: .*less than 1.*found 1.5"),
        ("local.size=[64]", r"local.size"),
        ("local.border=0.5", r"local.border"),
    ],
)
def test_a_wrong_change_is_named(change, message):
    with pytest.raises(SettingError, match=message):
        recipe("whdv", [change])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("local.size=[100, 96]", r"size.*100.*multiple.* 32"),  # the network halves its picture five times
        ("local.network.stride=8", None),
        ("parts.network.depth=6", r"depth.* 5"),
    ],
)
def test_grids_that_a_network_cannot_halve_are_refused(change, message):
    if message is None:
        recipe("whdv", [change])
    else:
        with pytest.raises(SettingError, match=message):
            recipe("whdv", [change])


def test_planes_coarser_than_the_deepest_level_are_refused():
    with pytest.raises(SettingError, match=r"stride.* 8.*depth.* 2"):
        recipe("whdv", ["local.network.stride=8", "local.network.depth=2"])


def test_minutes_are_divided_by_the_stages_shares():
    shares = ["global.share=1", "parts.share=5"]
    chosen = recipe("whdv", [*shares, "local.share=2"])
    plain = chosen.within(30, FOUR)
    minutes = {name: s.training.minutes for name, s in plain.stages.items()}
    assert minutes["parts"] is None  # no groups, no parts
    assert minutes["local"] == pytest.approx(2 * minutes["global"])
    assert 27 < minutes["global"] + minutes["local"] < 30  # the rest is for reading, judging and saving
    assert chosen.within(None, FOUR) == chosen
    row = recipe("whdv", shares, PAIRS).within(16, PAIRS)
    first, second = (s.training.minutes for s in row.stages.values())
    assert second == pytest.approx(5 * first)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_survives_its_file(name):
    chosen = recipe(name).within(None if name.startswith("rfrv") else 10, FOUR)
    assert Recipe.model_validate(json.loads(json.dumps(chosen.model_dump(by_alias=True)))) == chosen


def test_the_seed_reaches_the_networks():
    def first_weight(changes):
        voter = build(recipe("whdv", [*small("whdv"), *changes]), FOUR, "cpu").stages[0].make_voter(2)
        return next(voter.network.parameters()).flatten()[0].item()

    assert first_weight([]) == first_weight(["seed=0"])
    assert first_weight(["seed=1"]) != first_weight([])
