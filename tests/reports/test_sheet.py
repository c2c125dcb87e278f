"""The contact sheet: points land on what they mark, broken films leave a gap."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.errors import ImageError
from landvote.reports.sheet import contact_sheet


def test_points_land_on_what_they_mark(tmp_path):
    """A white dot on black, marked: the mark's colour must surround the dot."""
    pixels = np.zeros((240, 480), np.uint8)
    sample = Sample("f", lambda: Radiograph(pixels, "f"), Scheme.numbered(1), {"": np.array([[300.0, 60.0]])})
    assert contact_sheet([sample], tmp_path / "sheet.png") == 1
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    marked = np.argwhere((sheet[16:] == (0, 255, 255)).all(axis=2))
    np.testing.assert_allclose(marked.mean(axis=0), [60 * 238 / 480, 300 * 238 / 480 + 1], atol=1)


def test_outlines_are_lines(samples, tmp_path):
    """On a black film, of one annotator, so that what is bright is drawn."""
    film = Radiograph(np.zeros((200, 200), np.uint8), "f")
    sample = replace(samples[0], open=lambda: film, annotations={"": samples[0].points})
    contact_sheet([replace(sample, scheme=Scheme.numbered(12))], tmp_path / "dots.png")
    contact_sheet([sample], tmp_path / "lines.png")
    dots, lines = (cv2.imread(str(tmp_path / f"{n}.png"))[16:].any(axis=2) for n in ("dots", "lines"))
    assert lines.any(axis=0).sum() > 1.3 * dots.any(axis=0).sum()
    middle = (samples[0].points[7] + samples[0].points[0]) / 2  # where the ring closes
    x, y = ((middle + 0.5) * 238 / 200 - 0.5 + [1, 0]).round().astype(int)
    assert lines[y - 1 : y + 2, x - 1 : x + 2].any()
    assert not dots[y - 1 : y + 2, x - 1 : x + 2].any()


def test_many_films_and_a_broken_one(samples, tmp_path):
    def broken():
        raise ImageError("film.png: not an image")

    many = [*samples * 10, replace(samples[0], open=broken)]
    assert contact_sheet(many, tmp_path / "sheet.png", columns=12) == 60
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape == (5 * 256, 12 * 240, 3)
    cells = sheet.reshape(5, 256, 12, 240, 3)[:, 16:].swapaxes(1, 2).reshape(60, -1)
    assert np.flatnonzero((cells == 90).all(axis=1)).tolist() == [59]  # the broken one leaves a grey cell


def test_missing_points_are_left_out(tmp_path):
    film = Radiograph(np.zeros((20, 20), np.uint8), "f")
    sample = Sample("f", lambda: film, Scheme.numbered(2), {"": np.array([[np.nan, np.nan], [10, 10]])})
    contact_sheet([sample], tmp_path / "sheet.png")
    marked = np.argwhere((cv2.imread(str(tmp_path / "sheet.png"))[16:] == (0, 255, 255)).all(axis=2))
    assert marked.min() > 100


def test_a_name_that_is_not_utf8_gets_a_cell_as_well(samples, tmp_path):
    odd = replace(samples[0], identifier=b"r\xf6ntgen \xc3\xbc.png".decode(errors="surrogateescape"))
    assert contact_sheet([odd], tmp_path / "sheet.png") == 1
    assert cv2.imread(str(tmp_path / "sheet.png"))[:16].any()
