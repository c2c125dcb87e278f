"""Every film has a file of its own below the folder, and a name that every file system takes."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path, PureWindowsPath

import hypothesis.strategies as st
import pytest
from hypothesis import example, given

from landvote.runtime.names import output_paths

OUT = Path("out")
PARTS = st.one_of(
    st.sampled_from(["a", "A", "é", "e\u0301", "ß", "ss", "hip", "hip.png", "HIP.PNG", "hip.pts", "hip.png.pts", "..",
                     ".", "...", "", " ", "CON", "nul.png", "com¹.x", "C:", "\\", "a.", "a ", "\x00", "\x7f", "\udcf6",
                     "x" * 251, "ü" * 127, "x" * 300, "\u200d"]),
    st.text(max_size=6),
    st.text(alphabet=st.characters(categories=["Cs", "Cc", "Mn", "Po"]), max_size=3),
)  # fmt: skip
DEVICES = {"CON", "PRN", "AUX", "NUL", *(name + n for name in ("COM", "LPT") for n in "0123456789¹²³")}
IDENTIFIERS = st.builds(
    lambda root, parts, suffix: root + "/".join(parts) + suffix,
    st.sampled_from(["", "/", "//", "../", "C:\\", "\\\\host\\share\\"]),
    st.lists(PARTS, min_size=1, max_size=4),
    st.sampled_from(["", ".png", ".PNG", ".dcm", ".1", "."]),
)
CLASHES = [  # each of these has broken a simpler rule
    ["a/b.png", "a_b.png"],
    ["hip.png", "hip.jpg", "hip.tif", "film.png", "film.PNG"],
    ["/data/visit2/hip.png", "data/visit2/hip.png", "../data/visit2/hip.png"],
    ["x.png", "x.png.tif", "x"],
    ["a.png", "a.pts/b.png", "a.png.pts/c.png"],
    ["1.2.840.10", "1.2.840.11"],
    ["\u00e9.png", "e\u0301.png", "E\u0301.png"],
    ["y.png", "y.PNG", "y-bf22b214.png", "y-bf22b214.pts/z.png", "y-bf22b214.png.pts/z.png"],
    ["x" * 255 + end for end in (".png", ".jpg")],
    ["a/" * 800 + "x.png", "b/" * 800 + "x.png"],
    ["", "/", ".", "_"],
    ["straße.png", "STRASSE.png"],
    ["a\u200db.png", "ab.png"],
    ["a/.//.//././././/.//./././///y.png", "a/.//././/././//.///.//././/y.png"],  # their hashes begin with 70964385
]


def names(*identifiers: str, suffix: str = ".pts", keep_suffix: bool = False) -> dict[str, str]:
    paths = output_paths(OUT, identifiers, suffix, keep_suffix=keep_suffix)
    return {identifier: path.relative_to(OUT).as_posix() for identifier, path in paths.items()}


@pytest.mark.parametrize(
    ("identifier", "name"),
    [
        ("hip.png", "hip.pts"),
        ("a/b/hip.dcm", "a/b/hip.pts"),
        ("/a/hip.png", "a/hip.pts"),
        ("../../hip.png", "__/__/hip.pts"),
        ("C:\\films\\hip.png", "C_/films/hip.pts"),
        ("1.2.840.10", "1.2.840.10.pts"),
        ("Dr. Smith", "Dr. Smith.pts"),
        (".png", ".png.pts"),
        ("é.png", "é.pts"),
        ("con.png", "_con.pts"),
        ("a /b./c\t?.png", "a_/b_/c__.pts"),
        ("r\udcf6ntgen.png", "r_ntgen.pts"),
        ("", "_.pts"),
        ("./a//hip.png", "a/hip.pts"),
    ],
)
def test_a_name_that_meets_no_other_stays_as_plain_as_it_may(identifier, name):
    assert names(identifier) == {identifier: name}


def test_names_that_would_meet_keep_the_suffix_of_the_film():
    assert names("hip.png", "hip.jpg", "leg.png") == {
        "hip.png": "hip.png.pts",
        "hip.jpg": "hip.jpg.pts",
        "leg.png": "leg.pts",
    }


def test_names_that_still_meet_have_a_hash_and_keep_their_folder():
    found = names("a/y.png", "a/y.PNG")
    assert [re.fullmatch(r"a/y-[0-9a-f]{8}\.pts", name) is not None for name in found.values()] == [True, True]


def test_points_of_one_film_are_not_called_like_those_of_another():
    assert names("x.png", "x.png.tif") == {"x.png": "x.pts", "x.png.tif": "x.png.tif.pts"}


def test_pictures_keep_the_names_of_their_films():
    assert names("hip.png", "a/hip.jpg", suffix=".png", keep_suffix=True) == {
        "hip.png": "hip.png.png",
        "a/hip.jpg": "a/hip.jpg.png",
    }


def test_long_names_are_cut_and_stay_apart():
    first, second = names("ü" * 200 + "1.png", "ü" * 200 + "2.png").values()
    assert first != second
    assert max(len(first.encode()), len(second.encode())) <= 255
    assert first.startswith("ü" * 100)


@given(st.lists(IDENTIFIERS, max_size=8), st.sampled_from([".pts", ".png"]), st.booleans(), st.randoms())
@example(CLASHES[0], ".png", True, None)
def test_every_film_has_a_legal_path_of_its_own_below_the_folder(identifiers, suffix, keep_suffix, random):
    check(identifiers, suffix, keep_suffix)
    shuffled = identifiers[:]
    if random:
        random.shuffle(shuffled)
    paths = output_paths(OUT, identifiers, suffix, keep_suffix=keep_suffix)
    assert output_paths(OUT, shuffled, suffix, keep_suffix=keep_suffix) == paths


@pytest.mark.parametrize("identifiers", CLASHES)
@pytest.mark.parametrize("keep_suffix", [False, True])
def test_films_that_are_made_to_meet_are_told_apart(identifiers, keep_suffix):
    check(identifiers, ".pts", keep_suffix)


def check(identifiers: list[str], suffix: str, keep_suffix: bool) -> None:
    paths = output_paths(OUT, identifiers, suffix, keep_suffix=keep_suffix)
    assert set(paths) == set(identifiers)
    for path in paths.values():
        below = path.relative_to(OUT)
        assert Path(os.path.normpath(path)) == path  # no .. in it
        assert path.suffix == suffix
        assert not PureWindowsPath(str(below)).is_absolute()
        assert PureWindowsPath(str(below)).parts == below.parts
        for part in below.parts:
            assert not re.search(r'[<>:"\\|?*\x00-\x1f]|[. ]$', part)
            assert part.partition(".")[0].rstrip(" ").upper() not in DEVICES
            assert 0 < len(part.encode("utf-8")) <= 255
    for compared in (str, str.lower, str.casefold, composed, lambda text: composed(text).casefold(), folded):
        keys = [compared(path.as_posix()) for path in paths.values()]
        assert len(set(keys)) == len(keys)
        assert not {key[:i] for key in keys for i, c in enumerate(key) if c == "/"} & set(keys)


def composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def folded(text: str) -> str:
    """As Linux compares names in folders that ignore case, and macOS everywhere: decomposed, then without case."""
    caseless = unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold())
    return caseless.replace("\u200d", "")  # of the characters without width that both leave out, the commonest
