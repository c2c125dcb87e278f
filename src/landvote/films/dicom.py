"""DICOM files and data sets -> radiographs: decode, bring colour to grey, read the spacing and the source."""

import math
import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import get_frame
from pydicom.errors import BytesLengthException, InvalidDicomError
from pydicom.pixels.processing import apply_color_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import UID, ImplicitVRLittleEndian, JPEGExtended12Bit, JPEGLossless

from landvote.data.film import Source, Spacing
from landvote.data.radiograph import Pixels, Radiograph
from landvote.errors import ImageError
from landvote.films.codestream import Codestream
from landvote.films.depth import MAX_PIXELS, refuse_large
from landvote.films.dicom_grey import PIXELS, present
from landvote.runtime.privacy import keyed_hash

# Everything pydicom and its decoders are known to raise over files that break the standard.
_BROKEN = (
    OSError, EOFError, ValueError, TypeError, AttributeError, KeyError, IndexError, NotImplementedError,
    RuntimeError, ArithmeticError, MemoryError, struct.error, BytesLengthException, InvalidDicomError,
)  # fmt: skip
DICOM_SUFFIXES = (".dcm", ".dicom")
_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")  # best first
_PERSONAL = ("PatientName", "PatientID", "PatientBirthDate", "OtherPatientIDs", "OtherPatientNames")
_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_MACROS = (
    "PixelMeasuresSequence", "FramePixelDataPropertiesSequence", "PixelValueTransformationSequence",
    "FrameVOILUTSequence",
)  # fmt: skip
_STORAGE_CLASS = b"\x02\x00\x02\x00UI"  # MediaStorageSOPClassUID, in a header that is always little-endian
_CLASS = "1.2.840.10008.5.1.4.1.1."
_RT_IMAGE = f"{_CLASS}481.1"
_NO_FILMS = {
    "1.2.840.10008.1.3.10": "lists of DICOM files", f"{_CLASS}88.": "structured reports in DICOM",
    f"{_CLASS}11.": "presentation states in DICOM", f"{_CLASS}104.": "documents in DICOM",
    f"{_CLASS}9": "waveforms in DICOM", f"{_CLASS}66": "raw data, registrations or segmentations in DICOM",
    f"{_CLASS}67": "value maps in DICOM", f"{_CLASS}481.": "plans of a radiotherapy in DICOM",
}  # fmt: skip


def has_magic(start: bytes) -> bool:
    """Say whether the first 132 bytes of a file are those of DICOM."""
    return start[128:132] == b"DICM"


def not_a_film(start: bytes) -> str:
    """Return what a DICOM file is that has no film in it, by its first 512 bytes, as several are called; else empty."""
    at = start.find(_STORAGE_CLASS, 132)
    length = int.from_bytes(start[at + 6 : at + 8], "little")
    uid = start[at + 8 : at + 8 + length].rstrip(b"\0 ").decode("ascii", "replace") if at >= 0 else ""
    return next((kind for root, kind in _NO_FILMS.items() if uid.startswith(root)), "") if uid != _RT_IMAGE else ""


def read_dicom(path: Path) -> Radiograph:
    """Read one film, its spacing, and a note on how far to trust that, from a DICOM file of a single frame.

    A file without the DICOM preamble is tried as well.

    Raises:
        ImageError: not DICOM, no pixels, several frames, truncated, or compressed in a way nothing here decodes.
    """
    with explained(str(path), Dataset()):
        dataset = pydicom.dcmread(path, force=True)
    if not len(dataset):
        raise ImageError(f"{path}: no readable DICOM attributes (not DICOM, or cut short), expected a DICOM image")
    film = read_dataset(dataset, str(path))
    return replace(film, identifier=path.name, source=replace(film.source, path=str(path.absolute())))


def read_header(path: Path, keywords: list[str] | None = None) -> Dataset | None:
    """Return the attributes of a DICOM file but its pixels, all or those of ``keywords``; None for another file.

    A file without the DICOM preamble counts by its suffix.

    Raises:
        ImageError: it cannot be read.
    """
    with explained(str(path), Dataset()):
        with path.open("rb") as file:
            if not has_magic(file.read(132)) and path.suffix.lower() not in DICOM_SUFFIXES:
                return None
        header = pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=keywords)
        for _ in header if keywords else ():
            pass  # pydicom decodes an attribute, and raises or warns, when it is first looked at
        return header


def dicom_size(path: Path) -> tuple[int, int]:
    """Return width and height of the film in a DICOM file; ImageError if it gives none."""
    with explained(str(path), Dataset()):
        dataset = pydicom.dcmread(path, force=True, stop_before_pixels=True, specific_tags=["Rows", "Columns"])
        rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    if rows < 1 or columns < 1:
        raise ImageError(f"{path}: {columns} columns x {rows} rows, expected a DICOM image")
    return columns, rows


def dicom_spacing(path: Path) -> Spacing | None:
    """Return the spacing of the film in a DICOM file as :func:`read_dicom` does, by its header; None for another file.

    Raises:
        ImageError: it cannot be read.
    """
    header = read_header(path)
    with explained(str(path), Dataset()):
        return None if header is None else _read_spacing(_flattened(header))[0]


def read_dataset(dataset: Dataset, identifier: str) -> Radiograph:
    """Return the film in a data set, which stays as it is, as :func:`read_dicom` does; ``identifier`` is its own."""
    with explained(identifier, dataset):
        if "TransferSyntaxUID" not in (getattr(dataset, "file_meta", None) or ()):
            dataset = copy(dataset)  # shallow: the pixels stay where they are
            dataset.file_meta = FileMetaDataset()
            dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian  # the standard's default
        _refuse_odd(identifier, dataset)
        dataset = _flattened(dataset)
        pixels = _present(identifier, dataset, _decode(identifier, dataset))
        spacing, note = _read_spacing(dataset)
        return Radiograph(pixels, identifier, spacing, note, _read_source(dataset))


@contextmanager
def explained(where: str, dataset: Dataset) -> Iterator[None]:
    """Turn whatever a broken data set raises into an ImageError without its patient."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom warns of every slip of a vendor's pen; the outcome is checked
        try:
            yield
        except _BROKEN as error:
            raise ImageError(f"{where}: damaged or contradictory DICOM ({_reason(error, dataset)})") from error


def _refuse_odd(where: str, dataset: Dataset) -> None:
    if not any(keyword in dataset for keyword in PIXELS):
        kind = UID(str(dataset.get("SOPClassUID", ""))).name or "unknown kind"
        raise ImageError(f"{where}: DICOM without pixels ({kind}; or cut short), expected an image")
    frames = int(dataset.get("NumberOfFrames") or 1)
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    if frames > 1:
        raise ImageError(f"{where}: holds {frames} frames, expected one")
    if not 0 < rows * columns <= MAX_PIXELS:
        raise ImageError(f"{where}: {columns} columns x {rows} rows, expected 1 to {MAX_PIXELS} pixels")
    bits, high = dataset.get("BitsStored"), dataset.get("HighBit")
    if bits and high is not None and high != bits - 1:  # retired; the decoders take the values from the lowest bit on
        raise ImageError(f"{where}: HighBit is {high} with BitsStored {bits}, expected {bits - 1}")


def _flattened(dataset: Dataset) -> Dataset:
    """Return a data set of one frame with what its functional groups say of the pixels beside the rest."""
    groups = [group for keyword in _GROUPS for group in dataset.get(keyword) or ()]
    macros = [macro for group in groups for keyword in _MACROS for macro in group.get(keyword) or ()]
    if not macros:
        return dataset
    flat = copy(dataset)  # shallow: the pixels stay where they are
    for element in (element for macro in macros for element in macro):
        if not flat.get(element.keyword):
            flat[element.tag] = element
    return flat


def _decode(where: str, dataset: Dataset) -> npt.NDArray[Any]:
    """Return the stored values, (height, width) or (height, width, 3)."""
    try:
        return pixel_array(_with_wide_padding(_decodable(where, dataset)))
    except _BROKEN as error:
        syntax = dataset.file_meta.TransferSyntaxUID
        raise ImageError(
            f"{where}: pixels cannot be decoded (transfer syntax {syntax.name}: {_reason(error, dataset)})"
        ) from error


def _decodable(where: str, dataset: Dataset) -> Dataset:
    """Return a data set that names its compression so that it is decoded; an error if that makes it too large."""
    if not dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        return dataset
    stream = Codestream.of(get_frame(dataset.PixelData, 0, number_of_frames=1))
    if stream is None:
        return dataset
    refuse_large(where, stream.width, stream.height, f"{stream.kind} codestream")
    if dataset.file_meta.TransferSyntaxUID != JPEGExtended12Bit or stream.bits == 8:
        return dataset
    named = copy(dataset)  # pydicom refuses 12 bits, which gdcm decodes as dcmtk does, by what the codestream says
    named.file_meta = copy(dataset.file_meta)
    named.file_meta.TransferSyntaxUID = JPEGLossless
    named.BitsStored, named.HighBit = stream.bits, stream.bits - 1
    return named


def _with_wide_padding(dataset: Dataset) -> Dataset:
    """Return a data set of which all bits are decoded, if it pads with a value that BitsStored cannot hold."""
    padding, bits = dataset.get("PixelPaddingValue"), dataset.get("BitsStored")
    compressed = dataset.file_meta.TransferSyntaxUID.is_compressed
    if padding is None or compressed or not bits or dataset.get("PixelRepresentation") or int(padding) < 2**bits:
        return dataset
    wide = copy(dataset)
    wide.BitsStored, wide.HighBit = dataset.BitsAllocated, dataset.BitsAllocated - 1
    return wide


def _reason(error: BaseException, dataset: Dataset) -> str:
    """Return what an error says in one line, without the patient's name, numbers and date of birth."""
    text = " ".join(str(error).split())[:200]
    with suppress(*_BROKEN):  # elements broken themselves cannot have come into the text
        personal = {part for keyword in _PERSONAL for part in re.split(r"[\^=\\]", str(dataset.get(keyword) or ""))}
        for part in sorted(personal, key=len, reverse=True):
            text = text.replace(part, "...") if part.strip() else text
    return text


def _read_source(dataset: Dataset) -> Source:
    """Return the film's UIDs, its orientation, and a keyed hash in place of its patient."""
    number = (str(dataset.get(keyword) or "").strip() for keyword in ("PatientID", "IssuerOfPatientID"))
    person = (str(dataset.get(keyword) or "").strip() for keyword in ("PatientName", "PatientBirthDate"))
    patient = next(("\0".join(parts) for first, *rest in (number, person) if (parts := [first, *rest])[0]), "")
    return Source(
        orientation="\\".join(dataset.get("PatientOrientation") or ()),
        study=str(dataset.get("StudyInstanceUID") or ""), series=str(dataset.get("SeriesInstanceUID") or ""),
        instance=str(dataset.get("SOPInstanceUID") or ""), patient=keyed_hash(patient),
    )  # fmt: skip


def _present(where: str, dataset: Dataset, stored: npt.NDArray[Any]) -> Pixels:
    photometric = str(dataset.get("PhotometricInterpretation", ""))
    if photometric == "PALETTE COLOR":
        stored = apply_color_lut(stored, dataset)
    if stored.ndim == 3:
        deep = stored.astype(np.uint16 if stored.dtype.itemsize > 1 else np.uint8)
        return cv2.cvtColor(np.ascontiguousarray(deep[..., :3]), cv2.COLOR_RGB2GRAY)  # type: ignore[return-value]
    if not photometric.startswith("MONOCHROME"):
        raise ImageError(f"{where}: photometric interpretation {photometric!r}, expected grey, RGB or palette")
    return present(where, dataset, stored)


def _read_spacing(dataset: Dataset) -> tuple[Spacing | None, str]:
    """Return the best spacing of a film, or None, and a note for the user (may be empty).

    In projection radiography ``ImagerPixelSpacing`` is at the detector, so the patient appears magnified;
    ``PixelSpacing`` is what the maker or a calibration wants to be measured with (DICOM PS3.3 10.7.1.3), and comes
    first. A value that is not two positive numbers is passed over, and so is exactly 1 x 1, which converters write when
    they know nothing.
    """
    notes: list[str] = []
    for keyword in _SPACINGS:
        if found := _pair(dataset, keyword, notes):
            row, column = found  # DICOM gives the distance between rows first, which is along y
            notes.append(_provenance(dataset, keyword, found))
            return Spacing(x=column, y=row, source=keyword), "; ".join(notes)
    with suppress(TypeError, ValueError):
        height, width = (float(number) for number in dataset.get("PixelAspectRatio") or ())
        if height != width:
            notes.append(f"PixelAspectRatio is {height:g}\\{width:g}, so that pixels are not square")
    return None, "; ".join(notes) or "the file gives no pixel spacing"


def _pair(dataset: Dataset, keyword: str, notes: list[str]) -> tuple[float, float] | None:
    """Return row and column spacing, or None with the reason added to ``notes``."""
    try:
        value = dataset.get(keyword)
        if value is None:
            return None
        row, column = (float(v) for v in value)
    except (TypeError, ValueError):
        notes.append(f"{keyword} is not two numbers, ignored")
        return None
    if not (0 < row < math.inf and 0 < column < math.inf):
        notes.append(f"{keyword} is {row:g}\\{column:g} mm, not positive, ignored")
        return None
    if row == column == 1:
        notes.append(f"{keyword} is exactly 1\\1 mm, a placeholder, ignored")
        return None
    return row, column


def _provenance(dataset: Dataset, keyword: str, found: tuple[float, float]) -> str:
    """Say whether the spacing is at the patient or at the detector."""
    if keyword == "NominalScannedPixelSpacing":
        return "nominal spacing of a scanner: film size, not patient size"
    calibration = dataset.get("PixelSpacingCalibrationType")
    if keyword == "PixelSpacing" and calibration:
        return f"calibrated ({calibration})"
    magnification = dataset.get("EstimatedRadiographicMagnificationFactor")
    estimated = f"; estimated magnification {magnification}" if magnification else ""
    if _pair(dataset, "ImagerPixelSpacing", []) != found:
        return f"calibration not stated{estimated}"
    same = "" if keyword == "ImagerPixelSpacing" else "same as ImagerPixelSpacing: "
    return f"{same}at the detector, not corrected for magnification{estimated}"
