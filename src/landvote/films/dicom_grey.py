"""The grey-scale pipeline of DICOM: stored values -> modality LUT or rescale -> VOI LUT or window -> polarity.

The order is that of the standard (DICOM PS3.4 N.2). MONOCHROME1 is inverted last, so bone comes out brighter than air.
Padding takes no part in it, and becomes as dark as the darkest pixel of the film (PS3.3 C.7.5.1.1.2).
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from landvote.data.radiograph import Pixels
from landvote.errors import ImageError
from landvote.films.depth import tightest

PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
"""Attributes of which a data set with pixels has one."""

Values = npt.NDArray[Any]
Range = tuple[float, float]


def present(where: str, dataset: Dataset, stored: Values) -> Pixels:
    """Return the (height, width) pixels of MONOCHROME1 or MONOCHROME2 as they are meant to be seen.

    ``where`` is the film, for messages.

    Raises:
        ImageError: an attribute is not as it should be, which is named with its value; or pixels are not finite.
    """
    padding = _padding(where, dataset, stored)
    if hidden := bool(padding.any() and not padding.all()):
        stored = np.where(padding, stored.flat[padding.argmin()], stored)  # a value of the film: it moves no extreme
    values, reach = _modality(where, dataset, stored)
    values = _voi(where, dataset, values, reach)
    if dataset.PhotometricInterpretation == "MONOCHROME1":
        values = values.max() - values
    if hidden:
        values[padding] = values.min()
    return tightest(where, values)


def _padding(where: str, dataset: Dataset, stored: Values) -> npt.NDArray[np.bool_]:
    """Say which stored values stand for no part of the film."""
    prefix = next(keyword for keyword in PIXELS if keyword in dataset).removesuffix("Data")
    first = _number(where, dataset, f"{prefix}PaddingValue")
    if first is None or not math.isfinite(first):
        return np.zeros(stored.shape, bool)
    last = _number(where, dataset, f"{prefix}PaddingRangeLimit")
    ends = np.array([first, first if last is None or not math.isfinite(last) else last])
    if stored.dtype.kind in "iu":  # 65535 beside signed values means -1: writers choose the wrong type of number
        ends = ends.astype(np.int64).astype(stored.dtype)
    return np.asarray((stored >= ends.min()) & (stored <= ends.max()))


def _modality(where: str, dataset: Dataset, stored: Values) -> tuple[Values, Range]:
    """Return the values after modality LUT or rescale, and the range that they might have."""
    if dataset.get("ModalityLUTSequence"):
        table, first, bits = _table(where, dataset, "ModalityLUTSequence")
        return _looked_up(stored, table, first), (0, 2**bits - 1)
    reach = _stored_range(dataset, stored)
    slope, intercept = (_number(where, dataset, f"Rescale{word}") for word in ("Slope", "Intercept"))
    if slope is None and intercept is None:
        return stored, reach
    slope, intercept = 1.0 if slope is None else slope, intercept or 0.0
    if not (math.isfinite(slope) and math.isfinite(intercept)):
        raise ImageError(f"{where}: RescaleSlope is {slope}, RescaleIntercept {intercept}, expected finite numbers")
    values = stored.astype(np.float64) * slope
    values += intercept
    low, high = sorted(end * slope + intercept for end in reach)
    return values, (low, high)


def _stored_range(dataset: Dataset, stored: Values) -> Range:
    if stored.dtype.kind == "f":
        return float(stored.min()), float(stored.max())
    bits = int(dataset.BitsStored)
    return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if dataset.PixelRepresentation else (0, 2**bits - 1)


def _voi(where: str, dataset: Dataset, values: Values, reach: Range) -> Values:
    """Return the values after the first VOI LUT, else the first window, if there is one."""
    luts = dataset.get("VOILUTSequence")
    if luts and None not in (luts[0].get("LUTDescriptor"), luts[0].get("LUTData")):
        table, first, _ = _table(where, dataset, "VOILUTSequence")
        return _looked_up(np.rint(values), table, first)
    return _windowed(where, dataset, values, reach)


def _table(where: str, dataset: Dataset, keyword: str) -> tuple[Values, int, int]:
    """Return the entries of a LUT, the first value that it maps, and the bits of its entries."""
    item = dataset[keyword].value[0]
    descriptor, data = item.get("LUTDescriptor"), item.get("LUTData")
    try:
        entries, first, bits = (int(number) for number in descriptor)
    except (TypeError, ValueError) as error:
        raise ImageError(f"{where}: LUTDescriptor of {keyword} is {descriptor}, expected three numbers") from error
    if not 8 <= bits <= 16:
        raise ImageError(f"{where}: LUTDescriptor of {keyword} says {bits} bits, expected 8 to 16")
    entries = entries or 2**16
    if first > 32767 and dataset.get("PixelRepresentation"):
        first -= 65536  # of signed values, written as an unsigned number
    words = "<u2" if dataset.file_meta.TransferSyntaxUID.is_little_endian else ">u2"
    raw = data if isinstance(data, bytes) else np.atleast_1d(np.array(data, np.int64)).astype(words).tobytes()
    if len(raw) in (entries, entries + 1) and bits == 8:  # two entries in each word, the first in its lower half
        table = np.frombuffer(raw[: len(raw) // 2 * 2], words).astype("<u2").view(np.uint8)
    elif len(raw) >= 2 * entries:
        table = np.frombuffer(raw, words, entries).astype(np.uint16)
        table = table.astype(np.uint8) if bits == 8 and table.max() < 256 else table
    else:
        found = f"LUTData of {keyword} has {len(raw)} bytes"
        raise ImageError(f"{where}: {found}, expected {2 * entries} for {entries} entries of {bits} bits")
    return table[:entries], first, bits


def _looked_up(values: Values, table: Values, first: int) -> Values:
    """Return the entries of a LUT; values before or beyond it have its first or last."""
    return np.asarray(table[np.clip(values.astype(np.int64) - first, 0, len(table) - 1)])


def _windowed(where: str, dataset: Dataset, values: Values, reach: Range) -> Values:
    """Return the values after the first window, if it is one: a blank, and a width of nothing, are no wish for black.

    The formulas are those of PS3.3 C.11.2.1.2 and C.11.2.1.3; the output has the range that the values might have.
    """
    centre, width = _number(where, dataset, "WindowCenter"), _number(where, dataset, "WindowWidth")
    shape = str(dataset.get("VOILUTFunction") or "LINEAR").strip().upper()
    if shape not in {"LINEAR", "LINEAR_EXACT", "SIGMOID"}:
        raise ImageError(f"{where}: VOILUTFunction is {shape!r}, expected LINEAR, LINEAR_EXACT or SIGMOID")
    if centre is None or width is None or not math.isfinite(centre + width):
        return values
    if width <= 0 or (shape == "LINEAR" and width < 1):
        return values
    low, high = reach
    values = values.astype(np.float64)
    if shape == "SIGMOID":
        return np.asarray((high - low) / (1 + np.exp(-4 * (values - centre) / width)) + low)
    if shape == "LINEAR":
        centre, width = centre - 0.5, width - 1
    below, above = values <= centre - width / 2, values > centre + width / 2
    between = ~(below | above)
    values[between] = ((values[between] - centre) / width + 0.5) * (high - low) + low
    values[below], values[above] = low, high
    return values


def _number(where: str, dataset: Dataset, keyword: str) -> float | None:
    """Return an attribute, or the first of its values; None if that is blank, ImageError if no number."""
    value = dataset.get(keyword)
    first = (value[0] if value else None) if isinstance(value, MultiValue | list) else value
    if first is None or not str(first).strip():
        return None
    try:
        return float(first)
    except ValueError as error:
        raise ImageError(f"{where}: {keyword} is {str(first)!r}, expected a number") from error
