"""Judging: what is known of the errors on films, and what they are; also of rows, and what is kept of it in a file."""

from types import SimpleNamespace

import numpy as np
import pytest

from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.errors import ModelError
from landvote.localiser.conditions import Conditions
from landvote.localiser.judging import Turn, judge_all
from landvote.localiser.look import Candidate
from landvote.localiser.plan import TimeLimit
from landvote.uncertainty import CUES, FILM_CUES, ROW_CUES, Cues

PARTS = tuple((2 * g, 2 * g + 1) for g in range(6))
EVERY = tuple(map(str, range(12)))
ROW = Scheme(name="row", landmarks=EVERY, file_points=12, columns=tuple(range(12)), repeats=PARTS, order="down")


def points(first=0):
    return np.array([(x, 100 + 40.0 * g) for g in range(first, first + 6) for x in (50, 90)])


def judged(found, scheme=ROW):
    """Return what is judged of films on which a localiser finds some points, and what was true."""
    rng, left = np.random.default_rng(0), list(found)
    localiser = SimpleNamespace(search=lambda _: Candidate.at(left.pop(0)), scheme=scheme, looks=[])
    cues = SimpleNamespace(
        cues=lambda *_: Cues(
            rng.normal(size=(12, len(CUES))), rng.normal(size=len(FILM_CUES)), rng.normal(size=(12, 2, 2)), 2.0,
            rng.normal(size=len(ROW_CUES)),
        )
    )  # fmt: skip
    films = [Sample(f"{i}.png", lambda: None, scheme, {"": points()}, subject=f"s{i}") for i in range(len(found))]
    return films, judge_all(localiser, cues, films, Conditions(), TimeLimit(None))


def test_rows_that_are_off_by_parts_are_told():
    _, told = judged([points(), points(1), points(-2), points() + 15])
    assert [film.shifted for film in told] == [0.0, 1.0, 1.0, 0.0]
    np.testing.assert_allclose(told[1].distance, 40)
    _, told = judged([points(1)], scheme=ROW.model_copy(update={"order": ""}))
    assert np.isnan(told[0].shifted)


def test_a_turn_survives_its_file_and_takes_subjects_from_the_films(tmp_path):
    films, told = judged([points(), points(1), points() + 3])
    turn = Turn(told[:2], ("global: 3 of 3 steps",))  # for want of time the last film was not judged
    turn.save(tmp_path / "t.npz")
    again = Turn.load(tmp_path / "t.npz", films)
    assert again.learned == turn.learned
    assert [film.subject for film in again.judged] == ["s0", "s1"]
    for one, other in zip(turn.judged, again.judged, strict=True):
        np.testing.assert_array_equal(one.cues.both, other.cues.both)
        np.testing.assert_array_equal(one.cues.row, other.cues.row)
        np.testing.assert_array_equal(one.cues.covariance, other.cues.covariance)
        np.testing.assert_array_equal(one.errors, other.errors)
        assert (one.shifted, one.cues.cell) == (other.shifted, other.cues.cell)
    (tmp_path / "t.npz").write_bytes(b"")
    with pytest.raises(ModelError, match=r"t\.npz: cannot be read"):
        Turn.load(tmp_path / "t.npz", films)


def test_a_turn_without_films_survives_too(tmp_path):
    Turn([], ()).save(tmp_path / "t.npz")
    assert Turn.load(tmp_path / "t.npz", []) == Turn([], ())
