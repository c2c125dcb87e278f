"""Keyed hashes: the same for the same text and key, and of no use without the key."""

import hashlib
import os
import stat
import subprocess
import sys

import pytest

from landvote.errors import SettingError
from landvote.runtime.privacy import key_file, keyed_hash


@pytest.fixture
def key(tmp_path, monkeypatch):
    file = tmp_path / "deep" / "patients.key"
    monkeypatch.setenv("LANDVOTE_KEY", str(file))
    return file


def test_a_hash_depends_on_text_and_key(key, monkeypatch, tmp_path):
    first = keyed_hash("Doe^Jane")
    assert (len(first), keyed_hash("Doe^Jane"), keyed_hash("")) == (32, first, "")
    assert keyed_hash("Doe^John") != first
    assert first not in hashlib.sha256(b"Doe^Jane").hexdigest()
    monkeypatch.setenv("LANDVOTE_KEY", str(tmp_path / "other.key"))
    assert keyed_hash("Doe^Jane") != first
    monkeypatch.setenv("LANDVOTE_KEY", str(key))
    assert keyed_hash("Doe^Jane") == first


@pytest.mark.skipif(os.name != "posix", reason="modes of files are those of POSIX")
def test_nobody_else_may_read_the_key(key):
    keyed_hash("a")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700


def test_another_process_has_the_same_key(key):
    code = "from landvote.runtime.privacy import keyed_hash; print(keyed_hash('a'))"
    first = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert {process.communicate()[0].strip() for process in first} == {keyed_hash("a")}


def test_a_broken_key_is_named(key):
    key.parent.mkdir()
    key.write_bytes(b"short")
    with pytest.raises(SettingError, match=r"patients\.key: 5 bytes, expected the 32"):
        keyed_hash("a")


def test_a_key_that_cannot_be_made_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LANDVOTE_KEY", str(tmp_path / "file" / "patients.key"))
    with pytest.raises(SettingError, match=r"cannot be read or made .* LANDVOTE_KEY"):
        keyed_hash("a")


def test_without_the_variable_it_lies_in_the_users_own_folder(monkeypatch):
    monkeypatch.delenv("LANDVOTE_KEY")
    assert key_file().name == "patients.key"
    assert "landvote" in key_file().parts
