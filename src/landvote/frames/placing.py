"""Placing: where a stage looks. From what is known so far (the film's size, the points of the stage before) to frames.

Three answers, coarse to fine: the whole film; a patch laid on reference points (section 3 of the paper); one patch per
repeated part, such as a vertebra, so that one voter serves them all.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from landvote.errors import PointsError
from landvote.frames.frame import Frame
from landvote.sample import Points, mean_points

_REWEIGHTED = 6  # rounds of least squares
_LARGEST = 3  # times the film: a cropped film may be smaller than its patch, but not by more
_LEAST_END = 0.003  # share of a film; what lies beyond its edge counts as so much
_LEAST_SPREAD = 0.01  # variance of the logarithm, so that films all framed alike forbid nothing
_TAILS = 4.0  # degrees of freedom
_MULTIPLE = 32  # grids are multiples of this, so that a network may halve them five times


class Placing(Protocol):
    """Says which frames to look through, and which landmarks each frame is for."""

    size: tuple[int, int]

    @property
    def parts(self) -> tuple[tuple[int, ...], ...]:
        """Per frame, the landmarks it is for."""
        ...

    def frames(self, image_size: tuple[int, int], points: Points) -> list[Frame | None]:
        """Return one frame per part, None where what is known does not place it.

        Args:
            image_size: width and height of the film.
            points: (n, 2) image coordinates of all landmarks as known so far; NaN if unknown.
        """
        ...

    def least(self, image_size: tuple[int, int]) -> float:
        """Return how many pixels of such a film a cell measured at least in training; 0 if that says nothing."""
        ...

    def state(self) -> dict[str, npt.NDArray[np.float64]]:
        """Return what was learned from the training points, as arrays."""
        ...


class FilmPlacing:
    """The whole film with a margin, for ``landmarks``: all indices of the scheme, or only the reference points."""

    def __init__(self, size: tuple[int, int], margin: float, landmarks: tuple[int, ...]) -> None:
        self.size = size
        self.margin = margin
        self.parts = (landmarks,)

    def frames(self, image_size: tuple[int, int], points: Points) -> list[Frame | None]:  # noqa: ARG002 - nothing is known yet
        """Return the one frame that holds the whole film."""
        return [Frame.whole(image_size, self.size, self.margin)]

    def least(self, image_size: tuple[int, int]) -> float:  # noqa: ARG002 - it is never laid on points that may be wrong
        """Return 0."""
        return 0.0

    def state(self) -> dict[str, npt.NDArray[np.float64]]:
        """Return nothing: a film's size is all it takes."""
        return {}


class ReferencePlacing:
    """A patch laid on the reference points so that all landmarks of the training films fit in, with a border.

    ``layout`` (n, 2) holds where each landmark lies on the grid on average; the frame is the similarity that brings the
    reference points there, exactly for two, by least squares for more. ``cell`` () is the length of a cell on the film,
    as a share of its longer side, that 99.5 % of the films have at least.
    """

    def __init__(
        self,
        size: tuple[int, int],
        reference: tuple[int, ...],
        layout: Points,
        cell: npt.NDArray[np.float64],
    ) -> None:
        self.size = size
        self.reference = reference
        self.layout = layout
        self.cell = cell
        self.parts = (tuple(range(len(layout))),)

    @classmethod
    def fit(
        cls,
        training: list[Points],
        films: list[tuple[int, int]],
        size: tuple[int, int],
        reference: tuple[int, ...],
        border: float,
        *,
        fit_aspect: bool,
    ) -> ReferencePlacing:
        """Learn from training points and the widths and heights of their films.

        Args:
            training: per film (n, 2) image coordinates.
            films: their widths and heights in pixels.
            size: width and height of the patch in grid cells.
            reference: the landmarks that place the patch.
            border: free share of the patch on each side, beyond the outermost landmark of 99.5 % of the films.
            fit_aspect: give the patch the shape of what it must hold, its area kept.

        Raises:
            PointsError: no film has all reference points.
        """
        chosen = list(reference)
        complete = [i for i, p in enumerate(training) if np.isfinite(p[chosen]).all()]
        if not complete:
            raise PointsError(f"no training film has all reference points {chosen}; choose others in the scheme")
        shapes = np.stack([training[i] for i in complete])
        mean = mean_layout(shapes, reference)
        laid = np.stack([Frame.matching(s[chosen], mean[chosen], size).to_grid(s) for s in shapes])
        low = np.quantile(np.nanmin(laid, axis=1), 0.005, axis=0)
        high = np.quantile(np.nanmax(laid, axis=1), 0.995, axis=0)
        size = same_area(size, high - low) if fit_aspect else size
        room = np.array(size) * (1 - 2 * border)
        scale = float(np.min(room / np.maximum(high - low, 1e-6)))
        fitted = Frame.similarity(scale, 0.0, (low + high) / 2, (np.array(size) - 1) / 2, size)
        layout = fitted.to_grid(mean_points(laid, laid.shape[1]))
        frames = [Frame.matching(s[chosen], layout[chosen], size) for s in shapes]
        cells = [1 / frame.scale / max(films[i]) for frame, i in zip(frames, complete, strict=True)]
        return cls(size, reference, layout, np.array(np.quantile(cells, 0.005)))

    def frames(self, image_size: tuple[int, int], points: Points) -> list[Frame | None]:
        """Return the one frame that the reference points define."""
        chosen = list(self.reference)
        return [_lay(points[chosen], self.layout[chosen], self.size, image_size)]

    def least(self, image_size: tuple[int, int]) -> float:
        """Return the length of a cell in training, at the lower end, in pixels."""
        return float(self.cell) * max(image_size)

    def state(self) -> dict[str, npt.NDArray[np.float64]]:
        """Return what was learned."""
        return {"layout": self.layout, "cell": self.cell}


class PartPlacing:
    """One patch per part of a scheme with ``groups``; a part and its neighbours in the row place it.

    Four corners of one vertebra are too few to turn and scale a patch by; with the vertebrae above and below they are
    twelve. ``layouts`` (g, n, 2) holds, per part, where the landmarks lie on that part's grid on average.

    It also knows where on a film rows begin and end: ``middle`` (2,) and ``spread`` (2, 2) are the median and the
    covariance of :func:`ends` in training. Films are framed by people who saw the row, so this tells it from the same
    one shifted by a part.
    """

    def __init__(
        self,
        size: tuple[int, int],
        parts: tuple[tuple[int, ...], ...],
        layouts: Points,
        middle: npt.NDArray[np.float64],
        spread: npt.NDArray[np.float64],
    ) -> None:
        self.size = size
        self.parts = parts
        self.layouts = layouts
        self.middle = middle
        self.spread = spread

    @classmethod
    def fit(
        cls,
        training: list[Points],
        films: list[tuple[int, int]],
        size: tuple[int, int],
        parts: tuple[tuple[int, ...], ...],
        border: float,
    ) -> PartPlacing:
        """Learn from training points and the widths and heights of their films.

        Args:
            training: per film (n, 2) image coordinates.
            films: their widths and heights in pixels.
            size: width and height of each patch in grid cells.
            parts: the landmarks of each part.
            border: free share of the patch on each side.

        Raises:
            PointsError: no film has all landmarks of some part and of its neighbours.
        """
        layouts = []
        for g, part in enumerate(parts):
            near = _neighbours(parts, g)
            complete = [p for p in training if np.isfinite(p[list(near)]).all()]
            if not complete:
                raise PointsError(f"no training film has all landmarks of part {g} of the scheme and of its neighbours")
            mean = mean_layout(np.stack(complete), near)
            own = mean[list(part)]
            extent = float(np.max(np.ptp(own, axis=0)))
            scale = min(size) * (1 - 2 * border) / extent
            middle = (own.min(axis=0) + own.max(axis=0)) / 2
            layouts.append(Frame.similarity(scale, 0.0, middle, (np.array(size) - 1) / 2, size).to_grid(mean))
        seen = np.stack([ends(points, parts, film) for points, film in zip(training, films, strict=True)])
        seen = seen[np.isfinite(seen).all(axis=1)]
        spread = np.cov(seen.T) if len(seen) > 1 else np.eye(2)
        usual = np.median(seen, axis=0) if len(seen) else np.zeros(2)
        return cls(size, parts, np.stack(layouts), usual, spread + _LEAST_SPREAD * np.eye(2))

    def frames(self, image_size: tuple[int, int], points: Points) -> list[Frame | None]:
        """Return one frame per part."""
        return [self.frame(g, image_size, points) for g in range(len(self.parts))]

    def frame(self, part: int, image_size: tuple[int, int], points: Points) -> Frame | None:
        """Return the frame of one part."""
        near = list(_neighbours(self.parts, part))
        return _lay(points[near], self.layouts[part][near], self.size, image_size)

    def likely(self, image_size: tuple[int, int], points: Points) -> float:
        """Return the logarithm, but for a constant, of how likely rows begin and end there; 0 if it is not known.

        A t-distribution: films that are framed otherwise than most are rare, but not as rare as a Gaussian has them.
        """
        away = ends(points, self.parts, image_size) - self.middle
        if not np.isfinite(away).all():
            return 0.0
        distance = away @ np.linalg.solve(self.spread, away)
        return -float(np.log1p(distance / _TAILS) * (_TAILS + len(away)) / 2)

    def least(self, image_size: tuple[int, int]) -> float:  # noqa: ARG002 - :meth:`likely` tells rows that cannot be
        """Return 0."""
        return 0.0

    def state(self) -> dict[str, npt.NDArray[np.float64]]:
        """Return what was learned."""
        return {"layouts": self.layouts, "middle": self.middle, "spread": self.spread}


def ends(points: Points, parts: tuple[tuple[int, ...], ...], film: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Return (2,) how much of the film lies before the first part's centre and beyond the last one's.

    Along the axis, x or y, that the row follows; logarithms of shares of the film. NaN where either part is missing.
    """
    first, last = (points[list(part)].mean(axis=0) for part in (parts[0], parts[-1]))
    if not np.isfinite(first + last).all():
        return np.full(2, np.nan)
    axis = int(np.abs(last - first)[1] >= np.abs(last - first)[0])
    before, after = first[axis] + 0.5, film[axis] - 0.5 - last[axis]
    if first[axis] > last[axis]:
        before, after = film[axis] - 0.5 - first[axis], last[axis] + 0.5
    return np.asarray(np.log(np.maximum(np.array([before, after]) / film[axis], _LEAST_END)))


def _lay(points: Points, layout: Points, size: tuple[int, int], image_size: tuple[int, int]) -> Frame | None:
    """Lay points on a layout; with four or more, one that went astray is outvoted by the others.

    Least squares again and again, each point weighted by how well it fitted (Cauchy weights, scale twice the median
    distance but at least a cell). None where the points place nothing, or place the grid beside the film or far larger
    than it: whatever a voter saw there would be nonsense.
    """
    given = np.isfinite(points).all(axis=1) & np.isfinite(layout).all(axis=1)
    if len(np.unique(points[given], axis=0)) < 2:
        return None
    frame = Frame.matching(points, layout, size)
    for _ in range(_REWEIGHTED if given.sum() >= 4 else 0):
        distance = np.linalg.norm(frame.to_grid(points) - layout, axis=1)
        scale = 2 * max(float(np.median(distance[given])), 1.0)
        frame = Frame.matching(points, layout, size, 1 / (1 + (distance / scale) ** 2))
    middle = frame.to_image((np.array([size], float) - 1) / 2)[0]
    on_film = bool(((middle >= 0) & (middle < image_size)).all())
    return frame if on_film and max(size) / frame.scale < _LARGEST * max(image_size) else None


def mean_layout(shapes: Points, anchors: tuple[int, ...], rounds: int = 5) -> Points:
    """Return the mean of ``shapes`` (films, n, 2) after laying their ``anchors`` on each other by similarities.

    The result keeps the average size and direction of the films, so a patch built on it stands upright on average.
    """
    index = list(anchors)
    n = shapes.shape[1]
    mean = mean_points(shapes - shapes[:, index].mean(axis=1, keepdims=True), n)
    for _ in range(rounds):
        laid = np.stack([Frame.matching(s[index], mean[index], (1, 1)).to_grid(s) for s in shapes])
        mean = mean_points(laid, n)
    return mean


def spread_points(shapes: Points, count: int) -> tuple[int, ...]:
    """Choose ``count`` landmarks far from each other and seldom missing, from (films, n, 2): farthest-point sampling.

    Used as reference points where a scheme names none.
    """
    given = np.isfinite(shapes).all(axis=2).mean(axis=0)
    second = np.sort(given)[-2:].min()  # it takes two points to place a patch
    candidates = np.flatnonzero(given >= min(given.max() - 0.02, second))
    mean = mean_points(shapes, shapes.shape[1])[candidates]
    first = int(np.argmax(((mean - mean.mean(axis=0)) ** 2).sum(axis=1)))
    chosen = [first]
    distance = ((mean - mean[first]) ** 2).sum(axis=1)
    while len(chosen) < min(count, len(candidates)):
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, ((mean - mean[chosen[-1]]) ** 2).sum(axis=1))
    return tuple(sorted(int(candidates[i]) for i in chosen))


def _neighbours(parts: tuple[tuple[int, ...], ...], g: int) -> tuple[int, ...]:
    return tuple(i for part in parts[max(0, g - 1) : g + 2] for i in part)


def same_area(size: tuple[int, int], shape: npt.NDArray[np.float64]) -> tuple[int, int]:
    """Return a grid of about the area of ``size`` with the aspect ratio of ``shape`` (at most 1:4)."""
    aspect = float(np.clip(shape[0] / max(shape[1], 1e-9), 0.25, 4))
    width = (size[0] * size[1] * aspect) ** 0.5
    steps = [max(1, round(v / _MULTIPLE)) * _MULTIPLE for v in (width, width / aspect)]
    return steps[0], steps[1]
