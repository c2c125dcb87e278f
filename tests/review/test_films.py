"""The films of a review: every grey value arrives, and the file that was changed is read again."""

from __future__ import annotations

import struct
import threading
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from PIL import Image

from landvote.data.film import Spacing
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.errors import ImageError
from landvote.films.image import read_image
from landvote.review.films import ReviewFilms, decoded, encoded, whole_numbers
from toys import dicom


@pytest.mark.parametrize(("kind", "bits"), [(np.uint8, 8), (np.uint16, 16)])
def test_pixels_keep_their_depth(kind, bits):
    pixels = np.arange(6, dtype=kind).reshape(2, 3) * (40 if bits == 8 else 10000)
    told = encoded(pixels)
    assert (told[:4], struct.unpack("<IIII", told[4:20])) == (b"LVF2", (3, 2, bits, 0))
    np.testing.assert_array_equal(np.frombuffer(told[20:], f"<u{bits // 8}").reshape(2, 3), pixels)
    np.testing.assert_array_equal(decoded(told), pixels)


def test_real_numbers_are_stretched_to_16_bits():
    np.testing.assert_array_equal(whole_numbers(np.array([[-1.5, 0.5, 2.5]], np.float32)), [[0, 32768, 65535]])
    whole_numbers(np.zeros((2, 2), np.float32))


def test_the_first_picture_of_a_large_film_is_halved_and_each_pixel_is_the_mean_of_its_square():
    pixels = np.arange(5 * 4099, dtype=np.uint16).reshape(5, 4099)
    films = ReviewFilms([Sample("film", lambda: Radiograph(pixels, "film"), Scheme.numbered(0))], None)
    opened = films.open(0)
    assert struct.unpack("<IIII", opened.preview[4:20]) == (4099, 5, 16, 2)  # halved twice: 2,049 would be too many
    means = pixels[:4, :4096].reshape(1, 4, 1024, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(decoded(opened.preview), means, atol=0.51)
    np.testing.assert_array_equal(decoded(opened.content), pixels)
    small = ReviewFilms([Sample("film", lambda: Radiograph(pixels[:, :2048], "film"), Scheme.numbered(0))], None)
    assert small.open(0).preview is small.open(0).content


def test_a_small_picture_waits_for_a_film_that_is_opened_and_is_made_from_it():
    opening, decode, read = threading.Event(), threading.Event(), []

    def slow():
        read.append(1)
        opening.set()
        assert decode.wait(20)
        return Radiograph(np.eye(9, dtype=np.uint8), "film")

    films = ReviewFilms([Sample("film", slow, Scheme.numbered(0))], None)
    with ThreadPoolExecutor() as threads:
        film = threads.submit(films.open, 0)
        assert opening.wait(20)
        picture = threads.submit(films.thumbnail, 0)
        decode.set()
        assert film.result(20).size == (9, 9)
        assert picture.result(20)
    assert read == [1]


def test_a_small_picture_is_kept_until_the_film_changes(tmp_path):
    file, opened = tmp_path / "film.png", []

    def draw(grey):
        Image.fromarray(np.repeat(np.linspace(0, grey, 300).astype(np.uint8)[None], 200, 0)).save(file)

    def read():
        opened.append(1)
        return read_image(file)

    draw(200)
    films = ReviewFilms([Sample("film.png", read, Scheme.numbered(0), file=file)], tmp_path / "cache")
    picture = films.thumbnail(0)
    assert cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_UNCHANGED).shape == (85, 128)
    assert (films.thumbnail(0), len(opened)) == (picture, 1)
    draw(100)
    films.thumbnail(0)
    assert len(opened) == 2
    file.unlink()
    with pytest.raises(ImageError, match=r"film\.png: cannot be read"):
        films.thumbnail(0)


def test_the_spacing_of_a_film_is_told_without_decoding_it(tmp_path):
    dicom(np.zeros((4, 4), np.uint16), PixelSpacing=[0.2, 0.1]).save_as(tmp_path / "a.dcm", enforce_file_format=True)
    for name in ("b.png", "c.png"):
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / name)

    def sample(name, spacing=None):
        return Sample(name, pytest.fail, Scheme.numbered(0), file=tmp_path / name, spacing=spacing)

    beside = Spacing(0.5, 0.5, "films.csv")
    films = ReviewFilms([sample("a.dcm", beside), sample("b.png"), sample("c.png", beside), sample("gone.png")], None)
    assert [films.spacing(i) for i in range(4)] == [Spacing(0.1, 0.2, "PixelSpacing"), None, beside, None]


def test_few_decoded_films_are_kept():
    opened = []

    def sample(i):
        def read():
            opened.append(i)
            return Radiograph(np.full((2, 2), i, np.uint8), str(i))

        return Sample(str(i), read, Scheme.numbered(0))

    films = ReviewFilms([sample(i) for i in range(3)], None)
    films.open(0)
    films.open(0)
    assert opened == [0]
