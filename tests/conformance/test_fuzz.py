"""Random bytes, and damaged files of every kind: an error of landvote's own or a value, nothing else, and no hang."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from PIL import Image
from pydicom.uid import RLELossless

from landvote.data.scheme import Outline, Scheme
from landvote.datasets.folder import read_folder, survey_folder
from landvote.errors import LandvoteError
from landvote.experiments.grid import read_grid
from landvote.films.image import read_image
from landvote.formats.family import FORMATS, format_named, recognised
from landvote.formats.films import Films
from landvote.formats.points import PointRow, PointTable
from landvote.formats.predictions import read_predictions, write_predictions
from landvote.formats.reading import read_points
from landvote.formats.writing import write_points
from landvote.localiser import Conditions, Localiser
from landvote.models import divide, load_model, train_model
from landvote.models.describe import describe_model
from landvote.models.films import read_films
from landvote.models.locate import locate_files
from landvote.recipes import recipe
from landvote.runtime.events import Logged
from toys import dicom, tiny

resource = pytest.importorskip("resource")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # of Pillow and numpy, about what is damaged
]

CASES = 2000
SECONDS = 10  # of one case, at most
MORE = 3 << 30  # bytes that a case may ask for beyond what the process has
NUMBERS = [
    "0", "-1", "1e300", "-1e300", "1e999", "nan", "NaN", "Infinity", "9" * 30, "9" * 5000, "2147483648", "0.5", "", "x",
    "null", "true", '"1"', "[]", "{}", "[" * 3000, "\u0663", "\u00b2", "1,2",
]  # fmt: skip


class Kind(NamedTuple):
    """One kind of file: the good one, where it lies, and the readers that take it."""

    file: Path
    readers: tuple[Callable[[], object], ...]


def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    """Return random bytes, or the good ones damaged up to three times."""
    if draw(st.integers(0, 9)) == 0:
        return good[: draw(st.sampled_from([0, 4, 200]))] + draw(st.binary(max_size=300))
    content = good
    for _ in range(draw(st.integers(1, 3))):
        content = draw(st.sampled_from(DAMAGES))(draw, content)
    return content


def place(draw: st.DrawFn, content: bytes) -> int:
    """Return a place in the content, half the time in its beginning."""
    end = len(content) if draw(st.booleans()) else min(len(content), 200)
    return draw(st.integers(0, max(end - 1, 0)))


def cut(draw: st.DrawFn, content: bytes) -> bytes:
    return content[: place(draw, content)]


def flipped(draw: st.DrawFn, content: bytes) -> bytes:
    made = bytearray(content or b"\0")
    for _ in range(draw(st.integers(1, 4))):
        made[place(draw, made)] = draw(st.integers(0, 255))
    return bytes(made)


def without_some(draw: st.DrawFn, content: bytes) -> bytes:
    start = place(draw, content)
    return content[:start] + content[start + draw(st.integers(1, 60)) :]


def with_more(draw: st.DrawFn, content: bytes) -> bytes:
    start = place(draw, content)
    return content[:start] + draw(st.binary(min_size=1, max_size=8)) + content[start:]


def other_number(draw: st.DrawFn, content: bytes) -> bytes:
    return swapped(draw, content, rb"-?\d+(\.\d+)?", draw(st.sampled_from(NUMBERS)).encode())


def other_value(draw: st.DrawFn, content: bytes) -> bytes:
    return swapped(draw, content, rb'"[^"\n]*"|\[[^\[\]]*\]|\{[^{}]*\}', draw(st.sampled_from(NUMBERS)).encode())


def without_a_key(draw: st.DrawFn, content: bytes) -> bytes:
    return swapped(draw, content, rb'"\w+": *("[^"\n]*"|[\w.-]+|\[[^\[\]]*\]),?|\w+ *= *\S+', b"")


def swapped(draw: st.DrawFn, content: bytes, pattern: bytes, by: bytes) -> bytes:
    found = [match.span() for match in re.finditer(pattern, content[:20_000])]
    if not found:
        return content
    start, end = draw(st.sampled_from(found))
    return content[:start] + by + content[end:]


def other_lines(draw: st.DrawFn, content: bytes) -> bytes:
    lines = content.splitlines(keepends=True) or [b""]
    first, second = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
    if draw(st.booleans()):
        lines.insert(second, lines[first])
    else:
        del lines[first]
    return b"".join(lines)


SIMILAR = [f"landmark_{i:03}" for i in range(1, 5)]
DAMAGES = [cut, flipped, without_some, with_more, other_number, other_value, without_a_key, other_lines]


@contextmanager
def watched():
    """Let a case have some seconds and some memory."""

    def late(*_):
        raise AssertionError(f"this takes more than {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, late)
    limits, now = resource.getrlimit(resource.RLIMIT_AS), Path("/proc/self/statm")
    if now.exists():
        pages = int(now.read_text(encoding="ascii").split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MORE, limits[1]))
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        resource.setrlimit(resource.RLIMIT_AS, limits)
        signal.signal(signal.SIGALRM, before)


# -- the good files ---------------------------------------------------------------------------------------------------

TABLE = PointTable(
    tuple(
        PointRow(
            name, "", np.array([[10.25, 11], [30, 42.5], [61, 20], [40, 40]]) + i, size=(90, 80),
            occluded=np.array([False, i == 1, False, False]),
        ) for i, name in enumerate(["0.png", "1.png", "2.png"])
    ), ("top", "left", "right", "middle"), (Outline(name="edge", points=(0, 1, 2), closed=True),),
)  # fmt: skip
SCHEME = """name = "cross"
points = 5
names = ["middle", "top", "right", "bottom", "left"]
reference = [1, 3]
normaliser = [1, 3]
mirrored = [[2, 4]]
outlines = [{ name = "edge", points = "1-4", closed = true }]
"""


def points_kinds(folder: Path, data: Path) -> dict[str, Kind]:
    films = Films.below(data / "images")
    kinds = {}
    for name in FORMATS:
        out = folder / f"{name}{'' if FORMATS[name].per_film else FORMATS[name].suffixes[0]}"
        try:
            write_points(out, TABLE, format_named(name), films)
        except LandvoteError:  # some formats are read alone
            out.write_bytes(b"")
        file = next(path for path in sorted(out.rglob("*")) if path.is_file()) if out.is_dir() else out
        kinds[name] = Kind(file, points_readers(file, name, films))
    return kinds


def points_readers(file: Path, name: str, films: Films) -> tuple[Callable[[], object], ...]:
    return (
        lambda: recognised(file), lambda: read_points(file, films=films), lambda: read_points(file, name, films=films),
        lambda: read_points(file, name, scheme=Scheme.numbered(4)),
    )  # fmt: skip


def film_kinds(folder: Path) -> dict[str, Kind]:
    grey = (np.add.outer(np.arange(24), np.arange(30)) * 4).astype(np.uint8)
    deep = grey.astype(np.uint16) * 40
    colour = np.dstack([grey, grey[::-1], grey, np.full_like(grey, 255)])
    packed = dicom(deep)
    packed.compress(RLELossless)
    pillow = Image.fromarray(grey)
    exif = Image.Exif()
    exif[274] = 6
    pillow.save(folder / "grey.png", exif=exif)
    pillow.save(folder / "grey.jpg", exif=exif)
    pillow.save(folder / "progressive.jpg", progressive=True)
    pillow.save(folder / "grey.bmp")
    pillow.save(folder / "lzw.tif", compression="tiff_lzw")
    pillow.convert("P").save(folder / "palette.png", transparency=3)
    cv2.imwrite(str(folder / "deep.png"), np.dstack([deep] * 3))
    cv2.imwrite(str(folder / "real.tif"), deep.astype(np.float32))
    cv2.imwrite(str(folder / "alpha.png"), colour)
    dicom(deep, WindowCenter=2000, WindowWidth=900, PixelSpacing=[0.2, 0.2], PixelPaddingValue=0).save_as(
        folder / "plain.dcm", enforce_file_format=True
    )
    packed.save_as(folder / "packed.dcm", enforce_file_format=True)
    return {path.name: Kind(path, (partial(read_image, path),)) for path in folder.iterdir()}


def table_kinds(data: Path) -> dict[str, Kind]:
    (data / "scheme.toml").write_text(SCHEME)
    (data / "subjects.csv").write_text("image,subject,age\n" + "".join(f"{i}.png,p{i},{i}\n" for i in range(6)))
    (data / "films.csv").write_text("image,spacing_mm\n" + "".join(f"{i}.png,0.{i + 1}\n" for i in range(6)))
    (data / "split.csv").write_text("image,split\n" + "".join(f"{i},train\n" for i in range(4)) + "4,val\n5,test\n")
    names = ("scheme.toml", "subjects.csv", "films.csv", "split.csv", "landmarks.csv")
    return {name: Kind(data / name, (lambda: read_folder(data), lambda: survey_folder(data))) for name in names}


def model_kinds(folder: Path, data: Path) -> dict[str, Kind]:
    samples = read_folder(data)
    kinds = {}
    for name, settings_ in (("whdv-shape", {"steps": 3}), ("rfrv", {})):
        model = folder / name
        chosen = tiny(name, **settings_)
        train_model(divide(samples, chosen), chosen, model, Conditions(device="cpu"))
        readers = (
            lambda model=model: Localiser.load(model, "cpu"), lambda model=model: describe_model(model),
            lambda model=model: load_model(model, "cpu"),
        )  # fmt: skip
        for path in sorted(path for path in model.rglob("*.*") if path.stem not in SIMILAR):
            kinds[f"{name}/{path.relative_to(model)}"] = Kind(path, readers)
        events = model / "events.jsonl"
        kinds[f"{name}/events.jsonl"] = Kind(events, (lambda events=events: list(Logged.read(events)),))
        kinds[f"{name}/films.csv"] = Kind(model / "films.csv", (lambda model=model: read_films(model), *readers))
    model = folder / "whdv-shape"
    predictions = folder / "p.jsonl"
    write_predictions(predictions, locate_files(load_model(model, "cpu"), [data / "images"], None))
    kinds["p.jsonl"] = Kind(predictions, (lambda: read_predictions(predictions),))
    return kinds


def toml_kinds(folder: Path) -> dict[str, Kind]:
    own, grid = folder / "own.toml", folder / "grid.toml"
    own.write_text("""name = "own"
summary = "mine"
extends = "whdv"
seed = 3
validation = 0.2
set = ["global:row.choice = { kind = 'shape' }", "local.choice = { kind = 'shape' }", "local.voter.width = 12"]
""")
    shutil.copy(Path(__file__).parents[2] / "grids" / "paper.toml", grid)
    return {"recipe": Kind(own, (lambda: recipe(own),)), "grid": Kind(grid, (lambda: read_grid(grid),))}


@pytest.fixture(scope="module")
def kinds(tmp_path_factory, draw):
    """Write a good file of each kind."""
    made = {name: tmp_path_factory.mktemp(name) for name in ("points", "films", "models", "toml", "data")}
    data = draw(made["data"] / "data", [f"{i}.png" for i in range(6)])
    return {
        **table_kinds(data), **points_kinds(made["points"], data), **film_kinds(made["films"]),
        **model_kinds(made["models"], data), **toml_kinds(made["toml"]),
    }  # fmt: skip


def test_good_files_are_read(kinds):
    for name, kind in kinds.items():
        for reader in kind.readers[:1]:
            try:
                reader()
            except LandvoteError as error:
                pytest.fail(f"{name}: {error}")


def test_damaged_files_give_errors_of_landvote_alone(kinds):
    good = {name: kind.file.read_bytes() for name, kind in kinds.items()}
    assert len(good) > 30

    @settings(max_examples=CASES, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def every_case(data):
        name = data.draw(st.sampled_from(list(kinds)))
        kind = kinds[name]
        content = damaged(data.draw, good[name])
        kind.file.write_bytes(content)
        try:
            for reader in kind.readers:
                with watched():
                    try:
                        reader()
                    except LandvoteError as error:
                        str(error).encode("utf-8", "surrogateescape")
        finally:
            kind.file.write_bytes(good[name])

    every_case()
