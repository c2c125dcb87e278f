"""The radiograph: grey pixels, millimetres per pixel, an identifier."""

import hashlib
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from landvote.errors import ImageError

Pixels: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | npt.NDArray[np.float32]


@dataclass(frozen=True)
class Spacing:
    """Millimetres per pixel along x and y, and where the figures came from (``"PixelSpacing"``, ``"user"``, ...)."""

    x: float
    y: float
    source: str

    def __post_init__(self) -> None:
        if not (0 < self.x < np.inf and 0 < self.y < np.inf):
            raise ImageError(f"spacing {self.x} x {self.y} mm ({self.source}), expected positive numbers")


@dataclass(frozen=True)
class Radiograph:
    """Grey pixels, their size on the detector or patient, and a name.

    Attributes:
        pixels: ``(height, width)`` uint8, uint16 or float32; bone is brighter than air, whatever the file stored.
        identifier: what films are told apart by; the file name within its folder.
        spacing: millimetres per pixel, or None where the file does not say (or says it implausibly).
        spacing_note: why the spacing is unknown, or what a user should know about it; may be empty.
    """

    pixels: Pixels
    identifier: str
    spacing: Spacing | None = None
    spacing_note: str = ""

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or min(self.pixels.shape) < 1:
            raise ImageError(f"{self.identifier}: pixels have shape {self.pixels.shape}, expected (height, width)")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def pixel_hash(self) -> str:
        """Return the SHA-256 of size and grey values, the same for the same picture in two lossless formats."""
        digest = hashlib.sha256(repr(self.pixels.shape).encode())
        digest.update(np.ascontiguousarray(self.pixels, dtype=np.float32).tobytes())
        return digest.hexdigest()
