"""Recipes: complete settings by name or file; those that are shipped are those of 0.1.0, the paper's to the letter."""

import json
from pathlib import Path

import pytest

from landvote.data.scheme import Scheme
from landvote.errors import SettingError
from landvote.recipes import Recipe, find, recipe, shipped

BEFORE = json.loads(Path(__file__).with_name("recipes-0.1.0.json").read_text(encoding="utf-8"))
PLACINGS = {"film": "film", "reference": "reference", "parts": "row"}
SPINE, FEMUR = Scheme.named("spine"), Scheme.named("femur")
FOUR = Scheme.numbered(4)

MINE = """
name = "mine"
summary = "as few stages as can be"
seed = 3

[defaults]
voter = { kind = "network", width = 8 }
training = { steps = 100 }

[[stages]]
name = "all"
placing = { kind = "film", size = [64, 64] }
voter = { depth = 3 }
"""


@pytest.fixture
def write(tmp_path):
    def written(text, name="mine.toml"):
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return written


# -- shipped ----------------------------------------------------------------------------------------------------------


def told(stage):
    """Return the settings of a stage as version 0.1.0 wrote them."""
    out = {"look": {"row": "parts"}.get(stage.placing.kind, stage.placing.kind), "share": stage.share}
    out |= {name: value for name, value in stage.placing.model_dump(mode="json").items() if name != "kind"}
    out |= {name: value for name, value in stage.search.model_dump(mode="json").items() if name != "kind"}
    out["augmentation"] = stage.augmentation.model_dump(mode="json")
    assert [out["augmentation"].pop(name) for name in ("stretch", "deform", "crop")] == [0, 0, 0]  # there was none
    for old, part in (("network", stage.voter), ("forest", stage.voter), ("shape", stage.choice)):
        settings = part.model_dump(mode="json")
        out[old] = settings if settings.pop("kind") == old else None
    if out["shape"]:
        assert out["shape"].pop("astray") == 0.1  # which came later
    if out["network"]:  # forests had settings of a network's training, and did not read them
        out["training"] = stage.training.model_dump(mode="json")
    return out


@pytest.mark.parametrize("name", BEFORE)
def test_the_settings_are_those_of_0_1_0(name):
    recipe_name, kind = name.split()
    scheme = SPINE if kind == "row" else FEMUR
    later = ("levels", "outline")  # stages that came later
    stages = {s.name: told(s) for s in recipe(recipe_name).stages_for(scheme) if s.name not in later}
    before = {s: BEFORE[name][s] for s in ("global", "local", "fine", "parts") if BEFORE[name][s] is not None}
    if kind == "plain":
        before.pop("parts", None)  # 0.1.0 left it out where a scheme has no parts
    assert list(stages) == list(before)
    for stage, settings in stages.items():
        unread = {"find", "fit_aspect", "training"} - set(settings)  # by this kind of placing or voter
        if "training" in settings and recipe_name != "paper":  # it took other steps, of other views
            settings["training"] |= {key: before[stage]["training"][key] for key in ("steps", "batch")}
        assert settings == {k: v for k, v in before[stage].items() if k not in unread}
    chosen = recipe(recipe_name)
    assert (chosen.seed, chosen.validation) == (BEFORE[name]["seed"], BEFORE[name]["validation"])


def test_all_recipes_of_0_1_0_are_there():
    assert {name.split()[0] for name in BEFORE} <= set(shipped())


@pytest.mark.parametrize("name", shipped())
def test_each_is_told_in_a_line_and_forests_under_a_shape_model_by_their_patents(name):
    chosen = recipe(name)
    assert chosen.name == name
    assert chosen.summary
    assert "\n" not in chosen.summary
    assert ("patents" in chosen.notice) == (name in {"both", "both-shape", "rfrv-clm"})


MIXED = """
name = "own"
[defaults]
placing = { kind = "film", size = [64, 64] }
[[stages]]
name = "first"
voter = { kind = "forest" }
[[stages]]
name = "second"
voter = { kind = "network", depth = 3 }
choice = { kind = "shape" }
"""


def test_forests_with_a_shape_model_are_told_by_their_patents_whatever_a_recipe_says(write):
    claimed = recipe("rfrv-clm").notice
    assert "US 9928443" in claimed
    assert recipe(write(MIXED)).notice == claimed
    assert recipe(write(f'notice = "Ask first."\n{MIXED}')).notice == f"Ask first. {claimed}"
    assert recipe(write(MIXED.replace("forest", "network"))).notice == ""  # the size fits them too
    assert recipe(write(MIXED.replace("shape", "peaks"))).notice == ""


def test_the_notice_goes_and_comes_with_what_a_recipe_is_made_of(write):
    claimed = recipe("rfrv-clm").notice
    assert recipe("rfrv", ["fine.choice.kind=shape"]).notice == claimed
    assert recipe("rfrv-clm", ["local.choice={kind='peaks'}"]).notice == claimed  # the last stage has a shape model
    assert recipe("rfrv-clm", ["local.choice={kind='peaks'}", "fine.choice={kind='peaks'}"]).notice == ""
    assert recipe(write('extends = "rfrv-clm"\nname = "mine"')).notice == claimed
    assert Recipe.model_validate(recipe("rfrv-clm").model_dump(mode="json")).notice == claimed


def test_the_three_methods_differ_in_their_method_and_ho_in_its_smoothing():
    alike = [f"{stage}.voter.smoothing=3" for stage in ("global", "local", "parts", "outline")]
    texts = set()
    for name in ("ho", "hdv", "whdv"):
        stages = json.dumps(recipe(name, alike).model_dump(mode="json")["stages"])
        texts.add(stages.replace(f'"{name}"', '"m"'))
    assert len(texts) == 1
    assert recipe("ho").stages[2].voter.smoothing > recipe("whdv").stages[2].voter.smoothing


def test_the_paper_is_literal():
    paper = recipe("paper")
    assert [stage.name for stage in paper.stages] == ["global", "local"]
    coarse, fine = (stage.placing for stage in paper.stages)
    assert (coarse.size, fine.size) == ((256, 192), (224, 224))
    assert (coarse.kind, coarse.find, fine.kind) == ("film", "reference", "reference")
    assert paper.validation == 0.15
    for stage in paper.stages:
        assert stage.applies == "always"
        assert not stage.placing.fit_aspect
        assert stage.search.rounds == 1
        n, t = stage.voter, stage.training
        assert (n.method, n.stride, n.cell, n.smoothing, n.side, n.dense) == ("whdv", 1, 1, 4, "target", 0)
        assert (t.rate, t.schedule, t.epsilon, t.batch, t.weight_decay, t.average) == (1e-3, "constant", 1e-7, 10, 0, 0)
        assert t.keep == "best"
        assert stage.choice.kind == "peaks"
        one = stage.augmentation
        assert (one.rotation, one.copies, one.mirror) == ((-35, 5), 1, False)
        assert (one.scale, one.shift, one.gamma, one.contrast, one.blur, one.noise, one.erase) == (0,) * 7


# -- files ------------------------------------------------------------------------------------------------------------


def test_a_file_is_a_recipe_and_its_defaults_are_in_every_stage(write):
    chosen = recipe(write(MINE))
    (stage,) = chosen.stages
    assert (chosen.name, chosen.seed, stage.name) == ("mine", 3, "all")
    assert (stage.voter.width, stage.voter.depth, stage.training.steps) == (8, 3, 100)
    assert stage.placing.finds_all
    assert Recipe.model_validate_json(chosen.model_dump_json()) == chosen


def test_a_file_extends_a_shipped_recipe_or_one_beside_it(write):
    write('extends = "whdv"\nname = "first"\nset = ["local.voter.width = 24"]\nseed = 5', "first.toml")
    second = recipe(write('extends = "first.toml"\nname = "second"\nset = ["local.voter.depth = 4"]', "second.toml"))
    local = next(stage for stage in second.stages if stage.name == "local")
    assert (second.name, second.seed, local.voter.width, local.voter.depth) == ("second", 5, 24, 4)
    expected = recipe("whdv", ["local.voter.width=24", "local.voter.depth=4", "seed=5"])
    assert second.stages == expected.stages


def test_a_file_that_brings_its_own_stages_keeps_the_rest_of_what_it_extends(write):
    write(MINE, "first.toml")
    stages = MINE[MINE.index("[defaults]") :].replace("[64, 64]", "[96, 96]")
    chosen = recipe(write(f'extends = "first.toml"\nname = "second"\n{stages}', "second.toml"))
    assert (chosen.seed, chosen.stages[0].placing.size) == (3, (96, 96))


def test_changes_come_after_the_file(write):
    assert recipe(write(MINE), ["all.voter.width=4", "seed=9"]).stages[0].voter.width == 4


@pytest.mark.parametrize("text", [
    'extends = "whdv"\nname = "x"\nset = ["local.voter.widht = 3"]',
    MINE.replace("width = 8", "widht = 8"),
    MINE.replace("size = [64", "sizes = [64"),
    MINE.replace("seed", "sede"),
    MINE.replace('kind = "film"', 'kind = "flim"'),
    MINE.replace('kind = "network"', 'kind = "netwrok"'),
    MINE.replace("steps", "stepps"),
    MINE.replace('name = "all"', 'name = "a/l"'),
    MINE.replace("[64, 64]", "[64, 60]"),
])  # fmt: skip
def test_a_mistake_in_a_file_names_the_file_and_the_setting(write, text):
    file = write(text)
    with pytest.raises(SettingError) as told:
        recipe(file)
    message = str(told.value)
    assert message.startswith(file)
    wrong = {"widht", "sizes", "sede", "flim", "netwrok", "stepps", "a/l", "60"}
    assert any(word in message for word in wrong)
    assert "\n" not in message
    near = {"widht": "width", "sizes": "size", "sede": "seed", "flim": "film", "netwrok": "network", "stepps": "steps"}
    for word, meant in near.items():
        assert (f"did you mean '{meant}'" in message) == (word in text)


@pytest.mark.parametrize(("text", "message"), [
    ("name = ", "not a TOML file"),
    ('name = "x"', "stages"),
    ('name = "x"\nstages = 3', r"expected a table \[defaults\] and tables \[\[stages\]\]"),
    ('name = "x"\nextends = "whvd"', "recipe 'whvd' is unknown, .*did you mean 'whdv'"),
    ('name = "x"\nextends = "mine.toml"', "extends itself"),
    ('name = "x"\nextends = "whdv"\nset = "seed=3"', r"set is 'seed=3', expected a list"),
    ('name = "x"\nextends = "whdv"\nset = [3]', r"set is \[3\], expected a list"),
    (MINE + MINE[MINE.index("[[stages]]"):], "stage 'all' is there twice"),
])  # fmt: skip
def test_a_file_that_is_no_recipe_is_named(write, text, message):
    with pytest.raises(SettingError, match=message):
        recipe(write(text))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SettingError, match=r"absent\.toml: cannot be read"):
        recipe(str(tmp_path / "absent.toml"))


def test_an_unknown_recipe_names_the_nearest():
    with pytest.raises(SettingError, match=r"recipe 'whvd' is unknown, .*did you mean 'whdv'\?"):
        recipe("whvd")


def test_a_recipe_is_found_by_name_and_by_file(write):
    assert find("whdv") == shipped()["whdv"]
    assert find(write(MINE)).name == "mine.toml"


def test_a_recipe_for_other_schemes_alone_is_told_of(write):
    row = recipe(write(MINE.replace('name = "all"', 'name = "all"\napplies = "row"')))
    assert row.stages_for(SPINE)
    with pytest.raises(SettingError, match="recipe 'mine': no stage applies to scheme 'numbered'"):
        row.stages_for(FOUR)


def test_stages_of_one_name_may_be_there_for_different_schemes():
    for scheme, size in ((SPINE, (128, 96)), (FEMUR, (256, 192))):
        first, *_ = recipe("whdv", scheme=scheme).stages_for(scheme)
        assert (first.name, first.placing.size) == ("global", size)
