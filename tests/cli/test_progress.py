"""Progress where there is no terminal: a line when a stage ends and now and then before; rank 0 alone speaks."""

from __future__ import annotations

import pytest

from landvote.cli import progress
from landvote.cli.progress import training
from landvote.runtime.events import FilmLocated, FilmRead, ForestGrown, Note, StageBegun, StageEnded, StepTaken


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
