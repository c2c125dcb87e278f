"""Fingerprints: of a file as it lies on the disk, and of a film as it was decoded."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from landvote.errors import ImageError
from landvote.sample import Radiograph


def image_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as 64 hexadecimal digits.

    Raises:
        ImageError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ImageError(f"{path}: cannot be read ({error.strerror})") from error


def pixel_hash(film: Radiograph) -> str:
    """Return the SHA-256 of a film's size and grey values, the same for the same picture in two lossless formats."""
    digest = hashlib.sha256(repr(film.pixels.shape).encode())
    digest.update(np.ascontiguousarray(film.pixels, dtype=np.float32).tobytes())
    return digest.hexdigest()
