"""How large an image may be, and the smallest of the three pixel types that holds it faithfully."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from landvote.data.radiograph import Pixels
from landvote.errors import ImageError

MAX_PIXELS = 89_478_485  # Pillow's own limit against decompression bombs; the largest films have about 30 million


def refuse_large(where: Path | str, width: int, height: int, noun: str = "film") -> None:
    """Raise ImageError if a film, or what it is stored in, has more pixels than are decoded."""
    if width * height > MAX_PIXELS:
        raise ImageError(f"{where}: {noun} too large ({width} x {height}), expected at most {MAX_PIXELS} pixels")


def tightest(where: Path | str, array: npt.NDArray[Any]) -> Pixels:
    """Return ``array`` as uint8, uint16 or float32, never negative; negative values shift the whole image up.

    ``where`` is the film, for the message.

    Raises:
        ImageError: the image holds NaN, infinity, or values that float32 does not.
    """
    if array.dtype in (np.uint8, np.uint16):
        return array
    wide = array.astype(np.float64)
    if not np.isfinite(wide).all():
        raise ImageError(f"{where}: holds pixels that are not numbers, expected finite values")
    wide -= min(float(wide.min()), 0.0)
    if wide.max() <= np.iinfo(np.uint16).max and np.array_equal(wide, np.rint(wide)):
        return wide.astype(np.uint16)
    if wide.max() > np.finfo(np.float32).max:
        found = f"pixels from {array.min():.3g} to {array.max():.3g}"
        raise ImageError(f"{where}: {found}, expected a range of at most {np.finfo(np.float32).max:.3g}")
    return wide.astype(np.float32)
