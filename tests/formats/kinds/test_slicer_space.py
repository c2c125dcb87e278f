"""Where Slicer puts pixels: by the header, as the readers of ITK do, which are asked where they are installed."""

import struct
import zlib

import numpy as np
import pytest
from PIL import ExifTags, Image

from landvote.errors import ImageError, PointsError
from landvote.formats.kinds.slicer_space import space_of
from toys import dicom

CR, DX, SC, CT = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("1", "1.1", "7", "2"))
MULTIFRAME = "1.2.840.10008.5.1.4.1.1.7.3"
IMAGER, PIXEL, NOMINAL = "ImagerPixelSpacing", "PixelSpacing", "NominalScannedPixelSpacing"
VALUES = {IMAGER: [0.3, 0.4], PIXEL: [0.5, 0.6], NOMINAL: [0.7, 0.8]}  # row first: along y


def write_film(path, kind=DX, **attributes):
    film = dicom(np.arange(24, dtype=np.uint8).reshape(4, 6), SOPClassUID=kind, **attributes)
    film.file_meta.MediaStorageSOPClassUID = kind
    film.save_as(path, enforce_file_format=True)  # GDCM wants the preamble
    return path


def agrees_with_itk(path):
    """Say whether ITK puts the pixels of a film there too; yes where it is not installed."""
    try:
        import SimpleITK as sitk  # noqa: N813 - its own short name
    except ImportError:
        return True
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    reader.ReadImageInformation()
    n = reader.GetDimension()
    origin, axes = np.zeros(3), np.zeros((3, 2))
    origin[:n] = reader.GetOrigin()
    axes[:n] = (np.reshape(reader.GetDirection(), (n, n)) * reader.GetSpacing())[:, :2]
    space = space_of(path)
    return np.allclose(space.origin, origin) and np.allclose(space.axes, axes)


@pytest.mark.parametrize(
    ("kind", "keywords", "expected"),
    [
        (CR, (IMAGER,), (0.4, 0.3)), (DX, (IMAGER, PIXEL), (0.4, 0.3)), (DX, (PIXEL,), (1, 1)),
        (CR, (NOMINAL,), (1, 1)),
        (SC, (PIXEL, NOMINAL), (0.6, 0.5)), (SC, (NOMINAL,), (0.8, 0.7)), (SC, (IMAGER,), (1, 1)), (DX, (), (1, 1)),
        (CT, (IMAGER, PIXEL), (0.6, 0.5)),
    ],
)  # fmt: skip
def test_the_spacing_of_dicom_is_by_the_kind_of_film(tmp_path, kind, keywords, expected):
    film = write_film(tmp_path / "a.dcm", kind, **{keyword: VALUES[keyword] for keyword in keywords})
    space = space_of(film)
    np.testing.assert_allclose(space.axes, [[expected[0], 0], [0, expected[1]], [0, 0]])
    np.testing.assert_array_equal(space.origin, [0, 0, 0])
    assert agrees_with_itk(film)


def test_position_and_orientation_of_dicom_count(tmp_path):
    told = {IMAGER: [0.3, 0.4], "ImagePositionPatient": [1, 2, 3], "ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}
    film = write_film(tmp_path / "a.dcm", **told)
    space = space_of(film)
    np.testing.assert_allclose(space.positions(np.array([[10.0, 20]])), [[1, 6, -3]])
    np.testing.assert_allclose(space.pixels(np.array([[7.0, 6, -3]])), [[10, 20]])  # before the film
    assert agrees_with_itk(film)


@pytest.mark.parametrize(
    ("name", "told", "expected"),
    [
        ("a.png", {"dpi": (300, 200)}, (1, 1)), ("a.bmp", {"dpi": (300, 200)}, (1, 1)), ("a.jpg", {}, (1, 1)),
        ("a.jpg", {"dpi": (300, 200)}, (25.4 / 300, 25.4 / 200)), ("a.tif", {}, (1, 1)),
        ("a.tif", {"dpi": (300, 200)}, (25.4 / 300, 25.4 / 200)),
        ("a.tif", {"resolution_unit": 3, "x_resolution": 50.0, "y_resolution": 40.0}, (0.2, 0.25)),
        ("a.tif", {"resolution_unit": 1, "x_resolution": 50.0, "y_resolution": 40.0}, (1, 1)),
    ],
)  # fmt: skip
def test_the_resolution_of_jpeg_and_tiff_counts(tmp_path, name, told, expected):
    Image.new("L", (6, 4)).save(tmp_path / name, **told)
    np.testing.assert_allclose(space_of(tmp_path / name).axes[:2], np.diag(expected))
    assert agrees_with_itk(tmp_path / name)


def test_the_scale_in_a_png_counts(tmp_path):
    Image.new("L", (6, 4)).save(tmp_path / "a.png")
    content, chunk = (tmp_path / "a.png").read_bytes(), b"sCAL\x01.3\x00.4"
    chunk = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    start = content.index(b"IDAT") - 4
    (tmp_path / "a.png").write_bytes(content[:start] + chunk + content[start:])
    np.testing.assert_allclose(space_of(tmp_path / "a.png").axes[:2], np.diag([0.3, 0.4]))
    assert agrees_with_itk(tmp_path / "a.png")


def test_films_whose_place_is_not_known_are_refused(tmp_path):
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    Image.new("L", (6, 4)).save(tmp_path / "turned.jpg", exif=turned)
    with pytest.raises(PointsError, match="EXIF 6, by which Slicer does not turn films"):
        space_of(tmp_path / "turned.jpg")
    with pytest.raises(PointsError, match=r"Multi-frame Grayscale Word .*, expected the setting spacing"):
        space_of(write_film(tmp_path / "a.dcm", MULTIFRAME))
    with pytest.raises(PointsError, match="two directions"):
        space_of(write_film(tmp_path / "b.dcm", ImageOrientationPatient=[1, 0, 0, 1, 0, 0]))
    with pytest.raises(PointsError, match=r"ImagerPixelSpacing is .*, expected 2 numbers"):
        space_of(write_film(tmp_path / "c.dcm", ImagerPixelSpacing=[1, 2, 3]))
    (tmp_path / "text.png").write_text("no film")
    for name in ("text.png", "none.png"):
        with pytest.raises(ImageError, match=name):
            space_of(tmp_path / name)
