"""Films in any form are located alike; what cannot be read is told, and left out only where that is asked for."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from landvote.data.film import Spacing
from landvote.data.prediction import Prediction
from landvote.data.radiograph import Radiograph
from landvote.data.side import Side
from landvote.errors import ImageError, StoppedError
from landvote.films.image import radiograph_of
from landvote.models.any_film import locate
from landvote.runtime.events import FilmFailed, FilmLocated
from landvote.runtime.stop import StopToken
from toys import dicom, ell, ell_sample

ARRAY = np.arange(12, dtype=np.float64).reshape(3, 4)


@pytest.fixture
def localiser():
    """Return one that finds the mean grey of a film, and its millimetres per pixel."""

    def found(film, side):
        assert side == Side()
        point = [film.pixels.mean(), film.spacing.x if film.spacing else np.nan]
        return Prediction(film.identifier, np.array([point]), np.zeros(1), ("a",), film.film())

    return SimpleNamespace(locate=found, sides=(Side(),))


def pale(shape, grey, kind=np.uint8):
    """Return pixels of that mean, of which two differ: a film of one grey is left out."""
    pixels = np.full(shape, grey, kind)
    pixels[0, :2] += np.array([-1, 1]).astype(kind)
    return pixels


def paint(file, grey=90):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pale((20, 30), grey)).save(file)
    return file


def test_each_form_of_film_is_located_under_its_name(localiser, tmp_path):
    data = dicom(pale((4, 5), 7, np.uint16), PixelSpacing=[0.2, 0.2])
    folder = paint(tmp_path / "folder" / "a" / "b.png", 30).parents[1]
    files = [paint(tmp_path / "one.png", 10), str(paint(tmp_path / "two.png", 20)), folder]
    mine = Radiograph(pale((2, 2), 5), "mine")
    films = [*files, ARRAY, data, mine, ell_sample(3), radiograph_of(ARRAY, "spaced", 0.3)]
    found = list(locate(localiser, iter(films)))
    named = ["one.png", "two.png", "a/b.png", "3", data.SOPInstanceUID, "mine", "03.png", "spaced"]
    assert [p.identifier for p in found] == named
    greys = [10, 20, 30, ARRAY.mean(), 7, 5, ell(3)[0].mean(), ARRAY.mean()]
    np.testing.assert_allclose([p.points[0, 0] for p in found], greys)
    np.testing.assert_array_equal([p.points[0, 1] for p in found], [np.nan] * 4 + [0.2] + [np.nan] * 2 + [0.3])
    assert found[0].film.source.path == str(tmp_path / "one.png")


@pytest.mark.parametrize("form", ["array", "data set", "path", "text", "radiograph", "sample"])
def test_one_film_counts_as_one(localiser, tmp_path, form):
    path = paint(tmp_path / "one.png")
    films = {
        "array": ARRAY, "data set": dicom(pale((4, 5), 9)), "path": path, "text": str(path),
        "radiograph": Radiograph(pale((2, 2), 9), "f", Spacing(1, 1, "user")), "sample": ell_sample(0),
    }  # fmt: skip
    assert len(list(locate(localiser, films[form]))) == 1


def test_a_data_folder_stands_for_its_films_and_films_of_one_name_are_told_apart(localiser, tmp_path, draw):
    data = draw(tmp_path / "data", ["hip.png", "leg.png"])
    other = draw(tmp_path / "other", ["hip.png"]) / "images" / "hip.png"
    found = [p.identifier for p in locate(localiser, [data, other, other])]
    assert found == ["hip.png", "leg.png", other.as_posix()]


def test_films_are_opened_one_by_one_as_predictions_are_taken(localiser):
    opened: list[int] = []
    predictions = locate(localiser, (ell_sample(i, opened=opened) for i in range(3)))
    assert opened == []
    next(predictions)
    assert opened == [0]
    assert len(list(predictions)) == 2


def test_a_film_that_cannot_be_read_is_an_error_or_told_to_the_listener(localiser, tmp_path):
    (tmp_path / "bad.png").write_bytes(b"no picture")
    films, events = [paint(tmp_path / "a.png"), tmp_path / "bad.png", np.zeros((2, 2, 3)), ARRAY], []
    with pytest.raises(ImageError, match=r"bad\.png"):
        list(locate(localiser, films))
    found = list(locate(localiser, films, skip_unreadable=True, listener=events.append))
    assert [p.identifier for p in found] == ["a.png", "3"]
    assert [e.image for e in events if isinstance(e, FilmFailed)] == ["bad.png", "2"]
    assert [e.done for e in events if isinstance(e, FilmLocated)] == [1, 2, 3, 4]  # of those that were tried


@pytest.mark.parametrize("film", [None, 7, [[1, 2], [3, 4]]])
def test_what_is_no_film_is_named(localiser, film):
    with pytest.raises(ImageError, match=rf"0: a {type(film).__name__}, expected a numpy array or a pydicom Dataset"):
        next(locate(localiser, [film]))


def test_a_stop_ends_it_before_the_next_film(localiser):
    stop = StopToken()
    predictions = locate(localiser, [ARRAY, ARRAY], stop=stop)
    next(predictions)
    stop.stop()
    with pytest.raises(StoppedError, match="after 1 films"):
        next(predictions)
