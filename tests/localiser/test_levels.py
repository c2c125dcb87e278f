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


def parts_stage():
    learned = RowSettings(size=(64, 64), border=0.25).fit(shapes_of([row()], [(240, 700)], parts=GROUPS))
    return Look("parts", learned, Eyes(any_part), Peaks(), SCHEME)


def levels_of(shares):
    """Return the look at levels whose votes for each part lie on it and on parts beside it, by shares of shifts."""

    def votes(view):
        made = np.zeros((PARTS, view.pixels.shape[0] // 4, view.pixels.shape[1] // 4), np.float32)
        for shift, share in shares.items():
            for plane, (x, y) in zip(made, view.frame.to_grid(row(shift)[FIRST]), strict=True):
                j, i = round((x + 0.5) / 4 - 0.5), round((y + 0.5) / 4 - 0.5)
                if 0 <= i < plane.shape[0] and 0 <= j < plane.shape[1]:
                    plane[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2] += share
        return VoteMap(made, 4, 0.0)

    placing = SpanSettings(size=(64, 256), border=0.2).fit(shapes_of([row()], [(240, 700)], parts=GROUPS))
    return Look("levels", placing, Eyes(votes), Peaks(), SCHEME)


def found_rows(first):
    """Return the row that the stage of parts has chosen by its place on the film, from one that begins at ``first``."""
    return RowSearch().settle(parts_stage(), FILM, known(row(first)))


@pytest.mark.parametrize("first", [-1, 0, 2])
@pytest.mark.parametrize("true", [-1, 0, 1])
def test_the_row_with_the_votes_is_chosen_wherever_on_the_film_rows_lay_in_training(first, true):
    before = found_rows(first)
    if not any(row.shift == true - first for row in before.rows):
        pytest.skip("more than two parts away")
    (after,) = LevelSearch(independence=5.0).run(levels_of({true: 1.0}), FILM, [before])
    assert numbers_of(after.points) == list(range(true, true + PARTS))
    assert after.looks[-1]["stage"] == "levels"
    assert after.looks[-1]["shifted"] == true - first
    assert after.looks[-2]["size"] == [64, 256]
    assert np.isfinite(after.dispersion).all()
    assert np.isfinite(after.evidence.peak).all()


def test_votes_that_are_divided_leave_the_row_where_its_place_on_the_film_says():
    before = found_rows(0)
    (after,) = LevelSearch().run(levels_of(dict.fromkeys(range(-2, 3), 1.0)), FILM, [before])
    np.testing.assert_array_equal(after.points, before.points)
    assert after.looks[-1]["probable"] == pytest.approx(before.looks[-1]["probable"], abs=0.05)


def test_how_sure_it_is_goes_with_the_votes_and_into_cues_and_dispersion():
    before = found_rows(0)
    sure, unsure = (
        LevelSearch(independence=0.1).run(levels_of(shares), FILM, [before])[0]
        for shares in ({0: 1.0}, {0: 0.3, 1: 0.7})
    )
    place = ROW_CUES.index("place")
    assert sure.row[place] > max(before.row[place], unsure.row[place])
    assert sure.dispersion.mean() < unsure.dispersion.mean()


def test_another_round_does_not_count_the_votes_twice():
    before = found_rows(0)
    once, twice = (LevelSearch(rounds=n).run(levels_of({0: 0.6, 1: 0.4}), FILM, [before])[0] for n in (1, 2))
    assert once.looks[-1] == twice.looks[-1]
    np.testing.assert_array_equal(once.dispersion, twice.dispersion)


def test_parts_that_are_missing_do_not_count():
    points = row()
    points[8:12] = np.nan
    before = found_rows(0)
    holed = Candidate.at(np.where(np.isnan(points), np.nan, before.points))
    rows = tuple(type(r)(r.shift, 0.0, holed if r.shift == 0 else r.candidate) for r in before.rows)
    (after,) = LevelSearch(independence=5.0).run(
        levels_of({1: 1.0}), FILM, [Candidate(**vars(before) | {"rows": rows})]
    )
    assert numbers_of(after.points) == list(range(1, PARTS + 1))


def test_a_row_that_lies_beside_the_film_is_left_as_it_is():
    beside = replace(found_rows(0), points=row() + 5000.0)
    (after,) = LevelSearch().run(levels_of({1: 1.0}), FILM, [beside])
    assert after.looks[-1]["shifted"] == 0
