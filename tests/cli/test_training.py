"""The verb train without a recipe, from a model and for a short time: what it says, and what the model remembers."""

from __future__ import annotations

import json
import shutil

import pytest

from landvote.recipes import CLAIMED
from toys import tiny_words

pytestmark = pytest.mark.slow

FOREST = tiny_words("rfrv-clm")


@pytest.fixture
def data(tmp_path, draw):
    return draw(tmp_path / "data", [f"{i}.png" for i in range(8)])


def begun(model):
    return json.loads((model / "training.json").read_text())


def test_without_a_recipe_one_is_picked_said_and_kept(run, data, tmp_path):
    words = ["train", data, "--out", tmp_path / "m", "--device", "cpu"]
    status, out, _ = run(*words, *tiny_words())
    assert status == 0
    picked = next(line.removeprefix("recipe: ") for line in out.splitlines() if line.startswith("recipe: "))
    assert picked.startswith("whdv for 8 films to learn from, no limit of time, a CPU: ")
    assert f"--accept-patent-notice lets auto pick both for {data}. Its notice: {CLAIMED}" in out
    kept = begun(tmp_path / "m")["recipe"]
    assert (kept["name"], kept["picked"]) == ("whdv", picked)
    assert f"picked                      {picked}" in run("describe", tmp_path / "m")[1]
    # whatever would be picked by now, and the changes need not be said again
    status, out, _ = run(*words, "--resume", "--max-minutes", "1")
    assert status == 0
    assert f"recipe: {picked}" in out


def test_few_films_are_left_out_in_turn_and_that_is_said(run, data, tmp_path):
    words = [*tiny_words(), "--set", "left_out=auto"]
    status, out, _ = run("train", data, "--recipe", "whdv", "--out", tmp_path / "m", "--device", "cpu", *words)
    assert status == 0
    assert "learning from 8 films, which are too few to hold some out: 3 further trainings leave them out" in out
    assert "mean error on 8 films, each found by one of 3 trainings that left it out: median" in out


def test_a_notice_that_is_accepted_is_remembered_for_the_data(run, data, tmp_path):
    words = ["train", data, "--device", "cpu", "--max-minutes", "10", *FOREST]
    status, out, _ = run(*words, "--out", tmp_path / "one", "--accept-patent-notice")
    assert status == 0
    assert f"accepted for {data}, as " in out
    assert "recipe: rfrv-clm for 8 films" in out
    assert f"notice: {CLAIMED}" in out
    status, out, _ = run(*words, "--out", tmp_path / "two")
    assert status == 0
    assert "recipe: rfrv-clm for 8 films" in out
    assert "--accept-patent-notice" not in out
    shutil.copytree(data, tmp_path / "other")
    _, out, _ = run("train", tmp_path / "other", *words[2:], "--out", tmp_path / "three")
    assert "recipe: whdv for 8 films" in out


def test_a_recipe_that_is_named_is_taken_and_its_notice_said_in_a_line(run, data, tmp_path):
    status, out, _ = run("train", data, "--recipe", "rfrv-clm", "--out", tmp_path / "m", "--device", "cpu", *FOREST)
    assert status == 0
    assert out.count(CLAIMED) == 1
    assert "recipe: " not in out
    assert begun(tmp_path / "m")["recipe"]["picked"] == ""


def test_a_model_to_start_from_brings_its_recipe_and_is_remembered(run, data, tmp_path):
    small = ["--recipe", "whdv", "--device", "cpu", *tiny_words()]
    assert run("train", data, "--out", tmp_path / "parent", *small)[0] == 0
    words = ["train", data, "--out", tmp_path / "child", "--start-from", tmp_path / "parent", "--device", "cpu"]
    status, out, _ = run(*words, "--set", "local.training.steps=4")
    assert status == 0
    assert "recipe: whdv, that of the model to start from" in out
    parent, child = (begun(tmp_path / name)["recipe"] for name in ("parent", "child"))
    assert [s["training"]["steps"] for s in child["stages"]][:2] == [6, 4]
    assert [s["voter"] for s in child["stages"]] == [s["voter"] for s in parent["stages"]]
    assert "started from                model " in run("describe", tmp_path / "child")[1]
    assert run(*words, "--resume")[0] == 0
    status, _, err = run(*words[:4], "--device", "cpu", "--resume")
    assert status == 2
    assert "was begun with another model to start from; resume with the same" in err
    status, _, err = run("train", data, "--out", tmp_path / "m", "--start-from", tmp_path / "nothing")
    assert status == 2
    assert "nothing" in err
    assert not (tmp_path / "m").exists()


def test_steps_that_there_was_no_time_for_are_told_of_at_the_end_and_remembered(run, data, tmp_path):
    words = ["--recipe", "whdv", "--out", tmp_path / "m", "--device", "cpu", *tiny_words(steps=100_000)]
    short = ["--set", "global.training.steps=6", "--set", "local.training.minutes=0.01"]
    status, out, _ = run("train", data, *words, *short)
    assert status == 0
    (line,) = [line for line in out.splitlines() if line.startswith("learned less than the recipe asks")]
    assert line.startswith("learned less than the recipe asks: local: ")
    assert line.endswith(" of 100,000 steps, for want of time")
    described = run("describe", tmp_path / "m")[1]
    assert "stages                      global: 6 of 6 steps; local: " in described
    assert "limit: It has learned less than its recipe asks (local: " in described
