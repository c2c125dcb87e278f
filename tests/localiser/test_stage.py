"""The stage: one each of four families; what does not fit together is told of before anything is learned."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from landvote.data.scheme import Outline, Scheme
from landvote.localiser import Localiser, StageSettings
from landvote.localiser.families import VOTERS
from landvote.localiser.look import Candidate
from landvote.networks.settings import TrainingSettings
from landvote.shapes import Evenness
from toys import BOX, GLOBAL, LOCAL, SeerSettings, SeerTraining, box, box_sample, fitted, registered

FOUR = Scheme.numbered(4)
PAIRS = FOUR.model_copy(update={"repeats": ((0, 1), (2, 3))})
ROW = PAIRS.model_copy(update={"order": "down"})
NETWORK = {"name": "s", "placing": {"kind": "film", "size": (64, 64)}, "voter": {"kind": "network"}}


def stage(**changes):
    return StageSettings.model_validate(NETWORK | changes)


@pytest.mark.parametrize(("applies", "placing", "expected"), [
    ("always", "film", "1111"), ("row", "film", "0001"), ("no row", "film", "1110"),
    ("always", "reference", "0111"), ("always", "repeats", "0011"), ("no row", "repeats", "0010"),
    ("always", "row", "0001"),
])  # fmt: skip
def test_a_stage_applies_where_its_placing_does_and_it_is_meant_to(applies, placing, expected):
    one = stage(applies=applies, placing={"kind": placing, "size": (64, 64)})
    schemes = [Scheme.numbered(1), FOUR, PAIRS, ROW]
    assert "".join("01"[one.applies_to(scheme)] for scheme in schemes) == expected


def test_what_training_can_be_set_to_depends_on_the_voter():
    assert isinstance(stage().training, TrainingSettings)
    assert isinstance(stage(voter=SeerSettings()).training, SeerTraining)
    assert stage(training={"steps": 7}).training.steps == 7
    with pytest.raises(ValidationError, match="unknown key 'steps'"):
        stage(voter={"kind": "forest"}, training={"steps": 7})


@pytest.mark.parametrize(("changes", "message"), [
    ({"choice": {"kind": "shape"}, "placing": {"kind": "film", "size": (64, 64), "find": "reference"}},
     "a shape model needs a stage that finds all landmarks in one look"),
    ({"choice": {"kind": "shape"}, "placing": {"kind": "row", "size": (64, 64)}}, "finds all landmarks in one look"),
    ({"placing": {"kind": "span", "size": (64, 64)}}, "films that the placing unrolls take a search that says which"),
    ({"placing": {"kind": "film", "size": (100, 64)}}, r"size \(100, 64\) with depth 5: expected multiples of 32"),
    ({"placing": {"kind": "flim", "size": (64, 64)}}, r"placing 'flim' is unknown.*did you mean 'film'"),
    ({"placing": {"size": (64, 64)}}, "a placing without kind, expected one of film, reference"),
    ({"voter": {"kind": "network", "widht": 3}}, r"unknown key 'widht'.*'width'"),
    ({"name": "../up"}, "name"),
    ({"share": 0}, "share"),
    ({"weight": 0}, "weight"),
    ({"weight": 1.1}, "weight"),
])  # fmt: skip
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValidationError, match=message) as told:
        stage(**{"training": {"seed": 3}} | changes)
    assert told.value.error_count() == 1  # and nothing beside what is wrong


def test_settings_survive_json_with_all_that_their_kinds_have():
    one = stage(choice={"kind": "shape", "radius": 9.0}, search={"kind": "row", "rounds": 3}, training={"steps": 7})
    assert StageSettings.model_validate_json(one.model_dump_json()) == one


def test_a_stage_is_what_it_was_given():
    assert GLOBAL.voter == SeerSettings()
    assert (GLOBAL.choice.kind, GLOBAL.search.kind, GLOBAL.search.rounds) == ("peaks", "poses", 1)


def test_an_even_stage_moves_points_to_where_training_shapes_spread_them_and_so_does_a_loaded_one(tmp_path):
    """The last landmark of a box lies in the middle between two others; then it is told so of another one."""
    line = BOX.model_copy(update={"outlines": (Outline(name="side", points=(0, 4, 2)),)})
    one = fitted(tmp_path, GLOBAL, LOCAL.model_copy(update={"even": True}), scheme=line)
    one.save(tmp_path)
    with registered(VOTERS, SeerSettings):
        loaded = Localiser.load(tmp_path, "cpu").stages[1]
    assert one.stages[0].evenness is None
    assert loaded.evenness == one.stages[1].evenness == Evenness(line.outlines, ((0, 2),), (False,))
    film, known = box_sample(30).open(), [Candidate.at(box(30)[1])]
    other = Evenness((Outline(name="side", points=(0, 1, 2)),), ((0, 2),), (False,))
    plain, even = (replace(loaded, evenness=own).search(film, known)[0].points for own in (None, other))
    np.testing.assert_array_equal(even, other.towards(plain))
    assert np.abs(even - plain)[1].max() > 5
