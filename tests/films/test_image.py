"""Image files -> radiographs: formats, depths, colour, orientation, and files that are broken."""

import contextlib
import re
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFile
from PIL.PngImagePlugin import PngInfo

from landvote.data.film import Spacing
from landvote.errors import ImageError
from landvote.films import depth
from landvote.films.image import find_images, image_size, radiograph_of, read_image


def ramp(dtype=np.uint8, shape=(40, 60)):
    top = np.iinfo(dtype).max
    return np.linspace(0, top, shape[0] * shape[1]).reshape(shape).astype(dtype)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "tiff"])
def test_eight_bit_grey_is_read_exactly(tmp_path, suffix):
    Image.fromarray(ramp()).save(tmp_path / f"film.{suffix}")
    film = read_image(tmp_path / f"film.{suffix}")
    assert film.pixels.dtype == np.uint8
    np.testing.assert_array_equal(film.pixels, ramp())
    assert film.identifier == f"film.{suffix}"
    assert film.size == (60, 40)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_grey_keeps_its_depth(tmp_path, suffix):
    Image.fromarray(ramp(np.uint16)).save(tmp_path / f"film.{suffix}")
    pixels = read_image(tmp_path / f"film.{suffix}").pixels
    assert pixels.dtype == np.uint16
    np.testing.assert_array_equal(pixels, ramp(np.uint16))


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_sixteen_bit_colour_keeps_its_depth(tmp_path, suffix):
    blue, green, red = ramp(np.uint16) // 3, ramp(np.uint16), ramp(np.uint16)[::-1]
    cv2.imwrite(str(tmp_path / f"film.{suffix}"), np.dstack([blue, green, red]))
    pixels = read_image(tmp_path / f"film.{suffix}").pixels
    assert pixels.dtype == np.uint16
    expected = 0.299 * red + 0.587 * green + 0.114 * blue
    np.testing.assert_allclose(pixels, expected, atol=1.5)


def test_sixteen_bit_colour_with_alpha(tmp_path):
    colour = np.dstack([ramp(np.uint16)] * 3 + [np.full((40, 60), 65535, np.uint16)])
    cv2.imwrite(str(tmp_path / "film.png"), colour)
    np.testing.assert_array_equal(read_image(tmp_path / "film.png").pixels, ramp(np.uint16))


def test_jpeg_is_read_nearly_exactly(tmp_path):
    Image.fromarray(ramp()).save(tmp_path / "film.jpg", quality=95)
    np.testing.assert_allclose(read_image(tmp_path / "film.jpg").pixels.astype(int), ramp(), atol=4)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA", "1"])
def test_grey_saved_in_colour_comes_back_as_it_was(tmp_path, mode):
    grey = np.repeat(np.array([[0, 255, 0, 255]], np.uint8), 3, axis=0)
    Image.fromarray(grey).convert(mode).save(tmp_path / "film.png")
    np.testing.assert_array_equal(read_image(tmp_path / "film.png").pixels, grey)


def test_colour_becomes_luminance(tmp_path):
    Image.new("RGB", (4, 4), (100, 200, 50)).save(tmp_path / "film.png")
    assert read_image(tmp_path / "film.png").pixels[0, 0] == round(0.299 * 100 + 0.587 * 200 + 0.114 * 50)


def test_transparency_is_black(tmp_path):
    picture = np.full((2, 2, 4), 200, np.uint8)
    picture[0, 0, 3], picture[1:, :, 3], picture[0, 1, 3] = 0, 255, 255
    Image.fromarray(picture).save(tmp_path / "film.png")
    np.testing.assert_array_equal(read_image(tmp_path / "film.png").pixels, [[0, 200], [200, 200]])


def test_palette_with_a_transparent_entry(tmp_path):
    picture = Image.fromarray(np.array([[0, 1]], np.uint8), mode=None).convert("P")
    picture.putpalette([250, 250, 250, 90, 90, 90])
    picture.save(tmp_path / "film.png", transparency=0)
    np.testing.assert_array_equal(read_image(tmp_path / "film.png").pixels, [[0, 90]])


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_that_is_zero_throughout_is_no_wish_for_black(tmp_path, mode):
    film = Image.fromarray(ramp()).convert(mode)
    film.putalpha(0)
    film.save(tmp_path / "film.png")
    np.testing.assert_array_equal(read_image(tmp_path / "film.png").pixels, ramp())


@pytest.mark.parametrize("deep", [False, True])
def test_a_film_that_is_transparent_in_part_says_so(tmp_path, deep):
    top = 65535 if deep else 255
    colour = np.full((10, 20, 4), top, np.uint16 if deep else np.uint8)
    cv2.imwrite(str(tmp_path / "film.png"), colour)
    assert read_image(tmp_path / "film.png").source.transparent == ""
    colour[:2, :5, 3] = 0
    cv2.imwrite(str(tmp_path / "film.png"), colour)
    film = read_image(tmp_path / "film.png")
    assert film.source.transparent == "5.0%"
    assert (film.pixels[:2, :5].max(), film.pixels[2:].min()) == (0, top)


def test_alpha_of_sixteen_bits_that_is_zero_throughout(tmp_path):
    cv2.imwrite(str(tmp_path / "film.png"), np.dstack([ramp(np.uint16)] * 3 + [np.zeros((40, 60), np.uint16)]))
    np.testing.assert_array_equal(read_image(tmp_path / "film.png").pixels, ramp(np.uint16))


@pytest.mark.parametrize(("mode", "white"), [("L", 255), ("1", 1), ("RGB", (255, 255, 255))])
def test_a_grey_that_is_called_transparent_stays_as_it_is(tmp_path, mode, white):
    grey = np.repeat(np.array([[0, 255, 0, 255]], np.uint8), 3, axis=0)
    Image.fromarray(grey).convert(mode).save(tmp_path / "film.png", transparency=white)
    assert b"tRNS" in (tmp_path / "film.png").read_bytes()
    np.testing.assert_array_equal(read_image(tmp_path / "film.png").pixels, grey)


def test_long_texts_and_colour_profiles_do_not_matter(tmp_path):
    texts = PngInfo()
    texts.add_text("History", "x" * 1_700_000, zip=True)
    texts.add_itxt("Title", "y" * 1_700_000, zip=True)
    Image.fromarray(ramp()).save(tmp_path / "film.png", pnginfo=texts, icc_profile=bytes(1_500_000))
    np.testing.assert_array_equal(read_image(tmp_path / "film.png").pixels, ramp())


def test_an_orientation_in_a_text_is_applied(tmp_path):
    texts = PngInfo()
    texts.add_itxt("XML:com.adobe.xmp", '<x:xmpmeta><rdf:Description tiff:Orientation="3"/></x:xmpmeta>')
    Image.fromarray(ramp()).save(tmp_path / "film.png", pnginfo=texts)
    np.testing.assert_array_equal(read_image(tmp_path / "film.png").pixels, ramp()[::-1, ::-1])


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp"])
def test_the_size_is_that_of_the_decoded_film(tmp_path, suffix, monkeypatch):
    Image.fromarray(ramp()).save(tmp_path / f"film.{suffix}")
    monkeypatch.setattr(ImageFile.ImageFile, "load", None)  # which decodes
    assert image_size(tmp_path / f"film.{suffix}") == (60, 40)


def test_the_size_of_a_film_that_a_text_turns_and_of_a_photograph_with_previews(tmp_path):
    texts = PngInfo()
    texts.add_itxt("XML:com.adobe.xmp", '<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>')
    texts.add_text("long", "x" * 2_000_000)
    Image.fromarray(ramp()).save(tmp_path / "film.png", pnginfo=texts)
    page = Image.fromarray(ramp())
    page.save(tmp_path / "film.jpg", "MPO", save_all=True, append_images=[page])
    for name, size in (("film.png", (40, 60)), ("film.jpg", (60, 40))):
        assert image_size(tmp_path / name) == read_image(tmp_path / name).size == size


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("suffix", "deep"), [("jpg", False), ("png", False), ("tif", False), ("png", True)])
def test_exif_orientation_is_applied(tmp_path, suffix, orientation, deep):
    """The corner that is bright in the upright picture stands where the stored orientation says."""
    upright = np.full((24, 40), 20, np.uint8)
    upright[:8, :8] = 220  # top left
    upright[:8, -8:] = 120  # top right
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.T,
        6: np.rot90(upright, 1), 7: upright[::-1, ::-1].T, 8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"film.{suffix}"
    if deep:
        cv2.imwrite(str(path), np.dstack([stored.astype(np.uint16) * 257] * 3))
        path.write_bytes(_with_exif(path.read_bytes(), exif.tobytes()))
    else:
        Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif)
    pixels = read_image(path).pixels / (257 if deep else 1)
    assert pixels.shape == upright.shape
    assert image_size(path) == (40, 24)
    np.testing.assert_allclose(pixels, upright, atol=12)


def _with_exif(png: bytes, exif: bytes) -> bytes:
    """Put an eXIf chunk behind the header of a PNG."""
    body = exif.removeprefix(b"Exif\x00\x00")
    chunk = struct.pack(">I", len(body)) + b"eXIf" + body + struct.pack(">I", zlib.crc32(b"eXIf" + body))
    return png[:33] + chunk + png[33:]


def test_white_is_zero_tiff_is_inverted(tmp_path):
    Image.fromarray(ramp(np.uint16)).save(tmp_path / "film.tif", tiffinfo={262: 0})
    np.testing.assert_array_equal(read_image(tmp_path / "film.tif").pixels, 65535 - ramp(np.uint16))


def test_float_tiff_stays_float_and_never_negative(tmp_path):
    Image.fromarray(np.array([[-1.5, 0.25]], np.float32)).save(tmp_path / "film.tif")
    pixels = read_image(tmp_path / "film.tif").pixels
    assert pixels.dtype == np.float32
    np.testing.assert_allclose(pixels, [[0, 1.75]])


def test_float_tiff_with_nan_is_an_error(tmp_path):
    Image.fromarray(np.array([[np.nan, 0.25]], np.float32)).save(tmp_path / "film.tif")
    with pytest.raises(ImageError, match="not numbers"):
        read_image(tmp_path / "film.tif")


def test_resolution_tags_are_not_spacing(tmp_path):
    Image.fromarray(ramp()).save(tmp_path / "film.png", dpi=(300, 300))
    assert read_image(tmp_path / "film.png").spacing is None


def test_the_content_counts_not_the_suffix(tmp_path):
    Image.fromarray(ramp()).save(tmp_path / "film.png")
    (tmp_path / "film.png").rename(tmp_path / "film.jpg")
    np.testing.assert_array_equal(read_image(tmp_path / "film.jpg").pixels, ramp())


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif"])
@pytest.mark.parametrize("keep", [0.03, 0.3, 0.6, 0.9])
def test_a_truncated_file_is_an_error(tmp_path, suffix, keep):
    path = tmp_path / f"film.{suffix}"
    noise = np.random.default_rng(0).integers(0, 255, (100, 100), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(ImageError, match=re.escape(str(path))):
        read_image(path)


def test_a_truncated_deep_colour_png_is_an_error(tmp_path):
    path = tmp_path / "film.png"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 65535, (100, 100, 3)).astype(np.uint16))
    path.write_bytes(path.read_bytes()[:-20000])
    with pytest.raises(ImageError, match="truncated"):
        read_image(path)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("empty.png", b"", "empty file"),
        ("empty.dcm", b"", "empty file"),
        ("text.png", b"these are no pixels", "not an image"),
        ("page.jpg", b"<html><body>not found</body></html>", "not an image"),
        ("zero.png", bytes(500), "not an image"),
    ],
)
def test_what_is_no_image_is_an_error(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ImageError, match=f"{name}.*{says}.*expected"):
        read_image(tmp_path / name)


def test_an_animation_or_a_foreign_format_is_an_error(tmp_path):
    Image.fromarray(ramp()).save(tmp_path / "film.gif")
    with pytest.raises(ImageError, match="not an image"):
        read_image(tmp_path / "film.gif")


def test_several_pages_are_an_error(tmp_path):
    page = Image.fromarray(ramp())
    page.save(tmp_path / "film.tif", save_all=True, append_images=[page, page])
    for read in (read_image, image_size):
        with pytest.raises(ImageError, match="3 images, expected one"):
            read(tmp_path / "film.tif")


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(ImageError, match="cannot be read"):
        read_image(tmp_path / "film.png")


def test_a_folder_is_an_error(tmp_path):
    with pytest.raises(ImageError, match="cannot be read"):
        read_image(tmp_path)


def test_too_many_pixels_are_an_error(tmp_path, monkeypatch):
    Image.fromarray(ramp()).save(tmp_path / "film.png")
    monkeypatch.setattr(depth, "MAX_PIXELS", 100)
    with pytest.raises(ImageError, match="too large"):
        read_image(tmp_path / "film.png")


@pytest.mark.parametrize("side", [1000, 20000])
def test_a_decompression_bomb_is_an_error(tmp_path, monkeypatch, side):
    """Pillow warns up to twice its limit and raises beyond; both come out as the one error."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 800_000)
    Image.new("1", (side, 1000)).save(tmp_path / "film.png")
    with pytest.raises(ImageError, match="too large"):
        read_image(tmp_path / "film.png")


@pytest.mark.parametrize(
    ("frame", "kind"), [((0xC1, 12), "JPEG of 12 bits"), ((0xC3, 8), "lossless JPEG of 8 bits"), ((0xF7, 8), "JPEG-LS")]
)
def test_jpeg_that_is_not_decoded_is_named(tmp_path, frame, kind):
    Image.fromarray(ramp()).save(tmp_path / "film.jpg")
    content = bytearray((tmp_path / "film.jpg").read_bytes())
    start = content.find(b"\xff\xc0")
    content[start + 1], content[start + 4] = frame
    (tmp_path / "film.jpg").write_bytes(content)
    with pytest.raises(ImageError, match=rf"film\.jpg: {kind}.*, expected JPEG of 8 bits"):
        read_image(tmp_path / "film.jpg")


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow says which tags it skips
def test_damaged_files_never_raise_anything_else(tmp_path):
    """Flip bytes all over small files: either a picture or an ImageError."""
    rng = np.random.default_rng(1)
    for suffix in ("png", "jpg", "bmp", "tif"):
        path = tmp_path / f"film.{suffix}"
        Image.fromarray(ramp()).save(path)
        content = path.read_bytes()
        for _ in range(60):
            damaged = bytearray(content)
            for position in rng.integers(0, min(len(content), 200), 3):
                damaged[position] = rng.integers(0, 256)
            path.write_bytes(damaged)
            with contextlib.suppress(ImageError):
                assert image_size(path) == read_image(path).size


class TestFindImages:
    def test_recursive_sorted_and_without_hidden_or_other_files(self, tmp_path):
        for name in ("b.png", "a/c.JPG", "a/.hidden.png", ".cache/d.png", "notes.txt", "points.pts"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(b"x")
        assert [p.relative_to(tmp_path).as_posix() for p in find_images(tmp_path)] == ["a/c.JPG", "b.png"]

    def test_dicom_without_suffix_is_found_by_its_magic(self, tmp_path):
        for name in ("IM0001", "1.2.840.17"):
            (tmp_path / name).write_bytes(bytes(128) + b"DICM")
        (tmp_path / "README").write_bytes(b"hello")
        (tmp_path / "EMPTY").write_bytes(b"")
        assert [p.name for p in find_images(tmp_path)] == ["1.2.840.17", "IM0001"]

    def test_dicom_is_found_by_its_magic_whatever_its_suffix(self, tmp_path):
        for name in ("film.IMA", "film.dic", "film.img", "film.1"):
            (tmp_path / name).write_bytes(bytes(128) + b"DICM")
        (tmp_path / "Thumbs.db").write_bytes(bytes(200))
        assert [p.name for p in find_images(tmp_path)] == ["film.1", "film.IMA", "film.dic", "film.img"]

    def test_a_list_of_dicom_films_is_none(self, tmp_path):
        for name in ("DICOMDIR", "IM0001"):
            (tmp_path / name).write_bytes(bytes(128) + b"DICM")
        assert [p.name for p in find_images(tmp_path)] == ["IM0001"]

    def test_a_link_that_leads_nowhere_is_a_film_that_cannot_be_read(self, tmp_path):
        for name in ("film.png", "IM0001", "notes.txt"):
            (tmp_path / name).symlink_to("not-fetched-yet")
        assert [p.name for p in find_images(tmp_path)] == ["IM0001", "film.png"]
        with pytest.raises(ImageError, match=r"film\.png: cannot be read \(No such file"):
            read_image(tmp_path / "film.png")

    def test_files_of_points_are_not_opened(self, tmp_path, monkeypatch):
        for name in ("film.png", "film.pts", "landmarks.csv"):
            (tmp_path / name).write_bytes(b"x")
        monkeypatch.setattr(Path, "open", None)
        assert [p.name for p in find_images(tmp_path)] == ["film.png"]

    def test_a_file_is_itself(self, tmp_path):
        (tmp_path / "film.png").write_bytes(b"x")
        assert find_images(tmp_path / "film.png") == [tmp_path / "film.png"]

    def test_nothing_there_is_an_error(self):
        with pytest.raises(ImageError, match="no such file"):
            find_images(Path("nowhere/at/all"))


@pytest.mark.parametrize("kind", ["u1", "u2", ">u2", "i2", "i8", "f4", "f8", "?"])
def test_an_array_of_any_real_type_is_a_film(kind):
    array = np.array([[0, 1, 1], [1, 0, 1]]).astype(kind)
    film = radiograph_of(array, "mine", 0.15)
    assert film.pixels.dtype in (np.uint8, np.uint16, np.float32)
    np.testing.assert_array_equal(film.pixels, array)
    assert (film.identifier, film.spacing, film.source.path) == ("mine", Spacing(0.15, 0.15, "user"), "")


def test_an_array_with_values_below_zero_is_shifted_and_its_unequal_spacing_kept():
    film = radiograph_of(np.array([[-3.5, 0.0]]), spacing=Spacing(0.1, 0.2, "calibration"))
    np.testing.assert_array_equal(film.pixels, [[0.0, 3.5]])
    assert (film.identifier, film.spacing.y, film.spacing.source) == ("array", 0.2, "calibration")


@pytest.mark.parametrize(
    ("film", "message"),
    [
        (np.zeros((4, 5, 3), np.uint8), r"mine: an array of uint8 of shape \(4, 5, 3\), expected .*\(height, width\)"),
        (np.zeros((0, 5)), "shape \\(0, 5\\)"),
        (np.zeros((2, 2), complex), "an array of complex128"),
        (np.array([["a", "b"]]), "an array of <U1"),
        (np.array([[1.0, np.nan]]), "mine: holds pixels that are not numbers"),
        ([[1, 2], [3, 4]], "mine: a list, expected a numpy array or a pydicom Dataset"),
    ],
)
def test_what_is_no_film_is_told_so(film, message):
    with pytest.raises(ImageError, match=message):
        radiograph_of(film, "mine")


def test_a_spacing_that_is_none_is_refused():
    with pytest.raises(ImageError, match="expected positive"):
        radiograph_of(np.zeros((2, 2)), "mine", 0)
