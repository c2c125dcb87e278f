"""Runs: which films are drawn, that no subject is on two sides, and what their hashes tell apart."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from landvote.datasets.folder import read_folder
from landvote.errors import SplitError
from landvote.experiments.engine import tasks
from landvote.experiments.grid import Grid
from landvote.experiments.runs import plan_runs, split_films

METHODS = (
    {"name": "WHDV", "recipe": "whdv"},
    {"name": "with shape", "recipe": "whdv-shape"},
    {"name": "HDV", "recipe": "hdv"},
)


def grid(**changes):
    own = {"title": "t", "data": {"folder": "x"}, "methods": METHODS, "sizes": (6, 12), "folds": 2, "test": 8}
    return Grid(**own | changes)


@pytest.fixture
def folder(tmp_path):
    """Forty tiny films of twenty-five subjects, some of which have two."""
    rng = np.random.default_rng(0)
    (tmp_path / "images").mkdir()
    points, subjects = ["image," + ",".join(f"{a}{k}" for k in range(4) for a in "xy")], ["image,subject"]
    for i in range(40):
        cv2.imwrite(str(tmp_path / "images" / f"f{i:02}.png"), rng.integers(0, 255, (9, 9), np.uint8))
        points.append(f"f{i:02}.png," + ",".join(f"{v:.2f}" for v in rng.uniform(0, 8, 8)))
        subjects.append(f"f{i:02}.png,s{i % 25}")
    (tmp_path / "landmarks.csv").write_text("\n".join(points) + "\n")
    (tmp_path / "subjects.csv").write_text("\n".join(subjects) + "\n")
    return tmp_path


def subjects(samples, names):
    known = {s.identifier: s.subject for s in samples}
    return {known[name] for name in names}


def test_every_place_of_the_grid_has_a_run_with_the_films_it_asks_for(folder):
    found = plan_runs(grid(seeds=(0, 1)), read_folder(folder), folder)
    assert len(found) == len({c.key for c in found}) == 3 * 2 * 2 * 2
    for plan in found:
        assert (len(plan.training), len(plan.validation)) == (plan.size, round(0.15 * plan.size))
        assert plan.test == found[0].test
        assert len(plan.test) >= 8


def test_no_subject_is_on_two_sides(folder):
    samples = read_folder(folder)
    for plan in plan_runs(grid(), samples, folder):
        sides = [subjects(samples, names) for names in (plan.training, plan.validation, plan.test)]
        assert sum(map(len, sides)) == len(set.union(*sides))


def test_smaller_sets_are_parts_of_larger_ones_and_folds_differ(folder):
    drawn = split_films(read_folder(folder), grid())
    small, large = ({s.identifier for s in drawn.take(0, n, 0.15)[0]} for n in (6, 12))
    assert small < large
    assert small != {s.identifier for s in drawn.take(1, 6, 0.15)[0]}


def test_the_order_of_the_films_and_the_day_change_nothing(folder):
    samples = read_folder(folder)
    assert plan_runs(grid(), samples, folder) == plan_runs(grid(), samples[::-1], folder)


def test_another_draw_is_another(folder):
    samples = read_folder(folder)
    assert split_films(samples, grid()).test != split_films(samples, grid(draw=1)).test


def test_all_is_as_many_as_leave_enough_to_judge_by(folder):
    drawn = split_films(read_folder(folder), grid(test=1))
    learned, judged = drawn.take(0, "all", 0.15)
    others = 40 - len(drawn.test)
    assert len(learned) == int(others / 1.15)
    assert 0 < len(judged) <= others - len(learned)


def test_a_split_of_the_datas_own_is_kept_to(folder):
    rows = [f"f{i:02}.png,{'val' if i % 25 < 5 else 'train'}" for i in range(40)]
    (folder / "split.csv").write_text("\n".join(["image,split", *rows]) + "\n")
    drawn = split_films(read_folder(folder), grid(test="val"))
    assert {s.split for s in drawn.test} == {"val"}
    assert {s.split for s in drawn.folds[0]} == {"train"}


@pytest.mark.parametrize("changes", [{"sizes": (60,)}, {"sizes": (30,), "test": 12}, {"test": "val"}, {"test": 40}])
def test_too_few_films_are_told_of(folder, changes):
    with pytest.raises(SplitError, match=r"asked for|expected one at least of each"):
        plan_runs(grid(**changes), read_folder(folder), folder)


def test_a_hash_tells_of_films_points_and_settings_but_not_of_names(folder):
    def keys(**changes):
        return [c.key for c in plan_runs(grid(**changes), read_folder(folder), folder)]

    before = keys()
    assert keys(methods=({**METHODS[0], "name": "other"}, *METHODS[1:]), title="u", unit="px") == before
    changed = keys(methods=({**METHODS[0], "set": ["local.network.width=8"]}, *METHODS[1:]))
    assert [a == b for a, b in zip(changed, before, strict=True)] == [False, True, True] * 4
    cv2.imwrite(str(folder / "images" / plan_runs(grid(), read_folder(folder), folder)[0].test[0]), np.zeros((9, 9)))
    assert not set(keys()) & set(before)


def test_methods_that_differ_in_choosing_points_alone_share_a_task(folder):
    found = tasks(plan_runs(grid(), read_folder(folder), folder))
    assert sorted(tuple(c.method for c in task) for task in found) == sorted([("WHDV", "with shape"), ("HDV",)] * 4)
    assert [task[0].films for task in found] == sorted(task[0].films for task in found)
