"""Curves of VXL beside points: outlines in and out, ranges, and files that do not fit."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from landvote.data.scheme import Outline
from landvote.errors import PointsError
from landvote.formats.family import format_named
from landvote.formats.kinds.crvs import read_crvs, write_crvs
from landvote.formats.points import PointRow, PointTable, numbers
from landvote.formats.reading import read_points
from landvote.formats.writing import write_points
from toys import write_pts

CURVES = (
    "curves: {\n  curve:  { name: femoral head open: true indices: { 0:2 4 } } // the head\n"
    "curve: {\n name: Curve\n open: false\n indices: { 3:1 }\n}\n  curve: { name: Curve open: true indices: { 4 0 } }\n"
    "  curve: { name: dot open: true indices: { 3 } }\n}\n"
)
OUTLINES = (
    Outline(name="femoral head", points=(0, 1, 2, 4)),
    Outline(name="Curve", points=(3, 2, 1), closed=True),
    Outline(name="Curve 2", points=(4, 0)),
)


@pytest.fixture
def points(tmp_path):
    for name in "ab":
        write_pts(tmp_path / "p" / f"{name}.pts", np.arange(10.0).reshape(5, 2))
    return tmp_path / "p"


def test_ranges_names_and_single_points(tmp_path):
    (tmp_path / "a.crvs").write_text(CURVES)
    outlines, notes = read_crvs(tmp_path / "a.crvs", 5)
    assert tuple(outlines) == OUTLINES
    assert notes == ["curves of one point are passed over (1)"]


def test_the_curves_beside_points_are_their_outlines(points):
    (points / "model.crvs").write_text(CURVES)
    table = read_points(points)
    assert (table.form, table.outlines) == ("vxl-pts", OUTLINES)
    assert read_points(points, "menpo-pts").outlines == ()
    assert "curves of one point are passed over (1)" in table.notes


def test_of_several_files_the_setting_names_one(points, tmp_path):
    (points / "a.crvs").write_text(CURVES)
    (points / "b.crvs").write_text(CURVES)
    table = read_points(points)
    assert table.outlines == ()
    assert any("of 2 files of curves beside the points none is read" in note for note in table.notes)
    assert read_points(points, f"vxl-pts:curves={points / 'b.crvs'}").outlines == OUTLINES
    with pytest.raises(PointsError, match=r"none\.crvs: cannot be read"):
        read_points(points, f"vxl-pts:curves={points / 'none.crvs'}")


def test_curves_of_other_points_are_told_of_or_refused_where_they_are_asked_for(points):
    (points / "model.crvs").write_text("curves: { curve: { name: a open: true indices: { 0:999999999 } } }")
    table = read_points(points)
    assert table.outlines == ()
    assert any("the curves beside the points are not read" in note for note in table.notes)
    with pytest.raises(PointsError, match="'0:999999999' of a curve, expected numbers from 0 to 4"):
        read_points(points, f"vxl-pts:curves={points / 'model.crvs'}")


@pytest.mark.parametrize("text", ["", "curves: {}", "curve: { name: a open: maybe indices: { 0 1 } }", CURVES[:-40]])
def test_what_is_no_curve_is_named(tmp_path, text):
    (tmp_path / "a.crvs").write_text(text)
    with pytest.raises(PointsError, match=r"a\.crvs: [0-3] curves that can be read, expected 'curve: "):
        read_crvs(tmp_path / "a.crvs", 5)


def test_an_index_is_a_number(tmp_path):
    (tmp_path / "a.crvs").write_text("curve: { name: a open: true indices: { 0 -1 } }")
    with pytest.raises(PointsError, match="points '-1' of a curve"):
        read_crvs(tmp_path / "a.crvs", 5)


def test_outlines_are_written_beside_the_points_of_each_annotator(tmp_path):
    rows = [PointRow(image, who, np.ones((5, 2))) for image in ("a.png", "b.png") for who in ("ann", "bob")]
    table = PointTable(tuple(rows), numbers(5), OUTLINES)
    assert write_points(tmp_path / "out", table, format_named("vxl-pts")).lost == ()
    assert len(list((tmp_path / "out").rglob("outlines.crvs"))) == 2
    assert read_points(tmp_path / "out").outlines == OUTLINES


@settings(max_examples=50)
@given(data=st.data())
def test_outlines_come_back(data, tmp_path_factory):
    names = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=6)
    chosen = data.draw(st.lists(names, min_size=1, max_size=5, unique=True))
    places = st.lists(st.integers(0, 29), min_size=2, max_size=12)
    outlines = [Outline(name=n, points=tuple(data.draw(places)), closed=data.draw(st.booleans())) for n in chosen]
    path = tmp_path_factory.getbasetemp() / "outlines.crvs"
    write_crvs(path, outlines)
    assert read_crvs(path, 30) == (outlines, [])


@pytest.mark.parametrize("name", ["a{b", "a // b", "a\nb", "a open: b"])
def test_names_that_would_break_the_file_are_refused(tmp_path, name):
    with pytest.raises(PointsError, match="expected a name without braces"):
        write_crvs(tmp_path / "a.crvs", [Outline(name=name, points=(0, 1))])
    assert not (tmp_path / "a.crvs").exists()
