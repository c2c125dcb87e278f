"""The radiograph: grey pixels, millimetres per pixel, an identifier."""

import hashlib
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from landvote.data.film import Film, Source, Spacing
from landvote.errors import ImageError

Pixels: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16] | npt.NDArray[np.float32]

_TYPES = (np.dtype(np.uint8), np.dtype(np.uint16), np.dtype(np.float32))


@dataclass(frozen=True)
class Radiograph:
    """Grey pixels, their size on the detector or patient, and a name.

    Attributes:
        pixels: ``(height, width)`` uint8, uint16 or float32; bone is brighter than air, whatever the file stored.
        identifier: what films are told apart by; the file name within its folder.
        spacing: millimetres per pixel, or None where the file does not say (or says it implausibly).
        spacing_note: why the spacing is unknown, or what a user should know about it; may be empty.
        source: the file it was read from.

    Raises:
        ImageError: the pixels have another shape or type.
    """

    pixels: Pixels
    identifier: str
    spacing: Spacing | None = None
    spacing_note: str = ""
    source: Source = field(default_factory=Source)

    def __post_init__(self) -> None:
        if self.pixels.ndim != 2 or min(self.pixels.shape) < 1:
            raise ImageError(f"{self.identifier}: pixels have shape {self.pixels.shape}, expected (height, width)")
        if self.pixels.dtype not in _TYPES:
            found, expected = self.pixels.dtype, ", ".join(map(str, _TYPES))
            raise ImageError(f"{self.identifier}: pixels of type {found}, expected one of {expected}")

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    @property
    def is_flat(self) -> bool:
        """Whether all pixels are of one grey, so that there is nothing to see."""
        return bool(self.pixels.min() == self.pixels.max())

    def pixel_hash(self) -> str:
        """Return the SHA-256 of size and grey values, the same for the same picture in two lossless formats."""
        digest = hashlib.sha256(repr(self.pixels.shape).encode())
        plain = np.float32 if self.pixels.dtype.kind == "f" else np.uint16  # 8 and 16 bit are one
        digest.update(np.ascontiguousarray(self.pixels, dtype=plain).data)
        return digest.hexdigest()

    def spaced(self, spacing: Spacing | None) -> "Radiograph":
        """Return it with a spacing given beside the film, which counts where it was measured or the film has none."""
        if spacing is None or (self.spacing is not None and not spacing.measured):
            return self
        return replace(self, spacing=spacing, spacing_note="")

    def mirrored(self) -> "Radiograph":
        """Return its mirror image, left and right swapped."""
        pixels: Pixels = np.ascontiguousarray(self.pixels[:, ::-1])  # type: ignore[assignment]  # the type stays
        return replace(self, pixels=pixels)

    def film(self, *, inverted: bool = False) -> Film:
        """Return what can be said of it without its pixels; ``inverted`` is whether these were inverted."""
        return Film(self.size, self.spacing, inverted, self.pixel_hash(), self.source)
