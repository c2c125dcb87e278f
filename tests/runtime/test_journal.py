"""Journals: what was written stays, half a line does not, and a file that cannot be written is named."""

from __future__ import annotations

import pytest

from landvote.errors import DataError
from landvote.runtime.journal import Journal


def test_lines_are_on_the_disk_at_once_and_counted_by_the_next(tmp_path):
    first = Journal(tmp_path / "j")
    first.append("a\n")
    first.append("ü\n")
    assert (tmp_path / "j").read_text(encoding="utf-8") == "a\nü\n"
    assert (first.lines, Journal(tmp_path / "j").lines) == (2, 2)


def test_a_line_that_was_not_written_to_its_end_is_cut_off(tmp_path):
    (tmp_path / "j").write_bytes(b"whole\nhal")
    journal = Journal(tmp_path / "j")
    assert (journal.lines, journal.length, journal.cut) == (1, 6, 3)
    journal.append("next\n")
    assert (tmp_path / "j").read_bytes() == b"whole\nnext\n"


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nothing/j: cannot be written \(No such file"):
        Journal(tmp_path / "nothing" / "j")


def test_what_a_failed_append_left_is_overwritten_by_the_next(tmp_path, monkeypatch):
    journal = Journal(tmp_path / "j")
    journal.append("one\n")

    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(DataError, match="No space left"):
            journal.append("a line that is long\n")
    journal.append("two\nthree\n")
    assert (tmp_path / "j").read_text() == "one\ntwo\nthree\n"
    assert (journal.lines, Journal(tmp_path / "j").cut) == (3, 0)
