"""The contact sheet: points land on what they mark, broken films leave a gap."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.errors import ExistsError, ImageError, SettingError
from landvote.reports import sheet as module
from landvote.reports.sheet import contact_sheet, landmark_sheet, refuse_others


def test_points_land_on_what_they_mark(tmp_path):
    """A white dot on black, marked: the mark's colour must surround the dot."""
    pixels = np.zeros((240, 480), np.uint8)
    sample = Sample("f", lambda: Radiograph(pixels, "f"), Scheme.numbered(1), {"": np.array([[300.0, 60.0]])})
    assert contact_sheet([sample], tmp_path / "sheet.png") == (1, [tmp_path / "sheet.png"])
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

    many = [*[samples[0]] * 59, replace(samples[0], open=broken), samples[0]]
    pages = [tmp_path / "sheet.png", tmp_path / "sheet-2.png"]
    assert contact_sheet(many, pages[0], columns=12) == (61, pages)
    assert cv2.imread(str(pages[1])).shape == (256, 240, 3)
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
    contact_sheet([odd], tmp_path / "sheet.png")
    assert cv2.imread(str(tmp_path / "sheet.png"))[:16].any()


def test_more_films_than_pages_are_cut_evenly(samples, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_FILMS", 2)
    monkeypatch.setattr(module, "_PAGES", 3)
    opened = []

    def opening(i):
        opened.append(i)
        return Radiograph(np.zeros((9, 9), np.uint8), str(i))

    many = [replace(samples[0], open=lambda i=i: opening(i)) for i in range(11)]
    drawn, pages = contact_sheet(many, tmp_path / "sheet.png")
    assert (drawn, [page.name for page in pages]) == (6, ["sheet.png", "sheet-2.png", "sheet-3.png"])
    assert opened == [0, 2, 4, 6, 8, 10]


def test_one_film_is_large_with_its_landmarks(tmp_path):
    """Of three films, the first is broken and the last lacks a point."""

    def broken():
        raise ImageError("film.png: not an image")

    film = Radiograph(np.zeros((300, 200), np.uint8), "f")
    points = np.array([[20.0, 30.0], [180.0, 270.0], [20.0, 270.0]])
    names = ("head, top", "$1 of\udcf6$", "x" * 500)
    scheme = Scheme.numbered(3).model_copy(update={"landmarks": names})
    whole = Sample("b", lambda: film, scheme, {"": points})
    gap = Sample("c", broken, scheme, {"": np.array([[np.nan, np.nan], *points[1:]])})
    file = landmark_sheet([gap, replace(whole, open=broken), whole], tmp_path / "sheet.png")
    assert file == tmp_path / "sheet-landmarks.png"
    drawn = cv2.imread(str(file))
    assert max(drawn.shape[0], drawn.shape[1]) >= 1400
    numbered = landmark_sheet([replace(whole, scheme=Scheme.numbered(3))], tmp_path / "plain.png")
    assert cv2.imread(str(numbered)).shape[1] < drawn.shape[1]  # no legend where names are numbers
    assert landmark_sheet([replace(whole, annotations={})], tmp_path / "none.png") is None


def test_only_a_sheet_that_landvote_drew_is_replaced(samples, tmp_path):
    sheet = tmp_path / "sheet.png"
    refuse_others(sheet)
    contact_sheet(samples, sheet)
    landmark_sheet(samples, sheet)
    refuse_others(sheet)
    (tmp_path / "sheet-3.png").write_bytes(cv2.imencode(".png", np.zeros((9, 9), np.uint8))[1].tobytes())
    with pytest.raises(ExistsError, match=r"sheet-3\.png: exists and is no contact sheet"):
        refuse_others(sheet)
    (tmp_path / "film.png").mkdir()
    with pytest.raises(ExistsError, match="a folder"):
        refuse_others(tmp_path / "film.png")
    with pytest.raises(SettingError, match=r"ends in \.png"):
        refuse_others(tmp_path / "sheet.jpg")
