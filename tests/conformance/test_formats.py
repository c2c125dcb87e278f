"""One contract for every format: it keeps what it says it holds, and nothing of the user's is lost or half-written."""

from __future__ import annotations

import errno
import math
import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image

from landvote.data.film import Film
from landvote.data.prediction import Prediction
from landvote.data.scheme import Scheme
from landvote.datasets.convert import convert_points
from landvote.errors import DataError, ExistsError, LandvoteError, PointsError, SettingError
from landvote.formats.family import FORMATS, format_named, format_to_write, written_kinds
from landvote.formats.films import Films
from landvote.formats.points import PointRow, PointTable, numbers
from landvote.formats.reading import read_points
from landvote.formats.writing import write_points
from landvote.runtime.names import output_paths

NAMES = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8)
COORDINATES = st.integers(-5_000_000, 50_000_000).map(lambda thousandths: thousandths / 1000)
NOT_BELOW = st.integers(-5_000_000, 39_000).map(lambda thousandths: thousandths / 1000)  # where TPS has missing points
HOSTILE = st.one_of(
    st.sampled_from(["{there}/precious.png", "../precious.png", "../../precious.png", "a/../../precious.png", "..",
                     "..\\precious.png", "hip.png", "hip.PNG", "hip.jpg", "hip.pts/hip.png", "", "/",
                     "r\udcf6ntgen.png", "x" * 255, "x" * 255 + ".png", "a\nb.png", "con.png", "1.2.840.10",
                     "1.2.840.11"]),
    st.text(max_size=8),
)  # fmt: skip
JUNK = st.text(st.sampled_from('image,landmark,x,y0123:{}"[]\n n_points'), max_size=60).map(str.encode)
each = pytest.mark.parametrize("kind", list(FORMATS))
written = pytest.mark.parametrize("kind", written_kinds())


def asked(kind: str) -> str:
    """Return a format with what it needs in place of films, where it counts in millimetres."""
    return f"{kind}:spacing=0.5" if "spacing" in FORMATS[kind].model_fields else kind


@st.composite
def tables(draw) -> PointTable:
    """Return points of one or two annotators on a few films; which are missing, which occluded, how sure a model is."""
    landmarks = tuple(draw(st.lists(NAMES.filter(lambda name: not name.isdecimal()), min_size=1, unique=True)))
    n = len(landmarks)
    films = draw(st.lists(st.from_regex(r"[a-z]{1,8}\.png", fullmatch=True), min_size=1, max_size=4, unique=True))
    rows = []
    for film in films:
        for annotator in draw(st.sampled_from([("",), ("ann",), ("ann", "bob")])):
            points = np.array(draw(st.lists(st.tuples(COORDINATES, NOT_BELOW), min_size=n, max_size=n)))
            points[draw(st.lists(st.booleans(), min_size=n, max_size=n))] = np.nan
            hidden = np.array(draw(st.lists(st.booleans(), min_size=n, max_size=n))) & np.isfinite(points[:, 0])
            errors = np.array(draw(st.lists(st.just(np.nan) | COORDINATES.map(abs), min_size=n, max_size=n)))
            radii, known = np.full((n, 4), np.nan), draw(st.none() | st.booleans())
            radii[:, 2] = 2 * errors
            shift = draw(st.just(math.nan) | st.integers(0, 1000).map(lambda thousandths: thousandths / 1000))
            told = Prediction(film, points, errors, landmarks, Film((60, 40)), "a model", details={"looks": [film]},
                              radii=radii, known=known, probability_of_shift=shift)  # fmt: skip
            row = PointRow(film, annotator, points, film, hidden, errors, radii[:, 2], known, (60, 40), told, shift)
            rows.append(row)
    return PointTable(tuple(rows), landmarks)


@written
@settings(max_examples=25)
@given(table=tables(), centre=st.sampled_from([None, 0, 0.5, 1]), data=st.data())
def test_what_it_holds_comes_back(kind, table, centre, data):
    form = format_named(asked(kind), centre)
    holds = form.holds | ({"annotators"} if form.per_film else set())
    if "annotators" not in holds:
        table = PointTable(tuple({row.image: row for row in table.rows}.values()), table.landmarks)
    rows = [row for row in table.rows if "missing" in holds or np.isfinite(row.points).all()]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"out{form.suffixes[0]}"
        written = write_points(out, table, form)
        assert (written.films, len(written.left_out)) == (len({r.image for r in rows}), len(table.rows) - len(rows))
        assert out.exists() == bool(rows)
        if not rows:
            return
        films = draw_films(Path(folder) / "films", {row.image for row in rows})
        back = read_points(out, asked(kind), centre=centre, films=films)
        in_order = data.draw(st.permutations(table.landmarks))
        scheme = Scheme(
            name="s", landmarks=tuple(in_order), file_points=len(in_order), columns=tuple(range(len(in_order)))
        )
        by_scheme = read_points(out, asked(kind), centre=centre, scheme=scheme, films=films)
    names = table.landmarks if "names" in holds else numbers(len(table.landmarks))
    if form.per_film and "names" in holds:  # a file need not list what is missing on its film
        assert set(back.landmarks) <= set(names)
        place = {name: i for i, name in enumerate(back.landmarks)}
        back = back.taken([place.get(name, -1) for name in names], names)
    assert back.landmarks == names
    assert by_scheme.landmarks == scheme.landmarks
    order = [table.landmarks.index(name) for name in in_order] if "names" in holds else slice(None)
    found, ordered = ({(named(r.image), annotator_of(r)): r for r in t.rows} for t in (back, by_scheme))
    for row in rows:
        key = (named(row.image), row.annotator if "annotators" in holds else "")
        if key not in found:
            assert not np.isfinite(row.points).any()
            continue
        np.testing.assert_allclose(found[key].points, row.points, atol=1e-3)
        np.testing.assert_array_equal(ordered[key].points, found[key].points[order])
        if "occluded" in holds:
            np.testing.assert_array_equal(found[key].occluded, row.occluded)
        for errors in holds & {"expected_error", "error_90"}:
            np.testing.assert_allclose(given_errors(found[key], errors), given_errors(row, errors), atol=1e-3)
            np.testing.assert_array_equal(given_errors(ordered[key], errors), given_errors(found[key], errors)[order])
        assert found[key].known is (row.known if "known" in holds else None)
        shift = row.probability_of_shift if "probability_of_shift" in holds else math.nan
        assert found[key].probability_of_shift == pytest.approx(shift, abs=1e-3, nan_ok=True)
        if "prediction" in holds:
            told = found[key].prediction
            assert (told.film, told.model, told.details) == (Film((60, 40)), "a model", {"looks": [row.image]})


def given_errors(row: PointRow, key: str) -> np.ndarray:
    """Return the errors of a row; a file that holds none does not say so."""
    errors = getattr(row, key)
    return np.full(len(row.points), np.nan) if errors is None else errors


def draw_films(folder: Path, names: Iterable[str]) -> Films:
    """Return films of 60 x 40 pixels, for formats that need their size."""
    folder.mkdir()
    for name in names:
        Image.new("1", (60, 40)).save(folder / name)
    return Films.below(folder)


def named(image: str) -> str:
    """Return the name of a film without suffix and folder."""
    return image.rpartition("/")[2].removesuffix(".png")


def annotator_of(row: PointRow) -> str:
    """Return the annotator of a row that was read, who is a folder in some formats, and the model itself in others."""
    return "" if "a model" in row.annotator else row.annotator or row.image.rpartition("/")[0]


@written
def test_its_files_are_told_by_their_content(kind, table, tmp_path):
    form = format_named(asked(kind))
    write_points(tmp_path / "out", table, form)
    file = next((tmp_path / "out").rglob("*.*")) if form.per_film else tmp_path / "out"
    assert form.sniff(file, file.read_bytes())
    alike = {other for other in FORMATS if FORMATS[other].sniff(file, file.read_bytes())}
    assert alike - {kind} <= {other for other in FORMATS if other.endswith("-pts") and kind.endswith("-pts")}
    assert not form.sniff(tmp_path / "other", b"\x89PNG\r\n\x1a\n")


@written
def test_the_centre_is_what_the_file_calls_the_first_pixel(kind, table, tmp_path):
    write_points(tmp_path / "out", table, format_named(asked(kind), 0.5))
    films = draw_films(tmp_path / "films", ["a.png"])
    for centre in (0, 0.5, 1):
        (row,) = read_points(tmp_path / "out", asked(kind), centre=centre, films=films).rows
        moved = row.points - table.rows[0].points
        np.testing.assert_allclose(moved[:, 0], 0.5 - centre)
        np.testing.assert_allclose(abs(moved[:, 1]), abs(0.5 - centre))  # some files count y from the bottom
    with pytest.raises(SettingError, match="centre = 2"):
        read_points(tmp_path / "out", asked(kind), centre=2)


@pytest.fixture
def table():
    return PointTable((PointRow("a.png", "", np.array([[1.5, 2], [30, 39]]), size=(60, 40)),), ("hip", "knee"))


@written
def test_what_is_there_is_not_overwritten_unasked(kind, table, tmp_path):
    write_points(tmp_path / "out", table, format_named(asked(kind)))
    films = draw_films(tmp_path / "films", ["a.png"])
    other = replace(table, rows=(replace(table.rows[0], points=table.rows[0].points - 1),))
    with pytest.raises(ExistsError, match="exists already"):
        write_points(tmp_path / "out", other, format_named(asked(kind)))
    np.testing.assert_allclose(
        read_points(tmp_path / "out", asked(kind), films=films).rows[0].points, table.rows[0].points
    )
    write_points(tmp_path / "out", other, format_named(asked(kind)), force=True)
    np.testing.assert_allclose(
        read_points(tmp_path / "out", asked(kind), films=films).rows[0].points, other.rows[0].points
    )


@written
def test_a_file_is_whole_or_not_there(kind, table, tmp_path, monkeypatch):
    def full(self, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(DataError, match=r"cannot be written \(No space left"):
        write_points(tmp_path / "out", table, format_named(asked(kind)))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("kind", sorted(set(FORMATS) - set(written_kinds())))
def test_one_that_is_only_read_is_refused_before_anything_is_read(kind, table, tmp_path):
    with pytest.raises(SettingError, match=f"format '{kind}' is only read, expected one of wide-csv, long-csv"):
        format_to_write(kind)
    with pytest.raises(SettingError, match="is only read"):
        write_points(tmp_path / "out", table, format_named(asked(kind)))


@each
@pytest.mark.parametrize(
    "content", [None, b"", b"\n", b"{", b"\xff\xfe\x00\x01" * 9, b"1 2\n3", b"image,x0,y0\na,1,2\x00\n"]
)
def test_a_file_that_is_none_of_its_own_is_an_error_that_names_it(kind, content, tmp_path):
    file = tmp_path / f"points{FORMATS[kind].suffixes[0]}"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(DataError, match="points"):
        convert_points(file, tmp_path / "out", FORMATS["wide-csv"](), kind=kind)


@each
@settings(max_examples=25)
@given(
    content=st.binary()
    | st.text(st.sampled_from('image,landmark,x,y0123:{}"[]\n n_points'), max_size=60).map(str.encode)
)
def test_random_bytes_are_read_or_refused(kind, content):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"points{FORMATS[kind].suffixes[0]}"
        file.write_bytes(content)
        for told in (asked(kind), None):
            with suppress(LandvoteError):
                read_points(file, told)


@written
@settings(max_examples=25)
@given(identifiers=st.lists(HOSTILE, min_size=1, max_size=6, unique=True))
def test_points_of_any_film_are_written_where_they_belong_or_refused(kind, identifiers):
    form = format_named(asked(kind))
    with tempfile.TemporaryDirectory() as name:
        there = Path(name)
        precious = there / f"precious{form.suffixes[0]}"
        precious.write_text("by an annotator")
        films = [text.replace("{there}", name) for text in identifiers]
        rows = [PointRow(film, "", np.array([[i, 2.0], [3, 4]]), size=(60, 40)) for i, film in enumerate(films)]
        out = there / "a" / "out"
        try:
            write_points(out, PointTable(tuple(rows), numbers(2)), form)
        except PointsError as error:
            assert "cannot be written" in str(error)  # noqa: PT017 - only some names are refused
        assert precious.read_text() == "by an annotator"
        assert {path for path in there.rglob("*") if path.is_file() and out not in path.parents} <= {precious, out}
        if form.per_film:
            files = output_paths(out, films, form.suffixes[0])
            assert [read_points(files[film], asked(kind)).rows[0].points[0, 0] for film in films] == list(
                range(len(films))
            )


def test_names_of_films_that_are_not_utf8_keep_their_bytes(tmp_path):
    name = os.fsdecode(b"r\xf6ntgen.png")
    for kind in ("wide-csv", "long-csv"):
        write_points(tmp_path / kind, PointTable.numbered([(name, "", np.ones((1, 2)))]), FORMATS[kind]())
        assert b"r\xf6ntgen.png" in (tmp_path / kind).read_bytes()
