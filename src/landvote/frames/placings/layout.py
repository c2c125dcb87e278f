"""Layouts: shapes laid on each other, patches sized for them, and points laid on a patch; what placings share."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from landvote.data.points import FloatArray, Points, cauchy_weights, mean_points
from landvote.data.scheme import Scheme
from landvote.errors import ModelError, PointsError
from landvote.frames.frame import Frame, similarities
from landvote.runtime.arrays import load_arrays

CHOSEN_REFERENCES = 6
"""Reference points where a scheme names none: enough to outvote one that went astray."""

_MANY = 4  # points, of which one can be outvoted
_REWEIGHTED = 6  # rounds of least squares
_ALIGNED = 5  # rounds of laying shapes on their mean
_LARGEST = 3  # times the film: a cropped film may be smaller than its patch, but not by more

Parts = tuple[tuple[int, ...], ...]


def lay(points: Points, layout: Points, size: tuple[int, int], image_size: tuple[int, int]) -> Frame | None:
    """Lay (k, 2) points on a layout (k, 2); see :func:`lay_each`."""
    return lay_each(points[None], layout[None], size, image_size)[0]


def lay_each(
    points: FloatArray, layouts: FloatArray, size: tuple[int, int], image_size: tuple[int, int]
) -> list[Frame | None]:
    """Lay g times k points, (g, k, 2), each k on a layout; with four or more, one that went astray is outvoted.

    None where the points place nothing, or place the grid beside the film or far larger than it: whatever a voter saw
    there would be nonsense.
    """
    given: npt.NDArray[np.bool_] = np.all(np.isfinite(points) & np.isfinite(layouts), axis=2)
    source, target = (np.where(given[..., None], each, 0) @ np.array([1, 1j]) for each in (points, layouts))
    first = np.take_along_axis(source, given.argmax(axis=1)[:, None], axis=1)
    placed = (given & (source != first)).any(axis=1)
    weight, many = given.astype(float), given.sum(axis=1, keepdims=True) >= _MANY
    with np.errstate(invalid="ignore", divide="ignore"):  # where nothing is placed
        turn, shift = similarities(source, target, weight)
        for _ in range(_REWEIGHTED if many.any() else 0):
            distance = np.where(given, np.abs(turn * source + shift - target), np.nan)
            weight = np.where(many, cauchy_weights(distance, 1.0), weight)
            turn, shift = similarities(source, target, weight)
        middle = ((complex(*size) - (1 + 1j)) / 2 - shift) / turn
    on_film = (middle.real >= 0) & (middle.real < image_size[0]) & (middle.imag >= 0) & (middle.imag < image_size[1])
    fits = placed & (on_film & (max(size) < _LARGEST * max(image_size) * np.abs(turn))).ravel()
    each = zip(turn[:, 0], shift[:, 0], fits, strict=True)
    return [Frame.turning(t, s, size) if yes else None for t, s, yes in each]


def mean_layout(shapes: Points, anchors: tuple[int, ...]) -> Points:
    """Return the mean of ``shapes`` (films, n, 2) after laying their ``anchors`` on each other by similarities.

    The result keeps the average size and direction of the films, so a patch built on it stands upright on average.
    Films on which fewer than two anchors are known are left out; NaN where no film is left that knows a landmark.
    """
    index = list(anchors)
    shapes = shapes[np.isfinite(shapes[:, index]).all(axis=2).sum(axis=1) > 1]
    if not len(shapes):
        return np.full(shapes.shape[1:], np.nan)
    laid = shapes - np.nanmean(shapes[:, index], axis=1, keepdims=True)
    for _ in range(_ALIGNED):
        mean = mean_points(laid, shapes.shape[1])
        laid = np.stack([Frame.matching(s[index], mean[index], (1, 1)).to_grid(s) for s in shapes])
    return mean_points(laid, shapes.shape[1])


def spread_points(shapes: Points, count: int) -> tuple[int, ...]:
    """Choose ``count`` landmarks far from each other and seldom missing, from (films, n, 2): farthest-point sampling.

    Used as reference points where a scheme names none.
    """
    given = np.isfinite(shapes).all(axis=2).mean(axis=0)
    second = np.sort(given)[-2:].min()  # it takes two points to place a patch
    candidates = np.flatnonzero(given >= min(given.max() - 0.02, second))
    mean = mean_points(shapes, shapes.shape[1])[candidates]
    chosen = [int(np.argmax(((mean - mean.mean(axis=0)) ** 2).sum(axis=1)))]
    distance = np.full(len(mean), np.inf)
    while len(chosen) < min(count, len(candidates)):
        distance = np.minimum(distance, ((mean - mean[chosen[-1]]) ** 2).sum(axis=1))
        chosen.append(int(np.argmax(distance)))
    return tuple(sorted(int(candidates[i]) for i in chosen))


def same_area(size: tuple[int, int], shape: FloatArray, multiple: int) -> tuple[int, int]:
    """Return a grid of about the area of ``size`` with the aspect ratio of ``shape`` (at most 1:4).

    Its width and height are multiples of ``multiple`` cells.
    """
    aspect = float(np.clip(shape[0] / max(shape[1], 1e-9), 0.25, 4))
    width = (size[0] * size[1] * aspect) ** 0.5
    steps = [max(1, round(v / multiple)) * multiple for v in (width, width / aspect)]
    return steps[0], steps[1]


def patch_layouts(training: list[Points], size: tuple[int, int], parts: Parts, anchors: Parts, border: float) -> Points:
    """Return (parts, n, 2) where all landmarks lie on the patch of each part, on average, in grid coordinates.

    ``training`` is per film (n, 2) image coordinates, ``size`` the width and height of each patch in grid cells,
    ``border`` its free share on each side. A patch has to hold the landmarks of its part, and is laid on its
    ``anchors``: the same, or the neighbours' as well.

    Raises:
        PointsError: no film has all anchors of some part.
    """
    layouts = []
    for g, (part, near) in enumerate(zip(parts, anchors, strict=True)):
        complete = [p for p in training if np.isfinite(p[list(near)]).all()]
        if not complete:
            neighbours = " and of its neighbours" if len(near) > len(part) else ""
            raise PointsError(f"no training film has all landmarks of part {g} of the scheme{neighbours}")
        mean = mean_layout(np.stack(complete), near)
        own = mean[list(part)]
        scale = min(size) * (1 - 2 * border) / float(np.max(np.ptp(own, axis=0)))
        middle = (own.min(axis=0) + own.max(axis=0)) / 2
        layouts.append(Frame.similarity(scale, 0.0, middle, (np.array(size) - 1) / 2, size).to_grid(mean))
    return np.stack(layouts)


def load_layouts(file: Path, scheme: Scheme, *more: str) -> tuple[tuple[int, int], Points, dict[str, FloatArray]]:
    """Return the size and the layouts in the file of a placing of parts, and its arrays, ``more`` of them.

    Raises:
        ModelError: the file is missing, broken, or for other landmarks or parts.
    """
    stored = load_arrays(file, "size", "layouts", *more)
    if stored["layouts"].shape != (len(scheme.repeats), len(scheme), 2):
        raise ModelError(f"{file}: not for {len(scheme)} landmarks in {len(scheme.repeats)} parts")
    width, height = (int(v) for v in stored["size"])
    return (width, height), stored["layouts"], stored
