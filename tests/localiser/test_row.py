"""The row: a voter that sees parts well and takes each for any other; only walking and the film tell which is which."""

from __future__ import annotations

import numpy as np
import pytest

from landvote.frames import FilmPlacing, PartPlacing
from landvote.localiser import Localiser
from landvote.polarity import Polarity
from landvote.row import settled, smoothed, walk
from landvote.sample import Radiograph
from landvote.scheme import Scheme
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

    computed_on = "cpu"

    def fit(self, *_): ...

    def save(self, _): ...

    def load(self, _): ...


def looking(spread):
    """Return the stage that finds parts; ``spread`` is the variance of where rows end on films, as a logarithm."""
    learned = PartPlacing.fit([row()], [(240, 700)], (64, 64), GROUPS, 0.25)
    placing = PartPlacing((64, 64), GROUPS, learned.layouts, learned.middle, np.eye(2) * spread)
    voter = AnyPart()
    stage = Stage("parts", StageSettings(look="parts", size=placing.size), lambda _: voter)
    stage.placing, stage.voter = placing, voter
    return stage


@pytest.fixture
def parts():
    return looking(0.01)


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
def test_a_shifted_row_is_shifted_back_to_where_rows_lie_on_films(parts, shift):
    found = settled(parts, FILM, known(row(shift)))
    assert numbers_of(found.points) == list(range(PARTS))
    assert found.looks[-1]["shifted"] == -shift
    assert found.looks[-1]["probable"] > 0.9
    assert len(found.looks) == PARTS + 1  # the last look at each part, and what was decided
    assert found.error.max() < 0.5 * SPACING


def test_where_rows_lie_anywhere_the_row_stays_and_the_error_to_expect_is_of_whole_parts():
    found = settled(looking(1e6), FILM, known(row(1)))
    assert numbers_of(found.points) == list(range(1, PARTS + 1))
    assert found.looks[-1]["probable"] < 0.4
    assert found.error.min() > 0.5 * SPACING


def test_a_row_of_one_part_has_nowhere_to_be_shifted_to():
    one = PartPlacing.fit([row()[:4]], [(240, 700)], (64, 64), GROUPS[:1], 0.25)
    stage = Stage("parts", StageSettings(look="parts", size=one.size), lambda _: AnyPart())
    stage.placing, stage.voter = one, AnyPart()
    found = settled(stage, FILM, walk(stage, FILM, known(row()[:4] + 2)))
    np.testing.assert_allclose(found.points, row()[:4], atol=1.5)


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


def test_of_a_row_of_which_nothing_is_known_nothing_is_decided(parts):
    nothing = known(np.full((4 * PARTS, 2), np.nan))
    found = settled(parts, FILM, nothing)
    assert np.isnan(found.points).all()
    assert found.looks[-1]["shifted"] == 0


class Coarse(AnyPart):
    """Votes for all landmarks of the row, as if it lay ``off`` parts further down."""

    def __init__(self, off):
        self.off = off

    def vote(self, view):
        width, height = view.frame.size
        votes = np.zeros((4 * PARTS, height, width), np.float32)
        for p, (x, y) in enumerate(view.frame.to_grid(row() + np.array([0.0, self.off * SPACING]))):
            votes[p, np.clip(round(y), 0, height - 1), np.clip(round(x), 0, width - 1)] = 1
        return VoteMap(votes, 1, 1.5)


@pytest.mark.parametrize("off", [0.0, 0.45, 1.0, -0.6])
def test_a_localiser_walks_the_row_and_settles_it(parts, off):
    every = tuple(range(4 * PARTS))
    names = tuple(map(str, every))
    scheme = Scheme(name="row", landmarks=names, file_points=len(every), columns=every, groups=GROUPS)
    coarse = Stage("global", StageSettings(look="film", size=(120, 350)), lambda _: Coarse(off))
    coarse.placing, coarse.voter = FilmPlacing((120, 350), 0.05, every), Coarse(off)
    one = Localiser(scheme, [coarse, parts])
    one.polarity = Polarity(np.zeros(24 * 24))
    assert numbers_of(one.locate(FILM).points) == list(range(PARTS))
