"""Levels: votes for a whole row decide between the rows that a stage before has found, and move no point."""

from dataclasses import replace

import numpy as np
import pytest

from landvote.frames.placings import RowSettings, SpanSettings
from landvote.localiser.levels import LevelSearch
from landvote.localiser.look import Candidate, Look
from landvote.localiser.peaks import Peaks
from landvote.localiser.row import RowSearch
from landvote.uncertainty import ROW_CUES
from landvote.votes import VoteMap
from rows import FILM, GROUPS, PARTS, SCHEME, any_part, known, numbers_of, row
from toys import Eyes, shapes_of

FIRST = [part[0] for part in GROUPS]
SHAPES = shapes_of([row()], [(240, 700)], parts=GROUPS)


def found_rows(first):
    """Return the row that the stage of parts has chosen by its place on the film, from one that begins at ``first``."""
    look = Look("parts", RowSettings(size=(64, 64), border=0.25).fit(SHAPES), Eyes(any_part), Peaks(), SCHEME)
    return RowSearch().settle(look, FILM, known(row(first)))


def decided(before, shares, **settings):
    """Return what is found where the votes for each part lie on it and on parts beside it, by ``shares`` of shifts."""
    placing = SpanSettings(size=(64, 256), border=0.2).fit(SHAPES)
    strip = placing.strip(before.points)

    def votes(view):
        made = np.zeros((PARTS, view.pixels.shape[0] // 4, view.pixels.shape[1] // 4), np.float32)
        for shift, share in shares.items():
            there = VoteMap(made, 4, 0.0).to_cells(view.frame.to_grid(strip.to_grid(row(shift)[FIRST])))
            for plane, (j, i) in zip(made, there.round().astype(int), strict=True):
                if 0 <= i < plane.shape[0] and 0 <= j < plane.shape[1]:
                    plane[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2] += share
        return VoteMap(made, 4, 0.0)

    look = Look("levels", placing, Eyes(votes), Peaks(), SCHEME)
    (after,) = LevelSearch(**settings).run(look, FILM, [before])
    return after


@pytest.mark.parametrize(("first", "true"), [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 0), (0, 2), (1, -1), (2, 0)])
def test_the_row_with_the_votes_is_chosen_wherever_on_the_film_rows_lay_in_training(first, true):
    after = decided(found_rows(first), {true: 1.0})
    assert numbers_of(after.points) == list(range(true, true + PARTS))
    assert after.looks[-1] == {"stage": "levels", "shifted": true - first, "probable": pytest.approx(1, abs=1e-3)}
    assert np.isfinite(after.dispersion).all()
    assert np.isfinite(after.evidence.peak).all()


def test_votes_that_are_divided_leave_the_row_where_its_place_on_the_film_says():
    before = found_rows(0)
    after = decided(before, dict.fromkeys(range(-2, 3), 1.0))
    np.testing.assert_array_equal(after.points, before.points)
    assert after.looks[-1]["probable"] == pytest.approx(before.looks[-1]["probable"], abs=0.1)


def test_how_sure_it_is_goes_with_the_votes_and_into_cues_and_dispersion():
    before = found_rows(0)
    sure, unsure = (decided(before, shares) for shares in ({0: 1.0}, {0: 0.5, 1: 0.5}))
    place = ROW_CUES.index("place")
    assert sure.row[place] > max(before.row[place], unsure.row[place])
    assert sure.dispersion.mean() < unsure.dispersion.mean()


def test_another_round_does_not_count_the_votes_twice():
    before = found_rows(0)
    once, twice = (decided(before, {0: 0.6, 1: 0.4}, rounds=n) for n in (1, 2))
    assert once.looks[-1] == twice.looks[-1]
    np.testing.assert_array_equal(once.points, twice.points)


def test_of_a_row_that_no_stage_has_walked_nothing_is_decided():
    before = known(row(1))
    after = decided(before, {0: 1.0})
    np.testing.assert_array_equal(after.points, before.points)
    assert after.looks == ()


def test_parts_that_are_missing_do_not_count():
    before = found_rows(0)
    holed = before.points.copy()
    holed[8:12] = np.nan
    rows = tuple(
        replace(r, likely=0.0, candidate=Candidate.at(holed) if r.shift == 0 else r.candidate) for r in before.rows
    )
    after = decided(replace(before, rows=rows), {1: 1.0})
    assert numbers_of(after.points) == list(range(1, PARTS + 1))


def test_a_row_of_which_nothing_is_known_is_decided_by_its_place_alone():
    before = found_rows(0)
    beside = replace(before, points=np.full_like(before.points, np.nan))
    assert decided(beside, {}).looks[-1]["shifted"] == before.looks[-1]["shifted"]
