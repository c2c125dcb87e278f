"""Where 3D Slicer puts the pixels of a film in space: the rules of its readers (ITK and GDCM), and not landvote's.

They differ where it matters. CR and DX films have ``ImagerPixelSpacing`` even where ``PixelSpacing`` is there as well,
and 1 mm where that is alone; JPEG and TIFF files have the resolution for printers, which landvote does not believe.
"""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError
from pydicom.dataset import Dataset
from pydicom.uid import UID

from landvote.data.points import FloatArray, Points
from landvote.errors import ImageError, PointsError
from landvote.films.dicom import explained, read_header

_MODULES = {  # SOP class -> where GDCM looks for the spacing
    **dict.fromkeys(
        (
            "1.2.840.10008.5.1.4.1.1.1",  # CR
            "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1.1",  # DX
            "1.2.840.10008.5.1.4.1.1.1.2", "1.2.840.10008.5.1.4.1.1.1.2.1",  # mammography
            "1.2.840.10008.5.1.4.1.1.1.3", "1.2.840.10008.5.1.4.1.1.1.3.1",  # intra-oral
            "1.2.840.10008.5.1.4.1.1.12.1", "1.2.840.10008.5.1.4.1.1.12.2",  # angiography, fluoroscopy
        ),
        ("ImagerPixelSpacing",),
    ),
    "1.2.840.10008.5.1.4.1.1.7": ("PixelSpacing", "NominalScannedPixelSpacing"),  # secondary capture
    **dict.fromkeys(
        ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.77.1.4"),  # CT (scouts), photographs
        ("PixelSpacing",),
    ),
}  # fmt: skip
_INCH, _CENTIMETRE = 25.4, 10.0
_SCALE = re.compile(rb"sCAL([\x01\x02])([0-9.eE+-]+)\0([0-9.eE+-]+)")
_DICOM_TAGS = [
    "SOPClassUID", "ImagerPixelSpacing", "PixelSpacing", "NominalScannedPixelSpacing", "ImagePositionPatient",
    "ImageOrientationPatient",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Space:
    """The place of a film's pixels in Slicer's space, in millimetres, in the directions L, P and S.

    Attributes:
        origin: (3,) the centre of the top-left pixel.
        axes: (3, 2) the steps to the next pixel on the right and below.
    """

    origin: FloatArray
    axes: FloatArray

    @classmethod
    def flat(cls, dx: float, dy: float) -> "Space":
        """Return the space of a film that says nothing but how large its pixels are."""
        return cls(np.zeros(3), np.array([[dx, 0.0], [0.0, dy], [0.0, 0.0]]))

    def pixels(self, positions: FloatArray) -> Points:
        """Return (n, 2) pixels of (n, 3) positions; what lies before or behind the film is put on it."""
        return (positions - self.origin) @ np.linalg.pinv(self.axes).T

    def positions(self, pixels: Points) -> FloatArray:
        """Return (n, 3) positions of (n, 2) pixels."""
        return self.origin + pixels @ self.axes.T


def space_of(path: Path) -> Space:
    """Return where Slicer puts a film, by its header.

    Raises:
        PointsError: a film that Slicer shows otherwise than landvote (turned by EXIF), or DICOM of a kind for which its
            rule is not known.
        ImageError: the film cannot be read.
    """
    header = read_header(path, _DICOM_TAGS)
    if header is not None:
        with explained(str(path), header):
            return _dicom(path, header)
    try:
        with Image.open(path) as image:
            if (turned := image.getexif().get(ExifTags.Base.Orientation, 1)) != 1:
                found = f"{path}: EXIF {turned}, by which Slicer does not turn films"
                raise PointsError(f"{found}, expected a film without, or its points from another program")
            return Space.flat(*_resolution(path, image))
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise ImageError(f"{path}: cannot be read ({error}), expected a film") from error


def _resolution(path: Path, image: Image.Image) -> tuple[float, float]:
    """Return the size of pixels that ITK's readers take from a picture."""
    unit: float | None = None
    x = y = 0.0
    if image.format == "JPEG":
        unit = {1: _INCH, 2: _CENTIMETRE}.get(image.info.get("jfif_unit", 0))
        x, y = image.info.get("jfif_density", (0, 0))
    elif image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        unit = {2: _INCH, 3: _CENTIMETRE}.get(tags.get(296, 2))
        x, y = float(tags.get(282, 0)), float(tags.get(283, 0))
    elif image.format == "PNG":
        with path.open("rb") as file:
            found = _SCALE.search(file.read(1 << 16).partition(b"IDAT")[0])
        x, y = (float(found[2]), float(found[3])) if found else (1.0, 1.0)
        return (x, y) if 0 < x < math.inf and 0 < y < math.inf else (1.0, 1.0)
    return (unit / x, unit / y) if unit and 0 < x < math.inf and 0 < y < math.inf else (1.0, 1.0)


def _dicom(path: Path, header: Dataset) -> Space:
    kind = str(header.get("SOPClassUID", ""))
    if kind not in _MODULES:
        found = f"{path}: DICOM of the kind {UID(kind).name or 'unknown'!r}, whose pixel spacing in Slicer is not known"
        raise PointsError(f"{found}, expected the setting spacing, in millimetres per pixel")
    spacing = next((v for keyword in _MODULES[kind] if (v := _values(path, header, keyword, 2))), [1.0, 1.0])
    dy, dx = (value or 1.0 for value in spacing)  # DICOM gives the distance between rows first
    origin = _values(path, header, "ImagePositionPatient", 3) or [0.0, 0.0, 0.0]
    right, down = np.reshape(_values(path, header, "ImageOrientationPatient", 6) or [1, 0, 0, 0, 1, 0], (2, 3))
    axes = np.column_stack([right * dx, down * dy])
    if np.linalg.matrix_rank(axes) < 2:
        raise PointsError(f"{path}: ImageOrientationPatient is {[*right, *down]}, expected two directions")
    return Space(np.array(origin), axes)


def _values(path: Path, header: Dataset, keyword: str, n: int) -> list[float]:
    """Return the n numbers of an attribute, none where it is not there; PointsError for anything else."""
    try:
        value = header.get(keyword)
        numbers = [float(v) for v in value] if value else []
    except (TypeError, ValueError):
        numbers = [math.nan]
    if numbers and (len(numbers) != n or not all(map(math.isfinite, numbers))):
        raise PointsError(f"{path}: {keyword} is {str(header.get(keyword))[:40]!r}, expected {n} numbers")
    return numbers
