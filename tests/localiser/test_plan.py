"""The plan of a training with a time limit: least and shares are kept; one that is too short is refused, and named."""

import json
from typing import Literal

import pytest

from landvote.errors import ModelError, SettingError
from landvote.localiser.plan import Plan, Share, TimeLimit
from toys import GLOBAL, LOCAL, SeerSettings, fitted, voter_of


class SlowSettings(SeerSettings):
    """A seer that says it takes an hour, whatever it takes."""

    kind: Literal["slow"] = "slow"

    def least_minutes(self, training, lesson, films):  # noqa: ARG002
        assert len(lesson.views.working) == 3  # a few films are enough to measure by
        assert films == 6
        return 60.0


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


def test_without_a_limit_nothing_is_measured(tmp_path):
    one = fitted(tmp_path, *STAGES)
    assert voter_of(one, "local").lesson.minutes is None
    assert not (tmp_path / "plan.json").exists()
