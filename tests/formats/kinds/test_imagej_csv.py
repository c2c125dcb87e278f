"""ImageJ's tables: results by name or by order, of one film or several, in pixels or millimetres; bare coordinates."""

import numpy as np
import pytest

from landvote.errors import PointsError
from landvote.formats.family import recognised
from landvote.formats.films import Films
from landvote.formats.reading import film_files, read_points
from toys import dicom

RESULTS = " ,Label,Area,Mean,X,Y\n1,{0}:hip,0,111,5.5,2\n2,{0}:knee,0,168,30,20.25\n"


@pytest.fixture
def write(tmp_path):
    def to_file(text, name="a.csv"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return to_file


@pytest.fixture
def films(tmp_path):
    (tmp_path / "films").mkdir()
    dicom(np.zeros((40, 60), np.uint8), ImagerPixelSpacing=[0.25, 0.5]).save_as(tmp_path / "films" / "a.dcm")
    dicom(np.zeros((40, 60), np.uint8)).save_as(tmp_path / "films" / "b.dcm")
    return Films.below(tmp_path / "films")


@pytest.mark.parametrize(
    "text",
    [
        RESULTS.format("a.png"), RESULTS.format("a.png:slice 2"), RESULTS.format("a.png").replace(",", "\t"),

        "Label;X;Y\na.png:hip;5,5;2\na.png:knee;30;20,25\n",
        ' ,Label,X,Y\n1,"a.png:hip",5.5,2\n2,a.png:knee,30,20.25\n',
        "\ufeffLabel\tX\tY\r\na.png:hip\t5,5\t2\r\n\r\na.png:knee\t30\t20,25\r\n",
    ],
)  # fmt: skip
def test_results_have_names_and_films(write, text):
    path = write(text)
    assert recognised(path) == ["imagej-csv"]
    table = read_points(path)
    assert (table.landmarks, [row.image for row in table.rows]) == (("hip", "knee"), ["a.png"])
    np.testing.assert_array_equal(table.rows[0].points, [[5.5, 2], [30, 20.25]])
    assert "X and Y are taken as pixels (unit=mm says otherwise)" in table.notes


def test_results_of_several_films(write):
    text = RESULTS.format("a.png") + RESULTS.format("b.png").partition("\n")[2].partition("\n")[0]
    table = read_points(write(text))
    assert [row.image for row in table.rows] == ["a.png", "b.png"]
    np.testing.assert_array_equal(table.rows[1].points, [[5.5, 2], [np.nan, np.nan]])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (" ,Label,X,Y\n1,a.png:points,5.5,2\n2,a.png:points,30,20.25\n", "a.csv"),
        (" ,Label,X,Y\n1,a.png,5.5,2\n2,a.png,30,20.25\n", "a.csv"),
        (" ,Label,X,Y\n1,a.png:0002-0005,5.5,2\n2,a.png:0020-0030,30,20.25\n", "a.csv"),
        (" ,X,Y\n1,5.5,2\n2,30,20.25\n", "a.csv"), ("5.5000\t2.0000\n30\t20.25\n", "a.txt"),
    ],
)  # fmt: skip
def test_without_names_points_are_in_order(write, text, name):
    path = write(text, name)
    assert recognised(path) == ["imagej-csv"]
    table = read_points(path)
    assert (table.landmarks, table.rows[0].image.removesuffix(".png")) == (("0", "1"), "a")
    assert "points have no names of their own: their order is taken" in table.notes
    np.testing.assert_array_equal(table.rows[0].points, [[5.5, 2], [30, 20.25]])


def test_millimetres_are_told_from_pixels_or_asked_for(write, films, tmp_path):
    path = write(RESULTS.format("a.dcm").replace("30,20.25", "28,9"))  # mm: 56, 36
    with pytest.raises(PointsError, match=r"'a\.dcm' may be pixels, or millimetres .*, expected the setting unit ="):
        read_points(path, films=films)
    for kind, expected in (("unit=mm", [56, 36]), ("unit=pixel", [28, 9]), ("spacing=0.5", [56, 18])):
        table = read_points(path, f"imagej-csv:{kind}", films=films)
        np.testing.assert_array_equal(table.rows[0].points[1], expected)
        assert any("as asked" in note for note in table.notes[1:])
    table = read_points(write(RESULTS.format("a.dcm")), films=films)
    np.testing.assert_array_equal(table.rows[0].points[1], [30, 20.25])
    assert any("pixels, since they would lie outside the film as millimetres" in note for note in table.notes)
    np.testing.assert_array_equal(read_points(write(RESULTS.format("b.dcm")), films=films).rows[0].points[0], [5.5, 2])
    with pytest.raises(PointsError, match=r"no film gives the millimetres of 'b\.dcm', expected the setting spacing"):
        read_points(path, "imagej-csv:unit=mm", films=films)


def test_pixels_larger_than_a_millimetre(write, tmp_path):
    (tmp_path / "films").mkdir()
    dicom(np.zeros((40, 60), np.uint8), PixelSpacing=[2, 4]).save_as(tmp_path / "films" / "a.dcm")
    table = read_points(write(RESULTS.format("a.png").replace("30", "200")), films=Films.below(tmp_path / "films"))
    np.testing.assert_array_equal(table.rows[0].points[1], [50, 10.125])
    assert (table.rows[0].image, any("millimetres, since" in note for note in table.notes)) == ("a", True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Label,X,Y\na:hip,1\n", "line 2: 2 values, expected 3 as in the header"),
        ("Label,X,Y\na:hip,one,2\n", "line 2: 'one', expected a number"),
        ("Label;X;Y\na:hip;1e999;2\n", "line 2: '1e999', expected a number"),
        ("Label,X,Y\n", "no points, expected a table"),
        ("Label,X,Y\na:hip,1,2\na:0001-0002,1,2\n", "line 3: ROI '0001-0002' has no name of its own"),
        ("Label,X,Y\na:p,1,2\na:p,1,2\nb:p,1,2\n", "1 points of 'b', .*, expected 2 as of 'a'"),
        ("Label,X,Y\na:hip,1,2\na:hip,1,2\na:knee,1,2\n", "'hip' of 'a' is given twice"),
        ("1\t2\n1\n", "line 2: 1 values, expected x and y, separated by a tab"),
    ],
)
def test_what_is_wrong_is_named(write, text, said):
    with pytest.raises(PointsError, match=said):
        read_points(write(text), "imagej-csv")


def test_films_without_names_have_as_many_points_as_each_other(write, tmp_path):
    write("1\t2\n3\t4\n", "a.txt")
    write("1\t2\n", "b.txt")
    with pytest.raises(PointsError, match=r"b\.txt: 1 points, expected 2"):
        read_points(tmp_path)


def test_other_tables_beside_films_are_no_points(write, films, tmp_path):
    write("patient,age\n1,2\n", "films/notes.csv")
    write("some text\n", "films/notes.txt")
    write("0 0.5 0.5 0.2 0.2 0.1 0.1 2\n", "films/yolo.txt")
    assert film_files(tmp_path / "films", films, annotators=False) == []
    write(RESULTS.format("a.dcm"), "films/a.csv")
    assert [file.path.name for file in film_files(tmp_path / "films", films, annotators=False)] == ["a.csv"]
