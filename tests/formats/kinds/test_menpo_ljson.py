"""menpo's .ljson: three versions, groups, labels, and everything that can be wrong with them."""

import json

import numpy as np
import pytest

from landvote.data.scheme import Outline
from landvote.errors import PointsError
from landvote.formats.family import format_named
from landvote.formats.kinds.menpo_ljson import MenpoLjson
from landvote.formats.points import PointTable
from landvote.formats.reading import read_points

NAN = float("nan")
YX = [[8.5, 12.25], [None, None], [36, 5.5], [1, 2]]
XY = [[12.25, 8.5], [NAN, NAN], [5.5, 36], [2, 1]]
EDGES = [[0, 1], [1, 2], [2, 3]]
FEMUR = {"label": "femur", "mask": [0, 1, 2]}


@pytest.fixture
def read(tmp_path):
    """Write content to a file and read it."""

    def _read(content, kind=None):
        (tmp_path / "a.ljson").write_text(json.dumps(content))
        return read_points(tmp_path / "a.ljson", kind)

    return _read


def group(points=YX, **landmarks):
    return {"labels": [FEMUR], "landmarks": {"points": points, **landmarks}}


@pytest.mark.parametrize(
    "content",
    [
        {"version": 3, "groups": {"LJSON": group(connectivity=EDGES)}},
        {"version": 2, **group(connectivity=EDGES)},
        {"version": 1, "groups": [
            {"label": "femur", "connectivity": EDGES[:2], "landmarks": [{"point": p} for p in YX[:3]]},
            {"label": "rest", "landmarks": [{"point": YX[3]}]},
        ]},
    ],
)  # fmt: skip
def test_every_version_has_y_before_x_counted_from_0(read, content):
    table = read(content)
    assert (table.form, table.landmarks, table.rows[0].image) == ("menpo-ljson", ("0", "1", "2", "3"), "a")
    np.testing.assert_array_equal(table.rows[0].points, XY)
    assert table.outlines[0] == Outline(name="femur", points=(0, 1, 2))
    assert "the centre of the first pixel is taken as 0" in table.notes


def test_lines_without_a_label_and_rings_are_outlines_too(read):
    edges = [[0, 1], [1, 2], [2, 0], [2, 3]]
    table = read({"version": 3, "groups": {"LJSON": group(connectivity=edges)}})
    assert table.outlines[0] == Outline(name="femur", points=(0, 1, 2), closed=True)
    assert [outline.points for outline in table.outlines[1:]] == [(2, 3)]


def test_of_several_groups_menpos_own_is_read_or_the_one_that_is_chosen(read):
    groups = {"LJSON": group(), "hand": group([[1, 2]])}
    table = read({"version": 3, "groups": groups | {"hand": {"landmarks": {"points": [[1, 2]]}}}})
    assert len(table.landmarks) == 4
    assert "groups other than 'LJSON' are passed over" in table.notes
    other = {"version": 3, "groups": {"a": group(), "b": {"landmarks": {"points": [[1, 2]]}}}}
    assert read(other, "menpo-ljson:group=b").rows[0].points.tolist() == [[2, 1]]
    with pytest.raises(PointsError, match=r"groups 'a, b', expected one to be chosen, as format 'menpo-ljson:group="):
        read(other)
    with pytest.raises(PointsError, match="groups 'a, b', expected 'c'"):
        read(other, "menpo-ljson:group=c")


def test_what_is_written_is_as_menpo_writes_it(read, tmp_path):
    table = read({"version": 3, "groups": {"LJSON": group()}})
    MenpoLjson().write(tmp_path / "b.ljson", table)
    written = json.loads((tmp_path / "b.ljson").read_text())
    assert written == {"version": 3, "groups": {"LJSON": {"labels": [], "landmarks": {"points": YX}}}}


def test_menpo_reads_what_is_written(tmp_path):
    menpo = pytest.importorskip("menpo.io", reason="menpo's own reader")
    MenpoLjson().write(tmp_path / "b.ljson", PointTable.numbered([("b", "", np.array(XY))]))
    found = menpo.import_landmark_file(tmp_path / "b.ljson")["LJSON"].points
    np.testing.assert_array_equal(found[:, ::-1], XY)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"version": 4, "groups": {}}, "version 4, expected 1, 2 or 3"),
        ({"version": "3", "groups": {}}, "'version' is '3', expected int"),
        ({"version": 3, "groups": {}}, "groups '', expected one to be chosen"),
        ({"version": 3, "groups": {"a": {"landmarks": {"points": []}}}}, "no points, expected one at least"),
        ({"version": 3, "groups": {"a": group([[1, 2, 3]])}}, "point 0: '[1, 2, 3]', expected y and x"),
        ({"version": 3, "groups": {"a": group([[1, None]])}}, "point 0: [1, None], expected two numbers or null twice"),
        ({"version": 3, "groups": {"a": group([[1, "2"]])}}, "point 0: '2', expected a number"),
        ({"version": 3, "groups": {"a": group([[1, 10**400]])}}, "point 0: '1000000000"),
        ({"version": 3, "groups": {"a": group([[1, 2]])}}, "point '1', expected 0 to 0"),
        ({"version": 3, "groups": {"a": group(connectivity=[[0, 4]])}}, "point '4', expected 0 to 3"),
        ({"version": 3, "groups": {"a": group(connectivity=[3])}}, "connectivity has '3', expected pairs of points"),
        ({"version": 3, "groups": {"a": 5}}, "no 'landmarks', expected one"),
        ({"version": 1, "groups": [5]}, "no 'landmarks', expected one"),
        ({"version": 1, "groups": [{"landmarks": [{"point": [1, 2]}]}]}, "no 'label', expected one"),
    ],
)
def test_errors(read, content, says):
    with pytest.raises(PointsError, match=r"a\.ljson") as caught:
        read(content)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "content", [{"version": "5.8.1", "landmarks": ["hip"]}, {"version": 5, "landmarks": ["hip"]}, {"groups": {}}, [3]]
)
def test_json_of_other_programs_is_not_taken_for_it(tmp_path, content):
    (tmp_path / "a.json").write_text(json.dumps(content))
    assert not MenpoLjson.sniff(tmp_path / "a.json", (tmp_path / "a.json").read_bytes())


def test_a_group_that_is_asked_for_is_a_setting():
    assert format_named("menpo-ljson:group=LJSON").group == "LJSON"
