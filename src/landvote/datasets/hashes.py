"""The fingerprint of a film, as it was decoded: what tells the same picture in two files."""

import hashlib

import numpy as np

from landvote.data.radiograph import Radiograph


def pixel_hash(film: Radiograph) -> str:
    """Return the SHA-256 of a film's size and grey values, the same for the same picture in two lossless formats."""
    digest = hashlib.sha256(repr(film.pixels.shape).encode())
    digest.update(np.ascontiguousarray(film.pixels, dtype=np.float32).tobytes())
    return digest.hexdigest()
