"""TIFF files of every depth: the values as they were written, or a message that names the depth."""

import contextlib
import struct
import zlib

import numpy as np
import pytest

from landvote.errors import ImageError
from landvote.films import depth
from landvote.films.image import image_size, read_image
from landvote.films.tiff import Directory

RNG = np.random.default_rng(0)


def tiff(pixels, *, order="<", big=False, packed=False, pages=1, **more):
    """Return a TIFF file of (height, width) or (height, width, samples) values in one strip, with tags by number."""
    data = pixels.astype(pixels.dtype.newbyteorder(order)).tobytes()
    data = zlib.compress(data) if packed else data
    samples = pixels.shape[2] if pixels.ndim == 3 else 1
    bits, kind = pixels.dtype.itemsize * 8, {"u": 1, "i": 2, "f": 3}[pixels.dtype.kind]
    header, count, offset = (16, "Q", "Q") if big else (8, "H", "I")
    tags = {
        256: pixels.shape[1], 257: pixels.shape[0], 258: [bits] * samples, 259: 8 if packed else 1,
        262: 2 if samples > 2 else 1, 273: None, 277: samples, 278: pixels.shape[0], 279: len(data),
        339: [kind] * samples,
    } | {int(tag[1:]): value for tag, value in more.items()}  # fmt: skip
    lists = b"".join(struct.pack(f"{order}{samples}H", *tags[tag]) for tag in (258, 339) if isinstance(tags[tag], list))
    tags[273] = header + len(lists)
    start, entries, place = header + len(lists) + len(data), b"", header
    tags = {tag: value for tag, value in tags.items() if value is not None}
    for tag, value in sorted(tags.items()):
        values = value if isinstance(value, list) else [value]
        code, letter = (3, "H") if isinstance(value, list) or tag in (262, 274) else (4, "I")
        raw = struct.pack(f"{order}{len(values)}{letter}", *values)
        if len(raw) > struct.calcsize("<" + offset):
            raw = struct.pack(order + offset, place)
        if isinstance(value, list):
            place += 2 * samples
        entries += struct.pack(f"{order}HH{offset}", tag, code, len(values)) + raw.ljust(8 if big else 4, b"\0")
    mark = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "H", 43 if big else 42)
    mark += struct.pack(order + "HH", 8, 0) if big else b""
    directory = struct.pack(order + count, len(tags)) + entries
    following = struct.pack(order + offset, start if pages > 1 else 0)
    return mark + struct.pack(order + offset, start) + lists + data + directory + following


def read(tmp_path, content):
    (tmp_path / "film.tif").write_bytes(content)
    film = read_image(tmp_path / "film.tif")
    assert image_size(tmp_path / "film.tif") == film.size
    return film.pixels


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"])
def test_every_depth_is_read_as_it_was_written(tmp_path, kind, order, packed):
    if kind[0] == "f":
        values = RNG.normal(0, 100, (6, 9)).astype(kind)
    else:
        values = RNG.integers(np.iinfo(kind).min, np.iinfo(kind).max, (6, 9), dtype=kind, endpoint=True)
    pixels = read(tmp_path, tiff(values, order=order, packed=packed))
    expected = values.astype(np.float64) - min(float(values.min()), 0)
    np.testing.assert_allclose(pixels, expected, rtol=1e-6, atol=1e-7 * expected.max())


def test_values_of_no_stated_kind_are_unsigned(tmp_path):
    values = RNG.integers(0, 2**32, (6, 9), dtype=np.uint32)
    try:
        pixels = read(tmp_path, tiff(values, t339=None))
    except ImageError as error:  # OpenCV before 5
        pytest.skip(str(error))
    np.testing.assert_array_equal(pixels, values.astype(np.float32))


@pytest.mark.parametrize("order", ["<", ">"])
def test_big_files_are_read_too(tmp_path, order):
    values = RNG.integers(0, 2**32, (6, 9), dtype=np.uint32)
    np.testing.assert_array_equal(read(tmp_path, tiff(values, order=order, big=True)), values.astype(np.float32))


@pytest.mark.parametrize(("kind", "samples"), [("u1", 1), ("u1", 3), ("u2", 1), ("u2", 3), ("u4", 1), ("f8", 1)])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_applied_once(tmp_path, kind, samples, orientation):
    upright = np.arange(24, dtype=kind).reshape(4, 6)
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.T,
        6: np.rot90(upright, 1), 7: upright[::-1, ::-1].T, 8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    stored = np.ascontiguousarray(stored if samples == 1 else np.dstack([stored] * 3))
    np.testing.assert_array_equal(read(tmp_path, tiff(stored, t274=orientation)), upright)


@pytest.mark.parametrize("kind", ["u1", "u2", "i2", "u4", "f4", "f8"])
def test_where_white_is_zero_it_is_inverted(tmp_path, kind):
    values = RNG.integers(0, 100, (4, 5)).astype(kind)
    pixels = read(tmp_path, tiff(values, t262=0)).astype(float)
    np.testing.assert_array_equal(pixels - pixels.min(), values.max() - values.astype(float))


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (np.ones((4, 5), np.float16), "1 x 16-bit float"),
        (np.ones((4, 5, 2), np.uint16), "2 x 16-bit unsigned"),
        (np.ones((4, 5, 3), np.float32), "3 x 32-bit float"),
    ],
)
def test_a_depth_that_is_not_read_is_named(tmp_path, values, found):
    with pytest.raises(ImageError, match=rf"film\.tif: TIFF of {found}, expected grey .* 32 or 64 bits"):
        read(tmp_path, tiff(values))


def test_several_images_are_an_error(tmp_path):
    with pytest.raises(ImageError, match="several images, expected one"):
        read(tmp_path, tiff(np.ones((4, 5)), pages=2))


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(depth, "MAX_PIXELS", 19)
    monkeypatch.setattr("landvote.films.tiff.cv2.imdecode", None)
    with pytest.raises(ImageError, match=r"too large \(5 x 4\)"):
        read(tmp_path, tiff(np.ones((4, 5))))


@pytest.mark.parametrize("keep", [5, 12, 40, 500, -1])
@pytest.mark.parametrize("packed", [False, True])
def test_what_is_cut_short_is_an_error(tmp_path, keep, packed):
    content = tiff(RNG.random((30, 40)), packed=packed)
    with pytest.raises(ImageError, match=r"film\.tif"):
        read(tmp_path, content[:keep])


def test_damaged_files_never_raise_anything_else(tmp_path):
    for content in (tiff(RNG.random((6, 9))), tiff(RNG.random((6, 9)), big=True, order=">")):
        for _ in range(60):
            damaged = bytearray(content)
            for position in (*RNG.integers(0, 16, 1), *RNG.integers(len(content) - 200, len(content), 2)):
                damaged[position] = RNG.integers(0, 256)
            with contextlib.suppress(ImageError):
                assert read(tmp_path, damaged).ndim == 2


def test_values_beyond_those_of_32_bits_are_named(tmp_path):
    values = RNG.random((6, 9))
    values[2, 3] = 1e300
    with pytest.raises(ImageError, match=r"to 1e\+300, expected a range of at most 3.4e\+38"):
        read(tmp_path, tiff(values))
    values[2, 3] = -3e38
    values[0, 0] = 3e38
    with pytest.raises(ImageError, match="expected a range"):
        read(tmp_path, tiff(values))


def test_what_is_no_tiff_has_no_directory():
    assert Directory.read(b"\x89PNG\r\n\x1a\n" + bytes(100)) is None
