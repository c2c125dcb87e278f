"""Changes to a recipe: made and nothing else, checked, and in the words of 0.1.0 too."""

import json
from pathlib import Path

import pytest

from landvote.data.scheme import Scheme
from landvote.errors import SettingError
from landvote.recipes import recipe

BEFORE = json.loads(Path(__file__).with_name("recipes-0.1.0.json").read_text(encoding="utf-8"))
ROW, FOUR = Scheme.named("spine"), Scheme.numbered(4)


def stages(name, changes=(), scheme=FOUR):
    """Return the stages for a scheme, by name."""
    return {stage.name: stage for stage in recipe(name, changes, scheme).stages_for(scheme)}


def toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {toml(v)}" for k, v in value.items() if v is not None) + "}"
    return f"'{value}'" if isinstance(value, str) else json.dumps(value)


def paths(table, above=""):
    """Return every path into a table, and the value there."""
    for key, value in table.items():
        if value is not None:
            yield f"{above}{key}", value
        if isinstance(value, dict):
            yield from paths(value, f"{above}{key}.")


@pytest.mark.parametrize("name", BEFORE)
def test_every_path_of_0_1_0_is_understood_and_changes_nothing_to_what_it_was(name):
    recipe_name, kind = name.split()
    scheme = ROW if kind == "row" else Scheme.named("femur")

    def for_all(*changes):
        """Return the stages without what may differ: one that is set whole applies to all schemes; steps differ."""
        found = [s.model_dump() | {"applies": "always"} for s in recipe(recipe_name, changes).stages_for(scheme)]
        steps = {"steps", "batch"}
        return [s | {"training": {k: v for k, v in s["training"].items() if k not in steps}} for s in found]

    before = for_all()
    told = list(paths(BEFORE[name]))
    assert len(told) > 100
    for path, value in told:
        assert for_all(f"{path}={toml(value)}") == before, path


def test_changes_are_made_and_nothing_else():
    changed = stages("whdv", ["local.network.width=8", "global.network.side=target", "local.size=[64, 96]"])
    before = stages("whdv")
    assert (changed["local"].voter.width, changed["global"].voter.side) == (8, "target")
    assert changed["local"].placing.size == (64, 96)
    assert changed["local"].voter.depth == before["local"].voter.depth
    assert changed["global"].voter.width == before["global"].voter.width
    assert changed["local"].search == before["local"].search
    assert recipe("whdv", ["seed=3"]).seed == 3
    assert recipe("whdv", ["seed=3"]).stages == recipe("whdv").stages


@pytest.mark.parametrize(("old", "new"), [
    ("local.network.width=8", "local.voter.width=8"), ("local.size=[64, 96]", "local.placing.size=[64, 96]"),
    ("local.rounds=3", "local.search.rounds=3"),
    ("local.shape={radius=9.0}", "local.choice={kind='shape', radius=9.0}"),
    ("local.fit_aspect=false", "local.placing.fit_aspect=false"),
])  # fmt: skip
def test_the_words_of_0_1_0_are_other_names_for_the_same(old, new):
    assert stages("whdv", [old]) == stages("whdv", [new]) != stages("whdv")


def test_a_change_goes_to_all_stages_of_its_name_and_may_name_one():
    both = recipe("whdv", ["global.voter.width=8"]).stages
    assert [s.voter.width for s in both if s.name == "global"] == [8, 8]
    one = recipe("whdv", ["global:row.voter.width=8"]).stages
    assert [s.voter.width for s in one if s.name == "global"] == [16, 8]


def test_the_last_of_two_changes_holds():
    assert stages("whdv", ["local.voter.width=8", "local.voter.width=12"])["local"].voter.width == 12


def test_a_part_may_be_changed_whole():
    forest = stages("whdv", ["local.voter={kind='forest', trees=3}"])["local"]
    assert (forest.voter.kind, forest.voter.trees) == ("forest", 3)
    assert forest.training == forest.voter.training_settings()


def test_another_look_keeps_the_settings_that_it_has_too():
    before = stages("whdv", ["global.border=0.2", "global.fit_aspect=false"])["global"].placing
    after = stages("whdv", ["global.border=0.2", "global.fit_aspect=false", "global.look=reference"])["global"].placing
    assert (before.kind, after.kind) == ("film", "reference")
    assert (after.size, after.border, after.fit_aspect) == (before.size, 0.2, False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("local.network.widht=8", r"local.network.widht.*'widht' is unknown, .*did you mean 'width'\?"),
        ("locl.network.width=8", r"'locl' is unknown, expected one of .*did you mean 'local'\?"),
        ("local.network.width.x=8", r"'x' is unknown, expected none below voter.width"),
        ("local.forest.trees=8", r"'local.forest.trees': the stage's voter is of kind 'network', not 'forest'"),
        ("local.sise=[64, 64]", r"'sise' is unknown.*did you mean 'size'"),
        ("local.searhc.rounds=3", r"'searhc' is unknown.*did you mean 'search'"),
        ("paper=1", r"'paper' is unknown"),
        ("fine.voter.width=3", r"'fine.voter.width': the recipe has no stage 'fine'"),
        ("local.network.width", r"'local.network.width': expected key=value"),
        ("local.network.width=wide", r"stage 'local': voter: width: .*integer.*found 'wide'"),
        ("local.network.width=-4", r"stage 'local': voter: width: .*greater than 0.*found -4"),
        ("local.network.stride=3", r"voter: stride: .*found 3"),
        ("local.network.method=whvd", r"voter: method: .*'whdv'.*found 'whvd'"),
        ("local.placing.kind=flim", r"placing 'flim' is unknown.*'film'"),
        ("validation=1.5", r"validation: .*less than 1.*found 1.5"),
        ("local.size=[64]", r"placing: size"),
        ("local.border=0.5", r"placing: border"),
        ("local.size=[100, 96]", r"size.*100.*multiple.* 32"),  # the network halves its picture five times
        ("parts.network.depth=6", r"depth.* 5"),
        ("global.shape={}", "finds all landmarks in one look"),
        ("stages=3", "'stages' is unknown"),
    ],
)
def test_a_wrong_change_is_named(change, message):
    with pytest.raises(SettingError, match=message) as told:
        recipe("whdv", [change], FOUR.model_copy(update={"repeats": ((0, 1), (2, 3))}))
    assert "\n" not in str(told.value)


def test_planes_coarser_than_the_deepest_level_are_refused():
    recipe("whdv", ["local.network.stride=8"])
    with pytest.raises(SettingError, match=r"stride.* 8.*depth.* 2"):
        recipe("whdv", ["local.network.stride=8", "local.network.depth=2"])


def test_a_network_and_a_forest_cannot_both_vote():
    with pytest.raises(SettingError, match="voter is of kind 'forest', not 'network'"):
        recipe("rfrv", ["local.network={width=8}"])


def test_a_shape_model_judges_where_the_name_says_so_and_all_landmarks_are_seen():
    for name, expected in (("whdv-shape", {"local"}), ("rfrv-clm", {"local", "fine"}), ("whdv", set())):
        assert {n for n, s in stages(name).items() if s.choice.kind == "shape"} == expected
    row = stages("whdv-shape", scheme=ROW)
    assert (row["global"].choice.kind, row["parts"].choice.kind) == ("shape", "peaks")
    assert row["levels"].search.trust < stages("whdv", scheme=ROW)["levels"].search.trust  # for few films


def test_a_setting_that_fits_one_of_two_stages_changes_that_one():
    """``global.shape`` needs a stage that finds all landmarks: the one for rows does, the other does not."""
    both = [s for s in recipe("whdv", ["global.shape={}"]).stages if s.name == "global"]
    assert [(s.applies, s.choice.kind) for s in both] == [("no row", "peaks"), ("row", "shape")]
