"""Rows of equal parts are told by the points alone; contours, and parts that are no row, are not taken for one."""

import numpy as np
import pytest
from PIL import Image

from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.datasets.check import check_folder
from landvote.datasets.folder import read_folder
from landvote.datasets.rows import find_row, uneven_rows
from toys import write_wide_csv

FORM = np.array([[-20.0, -14], [22, -16], [20, 15], [3, 21], [-19, 13]])


def row(number, parts=10, form=FORM):
    """Return a curved row of parts that grow, down a film; no two are quite alike."""
    rng = np.random.default_rng(number)
    down = 60 + np.cumsum(50 * 1.04 ** np.arange(parts) + rng.normal(0, 2, parts))
    middles = np.column_stack([200 + 40 * np.sin(down / 200 + rng.uniform(0, 3)), down])
    turns = rng.normal(0, 0.2, parts)
    turned = [form @ np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]).T for a in turns]
    made = middles[:, None] + np.array(turned) * 1.04 ** np.arange(parts)[:, None, None]
    return (made + rng.normal(0, 1, made.shape)).reshape(-1, 2)


def test_a_row_down_and_one_to_the_right():
    shapes = [row(i) for i in range(4)]
    parts = tuple(tuple(range(i, i + 5)) for i in range(0, 50, 5))
    assert find_row(shapes) == (parts, "down")
    assert find_row([points[:, ::-1] for points in shapes]) == (parts, "right")


def test_the_smallest_part_that_repeats_counts():
    parts, _ = find_row([row(i, parts=24) for i in range(4)])  # not twelve of two
    assert len(parts) == 24


def turned():
    return row(5).reshape(10, 5, 2)[::-1].reshape(50, 2)


def twice():
    shape = row(5)
    shape[45:] = shape[40:45]
    return shape


def with_holes():
    shape = row(5)
    shape[3] = np.nan
    return shape


@pytest.mark.parametrize("other", [turned, twice, with_holes])
def test_a_film_that_is_otherwise_does_not_hide_it(other):
    shapes = [row(i) for i in range(4)]
    assert find_row([*shapes, other()])[1] == "down"


@pytest.mark.parametrize(
    "shapes",
    [
        [row(i) for i in range(2)],
        [row(i, parts=7) for i in range(4)],
        [row(i).reshape(10, 5, 2)[::-1].reshape(50, 2) for i in range(4)],
        [row(i, form=FORM * [1, 0.01]) for i in range(4)],
        [np.concatenate([row(i)[:25], row(i)[:25] + np.array([300, 0])]) for i in range(4)],
        [row(i, form=np.random.default_rng(i).normal(0, 15, (5, 2))) for i in range(4)],
        [np.random.default_rng(i).uniform(0, 500, (50, 2)) for i in range(4)],
        [np.full((50, 2), 3.0) for i in range(4)],
        [row(i) * 1e300 for i in range(4)],
        [row(i)[: 50 - i] for i in range(4)],
        [],
    ],
    ids=["few films", "few parts", "upwards", "flat", "two rows", "other forms", "noise", "one place", "far", "other n",
         "none"],
)  # fmt: skip
def test_not_taken_for_a_row(shapes):
    assert find_row(shapes) is None


@pytest.mark.parametrize("points", [24, 60, 120])
def test_pieces_of_a_contour_are_no_parts(points):
    turn = np.linspace(0, 2 * np.pi, points, endpoint=False)
    for along in (  # a lung, a wavy edge, a straight one
        np.column_stack([80 * np.cos(turn) + 15 * np.cos(3 * turn), 200 * np.sin(turn)]),
        np.column_stack([30 * np.sin(6 * turn), 100 * turn]),
        np.column_stack([10 * turn, 100 * turn]),
    ):
        films = [300 + along + np.random.default_rng(i).normal(0, 0.5, along.shape) for i in range(4)]
        assert find_row(films) is None


class TestFolder:
    @pytest.fixture
    def data(self, tmp_path):
        names = [f"{i}.png" for i in range(4)]
        (tmp_path / "images").mkdir()
        for i, name in enumerate(names):
            grey = np.random.default_rng(i).integers(0, 255, (900, 400), dtype=np.uint8)
            Image.fromarray(grey).save(tmp_path / "images" / name)
        write_wide_csv(tmp_path / "landmarks.csv", [(name, None, row(i)) for i, name in enumerate(names)])
        return tmp_path

    def test_a_scheme_that_is_made_from_such_points_has_the_row(self, data):
        (scheme,) = {s.scheme for s in read_folder(data)}
        assert (len(scheme.repeats), scheme.order) == (10, "down")
        report = check_folder(data)
        assert "made from the points, 50 landmarks, 10 parts in a row, 0 outlines" in dict(report.facts)["scheme"]
        assert "look like 10 equal parts of 5 points in a row from top to bottom" in dict(report.facts)["points"]

    def test_a_scheme_says_otherwise(self, data):
        (scheme,) = {s.scheme for s in read_folder(data, Scheme.numbered(50))}
        assert not scheme.row
        assert "in a row" not in str(check_folder(data, Scheme.numbered(50)).facts)


SPINE = Scheme.named("spine")


def vertebrae(count=12):
    """Rows of vertebrae, each 3 % longer than the one before, no two films alike."""
    rng = np.random.default_rng(1)
    down = np.cumsum(40 * 1.03 ** np.arange(17))
    corners = np.array([[-20, -15], [20, -15], [-20, 15], [20, 15]])
    made = []
    for _ in range(count):
        places = np.column_stack([200 + 30 * np.sin(down / 300 + rng.uniform(0, 3)), down + rng.normal(0, 1, 17)])
        made.append(rng.uniform(0.6, 1.5) * (places[:, None] + corners))
    return made


def spines(shapes, scheme=SPINE):
    film = Radiograph(np.zeros((9, 9), np.uint8), "a film")
    return [Sample(f"{i}.png", lambda: film, scheme, {"": shape.reshape(-1, 2)}) for i, shape in enumerate(shapes)]


class TestUnevenRows:
    def test_rows_that_go_on_evenly_are_not_named(self):
        assert uneven_rows(spines(vertebrae())) == []

    def test_a_part_that_was_marked_twice_and_one_left_out(self):
        shapes = vertebrae()
        shapes[3][9] = shapes[3][8] + 1
        shapes[7][5:] = np.concatenate([shapes[7][6:], shapes[7][-1:] + np.array([0, 70])])
        first, second = uneven_rows(spines(shapes))
        assert first.startswith("3.png (T9 top left and T10 top left, 0.0")
        assert second == "7.png (T5 top left and T6 top left, 1.9 times)"

    def test_a_row_that_is_uneven_in_all_films_is_as_it_should_be(self):
        shapes = vertebrae()
        for shape in shapes:
            shape[12:] += np.array([0, 45])
        assert uneven_rows(spines(shapes)) == []

    def test_parts_that_are_no_row_and_few_films_tell_nothing(self):
        shapes = vertebrae()
        shapes[3][9] = shapes[3][8]
        assert uneven_rows(spines(shapes))
        assert uneven_rows(spines(shapes[:9])) == []
        assert uneven_rows(spines(shapes, SPINE.model_copy(update={"order": ""}))) == []
