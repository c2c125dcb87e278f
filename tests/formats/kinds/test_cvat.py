"""CVAT: points and skeletons by their labels, sides, the form without names, safe XML, and what can be wrong."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from landvote.data.prediction import Prediction
from landvote.data.scheme import Outline, Scheme
from landvote.errors import PointsError
from landvote.formats.films import Films
from landvote.formats.kinds.cvat import Cvat
from landvote.formats.points import PointRow, PointTable
from landvote.formats.reading import read_points
from landvote.formats.writing import write_points

NAN = float("nan")
SIZE = (60, 40)


def label(name, kind="points", parent="", svg=""):
    text = f"<label><name>{name}</name><type>{kind}</type><attributes></attributes>"
    return text + (f"<svg>{svg}</svg>" if svg else "") + (f"<parent>{parent}</parent>" if parent else "") + "</label>"


def point(name, points, **more):
    told = "".join(f' {key}="{value}"' for key, value in more.items())
    return f'<points label="{name}" source="manual" points="{points}" z_order="0"{told}></points>'


def skeleton(name, *points):
    return f'<skeleton label="{name}" z_order="0">{"".join(points)}</skeleton>'


def image(name, *shapes, size='width="60" height="40"', number=0):
    return f'<image id="{number}" name="{name}" {size}>{"".join(shapes)}</image>'


def document(*parts, labels=(), root="annotations"):
    meta = f"<meta><task><labels>{''.join(labels)}</labels></task></meta>" if labels else ""
    return f'<?xml version="1.0" encoding="utf-8"?><{root}><version>1.1</version>{meta}{"".join(parts)}</{root}>'


@pytest.fixture
def read(tmp_path):
    """Write text to a file and read it."""

    def _read(text, **more):
        (tmp_path / "l.xml").write_text(text, encoding="utf-8")
        return read_points(tmp_path / "l.xml", more.pop("kind", None), **more)

    return _read


def test_points_by_their_labels_from_the_corner(read):
    knee, hip = point("knee", "31.00,21.25", occluded=0), point("hip", "12.75,9.00", occluded=1)
    labels = [label("hip"), label("knee"), label("never"), label("box", "rectangle")]
    table = read(document(image("x/a.png", knee, hip), image("b.png", hip, number=1), image("c.png"), labels=labels))
    assert (table.form, table.landmarks, table.outlines) == ("cvat", ("hip", "knee", "never"), ())
    assert [(row.image, row.size, row.annotator) for row in table.rows] == [("x/a.png", SIZE, ""), ("b.png", SIZE, "")]
    np.testing.assert_array_equal(table.rows[0].points, [[12.25, 8.5], [30.5, 20.75], [NAN, NAN]])
    assert table.rows[0].occluded.tolist() == [True, False, False]
    assert table.notes == ("the centre of the first pixel is taken as 0.5",)
    bare = read(document(image("a.png", knee, hip)))
    assert bare.landmarks == ("knee", "hip")
    assert "landmarks are in the order in which they are first named" in bare.notes


SVG = "".join(
    f'&lt;circle r="1" data-type="element node" data-node-id="{i}" data-label-name="{name}"&gt;&lt;/circle&gt;'
    for i, name in enumerate(("a&amp;amp;b", "mid", "tip"), 1)
) + "".join(
    f'&lt;line x1="1" data-type="edge" data-node-from="{a}" data-node-to="{a - 1}"&gt;&lt;/line&gt;' for a in (3, 2)
)  # fmt: skip


def test_skeletons_with_their_lines(read):
    points = [
        point("mid", "2,2", outside=0, occluded=1),
        point("a&amp;b", "1,1", outside=0),
        point("tip", "0,0", outside=1),
    ]
    labels = [label("hip", "skeleton", svg=SVG), *(label(name, parent="hip") for name in ("a&amp;b", "mid", "tip"))]
    table = read(document(image("a.png", skeleton("hip", *points)), labels=[*labels, label("other")]))
    assert table.landmarks == ("a&b", "mid", "tip")
    np.testing.assert_array_equal(table.rows[0].points, [[0.5, 0.5], [1.5, 1.5], [NAN, NAN]])
    assert table.rows[0].occluded.tolist() == [False, True, False]
    assert table.outlines == (Outline(name="line 1", points=(2, 1, 0)),)


def two(left, right, first="hip", second="hip"):
    return skeleton(first, point("p", left), point("q", "9,9")), skeleton(second, point("p", right), point("q", "9,9"))


def test_two_skeletons_of_the_same_labels_are_sides(read):
    table = read(document(image("a.png", *two("50,1", "10,1")), image("b.png", *two("10,1", "50,1"), number=1)))
    assert [(row.image, row.points[0, 0]) for row in table.rows] == [
        ("a.png_1", 9.5), ("a.png_2", 49.5), ("b.png_1", 9.5), ("b.png_2", 49.5),
    ]  # fmt: skip
    both = two("50,1", "10,1", "left hip", "right hip")
    table = read(document(image("a.png", *both), image("b.png", both[1], number=1)))
    assert [row.image for row in table.rows] == ["a.png_L", "a.png_R", "b.png_R"]
    groups = [point("p", "50,1", group_id=1), point("p", "10,1", group_id=2)]
    assert [row.image for row in read(document(image("a.png", *groups))).rows] == ["a.png_1", "a.png_2"]
    with pytest.raises(PointsError, match=r"3 shapes on 'a\.png', expected two at most"):
        read(document(image("a.png", *two("50,1", "10,1"), skeleton("hip", point("p", "1,1")))))


def test_skeletons_and_points_of_other_labels_are_parts_of_one_shape(read):
    parts = skeleton("femur", point("head", "1,1")), skeleton("pelvis", point("rim", "2,2")), point("shaft", "3,3")
    (row,) = read(document(image("a.png", *parts))).rows
    np.testing.assert_array_equal(row.points, [[0.5, 0.5], [1.5, 1.5], [2.5, 2.5]])


def test_all_points_in_one_element_have_no_names(read):
    shapes = [image(f"{i}.png", point("hip", f"1,{i};2,2", occluded=0), number=i) for i in range(2)]
    table = read(document(*shapes, labels=[label("hip")]))
    assert (table.landmarks, table.named) == (("0", "1"), False)
    np.testing.assert_array_equal(table.rows[1].points, [[0.5, 0.5], [1.5, 1.5]])
    scheme = Scheme(name="s", landmarks=("head", "shaft"), file_points=2, columns=(0, 1))
    assert read(document(*shapes), scheme=scheme).landmarks == ("head", "shaft")
    for other in (point("hip", "1,1"), point("hip", "1,1;2,2;3,3"), skeleton("s", point("hip", "1,1;2,2"))):
        with pytest.raises(
            PointsError, match=r"image 2: [123] points in one element labelled 'hip', expected [12] as in"
        ):
            read(document(*shapes, image("c.png", other, number=2)))


def test_other_shapes_are_passed_over_and_counted(read):
    box = '<box label="b" xtl="1" ytl="1" xbr="2" ybr="2"><attribute name="x">1</attribute></box>'
    assert "2 elements <box> are passed over" in read(document(image("a.png", box, box, point("p", "1,1")))).notes


def test_films_are_found_by_the_end_of_their_names(read, tmp_path):
    (tmp_path / "images" / "x").mkdir(parents=True)
    Image.new("L", SIZE).save(tmp_path / "images" / "x" / "a.png")
    films = Films.below(tmp_path / "images")
    bare = image("C:\\films\\x\\a.png", point("p", "1,1"), size="")
    (row,) = read(document(bare), films=films).rows
    assert (row.image, row.size) == ("x/a.png", None)


def test_what_is_written_is_as_cvat_reads_it(tmp_path):
    told = Prediction("b.png", np.ones((2, 2)), np.ones(2), ("a&b", "tip"))
    rows = (
        PointRow("x/a.png", "", np.array([[12.25, 8.5], [NAN, NAN]]), occluded=np.array([True, False]), size=SIZE),
        PointRow("b.png", "", np.array([[1, 2], [3, 4.0625]]), size=SIZE, prediction=told),
    )
    write_points(tmp_path / "l.xml", PointTable(rows, ("a&b", "tip")), Cvat())
    root = ET.parse(tmp_path / "l.xml").getroot()  # noqa: S314 - written the line before
    assert [name.text for name in root.iterfind("meta/task/labels/label/name")] == ["a&b", "tip"]
    assert [dict(found.attrib) for found in root.iterfind("image")] == [
        {"id": "0", "name": "x/a.png", "width": "60", "height": "40"},
        {"id": "1", "name": "b.png", "width": "60", "height": "40"},
    ]
    assert [dict(found.attrib) for found in root.iterfind("image/points")] == [
        {"label": "a&b", "source": "manual", "occluded": "1", "points": "12.750,9.000", "z_order": "0"},
        {"label": "a&b", "source": "auto", "occluded": "0", "points": "1.500,2.500", "z_order": "0"},
        {"label": "tip", "source": "auto", "occluded": "0", "points": "3.500,4.562", "z_order": "0"},
    ]


@pytest.mark.parametrize("sides", ["LR", "12", "R"])
def test_sides_and_odd_names_come_back(read, tmp_path, sides):
    names = (' a\n"<b>\t&', "tip\r")
    rows = [PointRow(f"a.png_{s}", "", np.array([[i, 2.0], [3, 4]]), size=SIZE) for i, s in enumerate(sides)]
    write_points(tmp_path / "m.xml", PointTable(tuple(rows), names), Cvat())
    table = read((tmp_path / "m.xml").read_text(encoding="utf-8"))
    assert (table.landmarks, [row.image for row in table.rows]) == (names, [row.image for row in rows])
    for name in ("a\0.png", "a\ud800.png", "a\uffff.png"):
        with pytest.raises(PointsError, match="cannot be written as XML, expected another name"):
            write_points(
                tmp_path / "n.xml", PointTable((PointRow(name, "", np.ones((1, 2)), size=SIZE),), ("p",)), Cvat()
            )


LAUGHS = "".join(f'<!ENTITY e{i + 1} "{f"&e{i};" * 10}">' for i in range(20))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f'<!DOCTYPE annotations [<!ENTITY e0 "ha">{LAUGHS}]><annotations>&e20;</annotations>', "has a document type"),
        (
            '<!DOCTYPE annotations [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotations>&x;</annotations>',
            "document type",
        ),
        ('<!DOCTYPE annotations SYSTEM "http://localhost/x.dtd"><annotations></annotations>', "has a document type"),
        (document(root="annotation"), "begins with <annotation>, expected <annotations> of CVAT"),
        (document('<track id="0" label="p"></track>'), "has tracks, expected an export as 'CVAT for images 1.1'"),
        (document(image("a.png", point("p", "1,1")))[:-20], "not whole XML"),
        (document(image("a.png")).replace("utf-8", "utf-99"), "not whole XML"),
        (document(image("a.png")), "no points on 1 images, expected them on one at least"),
        (document(image("a.png", point("p", "1,one"))), "image 0: point '1,one', expected two numbers"),
        (document(image("a.png", point("p", "1"))), "image 0: point '1', expected two numbers"),
        (document(image("a.png", point("p", "1,nan"))), "image 0: point '1,nan', expected two numbers"),
        (document(image("a.png", point("p", "1,1"), point("p", "2,2"))), "landmark 'p' of 'a.png' is given twice"),
        (document(image("a.png"), image("a.png", number=1)), "image 1: 'a.png' stands there twice, expected once"),
        (document(image("a.png", '<points points="1,1"></points>')), "image 0: <points> without 'label', expected one"),
        (document('<image id="0"></image>'), "image 0: <image> without 'name', expected one"),
    ],
)
def test_errors(read, text, says):
    with pytest.raises(PointsError, match=r"l\.xml") as caught:
        read(text, kind="cvat")
    assert says in str(caught.value)


def test_two_shapes_without_groups_are_two_sides(read):
    points = (point("hip", "50.5,3.5"), point("knee", "40.5,3.5"), point("hip", "5.5,3.5"), point("knee", "9.5,3.5"))
    table = read(document(image("a.png", *points)))
    found = {row.image: row.points[:, 0].tolist() for row in table.rows}
    assert found == {"a.png_1": [5, 9], "a.png_2": [50, 40]}
