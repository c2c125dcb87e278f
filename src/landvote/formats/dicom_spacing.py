"""Millimetres per pixel in DICOM, and how far each attribute is to be trusted.

In projection radiography ``ImagerPixelSpacing`` is at the detector, so the patient appears magnified;
``PixelSpacing`` is what the maker or a calibration wants to be measured with (DICOM PS3.3 10.7.1.3).
"""

import math

from pydicom.dataset import Dataset

from landvote.data.radiograph import Spacing

_ATTRIBUTES = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")


def read_spacing(dataset: Dataset) -> tuple[Spacing | None, str]:
    """Return the best spacing of a film, or None, and a note for the user (may be empty).

    ``PixelSpacing`` comes before ``ImagerPixelSpacing`` before ``NominalScannedPixelSpacing``. A value that is not
    two positive numbers is passed over, and so is exactly 1 x 1, which converters write when they know nothing.
    """
    notes: list[str] = []
    for keyword in _ATTRIBUTES:
        if found := _pair(dataset, keyword, notes):
            row, column = found  # DICOM gives the distance between rows first, which is along y
            notes.append(_provenance(dataset, keyword, found))
            return Spacing(x=column, y=row, source=keyword), "; ".join(notes)
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
