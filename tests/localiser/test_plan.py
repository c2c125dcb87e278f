"""The plan of a training: least and shares of a limit are kept, one too short is refused; how long it takes is told."""

import json
from dataclasses import replace
from typing import Literal

import pytest

from landvote.errors import ModelError, SettingError
from landvote.localiser.plan import Part, Plan, Share, TimeLimit
from landvote.runtime.events import Planned, StageShortened
from landvote.votes import Estimate
from toys import GLOBAL, LOCAL, SeerSettings, SeerTraining, box_sample, fitted, voter_of


class SlowSettings(SeerSettings):
    """A seer that says it takes an hour at least and five in all, whatever it takes."""

    kind: Literal["slow"] = "slow"

    def estimate(self, training, lesson, films, held_out):  # noqa: ARG002
        assert len(lesson.views.working) == 3  # a few films are enough to measure by
        assert (films, held_out) == (6, 3)
        return Estimate(60.0, 300.0)


def slow(stage, share):
    return stage.model_copy(update={"voter": SlowSettings(), "share": share})


STAGES = (slow(GLOBAL, 1.0), slow(LOCAL, 3.0))


def test_each_stage_gets_its_least_and_its_share_of_the_rest(tmp_path):
    one = fitted(tmp_path, *STAGES, minutes=1000)
    first, second = (voter_of(one, name).lesson.minutes for name in ("global", "local"))
    assert first - 60 == pytest.approx((900 - 120) / 4, rel=0.01)  # a tenth is for judging and saving
    assert second == pytest.approx(900, rel=0.01)  # a seer takes no time: all is left
    kept = json.loads((tmp_path / "plan.json").read_text())
    assert {name: (share["learning"], share["begun"]) for name, share in kept.items()} == {
        "global": (first, True), "local": (second, True),
    }  # fmt: skip


def shares(**begun):
    return {name: Share(60.0, 1.0, done) for name, done in begun.items()}


@pytest.mark.parametrize(("spent", "left"), [(0.0, 90.0), (20.0, 70.0), (50.0, 60.0)])
def test_what_a_stage_leaves_over_is_handed_on_and_the_least_is_kept(tmp_path, spent, left):
    limit = TimeLimit(100.0)
    limit._begun -= 60 * spent
    plan = Plan(tmp_path, limit, shares(first=True, last=False))
    assert plan.begin("last") == pytest.approx(left, abs=0.1)
    limit._begun -= 60 * 5
    assert plan.begin("last") == pytest.approx(left, abs=0.1)  # what was said stands


def test_each_waiting_stage_gets_as_much_of_what_is_left_over(tmp_path):
    plan = Plan(tmp_path, TimeLimit(200.0), shares(first=False, last=False))
    assert plan.begin("first") == pytest.approx(60 + (180 - 120) / 2, abs=0.1)


def test_a_limit_that_is_too_short_is_refused_before_training_and_the_least_is_named(tmp_path):
    with pytest.raises(SettingError, match=r"^100 minutes: too few for 6 films.* about 133 minutes"):
        fitted(tmp_path, *STAGES, minutes=100)
    assert not (tmp_path / "plan.json").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_call_that_goes_on_keeps_the_plan_of_the_first(tmp_path):
    plan = {
        "global": {"learning": 61.5, "weight": 1.0, "begun": True},
        "local": {"learning": 64.5, "weight": 1.0, "begun": True},
    }
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    one = fitted(tmp_path, *STAGES, minutes=100)  # as little as it is by now
    assert [voter_of(one, name).lesson.minutes for name in ("global", "local")] == [61.5, 64.5]


@pytest.mark.parametrize("content", ["", "[1]", '{"global": "long"}'])
def test_a_broken_plan_is_named(tmp_path, content):
    (tmp_path / "plan.json").write_text(content)
    with pytest.raises(ModelError, match=r"plan\.json: cannot be read .* expected minutes by stage"):
        fitted(tmp_path, *STAGES, minutes=1000)


class NeverSettings(SeerSettings):
    """A seer that is not to be measured."""

    kind: Literal["never"] = "never"

    def estimate(self, *_):
        raise AssertionError("it was measured")


def test_without_a_limit_nothing_is_measured_but_to_be_told_of(tmp_path):
    told = []
    one = fitted(tmp_path, GLOBAL.model_copy(update={"voter": NeverSettings()}), listener=told.append)
    assert voter_of(one, "global").lesson.minutes is None
    assert not (tmp_path / "plan.json").exists()
    assert [event for event in told if isinstance(event, Planned)] == []


def foretold(folder, *stages, foretell=True, **conditions):
    """Return how long each plan that was told of takes, minutes, and the films that were opened."""
    told, opened = [], []

    def sample(i):
        known = box_sample(i)
        return replace(known, open=lambda: (opened.append(i), known.open())[1])

    fitted(folder, *stages, training=map(sample, range(6)), validation=map(sample, range(6, 9)),
           listener=told.append, foretell=foretell, **conditions)  # fmt: skip
    return [event.minutes for event in told if isinstance(event, Planned)], opened


def test_how_long_it_takes_is_told_before_it_begins_and_opens_no_film_again(tmp_path):
    minutes, opened = foretold(tmp_path, *STAGES)
    assert minutes == [pytest.approx(600 / 0.9, rel=0.01)]  # judging and saving are the last tenth
    (tmp_path / "other").mkdir()
    untold, as_usual = foretold(tmp_path / "other", *STAGES, foretell=False)
    assert (untold, sorted(as_usual)) == ([], sorted(opened))
    assert not (tmp_path / "plan.json").exists()


def test_within_a_limit_it_takes_no_longer_than_that(tmp_path):
    minutes, _ = foretold(tmp_path, *STAGES, minutes=200)
    assert minutes == [pytest.approx(200, rel=0.01)]


class Brief(SeerTraining):
    """How a seer learns that is only to tell errors."""


class TurnedSettings(SlowSettings):
    """A slow seer that needs a tenth where it is only to tell errors."""

    kind: Literal["turned"] = "turned"

    def brief(self, training):  # noqa: ARG002
        return Brief()

    def estimate(self, training, lesson, films, held_out):
        if not isinstance(training, Brief):
            return Estimate(60.0, 300.0, 300)
        assert (len(lesson.views.working), films, held_out) == (3, 3, 0)
        return Estimate(6.0, 30.0, 30)


TURNS = ({"0.png", "1.png", "2.png"}, {"3.png", "4.png", "5.png"})


def test_trainings_that_leave_films_out_are_planned_and_get_the_smaller_part(tmp_path):
    told, stages = [], [s.model_copy(update={"voter": TurnedSettings()}) for s in STAGES]
    one = fitted(
        tmp_path, *stages, validation=(), minutes=500, foretell=True, listener=told.append, left_out=TURNS
    )  # fmt: skip
    kept = json.loads((tmp_path / "plan.json").read_text())
    names = [f"left-out-{part}/{stage}" for part in (1, 2) for stage in ("global", "local")]
    assert list(kept) == [*names, "global", "local"]
    weights = [share["weight"] for share in kept.values()]
    assert weights == pytest.approx([0.375, 1.125, 0.375, 1.125, 1.0, 3.0])
    spare = 450 - 4 * 6 - 2 * 60
    assert kept["left-out-1/global"]["learning"] == pytest.approx(6 + spare * 0.375 / 7, rel=0.02)
    assert voter_of(one, "local").lesson.minutes == pytest.approx(450, rel=0.02)  # a seer takes no time: all is left
    assert [event.minutes for event in told if isinstance(event, Planned)] == [pytest.approx(500, rel=0.02)]
    assert [e.stage for e in told if isinstance(e, StageShortened)] == ["global", "local"]  # of the model alone
    with pytest.raises(SettingError, match=r"^150 minutes: .* about 160 minutes"):
        fitted(tmp_path / "other", *stages, validation=(), minutes=150, left_out=TURNS)


def test_judging_a_part_leaves_the_training_of_all_films_its_time():
    limit = TimeLimit(60.0)
    limit._begun -= 60 * 15  # minutes are spent
    assert [limit.until(Part(number, 3)).over for number in (1, 2, 3)] == [True, False, False]
    assert not limit.over
    assert not TimeLimit(None).until(Part(1, 3)).over


def test_without_a_limit_trainings_that_leave_films_out_count_as_well(tmp_path):
    told, stages = [], [s.model_copy(update={"voter": TurnedSettings()}) for s in STAGES]
    for _ in range(2):  # the second goes on
        fitted(tmp_path, *stages, validation=(), foretell=True, listener=told.append, left_out=TURNS)
    minutes = (2 * 300 + 2 * 2 * 30) / 0.9
    assert [event.minutes for event in told if isinstance(event, Planned)] == [pytest.approx(minutes, rel=0.02)]


class CountedSettings(SlowSettings):
    """A slow seer whose five hours are 300 steps."""

    kind: Literal["counted"] = "counted"

    def estimate(self, *given):
        return replace(super().estimate(*given), amount=300)


def shortened(folder, minutes):
    """Return what is told of stages that do not get all their steps: the first has one share, the second three."""
    told, stages = [], [slow(stage, share) for stage, share in ((GLOBAL, 1.0), (LOCAL, 3.0))]
    counted = [stage.model_copy(update={"voter": CountedSettings()}) for stage in stages]
    fitted(folder, *counted, minutes=minutes, listener=told.append, foretell=True)
    return [event for event in told if isinstance(event, StageShortened)]


def test_stages_that_a_limit_cuts_short_are_told_of_before_they_begin(tmp_path):
    first, second = shortened(tmp_path, 400)  # 360 to learn for: 60 each and 60 and 180 more
    assert first == StageShortened("global", "steps", 119, 300, 60.0)
    assert second == StageShortened("local", "steps", 239, 300, 60.0)


def test_what_a_stage_does_not_need_is_told_of_as_the_next_ones(tmp_path):
    """The second stage would have 315 of its 300 minutes, and leaves them, as nothing comes after it."""
    (first,) = shortened(tmp_path, 500)
    assert first == StageShortened("global", "steps", 142, 300, 60.0)
    assert shortened(tmp_path / "long", 2000) == []


def test_a_call_that_goes_on_is_not_measured_again(tmp_path):
    (tmp_path / "global").mkdir()
    assert foretold(tmp_path, GLOBAL.model_copy(update={"voter": NeverSettings()}))[0] == []
