"""The state of a film: time, actions, and what was there at the first approval."""

from __future__ import annotations

import pytest

from landvote.review.edits.log import Change, Edit, Mark
from landvote.review.edits.state import FilmState


def edit(second, act="set", x=1.0, verdict="open", **more):
    minutes, seconds = divmod(second, 60)
    when = f"2026-01-02T03:{minutes:02}:{seconds:02}+00:00"
    change = Change("tip", None, Mark("placed", x, 2.0, "changed"), more.pop("proposed", None))
    return Edit(when, "Ana", "film", "hash", act, ("open", verdict), (change,) if act == "set" else (), **more)


def state_of(*edits):
    state = FilmState()
    for number, each in enumerate(edits):
        state.apply("log", number, each)
    return state


@pytest.mark.parametrize(
    ("edits", "seconds"),
    [
        ([edit(0)], 0),  # an old log, which tells of no opening
        ([edit(0), edit(20)], 20),
        ([edit(0, shown=8000), edit(20, shown=28_000)], 28),
        ([edit(0, shown=200_000), edit(200, shown=400_000)], 120),  # two long pauses, a minute each
        ([edit(0, shown=8000), edit(500, shown=3000)], 11),  # it was opened a second time
        ([edit(20), edit(10)], 0),  # the clock was set back
    ],
)
def test_the_time_of_a_film_is_between_its_edits_and_since_it_was_opened(edits, seconds):
    state = state_of(*edits)
    assert (state.seconds, state.actions) == (seconds, len(edits))


def test_points_that_came_with_the_data_took_no_time():
    state = state_of(edit(0, "import", verdict="approved"), edit(50, shown=4000))
    assert (state.seconds, state.actions, state.order) == (4, 1, None)


def test_the_marks_of_the_first_approval_stay_as_they_were():
    state = state_of(edit(0, x=1.0), edit(1, "approve", verdict="approved"))
    first = state.first
    state.apply("log", 2, edit(2, x=9.0))
    state.apply("log", 3, edit(3, "approve", verdict="approved"))
    assert state.first is first
    assert (first["tip"].x, state.marks["tip"].x, state.order) == (1.0, 9.0, 1)


def test_what_was_offered_is_what_was_shown_last():
    state = state_of(edit(0, proposed=(1.0, 1.0)), edit(1, proposed=(3.0, 3.0)))
    assert (state.offered, state.prompted) == ({"tip": (3.0, 3.0)}, True)
    state.apply("log", 2, edit(2))
    assert state.offered == {}
