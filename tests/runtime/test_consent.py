"""Consent: remembered per folder of data and per notice, in the user's own folder of settings."""

from __future__ import annotations

import json

import pytest

from landvote.errors import LandvoteError, SettingError
from landvote.runtime.consent import accept, consent_file, has_accepted


@pytest.fixture(autouse=True)
def _config(tmp_path, monkeypatch):
    monkeypatch.setenv("LANDVOTE_CONFIG", str(tmp_path / "config"))


def test_what_is_accepted_is_remembered_for_that_folder_by_whatever_path(tmp_path, monkeypatch):
    data = tmp_path / "data"
    data.mkdir()
    assert not has_accepted(data, "mind the gap")
    assert not consent_file().exists()
    accept(data, "mind the gap")
    assert consent_file() == tmp_path / "config" / "accepted.json"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(data)
    for path in (data, "data", "link", tmp_path / "data" / ".." / "data"):
        assert has_accepted(path, "mind the gap")
    assert not has_accepted(tmp_path, "mind the gap")
    assert not has_accepted(data, "mind the wider gap")
    assert list(data.iterdir()) == []


def test_what_was_accepted_before_stays(tmp_path):
    for folder, notice in (("a", "one"), ("b", "one"), ("a", "two"), ("a", "one")):
        accept(tmp_path / folder, notice)
    kept = json.loads(consent_file().read_text())
    assert list(kept["accepted"].values()) == [["one", "two"], ["one"]]


@pytest.mark.parametrize("content", ["", "[]", '{"format": 2, "accepted": {}}', '{"accepted": {"/data": "all"}}'])
def test_a_file_that_is_not_as_expected_is_named_and_not_written_over(tmp_path, content):
    consent_file().parent.mkdir()
    consent_file().write_text(content)
    for work in (lambda: has_accepted(tmp_path, "one"), lambda: accept(tmp_path, "one")):
        with pytest.raises(SettingError, match=r"accepted\.json"):
            work()
    assert consent_file().read_text() == content


def test_a_place_that_cannot_be_written_to_is_named(tmp_path):
    (tmp_path / "config").write_text("a file")
    with pytest.raises(LandvoteError, match=r"accepted\.json"):
        accept(tmp_path, "one")


def test_by_default_it_lies_in_the_users_folder_of_settings(monkeypatch):
    monkeypatch.delenv("LANDVOTE_CONFIG")
    assert consent_file().parts[-2:] == ("landvote", "accepted.json")
