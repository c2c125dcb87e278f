"""The film: the facts about a radiograph without its pixels. Predictions and model folders record films so."""

from dataclasses import dataclass, field

from landvote.errors import ImageError

RULER = "ruler"
"""The source of a spacing that was measured on a ruler in the film; it goes before what the film's file says."""


@dataclass(frozen=True)
class Spacing:
    """Millimetres per pixel along x and y, and the source of the figures (``"PixelSpacing"``, ``"user"``, ...).

    Raises:
        ImageError: a figure is not a positive number.
    """

    x: float
    y: float
    source: str

    def __post_init__(self) -> None:
        if not (0 < self.x < float("inf") and 0 < self.y < float("inf")):
            raise ImageError(f"spacing {self.x} x {self.y} mm ({self.source}), expected positive numbers")

    @property
    def is_square(self) -> bool:
        """Whether pixels are as wide as they are high, to one in a hundred."""
        return abs(self.x / self.y - 1) < 0.01

    @property
    def measured(self) -> bool:
        """Whether it was measured on a ruler in the film."""
        return self.source == RULER


@dataclass(frozen=True)
class Source:
    r"""The file that a film was read from, and what it says of itself; empty where it does not.

    Attributes:
        path: the file, absolute; empty for a film that was handed over in memory.
        orientation: how the stored rows and columns lie: the EXIF orientation that was applied (``"EXIF 6"``), or the
            patient orientation of DICOM along rows and columns (``"L\F"``).
        study: DICOM Study Instance UID.
        series: DICOM Series Instance UID.
        instance: DICOM SOP Instance UID.
        transparent: how much of it was transparent, and was made black, such as ``"3.2%"``.
        patient: the keyed hash of the patient's number, see :func:`landvote.runtime.privacy.keyed_hash`.
    """

    path: str = ""
    orientation: str = ""
    study: str = ""
    series: str = ""
    instance: str = ""
    patient: str = ""
    transparent: str = ""


@dataclass(frozen=True)
class Film:
    """One film, as predictions name it.

    Attributes:
        size: width and height in pixels, or None where that is not known.
        spacing: millimetres per pixel, or None.
        inverted: whether it looked like a negative and was inverted before its landmarks were sought.
        pixels_sha256: see :meth:`landvote.data.radiograph.Radiograph.pixel_hash`; empty where that is not known.
        source: the file it came from.
    """

    size: tuple[int, int] | None = None
    spacing: Spacing | None = None
    inverted: bool = False
    pixels_sha256: str = ""
    source: Source = field(default_factory=Source)
