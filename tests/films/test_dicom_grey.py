"""The grey-scale pipeline of DICOM: look-up tables of every depth, windows that are none, padding."""

import numpy as np
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import ExplicitVRBigEndian

from landvote.errors import ImageError
from landvote.films.image import radiograph_of
from toys import dicom

STORED = np.array([[0, 100, 200], [1000, 2000, 4095]], np.uint16)


def pixels(stored=STORED, **attributes):
    return radiograph_of(dicom(stored, **attributes), "mine").pixels


def raw(keyword, text):
    """Return an attribute as a file has it that breaks the standard."""
    tag = Tag(keyword)
    return tag, RawDataElement(tag, "DS", len(text), text.encode(), 0, False, True)


def broken(**texts):
    """Return the pixels of a film with numbers as some program wrote them."""
    ds = dicom(STORED)
    for keyword, text in texts.items():
        tag, element = raw(keyword, text)
        ds[tag] = element
    return radiograph_of(ds, "mine").pixels


def lut(data, bits, *, entries=4096, first=0, vr="OW"):
    item = Dataset()
    item.LUTDescriptor = [entries, first, bits]
    item.add_new("LUTData", vr, data)
    return Sequence([item])


class TestTables:
    RAMP = (np.arange(4096) // 16).astype(np.uint8)

    @pytest.mark.parametrize("keyword", ["VOILUTSequence", "ModalityLUTSequence"])
    @pytest.mark.parametrize("packed", [False, True])
    @pytest.mark.parametrize("as_numbers", [False, True])
    def test_eight_bits_in_words_of_their_own_or_two_in_one(self, keyword, packed, as_numbers):
        words = self.RAMP.view("<u2") if packed else self.RAMP.astype("<u2")
        table = lut(words.tolist(), 8, vr="US") if as_numbers else lut(words.tobytes(), 8)
        np.testing.assert_array_equal(pixels(**{keyword: table}), STORED // 16)

    @pytest.mark.parametrize("bits", range(9, 17))
    def test_every_depth_that_the_standard_has(self, bits):
        table = (np.arange(4096) * (2**bits - 1) // 4095).astype("<u2")
        np.testing.assert_array_equal(pixels(VOILUTSequence=lut(table.tobytes(), bits)), table[STORED])

    def test_words_of_the_other_order(self):
        table = (np.arange(4096) * 16).astype(">u2")
        ds = dicom(STORED.astype(">u2"), VOILUTSequence=lut(table.tobytes(), 16))
        ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
        np.testing.assert_array_equal(radiograph_of(ds).pixels, STORED * 16)

    def test_values_before_and_beyond_it_have_its_ends(self):
        table = np.array([7, 8, 9], "<u2")
        found = pixels(VOILUTSequence=lut(table.tobytes(), 16, entries=3, first=99))
        np.testing.assert_array_equal(found, [[7, 8, 9], [9, 9, 9]])

    def test_a_first_value_below_zero_that_is_written_as_unsigned(self):
        stored = np.array([[-5, -4, -3]], np.int16)
        table = np.array([7, 8, 9], "<u2")
        item = lut(table.tobytes(), 16, entries=3, first=65531)
        np.testing.assert_array_equal(pixels(stored, ModalityLUTSequence=item), [[7, 8, 9]])

    @pytest.mark.parametrize(
        ("bits", "size", "says"), [(20, 8192, "says 20 bits"), (16, 5000, "has 5000 bytes, expected 8192")]
    )
    def test_a_table_that_is_none_is_named(self, bits, size, says):
        with pytest.raises(ImageError, match=f"mine: LUT.* of VOILUTSequence {says}"):
            pixels(VOILUTSequence=lut(bytes(size), bits))

    def test_an_empty_sequence_and_an_empty_item_are_no_table(self):
        for sequence in (Sequence(), Sequence([Dataset()])):
            np.testing.assert_array_equal(pixels(VOILUTSequence=sequence), STORED)


class TestRescaleAndWindow:
    @pytest.mark.parametrize(
        "texts",
        [
            {"RescaleSlope": "", "RescaleIntercept": ""},
            {"WindowCenter": "\\1000", "WindowWidth": "4096\\50"},
            {"WindowCenter": "NaN", "WindowWidth": "4096"},
            {"WindowCenter": "2048", "WindowWidth": "0.5"},
            {"WindowCenter": "2048", "WindowWidth": "-5"},
        ],
    )
    def test_what_is_none_is_passed_over(self, texts):
        np.testing.assert_array_equal(broken(**texts), STORED)

    @pytest.mark.parametrize(
        ("texts", "says"),
        [
            ({"RescaleSlope": "1,00", "RescaleIntercept": "0"}, "RescaleSlope is '1,00', expected a number"),
            ({"WindowCenter": "2048,5", "WindowWidth": "4000"}, "WindowCenter is '2048,5'"),
            ({"RescaleSlope": "NaN", "RescaleIntercept": "0"}, "RescaleSlope is nan"),
        ],
    )
    def test_what_is_no_number_is_named(self, texts, says):
        with pytest.raises(ImageError, match=f"mine: {says}"):
            broken(**texts)

    def test_an_unknown_function_is_named(self):
        with pytest.raises(ImageError, match="VOILUTFunction is 'CUBIC'"):
            pixels(WindowCenter=1000, WindowWidth=500, VOILUTFunction="CUBIC")

    def test_a_width_of_less_than_one_counts_where_the_function_is_exact(self):
        found = pixels(WindowCenter=150, WindowWidth=0.5, VOILUTFunction="LINEAR_EXACT")
        np.testing.assert_array_equal(found, np.where(STORED > 150, 4095, 0))

    def test_an_intercept_alone_moves_the_window(self):
        moved = pixels(RescaleIntercept=-1000, WindowCenter=0, WindowWidth=1000)
        np.testing.assert_allclose(moved, pixels(WindowCenter=1000, WindowWidth=1000), atol=1)

    def test_a_window_after_a_negative_slope_keeps_the_order_of_the_values(self):
        """Stored 4095 is the darkest value after a slope of -1, with and without a window over all of them."""
        plain = pixels(RescaleSlope=-1, RescaleIntercept=4095)
        found = pixels(RescaleSlope=-1, RescaleIntercept=4095, WindowCenter=2048, WindowWidth=4096)
        np.testing.assert_allclose(found, plain, atol=1)


class TestPadding:
    FILM = np.array([[9, 500, 600, 9], [9, 700, 800, 9]], np.uint16)

    @pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
    @pytest.mark.parametrize("value", [0, 4095])
    @pytest.mark.parametrize(
        "window", [{}, {"WindowCenter": 650, "WindowWidth": 400}, {"RescaleSlope": 2, "RescaleIntercept": -900}]
    )
    def test_it_is_as_dark_as_the_darkest_pixel_and_changes_no_other(self, photometric, value, window):
        film = np.where(self.FILM == 9, value, self.FILM).astype(np.uint16)
        found = pixels(film, PixelPaddingValue=value, PhotometricInterpretation=photometric, **window)
        alone = pixels(self.FILM[:, 1:3], PhotometricInterpretation=photometric, **window)
        np.testing.assert_array_equal(found[:, 1:3], alone)
        assert (found[:, [0, 3]] == alone.min()).all()

    @pytest.mark.parametrize(("value", "limit"), [(3000, 4000), (4000, 3000)])
    def test_a_range_of_values(self, value, limit):
        film = self.FILM.copy()
        film[:, 0], film[:, 3] = 3000, 3999
        found = pixels(film, PixelPaddingValue=value, PixelPaddingRangeLimit=limit)
        np.testing.assert_array_equal(found, np.where(self.FILM == 9, 500, self.FILM))

    @pytest.mark.parametrize(("vr", "value"), [("SS", -32768), ("US", 32768)])
    def test_of_signed_values_whichever_type_it_has(self, vr, value):
        film = np.where(self.FILM == 9, -32768, self.FILM.astype(int)).astype(np.int16)
        ds = dicom(film, BitsStored=16, HighBit=15)
        ds.add_new("PixelPaddingValue", vr, value)
        np.testing.assert_array_equal(radiograph_of(ds).pixels, np.where(self.FILM == 9, 500, self.FILM))

    def test_a_value_that_the_stored_bits_cannot_hold(self):
        """White of 12 bits, 4095, is not taken for padding of 65535."""
        film = self.FILM.copy()
        film[film == 9], film[0, 1] = 65535, 4095
        found = pixels(film, PixelPaddingValue=65535)
        np.testing.assert_array_equal(found, [[600, 4095, 600, 600], [600, 700, 800, 600]])

    def test_a_film_of_nothing_else_stays_as_it_is(self):
        assert (pixels(np.full((2, 3), 7, np.uint16), PixelPaddingValue=7) == 7).all()

    def test_of_real_numbers(self):
        ds = dicom(STORED)
        del ds.PixelData, ds.BitsStored, ds.HighBit, ds.PixelRepresentation
        ds.BitsAllocated, ds.FloatPixelPaddingValue = 32, 1e9
        ds.FloatPixelData = np.array([[1e9, 0.25, 0.5], [1e9, 0.75, 1]], np.float32).tobytes()
        np.testing.assert_array_equal(radiograph_of(ds).pixels, [[0.25, 0.25, 0.5], [0.25, 0.75, 1]])
