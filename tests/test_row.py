"""The row: voters that see parts well and take each for any other; only walking and numbers tell which is which."""

from __future__ import annotations

import numpy as np
import pytest

from landvote.frames import PartPlacing, RowPlacing
from landvote.row import settle, smoothed, walk
from landvote.sample import Radiograph
from landvote.stage import Candidate, Stage, StageSettings
from landvote.votes import VoteMap, Voter

PARTS = 9
GROUPS = tuple(tuple(range(4 * g, 4 * g + 4)) for g in range(PARTS))
CORNERS = np.array([[-20, -12], [20, -12], [-20, 12], [20, 12]], float)
FILM = Radiograph(np.zeros((700, 240), np.uint8), "row.png")
SPACING = 44.0


def row(first=0):
    """Return the points of a bent row that begins with part ``first``; parts before 0 and after 8 look the same."""
    number = np.arange(first, first + PARTS)
    x = 120 + 30 * np.sin(number / 3)
    y = 150 + SPACING * number + number**2
    return (np.column_stack([x, y])[:, None] + CORNERS).reshape(-1, 2)


def numbers_of(points):
    """Return which parts of the endless row the points lie on, and that they lie on them."""
    truth = {g: row(g).reshape(PARTS, 4, 2)[0] for g in range(-4, PARTS + 4)}
    found = []
    for part in points.reshape(PARTS, 4, 2):
        away = {g: np.linalg.norm(part - t, axis=1).max() for g, t in truth.items()}
        found.append(min(away, key=away.get))
        assert away[found[-1]] < 1.5
    return found


class AnyPart(Voter):
    """Votes for the corners of whichever part is nearest to the middle of the view."""

    def vote(self, view):
        width, height = view.frame.size
        parts = [view.frame.to_grid(row(g)[:4]) for g in range(-4, PARTS + 4)]
        middle = (np.array([width, height]) - 1) / 2
        nearest = min(parts, key=lambda p: float(np.linalg.norm(p.mean(axis=0) - middle)))
        votes = np.zeros((4, height, width), np.float32)
        for p, (x, y) in enumerate(nearest):
            if 0 <= round(y) < height and 0 <= round(x) < width:
                votes[p, round(y), round(x)] = 1
        return VoteMap(votes, 1, 1.5)

    def fit(self, *_): ...

    def save(self, _): ...

    def load(self, _): ...


class Counter(AnyPart):
    """Votes everywhere for the number of the part nearest to the middle; ``certain`` of its votes, the rest for all."""

    def __init__(self, certain, off=0):
        self.certain, self.off = certain, off

    def vote(self, view):
        width, height = view.frame.size
        middle = (np.array([width, height]) - 1) / 2
        away = [np.linalg.norm(view.frame.to_grid(row(g)[:4]).mean(axis=0) - middle) for g in range(-4, PARTS + 4)]
        number = int(np.clip(np.argmin(away) - 4 + self.off, -1, PARTS))
        votes = np.full((PARTS + 2, height, width), (1 - self.certain) / (PARTS + 2), np.float32)
        votes[number + 1] += self.certain
        return VoteMap(votes, 1, 0)


def stage(name, look, placing, voter):
    made = Stage(name, StageSettings(look=look, size=placing.size), lambda _: voter)
    made.placing, made.voter = placing, voter
    return made


@pytest.fixture
def parts():
    return stage("parts", "parts", PartPlacing.fit([row()], (64, 64), GROUPS, 0.25), AnyPart())


def numbers(certain, ends_known, off=0):
    """Return the stage that tells numbers; where rows end on films is known to a tenth, or not at all."""
    wide = PartPlacing.fit([row()], (96, 96), GROUPS, 0.38)
    known = RowPlacing.fit([row()], [FILM.size], (96, 96), GROUPS, 0.38)
    placing = RowPlacing(wide, known.middle, np.eye(2) * (0.01 if ends_known else 1e6))
    return stage("numbers", "row", placing, Counter(certain, off))


def known(points):
    return Candidate(points, np.ones(len(points)))


@pytest.mark.parametrize("off", [0.0, 0.4, -0.4, 0.45, 1.3])
def test_walking_finds_each_part_once_though_the_row_was_between_two(parts, off):
    points = row() + np.array([0.0, off * SPACING])
    found = numbers_of(walk(parts, FILM, known(points)).points)
    assert found == list(range(found[0], found[0] + PARTS))
    assert abs(found[0] - off) <= 1


def test_a_part_known_to_be_where_its_neighbour_is_is_found_in_its_own_place(parts):
    points = row()
    points[16:20] = points[20:24] + 3  # part 4 where part 5 is
    assert numbers_of(walk(parts, FILM, known(points)).points) == list(range(PARTS))


def test_what_was_missing_is_found(parts):
    points = row()
    points[8:16] = np.nan
    assert numbers_of(walk(parts, FILM, known(points)).points) == list(range(PARTS))


def test_a_row_of_which_nothing_is_known_stays_unknown(parts):
    assert np.isnan(walk(parts, FILM, known(np.full((4 * PARTS, 2), np.nan))).points).all()


@pytest.mark.parametrize("shift", [-2, -1, 0, 1, 2])
@pytest.mark.parametrize(("certain", "ends_known"), [(0.9, False), (0.0, True)], ids=["numbers", "ends"])
def test_a_shifted_row_is_shifted_back(parts, shift, certain, ends_known):
    found = settle(numbers(certain, ends_known), parts, FILM, known(row(shift)))
    assert numbers_of(found.points) == list(range(PARTS))
    assert found.looks[-1]["shifted"] == -shift
    assert sum(found.looks[-1]["probable"]) == pytest.approx(1)
    assert found.error.max() < 0.5 * SPACING


def test_ends_outvote_numbers_that_are_wrong_by_one(parts):
    assert numbers_of(settle(numbers(0.4, True, off=1), parts, FILM, known(row())).points) == list(range(PARTS))


def test_where_nothing_tells_the_rows_apart_the_error_to_expect_is_of_whole_parts(parts):
    found = settle(numbers(0.0, False), parts, FILM, known(row()))
    assert found.error.min() > 0.9 * SPACING


def test_a_smooth_row_stays_and_what_went_astray_is_brought_back():
    straight = row()
    np.testing.assert_allclose(smoothed(straight, GROUPS), straight, atol=2)
    astray = straight.copy()
    astray[12:16] += [70.0, -30.0]
    np.testing.assert_allclose(smoothed(astray, GROUPS), straight, atol=4)
    astray[12:16] = np.nan
    np.testing.assert_allclose(smoothed(astray, GROUPS), straight, atol=4)
    few = np.full_like(straight, np.nan)
    few[:4] = straight[:4]
    np.testing.assert_array_equal(smoothed(few, GROUPS), few)
