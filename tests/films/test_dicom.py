"""DICOM: grey-scale pipeline, polarity, spacing and its provenance, and files that are not films."""

import base64
import copy
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import JPEGExtended12Bit, RLELossless

from landvote.data.film import Spacing
from landvote.errors import ImageError
from landvote.films.dicom import dicom_spacing
from landvote.films.image import image_size, radiograph_of, read_image
from toys import dicom

DATA = Path(__file__).parents[2].parent / "shared" / "data" / "dicom"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="no DICOM samples beside the checkout")
JPEG_12_BIT = base64.b64decode(  # 16 x 16, 200 x + 60 y, made with `dcmcjpeg +ee +q 90`
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYU"
    "GBIUFRT/wQALDAAQABABAREA/8QAFQABAQAAAAAAAAAAAAAAAAAADA3/xAAcEAAABgMAAAAAAAAAAAAAAAAACgsmN0NUYXL/2gAIAQEAAD8AISIc"
    "JdyAGzg0c6FCrQ4S7kANnBo50CKiHCXcgBs4NHOhQq0OEu5ADZwaOdD//9k="
)
STORED = np.array([[0, 100, 200], [1000, 2000, 4095]], np.uint16)


def dataset(pixels=STORED, **attributes):
    return dicom(pixels, **attributes)


def save(path, ds):
    ds.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def read(tmp_path):
    """Write a data set built from keywords and read it back as a film."""

    def _read(pixels=STORED, **attributes):
        film = read_image(save(tmp_path / "film.dcm", dataset(pixels, **attributes)))
        assert image_size(tmp_path / "film.dcm") == film.size
        assert dicom_spacing(tmp_path / "film.dcm") == film.spacing
        return film

    return _read


def read_or_message(path):
    """Return the film, or None and what the error says; any other exception fails the test."""
    try:
        return read_image(path), ""
    except ImageError as error:
        return None, str(error)


def compressed(content, syntax, side):
    ds = dataset(np.zeros((side, side), np.uint16))
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PixelData = encapsulate([content])
    ds["PixelData"].is_undefined_length = True
    return ds


def lut(values, first=0, bits=16):
    item = Dataset()
    item.LUTDescriptor = [len(values), first, bits]
    item.add_new("LUTData", "OW", np.asarray(values, "<u2").tobytes())
    return item


class TestPixels:
    def test_stored_values_come_through(self, read):
        film = read()
        assert film.pixels.dtype == np.uint16
        np.testing.assert_array_equal(film.pixels, STORED)
        assert film.identifier == "film.dcm"

    def test_without_suffix(self, tmp_path):
        film = read_image(save(tmp_path / "IM0001", dataset()))
        np.testing.assert_array_equal(film.pixels, STORED)

    def test_without_preamble_and_meta_information(self, tmp_path):
        ds = dataset()
        del ds.file_meta
        ds.save_as(tmp_path / "film.dcm", implicit_vr=True, little_endian=True)
        np.testing.assert_array_equal(read_image(tmp_path / "film.dcm").pixels, STORED)

    def test_monochrome1_is_inverted(self, read):
        np.testing.assert_array_equal(read(PhotometricInterpretation="MONOCHROME1").pixels, 4095 - STORED)

    def test_rescale_below_zero_is_shifted_up(self, read):
        pixels = read(RescaleSlope=2, RescaleIntercept=-1000).pixels
        np.testing.assert_array_equal(pixels, 2 * STORED)

    def test_signed_values(self, read):
        signed = np.array([[-5, 0], [3, 100]], np.int16)
        np.testing.assert_array_equal(read(signed).pixels, signed + 5)

    def test_window_clips_and_keeps_the_order(self, read):
        pixels = read(WindowCenter=1000, WindowWidth=1000).pixels  # 500 to 1500
        assert pixels[0].max() == 0
        assert 0 < pixels[1, 0] < pixels[1, 1] == pixels[1, 2] == 4095

    def test_the_first_of_several_windows_counts(self, read):
        many = read(WindowCenter=[1000, 50], WindowWidth=[1000, 10]).pixels
        np.testing.assert_array_equal(many, read(WindowCenter=1000, WindowWidth=1000).pixels)

    @pytest.mark.parametrize("window", [{"WindowWidth": 0}, {"WindowWidth": None}, {"WindowWidth": [0, 100]}])
    def test_a_window_without_width_is_no_window(self, read, window):
        np.testing.assert_array_equal(read(WindowCenter=100, **window).pixels, STORED)

    def test_sigmoid_window(self, read):
        pixels = read(WindowCenter=1000, WindowWidth=400, VOILUTFunction="SIGMOID").pixels
        assert pixels[1, 0] == pytest.approx(4095 / 2, rel=0.01)
        assert 0 <= pixels[0, 0] < pixels[0, 2] < pixels[1, 0] < pixels[1, 1]

    def test_monochrome1_is_inverted_after_the_window(self, read):
        """Values below the window are white; inverting before it would move the window elsewhere."""
        pixels = read(PhotometricInterpretation="MONOCHROME1", WindowCenter=1000, WindowWidth=1000).pixels
        assert (pixels[0] == 4095).all()
        assert pixels[1, 1] == pixels[1, 2] == 0

    def test_voi_lut(self, read):
        table = np.arange(4096)[::-1] * 16
        pixels = read(VOILUTSequence=Sequence([lut(table)])).pixels
        np.testing.assert_array_equal(pixels, (4095 - STORED.astype(int)) * 16)

    def test_voi_lut_after_a_rescale_that_makes_floats(self, read):
        table = np.arange(4096) * 16
        pixels = read(VOILUTSequence=Sequence([lut(table)]), RescaleSlope=0.5, RescaleIntercept=0).pixels
        np.testing.assert_array_equal(pixels, np.rint(STORED / 2) * 16)

    def test_modality_lut(self, read):
        table = np.minimum(np.arange(4096) * 3, 65535)
        item = lut(table)
        item.ModalityLUTType = "US"
        np.testing.assert_array_equal(read(ModalityLUTSequence=Sequence([item])).pixels, STORED * 3)

    def test_rgb_becomes_luminance(self, read):
        colour = np.zeros((2, 3, 3), np.uint8)
        colour[...] = (100, 200, 50)
        pixels = read(colour, SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0).pixels
        assert pixels.shape == (2, 3)
        assert (pixels == round(0.299 * 100 + 0.587 * 200 + 0.114 * 50)).all()

    def test_compressed(self, tmp_path):
        ds = dataset(np.arange(4096, dtype=np.uint16).reshape(64, 64))
        ds.compress(RLELossless)
        film = read_image(save(tmp_path / "film.dcm", ds))
        np.testing.assert_array_equal(film.pixels, np.arange(4096).reshape(64, 64))


class TestCompressed:
    def test_lossy_jpeg_of_12_bits(self, tmp_path):
        """The values are those to which dcmdjpeg decodes it."""
        pixels = read_image(save(tmp_path / "film.dcm", compressed(JPEG_12_BIT, JPEGExtended12Bit, 16))).pixels
        assert (pixels.dtype, pixels.shape) == (np.uint16, (16, 16))
        assert pixels[0].tolist() == [200 * x - x % 2 for x in range(16)]
        assert pixels[1, -1] == 3060

    @pytest.mark.parametrize("bits", [10, 16])
    def test_its_bits_count_more_than_what_the_attributes_say(self, tmp_path, bits):
        ds = compressed(JPEG_12_BIT, JPEGExtended12Bit, 16)
        ds.BitsStored, ds.HighBit = bits, bits - 1
        assert read_image(save(tmp_path / "film.dcm", ds)).pixels[1, -1] == 3060

    def test_pixels_that_are_more_than_rows_and_columns_say_are_not_decoded(self, tmp_path):
        large = bytearray(JPEG_12_BIT)
        struct.pack_into(">HH", large, large.find(b"\xff\xc1") + 5, 30000, 20000)
        with pytest.raises(
            ImageError, match=r"film\.dcm: JPEG codestream too large \(20000 x 30000\), expected at most"
        ):
            read_image(save(tmp_path / "film.dcm", compressed(bytes(large), JPEGExtended12Bit, 16)))


class TestSpacing:
    def test_pixel_spacing_is_rows_first(self, read):
        spacing = read(PixelSpacing=[0.3, 0.2]).spacing
        assert (spacing.x, spacing.y, spacing.source) == (0.2, 0.3, "PixelSpacing")

    def test_pixel_spacing_is_preferred(self, read):
        film = read(PixelSpacing=[0.15, 0.15], ImagerPixelSpacing=[0.2, 0.2], PixelSpacingCalibrationType="FIDUCIAL")
        assert film.spacing.x == 0.15
        assert "FIDUCIAL" in film.spacing_note

    def test_equal_to_the_imager_means_uncalibrated(self, read):
        film = read(PixelSpacing=[0.2, 0.2], ImagerPixelSpacing=[0.2, 0.2])
        assert film.spacing.source == "PixelSpacing"
        assert "not corrected for magnification" in film.spacing_note

    def test_of_a_file_is_told_by_its_header_and_other_files_have_none(self, tmp_path):
        film = tmp_path / "film.dcm"
        save(film, dataset(PixelSpacing=[0.3, 0.2]))
        assert dicom_spacing(film) == read_image(film).spacing
        save(film, dataset())
        assert dicom_spacing(film) is None
        (tmp_path / "film.png").write_bytes(b"no DICOM")
        assert dicom_spacing(tmp_path / "film.png") is None

    def test_imager_spacing_alone(self, read):
        film = read(ImagerPixelSpacing=[0.2, 0.2], EstimatedRadiographicMagnificationFactor="1.15")
        assert (film.spacing.x, film.spacing.source) == (0.2, "ImagerPixelSpacing")
        assert "1.15" in film.spacing_note

    def test_scanner_spacing_is_the_last_resort(self, read):
        assert read(NominalScannedPixelSpacing=[0.1, 0.1]).spacing.source == "NominalScannedPixelSpacing"

    @pytest.mark.parametrize("value", [[0, 0], [-0.2, -0.2], [0.2, 0]])
    def test_not_positive_is_unknown(self, read, value):
        film = read(PixelSpacing=value)
        assert film.spacing is None
        assert "not positive" in film.spacing_note

    def test_exactly_one_is_a_placeholder(self, read):
        film = read(PixelSpacing=[1.0, 1.0])
        assert film.spacing is None
        assert "placeholder" in film.spacing_note

    def test_a_placeholder_gives_way_to_the_imager(self, read):
        film = read(PixelSpacing=[1, 1], ImagerPixelSpacing=[0.2, 0.2])
        assert film.spacing.source == "ImagerPixelSpacing"
        assert "placeholder" in film.spacing_note

    @pytest.mark.parametrize("value", [[0.2], None, [0.2, 0.2, 0.2]])
    def test_not_a_pair_is_unknown(self, tmp_path, value):
        ds = dataset()
        ds.PixelSpacing = value
        assert read_image(save(tmp_path / "film.dcm", ds)).spacing is None

    @pytest.mark.parametrize("group", ["SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"])
    def test_functional_groups_hold_spacing_rescale_and_window(self, read, group):
        told = {
            "PixelMeasuresSequence": {"PixelSpacing": [0.35, 0.3]},
            "PixelValueTransformationSequence": {"RescaleSlope": 2, "RescaleIntercept": -1000},
            "FrameVOILUTSequence": {"WindowCenter": 1000, "WindowWidth": 1000},
        }
        item, alone = Dataset(), {}
        for macro, attributes in told.items():
            setattr(item, macro, Sequence([Dataset()]))
            for keyword, value in attributes.items():
                setattr(item[macro][0], keyword, value)
            alone |= attributes
        film, same = read(NumberOfFrames=1, **{group: Sequence([item])}), read(**alone)
        assert film.spacing == Spacing(0.3, 0.35, "PixelSpacing") == same.spacing
        np.testing.assert_array_equal(film.pixels, same.pixels)
        assert read(PixelSpacing=[0.1, 0.1], **{group: Sequence([item])}).spacing.x == 0.1

    def test_an_aspect_ratio_alone_is_told_of(self, read):
        film = read(PixelAspectRatio=[2, 1])
        assert (film.spacing, film.spacing_note) == (None, "PixelAspectRatio is 2\\1, so that pixels are not square")
        assert "PixelAspectRatio" not in read(PixelAspectRatio=[1, 1]).spacing_note

    def test_none_is_unknown_and_says_so(self, read):
        film = read()
        assert film.spacing is None
        assert "no pixel spacing" in film.spacing_note


class TestInMemory:
    def test_a_data_set_is_read_as_its_file_and_stays_as_it_is(self, tmp_path):
        ds = dataset(
            PhotometricInterpretation="MONOCHROME1", WindowCenter=1000, WindowWidth=1000, PixelSpacing=[0.3, 0.2],
            PatientID="17", StudyInstanceUID="1.2.3", PatientOrientation=["L", "F"],
        )  # fmt: skip
        before = copy.deepcopy(ds)
        film = radiograph_of(ds)
        assert (ds, ds.file_meta) == (before, before.file_meta)
        file = read_image(save(tmp_path / "film.dcm", ds))
        assert (film.identifier, file.identifier) == (ds.SOPInstanceUID, "film.dcm")
        assert film.pixel_hash() == file.pixel_hash()
        assert (film.spacing, film.spacing_note) == (file.spacing, file.spacing_note)
        assert replace(film.source, path=file.source.path) == file.source
        assert (film.source.path, film.source.patient != "") == ("", True)

    def test_without_meta_information_pixels_are_taken_as_they_are(self):
        ds = dataset()
        del ds.file_meta
        np.testing.assert_array_equal(radiograph_of(ds, "mine").pixels, STORED)
        assert not hasattr(ds, "file_meta")

    def test_compressed(self):
        ds = dataset(np.arange(4096, dtype=np.uint16).reshape(64, 64))
        ds.compress(RLELossless)
        np.testing.assert_array_equal(radiograph_of(ds).pixels, np.arange(4096).reshape(64, 64))

    def test_a_spacing_given_beside_counts_where_the_data_set_has_none(self):
        assert radiograph_of(dataset(), spacing=0.15).spacing == Spacing(0.15, 0.15, "user")
        assert radiograph_of(dataset(PixelSpacing=[0.3, 0.2]), spacing=0.15).spacing.source == "PixelSpacing"

    @pytest.mark.parametrize(
        ("attributes", "message"),
        [
            ({"PixelData": None}, "mine: pixels cannot be decoded"),
            ({"NumberOfFrames": 3}, "mine: holds 3 frames"),
            ({"PhotometricInterpretation": "HSV"}, "mine: photometric interpretation 'HSV'"),
        ],
    )
    def test_a_broken_one_is_named(self, attributes, message):
        with pytest.raises(ImageError, match=message):
            radiograph_of(dataset(**attributes), "mine")

    def test_one_without_anything_is_named(self):
        with pytest.raises(ImageError, match="data set: DICOM without pixels"):
            radiograph_of(Dataset())

    def test_messages_name_no_patient(self, monkeypatch):
        def broken(ds):
            raise ValueError(f"odd value in the film of {ds.PatientName}")

        monkeypatch.setattr("landvote.films.dicom.pixel_array", broken)
        with pytest.raises(ImageError, match=r"mine: pixels cannot be decoded .*of \.\.\.\^\.\.\."):
            radiograph_of(dataset(PatientName="Doe^Jane"), "mine")


class TestBadFiles:
    def test_no_pixels(self, tmp_path):
        ds = dataset()
        del ds.PixelData
        with pytest.raises(ImageError, match=r"film\.dcm: DICOM without pixels \(Computed Radiography"):
            read_image(save(tmp_path / "film.dcm", ds))

    def test_multi_frame(self, tmp_path):
        with pytest.raises(ImageError, match="3 frames, expected one"):
            read_image(save(tmp_path / "film.dcm", dataset(np.zeros((3, 4), np.uint16), NumberOfFrames=3)))

    @pytest.mark.parametrize("keep", [100, 140, 300, -4])
    def test_truncated(self, tmp_path, keep):
        path = save(tmp_path / "film.dcm", dataset(np.zeros((50, 50), np.uint16)))
        path.write_bytes(path.read_bytes()[:keep])
        with pytest.raises(ImageError, match=r"film\.dcm"):
            read_image(path)

    def test_truncated_while_compressed(self, tmp_path):
        ds = dataset(np.random.default_rng(0).integers(0, 4095, (50, 50)).astype(np.uint16))
        ds.compress(RLELossless)
        path = save(tmp_path / "film.dcm", ds)
        path.write_bytes(path.read_bytes()[:-1500])
        with pytest.raises(ImageError, match=r"film\.dcm"):
            read_image(path)

    def test_text_with_a_dicom_suffix(self, tmp_path):
        (tmp_path / "film.dcm").write_text("this is no DICOM file, whatever its name may promise " * 10)
        with pytest.raises(ImageError, match=r"film\.dcm"):
            read_image(tmp_path / "film.dcm")

    def test_too_few_pixels_for_its_size(self, tmp_path):
        ds = dataset()
        ds.Rows = 500
        with pytest.raises(ImageError, match=r"cannot be decoded.*Explicit VR Little Endian"):
            read_image(save(tmp_path / "film.dcm", ds))

    def test_a_preposterous_size(self, tmp_path):
        ds = dataset()
        ds.Rows = ds.Columns = 65535
        with pytest.raises(ImageError, match="65535 columns x 65535 rows"):
            read_image(save(tmp_path / "film.dcm", ds))

    def test_values_that_do_not_begin_at_the_lowest_bit(self, read):
        with pytest.raises(ImageError, match=r"film\.dcm: HighBit is 15 with BitsStored 12, expected 11"):
            read(HighBit=15)

    def test_no_size(self, tmp_path):
        ds = dataset()
        del ds.Rows
        with pytest.raises(ImageError, match="3 columns x 0 rows"):
            read_image(save(tmp_path / "film.dcm", ds))

    def test_a_codec_nobody_knows_is_named(self, tmp_path):
        path = save(tmp_path / "film.dcm", dataset())
        ds = pydicom.dcmread(path)
        ds.file_meta.TransferSyntaxUID = pydicom.uid.MPEG2MPML
        ds.PixelData = pydicom.encaps.encapsulate([b"1234"])
        ds["PixelData"].VR = "OB"
        ds["PixelData"].is_undefined_length = True
        with pytest.raises(ImageError, match="MPEG2"):
            read_image(save(path, ds))

    def test_damaged_files_never_raise_anything_else(self, tmp_path):
        path = save(tmp_path / "film.dcm", dataset(WindowCenter=1000, WindowWidth=500, PixelSpacing=[0.2, 0.2]))
        content, rng = path.read_bytes(), np.random.default_rng(0)
        for _ in range(150):
            damaged = bytearray(content)
            for position in rng.integers(132, len(content), 3):
                damaged[position] = rng.integers(0, 256)
            path.write_bytes(damaged)
            film, message = read_or_message(path)
            assert "film.dcm" in message if film is None else film.pixels.min() >= 0


@needs_data
class TestRealFiles:
    @pytest.mark.parametrize("name", ["RG1_J2KI", "RG2_JLSL", "RG3_JPLL", "RG3_RLE", "RG3_JLSN"])
    def test_every_codec_decodes(self, name):
        film = read_image(DATA / "codecs" / f"{name}.dcm")
        assert min(film.size) > 1700
        assert film.pixels.max() > film.pixels.mean() > film.pixels.min() >= 0

    def test_lossless_codecs_agree(self):
        films = [read_image(DATA / "codecs" / f"RG3_{codec}.dcm").pixels for codec in ("J2KR", "JLSL", "RLE", "JPLL")]
        for other in films[1:]:
            np.testing.assert_array_equal(other, films[0])

    @pytest.mark.parametrize("name", ["RG2_JPLY", "RG3_JPLY"])
    def test_twelve_bit_jpeg_decodes_or_names_its_transfer_syntax(self, name):
        film, message = read_or_message(DATA / "codecs" / f"{name}.dcm")
        assert "JPEG Extended" in message if film is None else min(film.size) > 1700

    @pytest.mark.parametrize(
        ("name", "spacing", "note"),
        [("RG1_JLSN", None, "not positive"), ("RG2_JLSN", 0.2, ""), ("RG3_JLSN", None, "no pix")],
    )
    def test_spacing(self, name, spacing, note):
        film = read_image(DATA / "codecs" / f"{name}.dcm")
        assert (film.spacing and film.spacing.x) == spacing
        assert note in film.spacing_note

    def test_both_polarities_come_out_with_bright_bone(self):
        """The upper corners beside the neck show air: dark, in a chest film stored as MONOCHROME1."""
        pixels = read_image(DATA / "codecs" / "RG1_JLSN.dcm").pixels
        lung, spine = pixels[600:900, 450:600].mean(), pixels[600:900, 850:1000].mean()
        assert lung < spine

    @pytest.mark.parametrize("name", ["331_DDH_1", "331_DDH_139"])
    def test_placeholder_spacing_in_the_pelvis_films(self, name):
        film = read_image(DATA / "pelvis" / f"{name}.dcm")
        assert film.size == (331, 331)
        assert film.spacing is None
        assert "placeholder" in film.spacing_note

    def test_odd_files_give_a_picture_or_a_clear_error(self):
        refused = set()
        for path in sorted((DATA / "odd").iterdir()):
            film, message = read_or_message(path)
            assert path.name in message if film is None else film.pixels.max() > 0
            refused |= {path.name} if film is None else set()
        assert refused == {"SC_rgb_16bit_2frame.dcm", "eCT_Supplemental.dcm"}
