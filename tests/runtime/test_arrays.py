"""Arrays in files: they come back as they were, or the file is named; whatever happened to its bytes."""

from __future__ import annotations

import numpy as np
import pytest

from landvote.errors import DataError, ModelError
from landvote.runtime.arrays import load_arrays, save_arrays

ARRAYS = {"points": np.arange(6.0).reshape(2, 3), "size": np.array([4, 5], np.int32)}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "folder" / "arrays.npz"
    save_arrays(path, **ARRAYS)
    return path


def test_arrays_come_back_with_their_types_and_only_those_asked_for(file):
    back = load_arrays(file, "points", "size")
    assert list(back) == ["points", "size"]
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(back[name], array)
        assert back[name].dtype == array.dtype
    assert list(load_arrays(file, "size")) == ["size"]


def test_the_same_arrays_give_the_same_bytes_and_leave_nothing_beside_them(file):
    before = file.read_bytes()
    save_arrays(file, **ARRAYS)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_damaged_file_is_named_or_read_as_it_was_whichever_bit_was_changed(file):
    sound = file.read_bytes()
    refused = 0
    for place in range(len(sound)):
        damaged = bytearray(sound)
        damaged[place] ^= 1 << place % 8
        file.write_bytes(damaged)
        try:
            back = load_arrays(file, *ARRAYS)
        except ModelError as error:
            assert str(error).startswith(f"{file}: cannot be read")  # noqa: PT017 - not each of them is refused
            refused += 1
        else:
            assert all(np.array_equal(back[name], array) for name, array in ARRAYS.items())
    assert refused > len(sound) / 2


@pytest.mark.parametrize("content", [None, b"", b"garbage" * 20])
def test_a_file_that_is_no_npz_is_named_with_the_arrays_expected(tmp_path, content):
    path = tmp_path / "arrays.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"arrays\.npz: cannot be read \(.*expected an npz with points, size"):
        load_arrays(path, "points", "size")


def test_an_array_that_is_missing_alone_or_pickled_is_refused(file):
    with pytest.raises(ModelError, match=r"arrays\.npz: .*\(.*weights.*expected an npz with size, weights"):
        load_arrays(file, "size", "weights")
    with file.open("wb") as opened:
        np.save(opened, ARRAYS["points"])
    with pytest.raises(ModelError, match=r"arrays\.npz: cannot be read"):
        load_arrays(file, "points")
    np.savez(file, points=np.array([{}], object))
    with pytest.raises(ModelError, match=r"arrays\.npz: cannot be read"):
        load_arrays(file, "points")


def test_a_place_that_cannot_be_written_is_named(file):
    with pytest.raises(DataError, match=r"arrays\.npz: .*cannot be written"):
        save_arrays(file / "arrays.npz", **ARRAYS)
