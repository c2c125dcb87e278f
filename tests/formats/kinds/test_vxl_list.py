"""Lists of images of VXL and BoneFinder: which points are of which film, and of which side of it."""

import numpy as np
import pytest
from PIL import Image

from landvote.errors import PointsError
from landvote.formats.family import recognised
from landvote.formats.films import Films
from landvote.formats.reading import read_points
from toys import write_pts

LIST = (
    "image_dir: {0}\r\n\r\npoints_dir: {1}\r\n\r\nload_points: true\r\n\r\nimages:\r\n{{\r\n"
    "hip-01.dcm_L.pts : hip-01.dcm\r\nhip-01.dcm_R.pts : hip-01.dcm // the right one\r\nsecond.pts : hip-02.png\r\n}}"
)


@pytest.fixture
def listed(tmp_path):
    for k, name in enumerate(("hip-01.dcm_L", "hip-01.dcm_R", "second")):
        write_pts(tmp_path / "points" / f"{name}.pts", np.full((2, 2), float(k)))

    def write(text):
        (tmp_path / "lists").mkdir(exist_ok=True)
        (tmp_path / "lists" / "imglist.txt").write_text(text, newline="")
        return tmp_path / "lists" / "imglist.txt"

    return write


@pytest.mark.parametrize(
    ("points_dir", "moved"),
    [("../points", None), ("[Filepath to folder]", "lists"), (r"D:\study\points", "lists/points"), ("/nowhere/points/",
     "lists/points")],
)  # fmt: skip
def test_points_are_found_by_the_list_or_beside_it(listed, tmp_path, points_dir, moved):
    path = listed(LIST.format("[Filepath]", points_dir))
    if moved == "lists":
        for file in (tmp_path / "points").iterdir():
            file.rename(tmp_path / "lists" / file.name)
    elif moved:
        (tmp_path / "points").rename(tmp_path / moved)
    assert recognised(path) == ["vxl-list"]
    table = read_points(path)
    assert [row.image for row in table.rows] == ["hip-01.dcm_L", "hip-01.dcm_R", "hip-02.png"]
    assert [row.points[0, 0] for row in table.rows] == [0, 1, 2]


def test_films_are_found_and_so_are_curves(listed, tmp_path):
    (tmp_path / "films").mkdir()
    for name in ("hip-01.png", "hip-02.png"):
        Image.new("L", (6, 4)).save(tmp_path / "films" / name)
    (tmp_path / "points" / "a.crvs").write_text("curves: { curve: { name: a open: true indices: { 0:1 } } }")
    path = listed(
        LIST.format("x", "../points").replace("hip-01.dcm\r", "hip-01.png\r").replace("hip-01.dcm //", "hip-01 //")
    )
    films, problems = Films.below(tmp_path / "films"), []
    table = films.match(read_points(path, films=films), problems)
    assert problems == []
    assert [row.image for row in table.rows] == ["hip-01.png_L", "hip-01.png_R", "hip-02.png"]
    assert [outline.points for outline in table.outlines] == [(0, 1)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("points_dir: .\nimages: {\n}\n", "no pairs of points and images"),
        ("points_dir: .\nimages: {\na.pts\n}\n", "line 3: 'a.pts', expected 'POINTS.pts : IMAGE'"),
        ("points_dir: ../points\nimages: {\nnone.pts : a.png\n}\n", "line 3: no file 'none.pts', expected it in"),
        ("points_dir: ../points\nimages: {\nsecond.pts : a.png\nhip-01.dcm_L.pts : a.png\n}\n",
         "line 4: points of 'a.png' were given before, expected one file or two sides"),
        ("points_dir: ../points\nimages: {\nsecond.pts : a.png\nthird.pts : b.png\n}\n", "3 points, expected 2 as in"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(listed, tmp_path, text, said):
    write_pts(tmp_path / "points" / "third.pts", np.zeros((3, 2)))
    with pytest.raises(PointsError, match=said):
        read_points(listed(text))


def test_a_list_on_one_line(listed):
    table = read_points(listed("points_dir: ../points\nimages: { second.pts : a.png }\n"))
    assert [row.image for row in table.rows] == ["a.png"]
