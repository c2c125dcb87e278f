"""TIFF files of the depths that Pillow reads wrongly or not at all: signed values, 32 and 64 bits, real numbers."""

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import cv2
import numpy as np
import numpy.typing as npt

from landvote.errors import ImageError

_WIDTH, _HEIGHT, _BITS, _PHOTOMETRY, _ORIENTATION, _SAMPLES, _FORMAT = 256, 257, 258, 262, 274, 277, 339
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
_CODES = {1: "B", 3: "H", 4: "I", 16: "Q"}  # field types of whole numbers
_FLOAT = 3
_KINDS = {1: ("u", "unsigned"), 2: ("i", "signed"), _FLOAT: ("f", "float")}
_EXPECTED = "expected grey or colour of 8 or 16 bits, or grey of 32 or 64 bits"


@dataclass(frozen=True)
class Directory:
    """The first directory of a TIFF file.

    Attributes:
        order: ``<`` or ``>``, the order of bytes.
        more: whether the file has another directory.
        tags: tag -> first value, of tags that hold whole numbers.
        places: tag -> the byte at which its value lies, and the form of that for ``struct``, where it is a single one.
    """

    order: str
    more: bool
    tags: dict[int, int] = field(default_factory=dict)
    places: dict[int, tuple[int, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, content: bytes) -> Self | None:
        """Return the directory of a file's content, None if it is no TIFF file; struct.error if it is cut short."""
        if content[:4] not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return None
        order, big = "<>"[content[:1] == b"M"], b"+" in content[2:4]
        offset, count, entry = ("Q", "Q", 20) if big else ("I", "H", 12)
        (start,) = struct.unpack_from(order + offset, content, 8 if big else 4)
        (entries,) = struct.unpack_from(order + count, content, start)
        first = start + struct.calcsize(order + count)
        (following,) = struct.unpack_from(order + offset, content, first + entry * entries)
        found = cls(order, following != 0)
        for place in range(first, first + entry * entries, entry):
            tag, kind, values = struct.unpack_from(f"{order}HH{offset}", content, place)
            if kind in _CODES and values:
                within = place + entry - struct.calcsize(order + offset)
                if values * struct.calcsize(order + _CODES[kind]) > struct.calcsize(order + offset):
                    (within,) = struct.unpack_from(order + offset, content, within)
                elif values == 1:
                    found.places[tag] = within, order + _CODES[kind]
                (found.tags[tag],) = struct.unpack_from(order + _CODES[kind], content, within)
        return found

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.tags.get(_WIDTH, 0), self.tags.get(_HEIGHT, 0)

    @property
    def orientation(self) -> int:
        """How the pixels are turned, 1 to 8, as EXIF counts."""
        return self.tags.get(_ORIENTATION, 1)

    @property
    def tile(self) -> tuple[int, int]:
        """Width and height of each tile in pixels, 0 where there are none: a decoder sets as much memory aside."""
        return self.tags.get(_TILE_WIDTH, 0), self.tags.get(_TILE_HEIGHT, 0)

    @property
    def is_plain(self) -> bool:
        """Whether Pillow reads the values as they are: up to 16 bits and unsigned, and 8 where grey has an alpha."""
        bits, samples = self.tags.get(_BITS, 1), self.tags.get(_SAMPLES, 1)
        return self._kind[0] == "u" and bits <= (8 if samples == 2 else 16)

    @property
    def _kind(self) -> tuple[str, str]:
        return _KINDS.get(self.tags.get(_FORMAT, 1), _KINDS[1])  # "undefined" means unsigned to every program

    def unturned(self, content: bytes) -> bytes:
        """Return the content without its orientation, by which OpenCV would turn the pixels itself, or fail."""
        return self._changed(content, _ORIENTATION, 1)

    def _changed(self, content: bytes, tag: int, value: int) -> bytes:
        if tag not in self.places:
            return content
        (place, form), changed = self.places[tag], bytearray(content)
        struct.pack_into(form, changed, place, value)
        return bytes(changed)

    def decode(self, path: Path, content: bytes) -> tuple[npt.NDArray[Any], int]:
        """Return the (height, width) values of a file that is not plain, brighter where larger, and its orientation.

        Raises:
            ImageError: the depth is one that is not read, or the file is damaged.
        """
        bits, samples, (kind, word) = self.tags.get(_BITS, 1), self.tags.get(_SAMPLES, 1), self._kind
        found = f"{path}: TIFF of {samples} x {bits}-bit {word}"
        if samples != 1 or bits not in (8, 16, 32, 64) or (kind, bits) == ("f", 16):
            raise ImageError(f"{found}, {_EXPECTED}")
        if self.more:
            raise ImageError(f"{path}: holds several images, expected one")
        content = self.unturned(content)
        if bits >= 32:  # old versions of OpenCV know real numbers alone of that size; the bits are the same
            content = self._changed(content, _FORMAT, _FLOAT)
        values = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
        if values is None or (values.dtype.itemsize * 8, values.shape) != (bits, self.size[::-1]):
            raise ImageError(f"{found}: damaged, or not decoded by this version of OpenCV; {_EXPECTED}")
        values = values.view(f"{kind}{bits // 8}")
        white_is_zero = self.tags.get(_PHOTOMETRY) == 0
        return (-values.astype(np.float64) if white_is_zero else values), self.orientation
