"""Image files, and films in memory -> radiographs: PNG, JPEG, TIFF, BMP here, DICOM in its own module.

Resolution tags of PNG, JPEG and TIFF files speak of paper or screens, not of patients: they are never taken as
millimetres, so these formats have no spacing.
"""

import io
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError
from pydicom.dataset import Dataset

from landvote.data.film import Source, Spacing
from landvote.data.radiograph import Pixels, Radiograph
from landvote.errors import ImageError
from landvote.films.codestream import Codestream
from landvote.films.depth import MAX_PIXELS, refuse_large, tightest
from landvote.films.dicom import DICOM_SUFFIXES, dicom_size, has_magic, not_a_film, read_dataset, read_dicom
from landvote.films.dicomdir import DICOMDIR, Listings
from landvote.films.left_out import LeftOut
from landvote.films.tiff import Directory
from landvote.films.walking import walk_files
from landvote.runtime.files import StrPath, refuse_huge

_SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", *DICOM_SUFFIXES)
_OTHER_SUFFIXES = (".pts", ".csv", ".json", ".jsonl", ".txt")  # of points, which lie beside films: not opened to look
_FILM = "films"
_UNREAD = {
    ".gif",
    ".webp",
    ".jp2",
    ".j2k",
    ".jxl",
    ".heic",
    ".avif",
    ".pdf",
    ".nii",
    ".gz",
    ".mha",
    ".mhd",
    ".nrrd",
    ".dng",
}
_FORMATS = ("PNG", "JPEG", "TIFF", "BMP")
_PNG = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
_ORIENTING = (b"Raw profile type exif", b"XML:com.adobe.xmp", b"xmp\0")  # texts that can hold an orientation
_LYING = (5, 6, 7, 8)  # orientations in which width and height change places
_EXPECTED = "expected a PNG, JPEG, TIFF, BMP or DICOM file"
_BROKEN = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, struct.error,
    zlib.error, cv2.error,
)  # fmt: skip


def read_image(path: StrPath) -> Radiograph:
    """Read one PNG, JPEG, TIFF, BMP or DICOM file, told by its content rather than its name, which identifies the film.

    Colour becomes luminance (Rec. 601), transparency black unless the whole film is transparent, and the EXIF
    orientation is applied. 8-bit files give uint8, deeper ones uint16, or float32 where the values do not fit.

    Raises:
        ImageError: the file is missing, empty, truncated, too large, of several pages, of a depth that is not read, or
            no such image.
    """
    path = Path(path)
    start = _first_bytes(path)
    if _is_dicom(path, start):
        return read_dicom(path)
    with _explained(path, start):
        content = path.read_bytes()  # not by name: Pillow 13.0 scrambles rotated TIFF files that it maps into memory
        tiff = Directory.read(content)
        if tiff is not None:
            refuse_large(path, *tiff.size)
            refuse_large(path, *tiff.tile, "tile")
        if tiff is not None and not tiff.is_plain:
            values, orientation = tiff.decode(path, content)
            pixels, transparent = _upright(tightest(path, values), orientation).copy(), ""
        else:
            _refuse_jpeg(path, content)
            content = _without_texts(content)
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                _refuse_odd(path, image)
                pixels, orientation, transparent = _decode(path, image, tiff.unturned(content) if tiff else content)
    turned = f"EXIF {orientation}" if orientation != 1 else ""
    return Radiograph(pixels, path.name, source=Source(str(path.absolute()), turned, transparent=transparent))


def image_size(path: Path) -> tuple[int, int]:
    """Return width and height of a film as :func:`read_image` gives them, by the header of its file.

    Raises:
        ImageError: the file is missing, empty, too large, of several pages, or no such image.
    """
    start = _first_bytes(path)
    if _is_dicom(path, start):
        return dicom_size(path)
    with _explained(path, start):
        content = path.read_bytes()
        tiff, content = Directory.read(content), _without_texts(content)
        if tiff is not None and not tiff.is_plain:
            refuse_large(path, *tiff.size)
            size, orientation = tiff.size, tiff.orientation
        else:
            with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
                _refuse_odd(path, image)
                size = tiff.size if tiff else image.size  # Pillow turns the size of TIFF files, or not, by version
                plain = image.format == "PNG" and not any(mark in content for mark in (b"eXIf", *_ORIENTING))
                orientation = 1 if plain else _orientation(image)  # for which Pillow decodes a PNG file
    return size[::-1] if orientation in _LYING else size


def radiograph_of(
    film: npt.NDArray[Any] | Dataset, identifier: str = "", spacing: Spacing | float | None = None
) -> Radiograph:
    """Return the radiograph of a film in memory, an array or a pydicom data set, which is left as it is.

    Args:
        film: (height, width) grey values, bone brighter than air as far as is known, of any type of real numbers; or a
            data set of one frame, whose pixels are decoded as those of a DICOM file are. Its ``file_meta`` says how
            they are compressed; without it they are taken to be uncompressed.
        identifier: the name of the film; by default the SOP Instance UID of a data set, or ``"array"``.
        spacing: millimetres per pixel, a number where they are the same along x and y. It counts where a data set gives
            none itself.

    Raises:
        ImageError: the array has another shape or type, or values that are not finite; the data set has no pixels, has
            several frames, or cannot be decoded; or the spacing is not positive.
    """
    known = spacing if isinstance(spacing, Spacing | None) else Spacing(float(spacing), float(spacing), "user")
    if isinstance(film, Dataset):
        return read_dataset(film, identifier or str(film.get("SOPInstanceUID") or "data set")).spaced(known)
    name = identifier or "array"
    if not isinstance(film, np.ndarray):
        raise ImageError(f"{name}: a {type(film).__name__}, expected a numpy array or a pydicom Dataset")
    if film.ndim != 2 or not film.size or film.dtype.kind not in "buif":
        found = f"an array of {film.dtype} of shape {film.shape}"
        raise ImageError(f"{name}: {found}, expected real numbers of shape (height, width)")
    return Radiograph(tightest(name, film), name, known)


def find_images(path: Path, left_out: LeftOut | None = None) -> list[Path]:
    """Return the image files at ``path``, sorted; see :func:`walk_images`."""
    return sorted(walk_images(path, left_out))


def walk_images(path: Path, left_out: LeftOut | None = None) -> Iterator[Path]:
    """Yield the image files at ``path`` one by one, in any order: itself if it is a file, else all below it.

    Files count as images by their suffix, or by the DICOM magic where their suffix is another; so do links that lead
    nowhere, and files that cannot be opened to look, since a film may be lost there. See :func:`walk_files` for what is
    passed over. DICOM files without a film, such as structured reports, are left out. Where a folder has a DICOMDIR,
    the images in it and below it are those that this lists, present or not. ``left_out`` is told of the others.

    Raises:
        ImageError: there is nothing at ``path``, or a folder below it cannot be read.
    """
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        raise ImageError(f"{path}: no such file or folder")
    left_out = left_out or LeftOut()
    listings = Listings(path, left_out)
    for file in walk_files(path, left_out):
        kind = image_kind(file)
        if kind == _FILM and listings.leave_out(file):
            kind = "images that the DICOMDIR beside them does not list"
        if kind == _FILM:
            yield file
        elif kind:
            left_out(file.name, kind)
    yield from listings.lost()


def image_kind(path: Path) -> str:
    """Return ``"films"`` for an image as in :func:`walk_images`; else what a DICOM file without one is, or ``""``."""
    suffix = path.suffix.lower()
    if suffix in _SUFFIXES and suffix not in DICOM_SUFFIXES:
        return _FILM
    if suffix in _OTHER_SUFFIXES or path.name.upper() == DICOMDIR:
        return ""
    if suffix in _UNREAD:
        return "pictures of a kind that is not read"
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except OSError:
        return _FILM  # read_image says why
    return (not_a_film(start) or _FILM) if has_magic(start) or suffix in DICOM_SUFFIXES else ""


def _is_dicom(path: Path, start: bytes) -> bool:
    return has_magic(start) or path.suffix.lower() in DICOM_SUFFIXES


@contextmanager
def _explained(path: Path, start: bytes) -> Iterator[None]:
    """Turn whatever Pillow, OpenCV and broken files raise into an ImageError that names the file."""
    try:
        yield
    except UnidentifiedImageError as error:
        raise ImageError(f"{path}: not an image or broken (starts with {start[:8]!r}), {_EXPECTED}") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        found = "".join(re.findall(r"\d+", str(error))[:1])  # Pillow's own limit, of twice as many, follows
        raise ImageError(f"{path}: too large ({found} pixels), expected at most {MAX_PIXELS} pixels") from error
    except _BROKEN as error:
        raise ImageError(f"{path}: truncated or damaged ({error}), expected a whole image") from error


def _orientation(image: Image.Image) -> int:
    return int(image.getexif().get(ExifTags.Base.Orientation, 1))


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            refuse_huge(path, file, ImageError)
            start = file.read(132)
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror}), {_EXPECTED}") from error
    if not start:
        raise ImageError(f"{path}: empty file, {_EXPECTED}")
    return start


def _refuse_odd(path: Path, image: Image.Image) -> None:
    refuse_large(path, *image.size)
    pages = getattr(image, "n_frames", 1)
    if pages > 1 and image.format != "MPO":  # the first picture of an MPO is the photograph, the rest previews
        raise ImageError(f"{path}: holds {pages} images, expected one")


def _refuse_jpeg(path: Path, content: bytes) -> None:
    """Raise an error for a JPEG that Pillow calls no image at all."""
    stream = Codestream.of(content) if content.startswith(b"\xff\xd8") else None
    if stream and (stream.kind, stream.bits) != ("JPEG", 8):
        expected = "expected JPEG of 8 bits, or the film as PNG, TIFF or DICOM"
        raise ImageError(f"{path}: {stream.kind} of {stream.bits} bits per sample, {expected}")
    if stream:
        refuse_large(path, stream.width, stream.height)


def _without_texts(content: bytes) -> bytes:
    """Return a PNG file without its texts and colour profile, which Pillow refuses if they are long, but for EXIF."""
    if not content.startswith(_PNG):
        return content
    kept, place = [_PNG], len(_PNG)
    while place + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, place)
        chunk = content[place : place + length + 12]
        if kind not in _TEXTS or chunk[8:].startswith(_ORIENTING):
            kept.append(chunk)
        place += length + 12
    return b"".join(kept)


def _decode(path: Path, image: Image.Image, content: bytes) -> tuple[Pixels, int, str]:
    """Return the pixels, the EXIF orientation that brought them upright, and how much of them is transparent.

    ``content`` is not turned by itself.
    """
    deep_colour = _has_deep_colour(image)
    white_is_zero = image.format == "TIFF" and image.tag_v2.get(262) == 0  # type: ignore[attr-defined]  # photometry
    orientation = _orientation(image)
    image.load()  # raises where the file is cut short, which OpenCV would fill with grey
    if deep_colour:
        pixels, transparent = _luminance(_opencv(path, content))
        return _upright(pixels, orientation).copy(), orientation, transparent
    still_to_turn = _orientation(image)  # Pillow turns TIFF files while loading them
    pixels, transparent = _grey(path, image)
    if white_is_zero and pixels.dtype == np.uint16:  # Pillow inverts these for 8 bit only
        pixels = np.uint16(65535) - pixels
    return _upright(pixels, still_to_turn).copy(), orientation, transparent


def _has_deep_colour(image: Image.Image) -> bool:
    """Say whether this is colour of 16 bits, which Pillow would cut to 8."""
    if image.mode not in {"RGB", "RGBA", "LA"}:
        return False
    layouts = [tile[3] for tile in getattr(image, "tile", [])]  # "RGB;16B", or a tuple that starts with it
    return any(";16" in (layout if isinstance(layout, str) else str(layout[0])) for layout in layouts if layout)


def _opencv(path: Path, content: bytes) -> npt.NDArray[np.uint16]:
    array = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if array is None or array.dtype != np.uint16 or array.ndim != 3 or array.shape[2] not in (3, 4):
        raise ImageError(f"{path}: 16-bit colour that cannot be decoded, expected RGB or RGBA")
    order = [2, 1, 0, 3][: array.shape[2]]  # OpenCV gives blue first
    return np.ascontiguousarray(array[..., order], dtype=np.uint16)


def _grey(path: Path, image: Image.Image) -> tuple[Pixels, str]:
    """Turn any Pillow mode into one plane, and say how much of it is transparent.

    A grey value or colour that is called transparent stays as it is: programs call white transparent where bone is
    white. A palette says how opaque each entry is, as an alpha channel does.
    """
    if image.mode in {"1", "L"}:
        return np.asarray(image.convert("L"), dtype=np.uint8), ""
    if image.mode.startswith(("I", "F")):
        return tightest(path, np.asarray(image)), ""
    keyed = image.mode == "P" and "transparency" in image.info
    has_alpha = image.mode in {"LA", "PA", "RGBA", "RGBa", "La"} or keyed
    if not has_alpha:
        image.info.pop("transparency", None)
    return _luminance(np.asarray(image.convert("RGBA" if has_alpha else "RGB")))


def _luminance(colour: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> tuple[Pixels, str]:
    grey, transparent = cv2.cvtColor(colour[..., :3], cv2.COLOR_RGB2GRAY), ""
    if colour.shape[2] == 4 and colour[..., 3].any():  # alpha that is zero throughout is a slip, not a wish for black
        alpha = colour[..., 3] / np.float64(np.iinfo(colour.dtype).max)
        share = float((alpha < 1).mean())
        transparent = f"{share:.1%}" if share else ""
        grey = np.rint(grey * alpha).astype(colour.dtype)
    return grey, transparent  # type: ignore[return-value]


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Apply an EXIF orientation (1 to 8; anything else is left alone)."""
    if orientation in _LYING:
        pixels = pixels.T
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels
