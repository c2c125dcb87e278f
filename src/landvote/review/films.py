"""The films of a review, by number: their pixels and small pictures. No path comes from outside.

Pixels are bytes: ``LVF2``, then width, height, bits (8 or 16) and n as little-endian 32-bit numbers, then the rows of
grey values, little-endian too. Width and height are those of the film; the rows are those of the film halved n times:
``height >> n`` of ``width >> n`` values, and 1 at least. Bone is brighter than air. Films of real numbers are
stretched to 16 bits.
"""

import hashlib
import struct
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from landvote.data.film import Spacing
from landvote.data.radiograph import Pixels
from landvote.data.sample import Sample
from landvote.errors import DataError, ImageError
from landvote.films.dicom import dicom_spacing
from landvote.runtime.files import atomic_write

Grey: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

_MAGIC = b"LVF2"
_KEPT = 4  # decoded films: the one on screen, the next two, the one before
_FIRST = 2048  # pixels of the longer side, at most, of the picture that is sent first
_SIDE = 128  # pixels of a small picture, the longer side
_OVERSAMPLED = 4  # greys a side that are looked at for each pixel of a small picture


@dataclass(frozen=True)
class Opened:
    """A decoded film: its bytes for the page, the hash of its pixels, size, spacing and what to know of that.

    ``preview`` is the film halved until no side has more than 2048 pixels; the same as ``content`` where none has. A
    film that cannot be read has none of these; ``broken`` says why.
    """

    content: bytes
    preview: bytes
    film: str
    size: tuple[int, int] | None
    spacing: Spacing | None
    note: str
    broken: str = ""

    def record(self) -> dict[str, Any]:
        """Return what the page is told of it besides its pixels; neither path nor patient."""
        spacing = self.spacing
        told = None if spacing is None else {"x": spacing.x, "y": spacing.y, "source": spacing.source}
        return {"size": self.size, "spacing": told, "note": self.note, "broken": self.broken}


class ReviewFilms:
    """The films, in the order of their numbers from 0.

    ``cache`` is a folder for small pictures, or None to make them anew each time. Several threads may call it. Small
    pictures wait for films that are opened.
    """

    def __init__(self, samples: Sequence[Sample], cache: Path | None) -> None:
        self.samples, self._cache = tuple(samples), cache
        self._spacings: dict[tuple[str, int], Spacing | None] = {}
        self._opened: OrderedDict[tuple[str, int], Opened] = OrderedDict()
        self._mutex = threading.Lock()
        self._decoding, self._shrinking = threading.Lock(), threading.Lock()  # one each at a time: memory stays flat
        self._calm = threading.Condition()
        self._awaited = 0  # films that are being opened

    def __len__(self) -> int:
        return len(self.samples)

    def open(self, number: int) -> Opened:
        """Return a decoded film; ImageError if it cannot be read."""
        sample = self.samples[number]
        key = (sample.film, _stamp(sample))
        if there := self._there(key):
            return there
        with self._first(), self._decoding:
            if there := self._there(key):  # another thread has opened it meanwhile
                return there
            radiograph = sample.open()
            grey = whole_numbers(radiograph.pixels)
            times = next(n for n in range(64) if max(grey.shape) >> n <= _FIRST)
            content = encoded(grey)
            opened = Opened(
                content, encoded(grey, times) if times else content, radiograph.pixel_hash(), radiograph.size,
                radiograph.spacing, radiograph.spacing_note,
            )  # fmt: skip
            with self._mutex:
                self._opened[key] = opened
                while len(self._opened) > _KEPT:
                    self._opened.popitem(last=False)
            return opened

    def _there(self, key: tuple[str, int]) -> Opened | None:
        with self._mutex:
            if key in self._opened:
                self._opened.move_to_end(key)
            return self._opened.get(key)

    @contextmanager
    def _first(self) -> Iterator[None]:
        """Let small pictures wait meanwhile."""
        with self._calm:
            self._awaited += 1
        try:
            yield
        finally:
            with self._calm:
                self._awaited -= 1
                self._calm.notify_all()

    @contextmanager
    def _later(self) -> Iterator[None]:
        """Wait until no film is being opened; one at a time."""
        with self._shrinking:
            with self._calm:
                self._calm.wait_for(lambda: not self._awaited)
            yield

    def smaller(self, number: int, side: int) -> tuple[npt.NDArray[np.uint8], float]:
        """Return a film as :func:`small` makes it, and how many of its pixels are one of the film's.

        ImageError if it cannot be read.
        """
        with self._later():
            pixels = self.samples[number].open().pixels
            made = small(pixels, side)
        return made, max(made.shape) / max(pixels.shape)

    def spacing(self, number: int) -> Spacing | None:
        """Return the millimetres per pixel of a film, without decoding it; None if unknown, or it cannot be read."""
        sample = self.samples[number]
        try:
            key = (sample.film, _stamp(sample))
            if key not in self._spacings:
                own = dicom_spacing(sample.file) if sample.file else sample.open().spacing
                self._spacings[key] = own or sample.spacing
            return self._spacings[key]
        except ImageError:
            return None

    def thumbnail(self, number: int) -> bytes:
        """Return a small picture of a film as PNG; ImageError if the film cannot be read."""
        sample = self.samples[number]
        name = hashlib.sha256(f"{sample.film}\0{_stamp(sample)}".encode(errors="surrogateescape")).hexdigest()
        kept = self._cache / f"{name}.png" if self._cache else None
        if kept and kept.is_file():
            return kept.read_bytes()
        with self._later():
            there = self._there((sample.film, _stamp(sample)))
            picture = small(decoded(there.preview) if there else sample.open().pixels)
        made: bytes = cv2.imencode(".png", picture)[1].tobytes()
        if kept:
            try:
                with atomic_write(kept) as temporary:
                    temporary.write_bytes(made)
            except DataError:
                self._cache = None  # a full disk keeps no small pictures, and the page goes on without
        return made


def whole_numbers(pixels: Pixels) -> Grey:
    """Return pixels of 8 or 16 bits as they are, and real numbers stretched to 16 bits."""
    if pixels.dtype.kind != "f":
        return pixels  # type: ignore[return-value]
    low, high = float(pixels.min()), float(pixels.max())
    stretched: npt.NDArray[np.uint16] = np.rint((pixels - low) * (65535 / max(high - low, 1e-30))).astype(np.uint16)
    return stretched


def encoded(grey: Grey, times: int = 0) -> bytes:
    """Return greys as the page gets them, halved so many times: each pixel is then the mean of its square."""
    height, width = grey.shape
    high, wide = max(1, height >> times), max(1, width >> times)
    if times:
        whole: npt.NDArray[Any] = np.ascontiguousarray(grey[: high << times, : wide << times])
        grey = cv2.resize(whole, (wide, high), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    bits = 8 * grey.dtype.itemsize
    rows = np.ascontiguousarray(grey, dtype="<u2" if bits == 16 else np.uint8)
    return _MAGIC + struct.pack("<IIII", width, height, bits, times) + rows.tobytes()


def decoded(content: bytes) -> Grey:
    """Return the greys that :func:`encoded` has made."""
    width, height, bits, times = struct.unpack_from("<IIII", content, len(_MAGIC))
    rows: Grey = np.frombuffer(content, np.uint8 if bits == 8 else "<u2", offset=len(_MAGIC) + 16)
    shaped: Grey = rows.reshape(max(1, height >> times), max(1, width >> times))
    return shaped


def small(pixels: Pixels, side: int = _SIDE) -> npt.NDArray[np.uint8]:
    """Return a picture of 8 bits whose longer side has ``side`` pixels at most.

    Its greys are those from the 1st to the 99th percentile.
    """
    step = max(1, max(pixels.shape) // (_OVERSAMPLED * side))
    some = np.ascontiguousarray(pixels[::step, ::step], dtype=np.float32)
    scale = min(1.0, side / max(some.shape))
    size = (max(1, round(some.shape[1] * scale)), max(1, round(some.shape[0] * scale)))
    shrunk = cv2.resize(some, size, interpolation=cv2.INTER_AREA)
    low, high = np.percentile(shrunk, [1, 99])
    stretched: npt.NDArray[np.float32] = (shrunk - low) * (255 / max(float(high - low), 1e-9))
    return stretched.clip(0, 255).astype(np.uint8)


def _stamp(sample: Sample) -> int:
    """Return when a film's file was last changed; ImageError if it is gone."""
    if sample.file is None:
        return 0
    try:
        return sample.file.stat().st_mtime_ns
    except OSError as error:
        raise ImageError(f"{sample.film}: cannot be read ({error.strerror}), expected a film") from error
