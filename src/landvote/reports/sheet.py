"""The contact sheet: many small films with their points drawn on, to be looked over at a glance, and one large film."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from landvote.data.points import Points
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.errors import ExistsError, ImageError, SettingError
from landvote.reports.overlays import landmark_figure
from landvote.reports.style import SOFTWARE, save_figure
from landvote.runtime.files import atomic_write, is_stream

_PNG, _DRAWN, _START = b"\x89PNG", b"Software\0" + SOFTWARE.encode(), 4096  # the text comes before the pixels

Picture = npt.NDArray[np.uint8]

_CELL = 240  # pixels, width and height
_FILMS = 60  # on a page
_PAGES = 20
_TEXT = 16  # pixels of height for the name
_COLOURS = ((0, 255, 255), (255, 160, 0), (80, 255, 80), (200, 120, 255))  # of annotators, blue-green-red
_SUBPIXEL = 4  # OpenCV draws at 1/2**4 pixel


def refuse_others(path: Path) -> None:
    """Raise an error if a contact sheet at ``path``, or a page beside it, would replace a file that is none.

    Raises:
        SettingError: the name does not end in ``.png``.
        ExistsError: there is something that landvote has not drawn.
    """
    if path.suffix.lower() != ".png":
        raise SettingError(f"sheet = {str(path)!r}, expected a name that ends in .png")
    beside = [*map(str, range(2, _PAGES + 1)), "landmarks"]
    for file in (path, *(path.with_name(f"{path.stem}-{page}{path.suffix}") for page in beside)):
        if file.is_dir():
            raise ExistsError(f"{file}: a folder, expected another place for the contact sheet")
        if file.is_file() and not is_stream(file):
            with file.open("rb") as opened:
                start = opened.read(_START)
            if not (start.startswith(_PNG) and _DRAWN in start):
                raise ExistsError(f"{file}: exists and is no contact sheet of landvote, expected another place")


def contact_sheet(samples: Sequence[Sample], path: Path, columns: int = 10) -> tuple[int, list[Path]]:
    """Draw films with every annotator's points, 60 on each PNG; return how many films are drawn, and the files.

    The first file is ``path``, the next are called after it (``-2``, ``-3``, ...). There are 20 at most; of more films
    some are drawn, evenly spread over ``samples``. Outlines are drawn as lines, other points as dots. A film that
    cannot be read leaves a grey cell with its name. ``columns`` are films per row. Films are decoded one at a time, and
    each PNG is written whole or not at all.
    """
    drawn = min(len(samples), _FILMS * _PAGES)
    picked = [samples[i] for i in np.linspace(0, len(samples) - 1, drawn).round().astype(int)]
    files = []
    for first in range(0, len(picked), _FILMS):
        page = first // _FILMS + 1
        files.append(path if page == 1 else path.with_name(f"{path.stem}-{page}{path.suffix}"))
        _draw_page(picked[first : first + _FILMS], files[-1], columns)
    return drawn, files


def landmark_sheet(samples: Sequence[Sample], path: Path) -> Path | None:
    """Draw one film large, with its landmarks numbered and named, beside the contact sheet ``path``; return the file.

    It is the first of those with the most points that can be read; None if there is none with points.
    """
    known = {s.identifier: int(np.isfinite(s.points).all(axis=1).sum()) for s in samples if s.annotations}
    for sample in sorted((s for s in samples if known.get(s.identifier)), key=lambda s: -known[s.identifier]):
        try:
            pixels = sample.open().pixels
        except ImageError:  # the contact sheet shows it as a grey cell
            continue
        file = path.with_name(f"{path.stem}-landmarks{path.suffix}")
        save_figure(landmark_figure(pixels, sample.points, sample.scheme), file)
        return file
    return None


def _draw_page(picked: Sequence[Sample], path: Path, columns: int) -> None:
    columns = max(1, min(columns, len(picked)))
    rows = max(1, -(-len(picked) // columns))
    sheet = np.zeros((rows * (_CELL + _TEXT), columns * _CELL, 3), dtype=np.uint8)
    for i, sample in enumerate(picked):
        top, left = i // columns * (_CELL + _TEXT), i % columns * _CELL
        name = sample.identifier[-30:].encode("ascii", "replace").decode()  # OpenCV dies of a name that is not UTF-8
        cv2.putText(sheet, name, (left + 3, top + 12), cv2.FONT_HERSHEY_PLAIN, 0.8, (255, 255, 255))
        picture = _cell(sample)
        top, left = top + _TEXT, left + (_CELL - picture.shape[1]) // 2
        sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    told = PngInfo()
    told.add_text("Software", SOFTWARE)
    with atomic_write(path) as temporary:
        Image.fromarray(sheet[..., ::-1]).save(temporary, "PNG", pnginfo=told)


def _cell(sample: Sample) -> Picture:
    try:
        film = sample.open()
    except ImageError:
        return np.full((_CELL, _CELL, 3), 90, dtype=np.uint8)
    scale = (_CELL - 2) / max(film.size)
    low, high = np.percentile(film.pixels, (0.5, 99.5))
    stretched = (film.pixels.astype(np.float32) - low) / max(high - low, 1e-9)
    eight_bit = np.asarray(np.clip(stretched, 0, 1) * 255, dtype=np.uint8)
    grey = cv2.resize(eight_bit, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    picture = np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
    for colour, points in zip(_COLOURS, sample.annotations.values(), strict=False):
        _draw(picture, (points + 0.5) * scale - 0.5, sample.scheme, colour)
    return picture


def _draw(picture: Picture, points: Points, scheme: Scheme, colour: tuple[int, int, int]) -> None:
    """Draw outlines as lines and what belongs to none as dots; missing points are left out of both."""
    fixed = np.clip(np.nan_to_num(points) * 2**_SUBPIXEL, -(2**20), 2**20).round().astype(np.int32)
    given = np.isfinite(points.sum(axis=1))
    for outline in scheme.outlines:
        curve = [i for i in outline.points if given[i]]
        cv2.polylines(picture, [fixed[curve]], outline.closed, colour, 1, cv2.LINE_AA, _SUBPIXEL)
    on_outline = {i for outline in scheme.outlines for i in outline.points}
    for i in sorted(set(np.flatnonzero(given).tolist()) - on_outline):
        cv2.circle(picture, fixed[i].tolist(), 2 << _SUBPIXEL, colour, -1, cv2.LINE_AA, _SUBPIXEL)
