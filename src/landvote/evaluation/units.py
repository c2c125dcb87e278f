"""Units of error: pixels, millimetres, or per cent of the distance between a scheme's normalising pair."""

from collections.abc import Sequence

import numpy as np

from landvote.data.film import Spacing
from landvote.data.scheme import Scheme
from landvote.errors import DataError, ImageError, SettingError, one_of
from landvote.evaluation.matching import ScoredFilm
from landvote.evaluation.metrics import FloatArray

UNITS = ("auto", "px", "mm", "%")

SUFFIX = {"px": "px", "mm": "mm", "%": "percent"}
"""How a unit is called in column names."""

RADII = {"px": (2.0, 5.0, 10.0, 20.0), "mm": (1.0, 2.0, 2.5, 3.0, 4.0, 10.0), "%": (2.0, 5.0, 10.0, 20.0)}
"""Radii of the success rates where none are given; those in mm are the usual ones of cephalometry."""


def scales(films: Sequence[ScoredFilm], scheme: Scheme, unit: str = "auto") -> tuple[str, FloatArray]:
    """Return the unit in words and the length of a pixel in it along x and y, (films, 2); NaN where it is unknown.

    ``auto`` is % where the scheme has a normalising pair, else mm where the spacing of every film is known, else px.
    The normalising pair's distance is that of the truth, in pixels. Films are decoded only where millimetres are
    asked for and the prediction does not say the spacing.

    Raises:
        SettingError: an unknown unit, or % without a normalising pair in the scheme.
        DataError: not one film can be measured in the unit.
        PointsError: a prediction's spacing is not one.
    """
    if unit not in UNITS:
        raise SettingError(f"unit {unit!r}, expected {one_of(UNITS, unit)}")
    if unit == "%" and scheme.normaliser is None:
        raise SettingError(f"unit '%' needs a normalising pair, and scheme {scheme.name!r} has none")
    if scheme.normaliser is not None and unit in ("%", "auto"):
        unit, why = "%", "the normalising pair is missing"
        first, second = scheme.normaliser
        pairs = np.stack([film.truth[second] - film.truth[first] for film in films])
        distance = np.hypot(*pairs.T)
        found = np.repeat(100.0 / np.where(distance > 0, distance, np.nan)[:, None], 2, axis=1)
    else:
        found, why = np.ones((len(films), 2)), "the spacing is unknown"
        for row, film in enumerate(films if unit != "px" else ()):
            spacing = _spacing(film)
            if spacing is None and unit == "auto":
                return "px", np.ones_like(found)
            found[row] = (spacing.x, spacing.y) if spacing else np.nan
        unit = "mm" if unit == "auto" else unit
    if not np.isfinite(found).any():
        raise DataError(f"no error can be given in {unit}: on all {len(films)} films {why}")
    return unit, found


def _spacing(film: ScoredFilm) -> Spacing | None:
    """Return millimetres per pixel as the prediction tells them, else as the file does; None where unknown."""
    if film.told.size is not None or film.told.spacing is not None:
        return film.told.spacing
    try:
        return film.sample.open().spacing
    except ImageError:
        return None  # its points can still be scored in pixels
