"""Cues: all that is known of the errors of a film's points before the truth is, as one table of numbers."""

from dataclasses import dataclass, field, replace

import numpy as np

from landvote.data.points import FloatArray, Points
from landvote.uncertainty.left_out import LeftOut
from landvote.votes import Evidence

CUES = (
    "spread", "dispersion", "elsewhere", "peak", "total", "second", "second_distance", "look_shift", "residual",
    "residual_distance", "oddness",
)  # fmt: skip
"""Of each landmark, in this order; lengths are logarithms of grid cells, the others logarithms.

- ``spread``: SD of the votes about the point; ``elsewhere``: the share of votes that are not about it;
  ``dispersion``: mean distance of all votes from it, and in a row that of the same part in rows not chosen
- ``peak`` and ``total``: of the votes; ``second``: height of the second peak as a share of the first,
  ``second_distance``: how far it is, times that share
- ``look_shift``: how far the last look has moved the point
- ``residual``: how far the point lies from where the shape model expects it, given the others;
  ``residual_distance``: the same in units of what the model expects
- ``oddness``: of the patch about the point
"""

FILM_CUES = ("film_oddness", "shape", *(f"mean_{name}" for name in CUES))
"""Of each film: its own oddness, the distance of its whole shape from the model, and the means of all landmarks'."""

ROW_CUES = ("place", "moved", "before", "after", "first", "last")
"""Of a row of parts, such as a spine; all NaN where there is none.

- ``place``: the log odds of the row that was chosen, against those shifted by a part or two, by its place on the film
  and by its levels, where a stage reads these
- ``moved``: 1 if that row is not the one found at first, else 0
- ``before`` and ``after``: votes where the row, shifted by one part, would begin and end; ``first`` and ``last``: those
  of its own first and last part; logarithms of shares of the votes of its median part
"""

_NO_VOTES = ("residual", "residual_distance", "oddness", "film_oddness", "shape", "place", "moved")

_LENGTH = 0.05  # grid cells: lengths below that tell nothing more
_SHARE = 1e-3
_VOTES = 1e-6


@dataclass(frozen=True)
class Cues:
    """The cues of one film.

    Attributes:
        landmarks: (n, ``CUES``); NaN for a landmark without a point, and for what is not known of it.
        film: (``FILM_CUES``,) of the film; NaN for what is not known.
        covariance: (n, 2, 2) of the votes about each point, image pixels squared.
        cell: image pixels per grid cell of the last look: the unit of all lengths.
        row: (``ROW_CUES``,) of the row of parts.
    """

    landmarks: FloatArray
    film: FloatArray
    covariance: FloatArray
    cell: float
    row: FloatArray = field(default_factory=lambda: np.full(len(ROW_CUES), np.nan))

    @property
    def both(self) -> FloatArray:
        """The cues of each landmark and then those of its film, (n, ``CUES + FILM_CUES``)."""
        return np.column_stack([self.landmarks, np.tile(self.film, (len(self.landmarks), 1))])

    def without_votes(self) -> "Cues":
        """Return it without what the votes tell, NaN in its place: votes pile up the longer a voter learns.

        Cues of the shape and of the look hardly depend on that.
        """
        landmarks, film = self.landmarks.copy(), self.film.copy()
        landmarks[:, [name not in _NO_VOTES for name in CUES]] = np.nan
        film[[name.removeprefix("mean_") not in _NO_VOTES for name in FILM_CUES]] = np.nan
        row = np.where([name in _NO_VOTES for name in ROW_CUES], self.row, np.nan)
        return replace(self, landmarks=landmarks, film=film, covariance=np.full_like(self.covariance, np.nan), row=row)


def cues_of(
    points: Points, before: Points, dispersion: FloatArray, evidence: Evidence, shape: LeftOut, oddness: FloatArray,
    film_oddness: float, cell: float,
) -> Cues:  # fmt: skip
    """Return the cues of one film.

    Args:
        points: (n, 2) image coordinates, NaN where missing.
        before: (n, 2) where they were before the last look, NaN if unknown.
        dispersion: (n,) mean distance of the votes from the points, image pixels.
        evidence: of the votes about the points, image pixels.
        shape: of the points, see :func:`landvote.uncertainty.left_out`.
        oddness: (n,) of the patches about the points.
        film_oddness: of the whole film.
        cell: image pixels per grid cell of the last look.
    """
    spread = np.sqrt(np.trace(evidence.covariance, axis1=1, axis2=2))
    lengths = {
        "spread": spread,
        "dispersion": dispersion,
        "second_distance": evidence.second * evidence.second_distance,
        "look_shift": np.linalg.norm(points - before, axis=1),
        "residual": np.linalg.norm(shape.away, axis=1),
    }
    found = {name: np.log(_LENGTH + length / cell) for name, length in lengths.items()} | {
        "elsewhere": np.log(_SHARE + (1 - evidence.near).clip(0, 1)),
        "second": np.log(_SHARE + evidence.second),
        "peak": np.log(_VOTES + evidence.peak),
        "total": np.log(_VOTES + evidence.total),
        "residual_distance": np.log(_LENGTH + shape.distance),
        "oddness": np.log(_SHARE + oddness),
    }
    table = np.column_stack([found[name] for name in CUES])
    table[~np.isfinite(points).all(axis=1)] = np.nan
    known = np.isfinite(table)
    means = np.where(known, table, 0).sum(axis=0) / np.where(known.any(axis=0), known.sum(axis=0), np.nan)
    film = np.concatenate([np.log(_SHARE + np.array([film_oddness, shape.whole])), means])
    return Cues(table, film, evidence.covariance, cell)
