"""A format from outside the package, a line to register it, and a scheme: the command line works with both.

They stand in this file alone, as those of a user would. The format is as unlike the others as they come: per cent of
the film, y from the bottom, landmarks by name, a mark for occluded ones, one file for all films.
"""

from __future__ import annotations

import json
import re
from typing import ClassVar, Literal

import numpy as np
import pytest

from landvote.data.points import mean_points
from landvote.data.scheme import SchemeFile
from landvote.datasets.folder import read_folder
from landvote.errors import PointsError, SettingError
from landvote.formats.family import FORMATS
from landvote.formats.films import Films
from landvote.formats.format import Format, film_of, size_of
from landvote.formats.points import Mark, table_of
from landvote.formats.predictions import read_predictions
from landvote.formats.reading import read_points
from toys import draw_crosses, registered, tiny_words

pytestmark = pytest.mark.slow

SCHEME = 'name = "cross"\npoints = 5\nnames = ["middle", "top", "right", "bottom", "left"]\nreference = [1, 3]\n'
CROSS = SchemeFile(
    name="toy-cross", points=5, names=("middle", "top", "right", "bottom", "left"), reference=(1, 3), normaliser=(1, 3)
).scheme()


class Toy(Format):
    suffixes: ClassVar = (".toy",)
    holds: ClassVar = frozenset({"names", "annotators", "missing", "occluded"})
    decimals: ClassVar = None
    kind: Literal["toy"] = "toy"
    centre: float = 0.5

    @classmethod
    def sniff(cls, path, start):  # noqa: ARG003
        return start.startswith(b"TOY\n")

    def read(self, path, reading):
        try:
            lines = path.read_text(encoding="utf-8").splitlines()[1:]
            marks = [self.mark(f"{path}, line {i}", line, reading.films) for i, line in enumerate(lines, 2)]
        except (OSError, ValueError) as error:
            raise PointsError(f"{path}: no toy file ({error})") from error
        return table_of(marks, reading.scheme)

    def mark(self, where, line, films):
        image, annotator, name, x, y, occluded = line.split("|")
        width, height = film_of(films, image).size
        point = (float(x) / 100 * width, height - float(y) / 100 * height)
        return Mark(where, image, annotator, name, point, occluded == "hidden")

    def write(self, path, table, films=None):
        with path.open("w", encoding="utf-8") as file:
            file.write("TOY\n")
            for row in table.rows:
                width, height = size_of(row, films)
                hidden = np.zeros(len(row.points), bool) if row.occluded is None else row.occluded
                for name, (x, y), flag in zip(table.landmarks, row.points, hidden, strict=True):
                    x, y = float(x / width * 100), float((height - y) / height * 100)  # noqa: PLW2901 - in per cent
                    file.write(f"{row.image}|{row.annotator}|{name}|{x!r}|{y!r}|{'hidden' if flag else ''}\n")


@pytest.fixture
def data(tmp_path):
    """Draw films of crosses with a scheme, and an occluded point on the first."""
    folder = draw_crosses(tmp_path / "data", [f"{i}.png" for i in range(6)])
    (folder / "scheme.toml").write_text(SCHEME)
    return folder


def test_the_command_line_converts_checks_trains_locates_and_evaluates_with_it(run, data, tmp_path):
    truth = {s.identifier: s.points for s in read_folder(data)}
    with registered(FORMATS, Toy):
        status, said, _ = run("convert", data, "landmarks.toy")
        assert (status, said.splitlines()[1]) == (0, "6 films as toy: landmarks.toy")
        assert "TOY\n0.png||middle|" in (tmp_path / "landmarks.toy").read_text()[:20]
        (data / "landmarks.csv").unlink()
        lines = (tmp_path / "landmarks.toy").read_text().splitlines()
        (data / "landmarks.toy").write_text("\n".join([lines[0], lines[1] + "hidden", *reversed(lines[2:])]))
        for s in read_folder(data):
            np.testing.assert_allclose(s.points, truth[s.identifier], atol=1e-6)
            assert s.scheme.landmarks == ("middle", "top", "right", "bottom", "left")

        status, said, _ = run("check", data, "--sheet", "sheet.png")
        assert status == 0
        assert (
            "points      toy; the centre of the first pixel is taken as 0.5 (--from and --centre change it)\n" in said
        )
        assert "occluded    1 points" in said

        CROSS.register()
        assert (
            run("check", data, "--scheme", "toy-cross", "--sheet", "sheet.png")[1].count("scheme      toy-cross, 5")
            == 1
        )
        words = ("--recipe", "whdv", "--scheme", "toy-cross", *tiny_words())
        assert run("train", data, "--out", "model", *words)[0] == 0
        status, said, err = run("locate", "model", data, "--out", "p.jsonl", "--to", "toy")
        assert (status, "6 films as toy: p-toy.toy" in said) == (0, True)
        assert re.search(
            "not in p-toy.toy: the expected errors of [0-9]+ points, .*what else the predictions of 6 films say", err
        )
        located = read_predictions(tmp_path / "p.jsonl")
        films = Films.below(data / "images")
        rows = {row.image: row.points for row in read_points(tmp_path / "p-toy.toy", films=films).rows}
        for p in located:
            np.testing.assert_allclose(rows[p.identifier], p.points, atol=1e-6)  # as in p.jsonl

        status, _, err = run("convert", "p-toy.toy", "q.jsonl")
        assert (status, "expected the films at hand" in err) == (2, True)
        assert run("convert", "p-toy.toy", "q.jsonl", "--films", data)[0] == 0
        words = ("--truth", data, "--scheme", "toy-cross")
        assert run("evaluate", "q.jsonl", *words, "--out", "report", "--model", "model")[0] == 0
        found = json.loads((tmp_path / "report" / "summary.json").read_text())
        assert run("evaluate", "p.jsonl", *words, "--out", "first")[0] == 0
        first = json.loads((tmp_path / "first" / "summary.json").read_text())
        assert found["films"] == first["films"]
        assert found["scheme"] == "toy-cross"
        assert found["unit"] == "%"
        CROSS.unregister()


def test_a_folder_of_films_may_have_several_annotators(run, data, tmp_path):
    with registered(FORMATS, Toy):
        run("convert", data, "landmarks.toy")
        text = (tmp_path / "landmarks.toy").read_text()
        (data / "landmarks.csv").unlink()
        again = text.replace("||", "|ann|") + text.replace("||", "|bob|").removeprefix("TOY\n")
        (data / "landmarks.toy").write_text(again)
        status, said, _ = run("convert", data, "points", "--to", "vxl-pts")
        assert (status, "6 films as vxl-pts: points" in said) == (0, True)
        assert {p.parent.name for p in (tmp_path / "points").rglob("*.pts")} == {"ann", "bob"}
        sample = read_folder(data)[0]
        np.testing.assert_array_equal(sample.points, mean_points(list(sample.annotations.values()), 5))


def test_without_its_line_it_is_unknown_and_the_nearest_is_named(run, data, tmp_path):
    (tmp_path / "l.toy").write_text("TOY\n")
    status, _, err = run("convert", "l.toy", "p.jsonl")
    assert (status, "no points, expected those of a known format (wide-csv, long-csv, vxl-pts," in err) == (2, True)
    status, _, err = run("convert", data, "l.toy")
    assert (status, "no format ends so" in err, "--to names it" in err) == (2, True, True)


def test_a_kind_that_is_taken_is_refused():
    class Wide(Toy):
        kind: Literal["wide-csv"] = "wide-csv"

    with pytest.raises(SettingError, match="format Wide: kind is 'wide-csv', expected a name of its own"):
        FORMATS.register(Wide)
