"""The plan of a training with a time limit: least and shares are kept; one that is too short is refused, and named."""

import json
from typing import Literal

import pytest

from landvote.errors import ModelError, SettingError
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
    assert second - 60 == pytest.approx(3 * (first - 60))
    assert 800 < first + second < 900  # the rest is for reading, judging and saving
    assert json.loads((tmp_path / "plan.json").read_text()) == {"global": first, "local": second}


def test_a_limit_that_is_too_short_is_refused_before_training_and_the_least_is_named(tmp_path):
    with pytest.raises(SettingError, match=r"^100 minutes: too few for 6 films.* about 133 minutes"):
        fitted(tmp_path, *STAGES, minutes=100)
    assert not (tmp_path / "plan.json").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_call_that_goes_on_keeps_the_plan_of_the_first(tmp_path):
    (tmp_path / "plan.json").write_text('{"global": 61.5, "local": 64.5}')
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
