"""What a JPEG, JPEG-LS or JPEG 2000 codestream says of itself before its pixels: asked before any decoder is."""

import struct
from typing import NamedTuple, Self

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}  # start of frame, among tables
_LOSSLESS = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
_JPEG_LS = 0xF7
_JPEG_2000 = b"\xff\x4f\xff\x51"
_BEFORE = 4096  # bytes in which boxes may stand before a codestream of JPEG 2000


class Codestream(NamedTuple):
    """The kind of a codestream in words, its bits per sample, width and height in pixels."""

    kind: str
    bits: int
    width: int
    height: int

    @classmethod
    def of(cls, content: bytes) -> Self | None:
        """Return what a codestream says; None where it is of another kind, or broken before it comes to that."""
        try:
            if content[:2] == b"\xff\xd8":
                return cls._of_jpeg(content)
            if (start := content.find(_JPEG_2000, 0, _BEFORE)) >= 0:
                right, bottom, left, top = struct.unpack_from(">IIII", content, start + 8)
                return cls("JPEG 2000", (content[start + 42] & 0x7F) + 1, right - left, bottom - top)
        except (struct.error, IndexError):
            return None
        return None

    @classmethod
    def _of_jpeg(cls, content: bytes) -> Self | None:
        place = 2
        while content[place] == 0xFF:
            marker = content[place + 1]
            if marker in _FRAMES:
                bits, height, width = struct.unpack_from(">BHH", content, place + 4)
                kind = "JPEG-LS" if marker == _JPEG_LS else "lossless JPEG" if marker in _LOSSLESS else "JPEG"
                return cls(kind, bits, width, height)
            place += 1 if marker == 0xFF else 2 + struct.unpack_from(">H", content, place + 2)[0]  # FF fills up
        return None
