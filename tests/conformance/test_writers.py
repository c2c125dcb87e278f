"""Whatever films and annotators are called: every writer of files stays in its folder, and no film takes another's."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from PIL import Image

from landvote.data.prediction import Prediction
from landvote.data.radiograph import Radiograph
from landvote.data.scheme import Scheme
from landvote.data.side import Side
from landvote.errors import DataError, ImageError
from landvote.formats.family import format_named, written_kinds
from landvote.formats.points import PointRow, PointTable, numbers
from landvote.formats.predictions import read_predictions
from landvote.formats.reading import read_points
from landvote.formats.saving import save_predictions
from landvote.formats.writing import write_points
from landvote.models.locate import locate_files

pytestmark = pytest.mark.slow

SCHEME = Scheme.numbered(3)
POINTS = np.array([[1.5, 2], [10, 3], [4, 8.25]])
PARTS = st.one_of(
    st.sampled_from(
        ["a", "A", "é", "e\u0301", "ß", "SS", "hip", "hip.png", "HIP.PNG", "hip.pts", "hip.png.png", "..", ".", "...",
         " ", "CON", "nul.png", "C:", "a.", "~", "$HOME", "-", "x" * 251, "ü" * 127, "x" * 300, "\u200d"]
    ),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6),
)  # fmt: skip
NAMES = st.builds(
    lambda root, parts, suffix: root + "/".join(parts) + suffix,
    st.sampled_from(["", "", "/", "../", "../../outside/", "C:\\", "\\\\host\\share\\"]),
    st.lists(PARTS, min_size=1, max_size=3), st.sampled_from(["", ".png", ".PNG", ".dcm"]),
)  # fmt: skip
PAIRS = st.lists(st.tuples(NAMES, PARTS | st.just("")), min_size=1, max_size=6, unique=True)
MANY = settings(max_examples=60, suppress_health_check=list(HealthCheck))


class Place:
    """A folder to write into, beside files that no writer may touch."""

    def __init__(self, top: Path) -> None:
        self.top, self.out = top, top / "in" / "side" / "out"
        for folder in (top, top / "outside", top / "in", top / "in" / "side"):
            folder.mkdir(exist_ok=True)
            for name in ("a", "hip.png", "hip.pts", "mine"):
                (folder / name).write_text(f"mine in {folder.name}")
        self.before = self.outside()

    def outside(self) -> dict[str, str]:
        found = (p for p in self.top.rglob("*") if p.is_file() and not p.is_relative_to(self.out))
        return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}

    def check(self, files: int) -> None:
        """Check that nothing outside has changed, that so many files were made, and that no two meet."""
        assert self.outside() == self.before
        made = [p.relative_to(self.out).as_posix() for p in self.out.rglob("*") if p.is_file()]
        assert len(made) == files
        assert len({name.casefold() for name in made}) == files


@pytest.fixture
def place(tmp_path):
    """Return the function that makes a place of its own for each example."""
    return lambda: Place(Path(tempfile.mkdtemp(dir=tmp_path)))


def table(pairs: list[tuple[str, str]]) -> PointTable:
    rows = (PointRow(name, by, POINTS + i, size=(40, 30)) for i, (name, by) in enumerate(pairs))
    return PointTable(tuple(rows), numbers(3))


@pytest.mark.parametrize("kind", written_kinds())
@given(pairs=PAIRS)
@MANY
def test_points_in_any_format(place, kind, pairs):
    """A format may refuse a name, and then writes nothing at all outside the folder either."""
    there, form = place(), format_named(kind)
    target = there.out if form.per_film else there.out / f"points{form.suffixes[0]}"
    with suppress(DataError):
        written = write_points(target, table(pairs), form)
        assert written.films == len({name for name, _ in pairs})
        there.check(len(pairs) if form.per_film else 1)
    assert there.outside() == there.before


@pytest.mark.parametrize("kind", ["vxl-pts", "menpo-pts"])
@given(pairs=PAIRS)
@MANY
def test_each_film_has_its_own_points(place, kind, pairs):
    there = place()
    write_points(there.out, table(pairs), format_named(kind))
    there.check(len(pairs))
    files = [path for path in there.out.rglob("*") if path.is_file()]
    found = {float(read_points(path, kind).rows[0].points[0, 0]) for path in files}
    assert found == {1.5 + i for i in range(len(pairs))}


@given(names=st.lists(NAMES, min_size=1, max_size=6, unique=True))
@MANY
def test_predictions_in_a_file_keep_their_names_and_in_a_folder_stay_there(place, names):
    there = place()
    made = [Prediction(name, POINTS, np.zeros(3), SCHEME.landmarks) for name in names]
    save_predictions(there.out / "p.jsonl", made)
    assert [p.identifier for p in read_predictions(there.out / "p.jsonl")] == names
    save_predictions(there.out / "points", made, "vxl-pts")
    there.check(1 + len(names))


@given(names=st.lists(NAMES, min_size=1, max_size=4, unique=True))
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_overlays(place, names):
    """Of films whose names a file system takes; they lie in one folder, where a name leads to."""
    there = place()
    images = there.top / "images"
    for i, name in enumerate(names):
        film = images / name.replace("..", "_").lstrip("/")
        with suppress(OSError):  # too long
            film.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.arange(i, i + 240, dtype=np.uint8).reshape(12, 20)).save(film, "PNG")
    there.before = there.outside()
    count = 0
    with suppress(ImageError):  # no film has the suffix of one
        for _ in locate_files(SimpleNamespace(locate=located, scheme=SCHEME, sides=(Side(),)), [images], there.out):
            count += 1
    there.check(count)


def located(radiograph: Radiograph, side: Side, failure_limit: object) -> Prediction:
    return Prediction(radiograph.identifier + side.ending, POINTS, np.zeros(3), SCHEME.landmarks, radiograph.film())
