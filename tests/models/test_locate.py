"""What is written of located films: a file for each, below the folder that was named, and readable again."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from landvote.data.film import Source, Spacing
from landvote.data.limit import Limit
from landvote.data.prediction import Prediction
from landvote.data.radiograph import Radiograph
from landvote.data.scheme import Scheme
from landvote.data.side import Side
from landvote.datasets.folder import read_folder
from landvote.errors import DataError, ImageError, SettingError, SplitError
from landvote.formats.family import FORMATS
from landvote.formats.kinds.jsonl import table_of_predictions
from landvote.formats.writing import write_points
from landvote.models.any_film import locate
from landvote.models.locate import SHIFTED, list_films, locate_files
from landvote.reports import overlays as drawing
from landvote.runtime.events import Event, FilmFailed, FilmLocated, FilmUnknown, Note, OverlayFailed


def prediction(identifier: str, value: float) -> Prediction:
    points = np.array([[value, 2.0], [np.nan, np.nan], [5.0, 6.0]])
    return Prediction(identifier, points, np.zeros(3), ("a", "b", "c"))


@pytest.fixture
def localiser():
    """Return one that finds the same three points on every film."""
    return SimpleNamespace(
        scheme=Scheme.numbered(3),
        sides=(Side(),),
        locate=lambda film, side, limit: prediction(film.identifier, 1.0),  # noqa: ARG005 - knows one
    )


def draw(folder: Path, *names: str) -> list[str]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30).astype(np.uint8)).save(
            folder / name, format="PNG"
        )
    return sorted(names)


def below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_every_film_has_an_overlay_of_its_own_below_the_folder(localiser, tmp_path):
    films = tmp_path / "films"
    draw(films, "a/b.png", "a_b.png", "hip.png", "hip.PNG", "hip.jpg", "a\\..\\..\\up.png", "con.png", "c:b.png",
         "hip.png.png", "long" * 62 + ".png", os.fsdecode(b"r\xf6ntgen.png"))  # fmt: skip
    events: list[Event] = []
    located = list(locate_files(localiser, [films], tmp_path / "out" / "overlays", events.append))
    assert {type(event) for event in events} == {FilmLocated}
    assert len(located) == 11
    pictures = below(tmp_path / "out")
    assert len(pictures) == 11
    assert all(path.startswith("overlays/") and path.endswith(".png") for path in pictures)
    assert {"overlays/a/b.png.png", "overlays/a_b.png.png", "overlays/hip.jpg.png"} <= set(pictures)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["films", "out"]


def test_films_given_by_their_whole_path_are_written_below_the_folder(localiser, tmp_path):
    """Two visits with a film of one name each: the second is called by its absolute path."""
    for visit in ("visit1", "visit2"):
        draw(tmp_path / visit, "hip.png")
        (tmp_path / visit / "hip.pts").write_text("by an annotator")
    located = list(locate_files(localiser, [tmp_path / "visit1", tmp_path / "visit2"], tmp_path / "overlays"))
    assert located[1].identifier == (tmp_path / "visit2" / "hip.png").as_posix()
    write_points(tmp_path / "pts", table_of_predictions(located), FORMATS["menpo-pts"]())
    whole = (tmp_path / "visit2" / "hip").as_posix().lstrip("/")
    assert below(tmp_path / "pts") == sorted(["hip.pts", f"{whole}.pts"])
    assert below(tmp_path / "overlays") == sorted(["hip.png.png", f"{whole}.png.png"])
    assert (tmp_path / "visit2" / "hip.pts").read_text() == "by an annotator"


@pytest.mark.parametrize(
    "names",
    [
        ["hip.png", "leg.tif"],
        ["hip.png", "hip.jpg", "hip.bmp"],
        ["hip.png", "left/hip.png", "left/hip.jpg"],
        ["hip.png", "hip.png.tif"],
        ["Dr. Smith 1.png", "Dr. Smith 2.png"],
    ],
)
def test_points_written_into_a_data_folder_are_read_as_those_of_their_films(tmp_path, names):
    draw(tmp_path / "images", *names)
    table = table_of_predictions([prediction(name, i) for i, name in enumerate(names)])
    write_points(tmp_path / "points", table, FORMATS["menpo-pts"]())
    found = {s.identifier: s.points[0, 0] for s in read_folder(tmp_path, centre=1, require_points=True)}
    assert found == {name: i for i, name in enumerate(names)}


@pytest.fixture
def data(tmp_path):
    """A DATA folder with a split; its points contradict each other, which is no concern of films."""
    draw(tmp_path / "images", "a.png", "left/a.png", "b.png", "c.png")
    (tmp_path / "split.csv").write_text("image,split\na.png,train\nleft/a.png,test\nb,Test\n")
    (tmp_path / "landmarks.csv").write_text("image,x0\na.png,1\n")
    return tmp_path


def test_films_of_one_grey_are_left_out_and_named(localiser, tmp_path):
    draw(tmp_path, "a.png", "b.png")
    Image.fromarray(np.full((20, 30), 90, np.uint8)).save(tmp_path / "b.png")
    events: list[Event] = []
    assert [p.identifier for p in locate_files(localiser, [tmp_path], None, events.append)] == ["a.png"]
    (failed,) = (event for event in events if isinstance(event, FilmFailed))
    assert failed == FilmFailed("b.png", f"{tmp_path / 'b.png'}: every pixel is 90, expected a picture")
    with pytest.raises(ImageError, match="mine: every pixel is 3, expected a picture"):
        list(locate(localiser, Radiograph(np.full((4, 5), 3, np.uint8), "mine")))


def test_films_with_pixels_that_are_not_square_are_located_and_named(localiser, tmp_path):
    def found(film: Radiograph, side: Side) -> Prediction:
        return replace(prediction(film.identifier, 1.0), film=film.film())

    widths = {"a": 0.1, "b": 0.2, "c": 0.25}
    films = [Radiograph(np.eye(9, dtype=np.uint8), name, Spacing(x, 0.2, "user")) for name, x in widths.items()]
    events: list[Event] = []
    located = list(locate(SimpleNamespace(locate=found, sides=(Side(),)), films, listener=events.append))
    assert [p.identifier for p in located] == ["a", "b", "c"]
    (note,) = (event for event in events if isinstance(event, Note))
    assert note.text == "2 films have pixels that are not square, and were looked at as if they were: a, c"


def test_films_of_one_split_alone_are_located(localiser, data):
    found = [p.identifier for p in locate_files(localiser, [data], None, split="test")]
    assert found == ["b.png", "left/a.png"]
    assert [name for _, name in list_films([data], "train")] == ["a.png"]
    assert len(list(list_films([data]))) == 4


def test_a_split_that_is_none(data):
    def listed(*images, split="test"):
        return list(list_films(images, split))

    with pytest.raises(SplitError, match=r"no film is for val, expected one at least in split\.csv"):
        listed(data, split="val")
    with pytest.raises(SettingError, match="split = 'tests', expected train, val or test"):
        listed(data, split="tests")
    with pytest.raises(SplitError, match=r"images: no film is for test"):
        listed(data / "images")
    for images in ((data, data), (data / "images" / "a.png",)):
        with pytest.raises(SettingError, match="expected one DATA folder"):
            listed(*images)
    (data / "split.csv").write_text("image,split\na.png,often\n")
    with pytest.raises(DataError, match="'often', expected train, val or test"):
        listed(data)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError(), ValueError("too large")])
def test_an_overlay_that_cannot_be_written_is_told_of_and_the_points_are_kept(localiser, tmp_path, monkeypatch, error):
    def fails(*_):
        raise error

    monkeypatch.setattr(drawing, "save_figure", fails)
    draw(tmp_path / "films", "a.png", "b.png")
    events: list[Event] = []
    located = list(locate_files(localiser, [tmp_path / "films"], tmp_path / "out", events.append))
    assert [p.identifier for p in located] == ["a.png", "b.png"]
    failed = [event for event in events if isinstance(event, OverlayFailed)]
    assert [event.image for event in failed] == ["a.png", "b.png"]
    assert str(tmp_path / "out" / "a.png.png") in failed[0].message


def test_a_folder_of_overlays_that_cannot_be_made(localiser, tmp_path):
    draw(tmp_path / "films", "left/a.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "left").write_text("a file")
    events: list[Event] = []
    assert len(list(locate_files(localiser, [tmp_path / "films"], tmp_path / "out", events.append))) == 1
    (failed,) = (event for event in events if isinstance(event, OverlayFailed))
    assert "cannot be written" in failed.message


def test_files_that_are_no_films_are_told_of(localiser, tmp_path):
    draw(tmp_path / "films", "a.png", "._a.png")
    events: list[Event] = []
    assert len(list(locate_files(localiser, [tmp_path / "films"], None, events.append))) == 1
    assert Note("left out: 1 hidden files and folders: ._a.png") in events


def test_films_that_are_transparent_in_part_are_located_and_named():
    def found(film: Radiograph, side: Side) -> Prediction:
        return replace(prediction(film.identifier, 1.0), film=film.film())

    films = [
        Radiograph(np.eye(9, dtype=np.uint8), name, source=Source(transparent=told))
        for name, told in (("a", ""), ("b", "3%"))
    ]
    events: list[Event] = []
    assert len(list(locate(SimpleNamespace(locate=found, sides=(Side(),)), films, listener=events.append))) == 2
    (note,) = (event for event in events if isinstance(event, Note))
    assert note.text == "1 films are transparent in part, which was read as black: b"


def test_films_that_are_not_known_are_told_of(tmp_path, localiser):
    draw(tmp_path, "a.png", "b.png", "c.png")
    kinds = {"a.png": True, "b.png": False, "c.png": None}
    limits = []

    def locate(film, side, limit):
        limits.append(limit)
        found = replace(prediction(film.identifier, 1.0), known=kinds[film.identifier])
        return replace(found, probability_of_shift=0.6 if film.identifier == "a.png" else 0.4)

    localiser.locate = locate
    events: list[Event] = []
    limit = Limit(3, "mm")
    assert len(list(locate_files(localiser, [tmp_path], None, events.append, failure_limit=limit))) == 3
    assert [event for event in events if isinstance(event, FilmUnknown)] == [FilmUnknown("b.png")]
    assert limits == [limit] * 3
    assert Note(f"1 {SHIFTED}: a.png") in events
    with pytest.raises(SettingError, match="names no normaliser"):
        next(locate_files(localiser, [tmp_path], None, failure_limit=Limit(3, "%")))
