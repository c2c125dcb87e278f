"""The scheme: shipped ones load, files are checked, indices are renumbered to the points in use."""

from pathlib import Path

import numpy as np
import pytest

from landvote.data.scheme import Outline, Scheme, SchemeFile, shipped
from landvote.errors import ExistsError, SchemeError

DATA = Path(__file__).parents[2].parent / "shared" / "data"
LENGTHS = {"chest": 166, "chest-lungs-heart": 120, "spine": 68, "wings": 12}


@pytest.fixture
def read(tmp_path):
    """Write TOML text and read it as a scheme."""

    def _read(text):
        (tmp_path / "s.toml").write_text(text)
        return Scheme.read(tmp_path / "s.toml")

    return _read


def test_a_closed_outline_ends_where_it_begins():
    assert Outline(name="ring", points=(3, 1, 2), closed=True).ring() == [3, 1, 2, 3]
    assert Outline(name="line", points=(3, 1, 2)).ring() == [3, 1, 2]


class TestShipped:
    @pytest.mark.parametrize("name", shipped())
    def test_loads_with_valid_indices(self, name):
        scheme = Scheme.named(name)
        mentioned = [*scheme.reference, *(scheme.normaliser or ()), *(i for pair in scheme.mirrored for i in pair)]
        mentioned += [i for outline in scheme.outlines for i in outline.points]
        assert scheme.name == name
        assert set(mentioned) <= set(range(len(scheme)))
        assert len(scheme.columns) == len(scheme) == len(set(scheme.landmarks))
        assert len(scheme.reference) >= 2
        assert scheme.normaliser is not None

    @pytest.mark.parametrize(("name", "length"), LENGTHS.items())
    def test_has_its_points(self, name, length):
        assert len(Scheme.named(name)) == length

    def test_chest_without_clavicles_is_the_first_part_of_chest(self):
        whole, part = Scheme.named("chest"), Scheme.named("chest-lungs-heart")
        assert part.file_points == whole.file_points == 166
        assert part.outlines == whole.outlines[:3]
        assert [o.name for o in whole.outlines[3:]] == ["right clavicle", "left clavicle"]

    def test_spine_names_its_corners(self):
        spine = Scheme.named("spine")
        assert [spine.landmarks[i] for i in (0, 47, 48, 67)] == [
            "T1 top left", "T12 bottom right", "L1 top left", "L5 bottom right",
        ]  # fmt: skip
        assert spine.repeats[-1] == (64, 65, 66, 67)
        assert spine.outlines[0].points == (0, 1, 3, 2)
        assert all(spine.landmarks[a].replace("left", "right") == spine.landmarks[b] for a, b in spine.mirrored)
        assert len(spine.mirrored) == 34

    @pytest.mark.skipif(not DATA.is_dir(), reason="no real data beside the checkout")
    @pytest.mark.parametrize("name", ["chest", "spine"])
    def test_outlines_do_not_cross_themselves_on_real_films(self, name):
        """The area of an outline in its order is that of a simple curve: as large as its hull's, nearly."""
        import cv2

        scheme = Scheme.named(name)
        columns = range(1, 2 * len(scheme) + 1)
        points = np.loadtxt(DATA / name / "landmarks.csv", delimiter=",", skiprows=1, usecols=columns, max_rows=20)
        for film in points.reshape(20, -1, 2).astype(np.float32):
            for outline in scheme.outlines:
                curve = film[list(outline.points)]
                assert cv2.contourArea(curve) > 0.6 * cv2.contourArea(cv2.convexHull(curve)), outline.name


class TestFile:
    def test_the_smallest_one(self, read):
        scheme = read('name = "s"\npoints = 3\n')
        assert scheme.landmarks == ("0", "1", "2")
        assert scheme.reference == scheme.outlines == scheme.repeats == ()
        assert scheme.normaliser is None

    def test_ranges_and_use_renumber_everything(self, read):
        scheme = read(
            'name = "s"\npoints = 8\nuse = ["4-7", 0]\nreference = [4, 0]\nnormaliser = [5, 6]\n'
            'mirrored = [[4, 5], [1, 2]]\n[[outlines]]\nname = "kept"\npoints = ["5-7"]\nclosed = true\n'
            '[[outlines]]\nname = "dropped"\npoints = [0, 1]\n'
        )
        assert scheme.columns == (4, 5, 6, 7, 0)
        assert scheme.landmarks == ("4", "5", "6", "7", "0")
        assert scheme.reference == (0, 4)
        assert scheme.normaliser == (1, 2)
        assert scheme.mirrored == ((0, 1),)
        assert [(o.name, o.points, o.closed) for o in scheme.outlines] == [("kept", (1, 2, 3), True)]

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("points = 3\nname = 's'\npionts = 4", "unknown key 'pionts'; did you mean 'points'?"),
            ("points = 3", "name"),
            ("name = 's'", "points"),
            ("points = 1000000000\nname = 's'", "points = 1000000000, expected 1 to 10000"),
            ("points = 5\nname = 's'\nuse = '0-999999999'", "goes beyond 10000 landmarks"),
            ("points = 0\nname = 's'", "points = 0, expected 1 to 10000"),
            ("points = 3\nname = 's'\nnames = ['a', 'b']", "names lists 2 landmarks, expected 3"),
            ("points = 2\nname = 's'\nnames = ['a', 'a']", "names lists a landmark twice"),
            ("points = 3\nname = 's'\nreference = [1]", "reference = [1], expected two or more"),
            ("points = 3\nname = 's'\nreference = [1, 1]", "expected two or more different"),
            ("points = 3\nname = 's'\nreference = [1, 3]", "reference names point 3, expected 0 to 2"),
            ("points = 3\nname = 's'\nnormaliser = [0, -1]", "normaliser names point -1"),
            ("points = 3\nname = 's'\nmirrored = [[0, 1], [1, 2]]", "mirrored names a point twice"),
            ("points = 3\nname = 's'\nuse = [0, '0-1']", "use names a point twice"),
            ("points = 3\nname = 's'\nuse = ['0-x']", "'0-x' is neither an index nor a range"),
            ("points = 3\nname = 's'\ngroups = [[0], [1, 2]]", "groups differ in length"),
            ("points = 4\nname = 's'\norder = 'down'", "and there are no groups"),
            ("points = 2\nname = 's'\ngroups = [[0], [1]]\norder = 'up'", "order: Input should be"),
            ("points = 4\nname = 's'\ngroups = [[0], [1]]", "groups must hold every point in use exactly once"),
            ("points = 3\nname = 's'\n[[outlines]]\nname = 'o'\npoints = ['1-5']", "outline 'o' names point 3"),
            ("points = [", "not a TOML file"),
        ],
    )
    def test_errors_name_the_file_and_the_value(self, read, text, says):
        with pytest.raises(SchemeError, match=r"s\.toml") as caught:
            read(text)
        assert says in str(caught.value)

    def test_a_missing_file(self, tmp_path):
        with pytest.raises(SchemeError, match="cannot be read"):
            Scheme.named(tmp_path / "none.toml")

    def test_a_binary_file(self, tmp_path):
        (tmp_path / "s.toml").write_bytes(b"\x89\xff\xfe")
        with pytest.raises(SchemeError, match="line 1: not UTF-8"):
            Scheme.read(tmp_path / "s.toml")

    def test_an_unknown_name_says_the_nearest(self):
        with pytest.raises(SchemeError, match="did you mean 'spine'"):
            Scheme.named("spin")


def test_groups_given_out_of_order_are_sorted(read):
    scheme = read("name = 's'\npoints = 8\ngroups = [['0-1'], ['2-3'], ['4-5'], ['6-7']]\norder = 'down'")
    points = np.array([[0, 20], [9, 22], [0, 40], [9, 42], [0, 60], [9, 62], [0, 2], [9, 0]], float)
    np.testing.assert_array_equal(scheme.sorted(points), points[[6, 7, 0, 1, 2, 3, 4, 5]])
    holes = points.copy()
    holes[2] = np.nan  # this part stays in its place, the others are sorted round it
    np.testing.assert_array_equal(scheme.sorted(holes), holes[[6, 7, 2, 3, 0, 1, 4, 5]])
    np.testing.assert_array_equal(scheme.model_copy(update={"order": ""}).sorted(points), points)


def test_a_registered_scheme_goes_by_its_name():
    mine = Scheme.numbered(3).model_copy(update={"name": "mine"})
    with pytest.raises(SchemeError, match="mine"):
        Scheme.named("mine")
    mine.register()
    try:
        mine.register()  # a notebook's cell that is run again
        assert Scheme.named("mine") == mine
        with pytest.raises(SchemeError, match="scheme 'mine' is there already, expected a name of its own"):
            Scheme.numbered(4).model_copy(update={"name": "mine"}).register()
    finally:
        mine.unregister()
    with pytest.raises(SchemeError, match="scheme 'femur' is there already"):
        mine.model_copy(update={"name": "femur"}).register()


class TestWriting:
    @pytest.mark.parametrize("name", shipped())
    def test_a_written_scheme_reads_the_same(self, name, tmp_path):
        scheme = Scheme.named(name)
        scheme.write(tmp_path / "s.toml")
        assert Scheme.read(tmp_path / "s.toml") == scheme

    def test_names_of_any_letters(self, tmp_path):
        names = ('top "of"\\ hip', "\u00fc\t\x7f\x01", "\U0001f9b4")
        outlines = (Outline(name='a "ring"', points=(0, 2), closed=True),)
        scheme = Scheme.numbered(3).model_copy(update={"landmarks": names, "outlines": outlines})
        scheme.write(tmp_path / "s.toml")
        assert Scheme.read(tmp_path / "s.toml") == scheme

    def test_nothing_is_overwritten_and_nothing_broken_is_written(self, tmp_path):
        with pytest.raises(SchemeError, match="cannot be written"):
            Scheme.numbered(0).write(tmp_path / "s.toml")
        assert not (tmp_path / "s.toml").exists()
        Scheme.numbered(2).write(tmp_path / "s.toml")
        with pytest.raises(ExistsError):
            Scheme.numbered(3).write(tmp_path / "s.toml")
        assert len(Scheme.read(tmp_path / "s.toml")) == 2


def test_a_scheme_that_is_extended_keeps_its_points_and_has_new_ones_last() -> None:
    old = SchemeFile(name="s", points=4, use=(1, 3), names=("a", "b", "c", "d"), reference=(1, 3)).scheme()
    new = old.extended(["e", "f"])
    assert (new.landmarks, new.columns, new.file_points) == (("b", "d", "e", "f"), (1, 3, 4, 5), 6)
    assert (new.reference, new.name) == (old.reference, "s")
    assert Scheme.numbered(0).extended(["a"]).landmarks == ("a",)


class TestDefinitions:
    TEXT = 'name = "s"\npoints = 3\nuse = [0, 2]\nnames = ["a b", "c", "d"]\n'

    def test_are_read_and_written_by_name_and_kept_when_a_scheme_grows(self, read, tmp_path):
        scheme = read(self.TEXT + '[definitions]\n"a b" = "Of \\"a\\"."\n"c" = "Not in use."\n')
        assert scheme.definitions == ('Of "a".', "")
        scheme.extended(["e"]).write(tmp_path / "again.toml")
        again = Scheme.read(tmp_path / "again.toml")
        assert (again.landmarks, again.definitions) == (("a b", "d", "e"), ('Of "a".', "", ""))

    def test_change_nothing_that_models_take_for_the_same_scheme(self, read):
        plain, defined = read(self.TEXT), read(self.TEXT + '[definitions]\nd = "The last."\n')
        assert plain != defined
        assert plain.sha256() == defined.sha256()

    def test_leave_the_hash_as_it_was_before_there_were_any(self):
        assert Scheme.named("femur").sha256() == "71c918b4870a281eb93d93bcc26aed8be9b42974b91d5f5f51c7f4a593f75a5b"

    @pytest.mark.parametrize("wrong", ['e = "x"', f'd = "{"x" * 501}"', "d = 5"])
    def test_of_other_landmarks_too_long_or_no_texts_are_errors(self, read, wrong):
        with pytest.raises(SchemeError, match="definitions"):
            read(f"{self.TEXT}[definitions]\n{wrong}\n")

    @pytest.mark.parametrize("name", ["cephalogram", "femur"])
    def test_of_shipped_schemes_are_there_for_each_landmark(self, name):
        definitions = Scheme.named(name).definitions
        assert len(set(definitions)) == len(Scheme.named(name))
        assert all(text.endswith(".") for text in definitions)
