"""The log: what was written is read again, half a line is dropped and said, anything else broken is named."""

from __future__ import annotations

import json

import pytest

from landvote.errors import DataError
from landvote.review.edits.log import Change, Edit, Log, Mark, Proposed, Ruler, RulerChange, SchemeChange
from reviewing import THREE

EDIT = Edit(
    "2026-01-02T03:04:05+00:00", "Ana", "hips/ä.dcm", "ab", "set", ("open", "approved"),
    (Change("tip", None, Mark("placed", 1.5, -2.0, "accepted"), (1.5, -2.0)),
     Change("base", Mark("occluded", 3, 4, "imported"), Mark("missing", None, None, "changed"))), 7, "cd",
)  # fmt: skip


def test_an_edit_is_read_as_it_was_written():
    assert Edit.parse("here", EDIT.line().encode()) == EDIT


def test_edits_are_appended_replayed_and_read_by_number(tmp_path):
    log = Log(tmp_path / "edits.jsonl")
    other = Edit("2026-01-02T03:04:05+00:00", "Bo", "x", "", "approve", shown=8400, blind={"tip": (1.0, 2.5)})
    log.append(EDIT)
    log.append(other, EDIT)
    again = Log(tmp_path / "edits.jsonl")
    assert list(again.replay()) == [EDIT, other, EDIT]
    assert (len(again), again.read(1), log.read(2), again.dropped) == (3, other, EDIT, 0)


def test_a_last_line_that_was_cut_short_is_dropped_and_no_other(tmp_path):
    file = tmp_path / "edits.jsonl"
    Log(file).append(EDIT, EDIT)
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"format": 1, "wh')
    log = Log(file)
    assert (log.dropped, len(list(log.replay()))) == (17, 2)
    log.append(EDIT)
    assert file.read_bytes() == whole + EDIT.line().encode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"set"', b'"sit"'), (b'"placed"', b'"place"'), (b"1.5", b'"x"'), (b'"format": 1', b'"format": 9'),
        (b'["missing", null', b'["missing", 3'), (b"{", b"["), (b'"open"', b'"ajar"'), (b"\n", b"\xff\n"),
        (b"+00:00", b""), (b"2026", b"26"), (b'"model"', b'"shown": "x", "model"'),
        (b'"model"', b'"blind": [1], "model"'),
    ],
)  # fmt: skip
def test_a_line_that_is_no_edit_is_named(tmp_path, old, new):
    file = tmp_path / "edits.jsonl"
    line = EDIT.line().encode()
    assert old in line
    file.write_bytes(line + line.replace(old, new, 1) + line)
    with pytest.raises(DataError, match=r"edits.jsonl, line 2: "):
        list(Log(file).replay())


def test_a_log_to_be_read_only_is_left_as_it_is(tmp_path):
    file = tmp_path / "edits.jsonl"
    assert list(Log(file, read_only=True).replay()) == []
    assert not file.exists()
    file.write_bytes(EDIT.line().encode() + b"half")
    log = Log(file, read_only=True)
    assert list(log.replay()) == [EDIT]
    with pytest.raises(DataError, match="expected no edits"):
        log.append(EDIT)
    assert file.read_bytes().endswith(b"half")


@pytest.mark.parametrize(
    "told",
    [{"act": "ruler"}, {"act": "scheme"}, {"act": "set", "scheme": {"old": None, "new": {}, "renamed": {}}},
     {"act": "ruler", "ruler": {"old": None, "new": [0, 0, 0, 0, 1], "films": ["a"]}},
     {"act": "ruler", "ruler": {"old": None, "new": [0, 0, 3, 4, 1], "films": []}},
     {"act": "ruler", "ruler": {"old": None, "new": [0, 0, 3, 4], "films": ["a"]}}],
)  # fmt: skip
def test_a_line_of_a_broken_scheme_or_ruler_is_named(told):
    whole = json.loads(Edit("2026-01-01T00:00:00+00:00", "Ana", "a", "", "set").line()) | told
    with pytest.raises(DataError, match=r"edits\.jsonl, line 1: .*expected"):
        Edit.parse("edits.jsonl, line 1", json.dumps(whole).encode())


def test_a_change_of_the_scheme_and_a_ruler_come_back_as_they_were_written():
    change = SchemeChange(None, THREE, {"a": "tip"})
    ruler = RulerChange(None, Ruler(0, 0, 3, 4, 2.5), ("a", "b"))
    for edit in (
        Edit("2026-01-01T00:00:00+00:00", "Ana", "", "", "scheme", scheme=change),
        Edit("2026-01-01T00:00:00+00:00", "Ana", "a", "hash", "ruler", ruler=ruler),
    ):
        assert Edit.parse("", edit.line().encode()) == edit
    assert ruler.new.mm == 0.5


WHEN = "2026-01-01T00:00:00+00:00"
TIP = Proposed(1.5, 2.0, None, None)


def test_an_edit_tells_what_it_proposes_and_others_say_nothing_of_it():
    proposes = {"tip": TIP, "base": Proposed(3.0, 4.0, 0.5, (1.0, 0.0, 2.0))}
    for edit in (
        Edit(WHEN, "Ana", "a.png", "", "settle", proposes=proposes),
        Edit(WHEN, "Ana", "a.png", "", "approve", machine={"tip": (1.0, 2.0), "base": None}),
    ):
        assert Edit.parse("here", edit.line().encode()) == edit
    assert not {"proposes", "machine"} & set(json.loads(Edit(WHEN, "Ana", "a.png", "", "approve").line()))


@pytest.mark.parametrize("proposes", ['{"tip": [1, 2]}', '{"tip": [1, null, null, null]}', '{"tip": 1}', "[1]"])
def test_a_line_that_proposes_nonsense_is_named(proposes):
    line = Edit(WHEN, "Ana", "a.png", "", "settle", proposes={"tip": TIP}).line()
    broken = line.replace('{"tip": [1.5, 2.0, null, null]}', proposes)
    assert broken != line
    with pytest.raises(DataError, match=r"here: .*expected an edit"):
        Edit.parse("here", broken.encode())
