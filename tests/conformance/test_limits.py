"""Files that claim to be huge are refused by a limit that the message names, in little memory."""

from __future__ import annotations

import io
import os
import re
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit, JPEGLSLossless

from toys import dicom

SIDE = 30_000
PIXELS = "expected .*at most 89478485 pixels|expected 1 to 89478485 pixels"
LANDMARKS = "expected (at most|1 to) 10000"
MORE = 300  # MiB beyond what the imports take: films of this size would take 858 at least
SCRIPT = """
import resource, sys
from pathlib import Path
from landvote.data.scheme import Scheme
from landvote.errors import LandvoteError
from landvote.formats.reading import read_points
from landvote.films.image import read_image
reader = {".toml": Scheme.read, ".csv": read_points, ".pts": read_points, ".jsonl": read_points}
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in map(Path, sys.argv[1:]):
    try:
        print(f"{path.name}: read", reader.get(path.suffix, read_image)(path))
    except LandvoteError as error:
        print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def png():
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 0, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(bytes(10**6))), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def saved(kind, **settings):
    file = io.BytesIO()
    Image.new("L", (16, 16)).save(file, kind, **settings)
    return bytearray(file.getvalue())


def jpeg(**settings):
    content = saved("JPEG", **settings)
    struct.pack_into(">HH", content, max(content.find(b"\xff\xc0"), content.find(b"\xff\xc2")) + 5, SIDE, SIDE)
    return bytes(content)


def jpeg_2000():
    content = saved("JPEG2000", no_jp2=True)
    for place in (8, 24):  # of the image, and of its tiles
        struct.pack_into(">II", content, place, SIDE, SIDE)
    return bytes(content)


def bmp():
    content = saved("BMP")
    struct.pack_into("<ii", content, 18, SIDE, -SIDE)
    return bytes(content)


def tiff(bits=8, kind=1, tile=0, side=SIDE):
    content = zlib.compress(bytes(10**6))
    tags = {256: side, 257: side, 258: bits, 259: 8, 262: 1, 277: 1, 339: kind}
    tags |= {322: tile, 323: tile, 324: 8, 325: len(content)} if tile else {273: 8, 278: side, 279: len(content)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(tags.items()))
    start = struct.pack("<I", 8 + len(content))
    return b"II*\0" + start + content + struct.pack("<H", len(tags)) + entries + bytes(4)


def dcm(syntax=None, content=b"", side=16, **attributes):
    ds = dicom(np.zeros((side, side), np.uint8), **attributes)
    if syntax:
        ds.file_meta.TransferSyntaxUID = syntax
        ds.PixelData = encapsulate([content + bytes(len(content) % 2)])
        ds["PixelData"].is_undefined_length = True
    file = io.BytesIO()
    ds.save_as(file, enforce_file_format=True)
    return file.getvalue()


def table(header, row, count):
    return (header + row * count).encode()


FILES = {
    "a.png": (png(), PIXELS),
    "baseline.jpg": (jpeg(), PIXELS),
    "progressive.jpg": (jpeg(progressive=True), PIXELS),
    "a.bmp": (bmp(), PIXELS),
    "strip.tif": (tiff(), PIXELS),
    "tiled.tif": (tiff(tile=256), PIXELS),
    "one-tile.tif": (tiff(tile=SIDE, side=100), PIXELS),
    "float.tif": (tiff(32, 3), PIXELS),
    "rows.dcm": (dcm(Rows=SIDE, Columns=SIDE), PIXELS),
    "rows-compressed.dcm": (dcm(JPEGLSLossless, b"\xff\xd8\xff\xd9", Rows=SIDE, Columns=SIDE), PIXELS),
    "jpeg.dcm": (dcm(JPEGBaseline8Bit, jpeg()), PIXELS),
    "jpeg2000.dcm": (dcm(JPEG2000Lossless, jpeg_2000()), PIXELS),
    "frames.dcm": (dcm(NumberOfFrames=10**8), "holds 100000000 frames, expected one"),
    "wide.csv": (
        ("image," + ",".join(f"x{i},y{i}" for i in range(10**5)) + "\na.png" + ",1" * 2 * 10**5 + "\n").encode(),
        LANDMARKS,
    ),
    "long.csv": (
        ("image,landmark,x,y\n" + "".join(f"a.png,n{i},1,2\n" for i in range(10**5))).encode(), LANDMARKS
    ),
    "claims.pts": (b"version: 1\nn_points: 100000000\n{\n1 2\n}\n", "1 points, expected 100000000 as its header says"),
    "many.pts": (table("version: 1\nn_points: 3000000\n{\n", "1 2\n", 3_000_000), LANDMARKS),
    "many.jsonl": (('{"image": "a", "points": [[1, 2]' + ", [1, 2]" * 99_999 + "]}\n").encode(), LANDMARKS),
    "points.toml": (b"name = 'a'\npoints = 1000000000\n", LANDMARKS),
    "range.toml": (b"name = 'a'\npoints = 5\nuse = '0-999999999'\n", "goes beyond 10000 landmarks"),
}  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="no ru_maxrss")
def test_what_claims_to_be_huge_is_refused_in_little_memory(tmp_path):
    for name, (content, _) in FILES.items():
        (tmp_path / name).write_bytes(content)
    paths = [tmp_path / name for name in FILES]
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, *paths], capture_output=True, text=True, env=os.environ, check=False
    )
    *lines, more = ended.stdout.splitlines()
    assert len(lines) == len(FILES), ended.stderr
    for line, (name, (_, expected)) in zip(lines, FILES.items(), strict=True):
        assert name in line
        assert re.search(expected, line), line
    assert int(more) / 1024 < MORE
