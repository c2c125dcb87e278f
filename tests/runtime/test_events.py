"""Events: plain records of what happens; a log of them can be read by another process while it is written."""

from __future__ import annotations

import json
import math
import threading

import pytest

from landvote.errors import DataError
from landvote.runtime import events
from landvote.runtime.events import (
    Ended,
    Event,
    EventLog,
    Failed,
    FilmLocated,
    FilmRead,
    ForestGrown,
    Logged,
    Note,
    RunsProgressed,
    StageBegun,
    StageEnded,
    StepTaken,
    Stopped,
    ignore,
    record,
)

EACH = [
    events.Planned(38.0),
    StageBegun("local"), FilmRead("learning", 1, 9), StepTaken("local", 3, 0.5, 1.25, 2.5), ForestGrown("local", 2, 4),
    events.StageShortened("local", "steps", 1510, 2100, 0.55), events.StageLearned("local", "steps", 9, 10, late=True),
    StageEnded("local"), events.FilmSimulated(2, 9), FilmLocated(1, 0), events.FilmFailed("a.png", "cut short"),
    events.FilmUnknown("hand.png"),
    events.OverlayFailed("a.png", "no space"),
    RunsProgressed(1, 4, 0.25, 30.0), Note("für alle"), Ended(1.5), Stopped(0.5), Failed("no\nfilm"),
]  # fmt: skip


@pytest.fixture
def clock(monkeypatch):
    """Return a function that sets the time."""
    monkeypatch.setattr(events.time, "time", lambda: at[0])
    at = [1000.0]

    def moved(seconds):
        at[0] += seconds

    return moved


def read(file):
    return [logged.event for logged in Logged.read(file)]


def test_every_kind_of_event_is_tried_here():
    assert {type(event) for event in EACH} == set(Event.__subclasses__())


@pytest.mark.parametrize("event", EACH, ids=lambda e: type(e).__name__)
def test_an_event_survives_the_log(tmp_path, event):
    EventLog(tmp_path / "events.jsonl")(event)
    (logged,) = Logged.read(tmp_path / "events.jsonl")
    assert logged.event == event
    assert logged.time > 1.7e9
    assert ignore(event) is None


def test_a_record_is_plain_json_and_what_is_not_finite_is_null(tmp_path):
    event = StepTaken("local", 1, 0.0, math.inf, math.nan)
    assert record(event) == {"event": "StepTaken", "stage": "local", "step": 1, "progress": 0.0, "loss": None,
                             "validation": None}  # fmt: skip
    EventLog(tmp_path / "e")(event)
    assert "NaN" not in (tmp_path / "e").read_text()
    (found,) = read(tmp_path / "e")
    assert math.isnan(found.loss)
    assert math.isnan(found.validation)


def test_of_frequent_events_one_a_second_is_kept_and_the_last_before_any_other(tmp_path, clock):
    log = EventLog(tmp_path / "e")
    for done in range(1, 6):
        log(FilmRead("local", done, 9))
        clock(0.4)
    log(StageEnded("local"))
    assert read(tmp_path / "e") == [*(FilmRead("local", i, 9) for i in (1, 4, 5)), StageEnded("local")]
    log(StageEnded("fine"))
    assert len(read(tmp_path / "e")) == 5  # none is written twice


def test_kinds_do_not_wait_for_each_other(tmp_path, clock):
    log = EventLog(tmp_path / "e")
    log(FilmRead("local", 1, 9))
    log(StepTaken("local", 1, 0.0, 0.0, 0.0))
    clock(0.1)
    log(FilmRead("local", 2, 9))
    assert [type(event) for event in read(tmp_path / "e")] == [FilmRead, StepTaken]


def test_a_later_call_goes_on_in_the_same_file(tmp_path):
    for minutes in (1.0, 2.0):
        EventLog(tmp_path / "e")(Ended(minutes))
    assert read(tmp_path / "e") == [Ended(1.0), Ended(2.0)]


def test_a_last_line_that_is_not_whole_yet_is_left_out(tmp_path):
    EventLog(tmp_path / "e")(Note("one"))
    with (tmp_path / "e").open("a") as file:
        file.write('{"event": "No')
    assert read(tmp_path / "e") == [Note("one")]
    assert read(tmp_path / "absent") == []


@pytest.mark.parametrize("line", ["nonsense", "[1]", '{"event": "Unheard", "time": 1}', '{"time": 1, "event": "Note"}',
                                  '{"event": "Note", "text": "x"}'])  # fmt: skip
def test_a_line_that_is_no_event_is_named(tmp_path, line):
    (tmp_path / "e").write_text('{"time": 1, "event": "Note", "text": "x"}\n' + line + "\n")
    with pytest.raises(DataError, match=r"e, line 2: not an event"):
        read(tmp_path / "e")


def test_a_log_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(DataError, match=r"absent.*cannot be written"):
        EventLog(tmp_path / "absent" / "e")(Note("x"))


def test_lines_of_several_threads_are_whole(tmp_path):
    def write(number):
        log = EventLog(tmp_path / "e")
        for i in range(50):
            log(Note(f"{number} {i} " + "x" * 300))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read(tmp_path / "e")) == 200
    assert all(json.loads(line) for line in (tmp_path / "e").read_text().splitlines())


def test_how_far_a_forest_is_is_a_share():
    assert ForestGrown("local", 1, 4).progress == 0.25


def test_a_log_that_is_no_text_is_named(tmp_path):
    (tmp_path / "e").write_bytes(b"{}\n\x80\n")
    with pytest.raises(DataError, match=r"e, line 2: not UTF-8"):
        list(Logged.read(tmp_path / "e"))
