"""The recipe that suits: rules, each of which counts somewhere; claimed recipes only where that is accepted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from landvote.data.scheme import Scheme
from landvote.errors import SettingError
from landvote.recipes import auto, auto_recipe, pick, recipe, situation_of
from landvote.recipes.auto import RULES, Situation
from toys import ELL, ell_sample

EASY = Situation(films=174)

CASES = [
    ({}, "whdv", "both"),
    ({"films": 1}, "whdv", "both"),
    ({"minutes": 30.0}, "whdv", "both"),
    ({"minutes": 15.0}, "whdv", "both"),
    ({"minutes": 14.9}, "whdv", "rfrv-clm"),
    ({"minutes": 14.9, "gpu": True}, "whdv", "both"),  # which takes the steps of half an hour in a minute
    ({"minutes": 14.9, "films": 20}, "whdv", "rfrv-clm"),
    ({"minutes": 2.9}, "rfrv", "rfrv-clm"),
    ({"minutes": 2.9, "films": 20}, "rfrv", "rfrv-clm"),
    ({"minutes": 2.9, "gpu": True}, "whdv", "both"),
    ({"networks": False}, "rfrv", "rfrv-clm"),
    ({"networks": False, "films": 20}, "rfrv", "rfrv-clm"),
    ({"networks": False, "row": True}, "rfrv", "rfrv-clm"),
    ({"films": 10, "few": True}, "whdv-shape", "both-shape"),
    ({"films": 10, "few": True, "minutes": 14.9}, "whdv-shape", "both-shape"),
    ({"films": 10, "few": True, "minutes": 2.9}, "rfrv", "rfrv-clm"),
    ({"films": 10, "few": True, "row": True}, "whdv-shape", "whdv-shape"),
    ({"films": 10, "few": True, "row": True, "minutes": 1.0}, "whdv-shape", "whdv-shape"),
    ({"films": 10, "few": True, "row": True, "processes": 2}, "whdv", "whdv"),
    ({"row": True, "minutes": 1.0}, "whdv", "whdv"),
    ({"row": True, "films": 20}, "whdv", "whdv"),
    ({"processes": 2, "films": 20, "minutes": 1.0}, "whdv", "whdv"),
]


@pytest.mark.parametrize(("given", "free", "claimed"), CASES, ids=str)
def test_what_suits_depends_on_the_situation_and_on_what_is_accepted(given, free, claimed):
    one = replace(EASY, **given)
    before, after = pick(one), pick(replace(one, accepted=True))
    assert (before.rule.recipe, after.rule.recipe) == (free, claimed)
    assert after.instead is None
    assert before.instead == (None if before.rule is after.rule else after.rule)


def test_each_rule_counts_somewhere_and_has_a_reason_of_its_own():
    counted = {
        pick(replace(EASY, accepted=accepted, **given)).rule for given, _, _ in CASES for accepted in (False, True)
    }
    assert counted == set(RULES)
    assert len({rule.reason for rule in RULES}) == len(RULES)


def test_without_consent_no_recipe_with_a_notice_is_ever_picked():
    for given, _, _ in CASES:
        assert recipe(pick(replace(EASY, **given)).rule.recipe).notice == ""


def test_it_says_what_for_which_films_and_why_and_what_the_notice_keeps_away():
    told = str(pick(Situation(films=1, minutes=10.0)))
    assert told.startswith("whdv for 1 film to learn from, 10 minutes, a CPU: networks had 3.6 px from 51 hips")
    assert ". With its notice accepted it would be rfrv-clm: from 156 chest films" in told
    assert "notice" not in str(pick(Situation(films=1, accepted=True)))
    assert str(pick(EASY)).startswith("whdv for 174 films to learn from, no limit of time, a CPU: ")


def films(count, *splits, **others):
    return [ell_sample(i, split, **others) for split in splits for i in range(count)]


def test_films_count_that_will_be_learned_from(monkeypatch):
    nothing = [ell_sample(99, pointed=False)]
    assert situation_of(films(59, None, "test") + nothing, device="cpu").films == 59  # so few are left out in turn
    assert situation_of(films(60, None, "test") + nothing, device="cpu").films == 51  # 15 % are held out
    assert situation_of(films(10, "train", "val", "test"), device="cpu").films == 10
    row = [replace(ell_sample(0, pointed=False), scheme=Scheme.named("spine"))]
    assert (situation_of(row, device="cpu").row, situation_of(films(1, None), device="cpu").row) == (True, False)
    told = situation_of(films(3, None), 4.0, "cpu", accepted=True)
    assert told == Situation(3, False, False, 4.0, False, True, 1, True)
    monkeypatch.setattr(auto, "installed", lambda extra: extra != "networks")
    assert situation_of(films(3, None), device="no such device").networks is False  # forests know no devices


def test_films_are_few_if_landmarks_are_many_and_have_a_shape(monkeypatch):
    assert not situation_of(films(9, None), device="cpu").few
    monkeypatch.setattr(auto, "_MANY", len(ELL))
    told = [situation_of(films(count, None, "test"), device="cpu").few for count in (1, 2, 19, 20)]
    assert told == [False, True, True, False]  # one film has no shape to vary


def test_an_unknown_device_or_change_is_named():
    with pytest.raises(SettingError, match="tpu9"):
        auto_recipe(films(3, None), device="tpu9")
    with pytest.raises(SettingError, match="widht"):
        auto_recipe(films(3, None), ["local.voter.widht=3"], device="cpu")


def test_the_recipe_is_the_shipped_one_with_changes_and_the_reason():
    found = auto_recipe(films(9, None), ["seed=4"], device="cpu")
    assert found.picked.startswith("whdv for 9 films to learn from")
    assert found.model_copy(update={"picked": ""}) == recipe("whdv", ["seed=4"], ELL)
    claimed = auto_recipe(films(9, None), device="cpu", accept_notices=True)
    assert claimed.model_copy(update={"picked": ""}) == recipe("both", (), ELL)
    assert claimed.notice
    assert recipe("whdv").picked == ""
