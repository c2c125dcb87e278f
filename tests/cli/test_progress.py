"""Progress where there is no terminal: a line when a stage ends and now and then before; rank 0 alone speaks."""

from __future__ import annotations

import pytest

from landvote.cli import progress
from landvote.cli.progress import counting, in_words, training
from landvote.runtime.events import FilmLocated, FilmRead, ForestGrown, Note, Planned, StageBegun, StageEnded, StepTaken


@pytest.fixture
def clock(monkeypatch):
    """Return the list whose one number is the time."""
    at = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: at[0])
    return at


def told(capsys, *events):
    with training() as listener:
        for event in events:
            listener(event)
    return capsys.readouterr().err.splitlines()


def test_the_last_line_of_a_stage_is_told_when_it_ends(capsys, clock):
    steps = [StepTaken("local", i, i / 4, 1.0 / i, 2.0) for i in (1, 2, 3, 4)]
    lines = told(
        capsys, FilmRead("learning", 9, 9), StageBegun("local"), *steps, StageEnded("local"), FilmLocated(1, 1)
    )
    assert lines[-1] == "local: 100%, step 4, loss 0.25, error on held-out films 2.00 cells"
    assert len(lines) == 2  # the first, and the last


def test_lines_come_every_half_minute(capsys, clock):
    with training() as listener:
        for done in range(1, 9):
            listener(ForestGrown("local", done, 8))
            clock[0] += 10.0
        listener(StageEnded("local"))
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "local: 12%, landmark 1 of 8", "local: 62%, landmark 5 of 8", "local: 100%, landmark 8 of 8",
    ]  # fmt: skip


def test_a_note_is_told_at_once_and_an_error_that_is_not_known_is_left_out(capsys, clock):
    lines = told(capsys, Note("for want of time"), StepTaken("local", 1, 0.0, 1.0, float("nan")), StageEnded("local"))
    assert lines == ["for want of time", "local: 0%, step 1, loss 1"]


@pytest.mark.parametrize(("minutes", "words"), [
    (0.2, "a minute"), (1.4, "a minute"), (1.6, "2 minutes"), (38.2, "38 minutes"), (89.0, "89 minutes"),
    (100.0, "1.7 hours"), (1440.0, "24.0 hours"),
])  # fmt: skip
def test_how_long_it_takes_is_said_at_once_and_in_words(capsys, clock, minutes, words):
    assert in_words(minutes) == words
    lines = told(capsys, FilmRead("learning", 3, 60), Planned(minutes), FilmRead("learning", 60, 60))
    assert lines == ["reading: 5%, film 3 of 60", f"this takes about {words} on this machine"]


def test_long_counts_are_told_every_half_minute_with_the_time_left_and_short_ones_not_at_all(capsys, clock):
    with counting("checking") as update:
        for done in range(10):
            update(done, 10)
            clock[0] += 9.0
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in lines] == ["checking: 4 of 10", "checking: 8 of 10"]
    assert all(line.endswith("left") for line in lines)
    with counting("checking") as update:
        update(1, 2)
        update(2, 2)
    assert capsys.readouterr().err == ""
