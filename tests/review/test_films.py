"""The films of a review: every grey value arrives, and the file that was changed is read again."""

from __future__ import annotations

import struct

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
from landvote.review.films import ReviewFilms, encoded
from toys import dicom


@pytest.mark.parametrize(("kind", "bits"), [(np.uint8, 8), (np.uint16, 16)])
def test_pixels_keep_their_depth(kind, bits):
    pixels = np.arange(6, dtype=kind).reshape(2, 3) * (40 if bits == 8 else 10000)
    told = encoded(pixels)
    assert (told[:4], struct.unpack("<III", told[4:16])) == (b"LVF1", (3, 2, bits))
    np.testing.assert_array_equal(np.frombuffer(told[16:], f"<u{bits // 8}").reshape(2, 3), pixels)


def test_real_numbers_are_stretched_to_16_bits():
    told = encoded(np.array([[-1.5, 0.5, 2.5]], np.float32))
    np.testing.assert_array_equal(np.frombuffer(told[16:], "<u2"), [0, 32768, 65535])
    encoded(np.zeros((2, 2), np.float32))


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
