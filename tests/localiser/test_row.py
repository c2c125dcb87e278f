"""The row: a voter that sees parts well and takes each for any other; only tracking and the film tell them apart."""

from dataclasses import replace

import numpy as np
import pytest

from landvote.data.polarity import Polarity
from landvote.data.scheme import Scheme
from landvote.frames.placings import FilmPlacing, RowSettings
from landvote.localiser import Localiser, Stage, StageSettings
from landvote.localiser.look import Look
from landvote.localiser.old_scales import OldScales
from landvote.localiser.peaks import Peaks
from landvote.localiser.row import RowSearch, smoothed
from landvote.uncertainty import ROW_CUES
from rows import FILM, GROUPS, PARTS, SCHEME, SPACING, any_part, known, numbers_of, row
from toys import Eyes, SeerSettings, shapes_of, votes_at

SEARCH = RowSearch()


def looking(spread):
    """Return the look at parts; ``spread`` is the variance of where rows end on films, as a logarithm."""
    learned = RowSettings(size=(64, 64), border=0.25).fit(shapes_of([row()], [(240, 700)], parts=GROUPS))
    return Look("parts", replace(learned, covariance=np.eye(2) * spread), Eyes(any_part), Peaks(), SCHEME)


def walk(look, film, known):
    """Return what one round finds."""
    (found,) = SEARCH.look_once(look, film, known)
    return found


@pytest.fixture
def parts():
    return looking(0.01)


@pytest.mark.parametrize("off", [0.0, 0.4, -0.4, 0.45, 1.3])
def test_tracking_finds_each_part_once_though_the_row_was_between_two(parts, off):
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
    found = SEARCH.settle(parts, FILM, known(row(shift)))
    assert numbers_of(found.points) == list(range(PARTS))
    assert found.looks[-1]["shifted"] == -shift
    assert found.looks[-1]["probable"] > 0.9
    assert len(found.looks) == PARTS + 1  # the last look at each part, and what was decided
    assert found.dispersion.max() < 0.5 * SPACING


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_cues_tell_where_the_row_would_begin_and_end_else(shift):
    """Parts before the row have half the votes, parts after it a fifth."""
    truth = row()

    def fading(view):
        parts = {g: view.frame.to_grid(row(g)[:4]) for g in range(-4, PARTS + 4)}
        middle = (np.array(view.frame.size) - 1) / 2
        nearest = min(parts, key=lambda g: float(np.linalg.norm(parts[g].mean(axis=0) - middle)))
        made = votes_at(parts[nearest].round(), view.frame.size)
        return replace(made, votes=made.votes * (0.5 if nearest < 0 else 1.0 if nearest < PARTS else 0.2))

    look = replace(looking(1e6), voter=Eyes(fading))
    found = SEARCH.settle(look, FILM, replace(known(truth), points=row(shift)))
    cues = dict(zip(ROW_CUES, np.exp(found.row), strict=True))
    beyond = {-1: (0.5, 1.0, 0.5, 1.0), 0: (0.5, 0.2, 1.0, 1.0), 1: (1.0, 0.2, 1.0, 0.2)}[shift]
    assert [cues[name] for name in ("before", "after", "first", "last")] == pytest.approx(beyond, rel=0.3)
    assert found.row[ROW_CUES.index("moved")] == 0
    assert found.row[ROW_CUES.index("place")] < 0.5  # five rows, none likelier than others by its place


def test_a_row_that_was_moved_to_its_place_says_so(parts):
    cues = dict(zip(ROW_CUES, SEARCH.settle(parts, FILM, known(row(1))).row, strict=True))
    assert cues["moved"] == 1
    assert cues["place"] > 2


def test_where_rows_lie_anywhere_the_row_stays_and_the_error_to_expect_is_of_whole_parts():
    found = SEARCH.settle(looking(1e6), FILM, known(row(1)))
    assert numbers_of(found.points) == list(range(1, PARTS + 1))
    assert found.looks[-1]["probable"] < 0.4
    assert found.dispersion.min() > 0.5 * SPACING


def test_a_row_of_one_part_has_nowhere_to_be_shifted_to():
    one = RowSettings(size=(64, 64), border=0.25).fit(shapes_of([row()[:4]], [(240, 700)], parts=GROUPS[:1]))
    look = Look("parts", one, Eyes(any_part), Peaks(), SCHEME)
    found = SEARCH.settle(look, FILM, walk(look, FILM, known(row()[:4] + 2)))
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
    found = SEARCH.settle(parts, FILM, nothing)
    assert np.isnan(found.points).all()
    assert found.looks[-1]["shifted"] == 0


@pytest.mark.parametrize("rounds", [1, 2])
@pytest.mark.parametrize("off", [0.0, 0.45, 1.0, -0.6])
def test_a_localiser_tracks_the_row_and_settles_it(parts, off, rounds):
    every = tuple(range(4 * PARTS))
    names = tuple(map(str, every))
    scheme = Scheme(name="row", landmarks=names, file_points=len(every), columns=every, repeats=GROUPS, order="down")
    down = np.array([0.0, off * SPACING])  # the coarse stage sees the row as if it lay so much further down
    coarse = Eyes(lambda view: votes_at(inside(view.frame.to_grid(row() + down), view.frame.size), view.frame.size))
    first, second = (
        StageSettings(name=name, placing={"kind": kind, "size": (64, 64)}, voter=SeerSettings(), search=search)
        for name, kind, search in (
            ("global", "film", {"kind": "poses"}), ("parts", "row", {"kind": "row", "rounds": rounds}),
        )
    )  # fmt: skip
    whole = Look("global", FilmPlacing((120, 350), 0.05, every), coarse, Peaks(), SCHEME)
    one = Localiser(
        scheme, (Stage(first, whole), Stage(second, parts)), Polarity(np.zeros(24 * 24)), OldScales(np.ones(2))
    )
    found = one.locate(FILM)
    assert numbers_of(found.points) == list(range(PARTS))
    assert found.details["looks"][-1]["stage"] == "parts"


def inside(points, size):
    return np.clip(points.round(), 0, np.array(size) - 1)
