"""Shape under votes: the plausible shape that the votes of all landmarks agree on, whichever voter cast them."""

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
from pydantic import Field, PositiveFloat
from scipy.stats import chi2

from landvote.data.points import FloatArray, Points, apart, cauchy_weights
from landvote.frames import Frame
from landvote.runtime.settings import Settings
from landvote.shapes.align import pose
from landvote.shapes.model import Fit, ShapeModel
from landvote.votes import VoteMap

_POSE = 4  # parameters of a similarity
_VOTES = np.array([0.3, 1.0])  # across, along: share of the excess that is the votes'; the rest, the shape's own error
_ROBUST = 6  # rounds of the first fit, in which points that went astray are outvoted


class ShapeSettings(Settings):
    """The shape model of a stage, and how it is searched for under the votes.

    Attributes:
        share: of the variance of the training shapes that the modes cover (Cootes et al. 1995).
        accept: share of normally distributed shapes that count as plausible (0.98, Lindner et al. 2015).
        radius: of the disk round each point of the shape in which its best response is looked for at first, grid cells.
        shrink: what the radius is multiplied by per round (0.7, Lindner et al. 2013).
        tolerance: how far from the shape's point a landmark's own peak may lie and still be the answer, in SDs of the
            landmark about the model; two grid cells are added.
        least: how strong votes must be at that peak for it to be the answer, as a share of the strongest votes of the
            median landmark; where they are weaker the shape's point is.
        astray: how far from where the landmarks were seen before the search may begin, mean distance as a share of the
            grid's longer side; votes that would have it begin farther away do not count for that.
    """

    share: float = Field(default=0.98, gt=0, le=1)
    accept: float = Field(default=0.98, gt=0, lt=1)
    radius: PositiveFloat = 16.0
    shrink: float = Field(default=0.7, gt=0, lt=1)
    tolerance: PositiveFloat = 3.0
    least: float = Field(default=0.1, ge=0)
    astray: PositiveFloat = 0.1


@dataclass(frozen=True)
class Plausible:
    """The outcome of a shape model under votes.

    Attributes:
        points: (n, 2) grid coordinates: each landmark's peak, or the shape's point where there is none near it.
        dispersion: (n,) mean distance of the votes from there, grid cells; for landmarks without votes, the largest.
        parameters: (modes,) of the shape.
    """

    points: Points
    dispersion: FloatArray
    parameters: FloatArray


def plausible(
    votes: VoteMap, model: ShapeModel, settings: ShapeSettings, known: Points | None = None
) -> Plausible | None:
    """Find the shape under votes.

    The model is brought to the landmarks' peaks, those that went astray outvoted; or to where the landmarks were seen
    before, ``known`` (n, 2) grid coordinates with NaN where unknown, if most peaks went astray: where parts look alike,
    a voter that learned from few films may see them all at one end. Then, in disks round the shape's
    points, the best response of each landmark is looked for, and the model brought to these by weighted least squares,
    again and again in smaller disks (Cootes et al. 2012, Lindner et al. 2013). At last each landmark's own peak is
    chosen where it is near enough to the shape and strong enough, else the shape's point: votes are finer than a linear
    model, and the model is there for those that are wrong. Peaks that scatter about the shape by more than the training
    points did are drawn towards it, see :func:`_shrink_to_shape`.

    Returns None where fewer than two landmarks have votes.
    """
    peaks, _ = votes.peaks()
    if not apart(peaks[np.isfinite(peaks).all(axis=1)]):
        return None
    smooth = votes.smooth
    typical = float(np.median(smooth.max(axis=(1, 2))))
    typical = typical if typical > 0 else float(smooth.max())
    fit = _robust_fit(model, peaks)
    if known is not None and apart(known[np.isfinite(known).all(axis=1)]):
        before = _robust_fit(model, known)
        away = np.linalg.norm(fit.points - before.points, axis=1).mean()
        fit = before if away > settings.astray * votes.cell * max(smooth.shape[1:]) else fit
    radius = settings.radius / votes.cell
    while True:
        best, strength = in_disks(smooth, votes.to_cells(fit.points), np.full(len(peaks), radius))
        seen = strength > 0
        if not apart(best[seen]):
            break
        fit = model.match(votes.to_grid(best), np.minimum(strength / typical, 1) * seen)
        if radius <= 1:
            break
        radius *= settings.shrink
    reach = settings.tolerance * (np.sqrt(model.scatter) * fit.pose.scale) + 2
    best, strength = in_disks(smooth, votes.to_cells(fit.points), reach / votes.cell)
    climbed, _ = votes.climb(votes.to_grid(best))
    near = np.linalg.norm(climbed - fit.points, axis=1) <= reach + votes.cell
    chosen = near & (strength >= settings.least * typical)
    points = fit.points.copy()
    points[chosen] += _shrink_to_shape(climbed[chosen] - fit.points[chosen], model, chosen, fit.pose)
    dispersion = votes.dispersion(points)
    dispersion = np.where(np.isfinite(dispersion), dispersion, np.nanmax(dispersion))
    return Plausible(points, dispersion, fit.parameters)


def _robust_fit(model: ShapeModel, peaks: Points) -> Fit:
    """Bring the model to peaks, some of which may be anywhere: least squares with :func:`cauchy_weights`, in turns.

    The first round fits position, size and rotation alone: with its modes free a model follows what went astray.
    """
    frame = pose(model.mean, peaks)
    fit = Fit(frame, np.zeros(model.modes_count), frame.to_grid(model.mean))
    for _ in range(_ROBUST):
        fit = model.match(peaks, cauchy_weights(np.linalg.norm(fit.points - peaks, axis=1), 1.0))
    return fit


def _shrink_to_shape(away: Points, model: ShapeModel, chosen: npt.NDArray[np.bool_], frame: Frame) -> Points:
    """Return how far from the shape landmarks are, having seen how far their peaks are: empirical Bayes.

    Landmarks scatter about the model by its residual, along a contour more than across it; noise of the votes comes on
    top. If both are Gaussian, squared distances along the axes of a residual, in units of its variance, have the median
    of chi-square without noise, and by how much it is larger, over all landmarks, says how much noise there is (Efron &
    Morris 1973). The shape was brought to these very peaks and has followed some of their noise: by as much as it has
    parameters, of all coordinates. Its own error counts as noise too, above all across contours, where landmarks
    scatter least; so only a part of the excess there is taken for noise (chosen on chest films).

    ``away`` (k, 2) is from the shape's points to the peaks of the landmarks ``chosen`` (n,), grid cells; ``frame`` goes
    from the model's coordinates to the grid.
    """
    if not len(away):
        return away
    turn = frame.matrix[:, :2] / frame.scale
    variances, axes = np.linalg.eigh(model.residual[chosen])  # across, along
    axes = turn @ axes
    along = np.einsum("kji,kj->ki", axes, away)
    own = np.maximum(variances, 1e-9 * model.total + 1e-30) * frame.scale**2
    excess = np.median(along**2 / own, axis=0) / chi2.ppf(0.5, 1) - 1
    followed = min((model.modes_count + _POSE) / away.size, 0.5)
    noise = _VOTES * np.maximum(excess, 0) / (1 - followed)
    return np.asarray(np.einsum("kij,kj->ki", axes, along / (1 + noise)))


@numba.njit(cache=True)
def in_disks(smooth, centres, radii):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - compiled as one
    """Return the cell of the largest value in each landmark's disk, (n, 2) as x, y, and the value.

    A disk that lies beside the grid has its centre, and the value 0.
    """
    n, rows, columns = smooth.shape
    best = centres.copy()
    strength = np.zeros(n)
    for p in range(n):
        x, y, r = centres[p, 0], centres[p, 1], max(radii[p], 1.0)
        for i in range(max(0, int(np.ceil(y - r))), min(rows - 1, int(np.floor(y + r))) + 1):
            for j in range(max(0, int(np.ceil(x - r))), min(columns - 1, int(np.floor(x + r))) + 1):
                if (i - y) ** 2 + (j - x) ** 2 <= r * r and smooth[p, i, j] > strength[p]:
                    strength[p] = smooth[p, i, j]
                    best[p, 0], best[p, 1] = j, i
    return best, strength
