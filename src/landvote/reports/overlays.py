"""Films with their true and predicted points drawn over them."""

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from landvote.data.film import Spacing
from landvote.data.points import FloatArray, Points
from landvote.data.prediction import ELLIPSE, Prediction
from landvote.data.radiograph import Pixels
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.errors import ImageError
from landvote.reports.marks import draw_outlines
from landvote.reports.style import STYLE, as_data_uri, save_figure

TRUTH, PREDICTED, MISS, WARNING = "#56B4E9", "#FFB000", "#ffffff", "#D55E00"
UNKNOWN = "Not known: unlike the films that the model was made from. Do not trust these points."

# of expected errors: yellow for small ones to purple for large ones, white for unknown ones; darker colours of this map
# are lost on a dark film
_DOUBT = mpl.colors.ListedColormap(mpl.colormaps["plasma"](np.linspace(0.97, 0.42, 256)), "doubt").with_extremes(
    bad=MISS
)
_TIMES_LEAST = 1.5  # colours span so much at least: errors that are nearly equal look so
_BAR, _SIDE, _FRAME = 46, 14, 6  # pixels: height of the strip with the colour bar, room beside it; width of a frame

_MARGIN = 0.12  # room left round the points, as a share of their extent
_LONGEST = 760  # pixels, of the longer side of an overlay
_LARGE = 1400  # the same, of a film that shows where each landmark is
_TEXT, _LINE, _LETTER, _LONGEST_NAME = 9, 17, 7.2, 60  # of its legend: points; pixels a line, a letter; characters
_BOLD = 8.6  # pixels a letter of the words above a film
_BESIDE = 15  # pixels from a landmark to its number

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Overlay:
    """A film to show in a page: why, its name, its errors in words, and the picture or why there is none."""

    heading: str
    identifier: str
    caption: str
    picture: str
    trouble: str = ""


@dataclass(frozen=True)
class Expectation:
    """What is told of the errors of the points that are drawn.

    Attributes:
        error: (n,) to expect, pixels; NaN where it is not known.
        covariance: (n, 3) xx, xy and yy in pixels squared, see :class:`landvote.data.prediction.Prediction`; or None.
        spacing: millimetres per pixel; errors are given in pixels where it is None.
        known: whether the film is of the kind that the model was made from; None where that is not known.
    """

    error: FloatArray
    covariance: FloatArray | None = None
    spacing: Spacing | None = None
    known: bool | None = None


def overlay(
    heading: str, caption: str, sample: Sample, truth: Points, predicted: Points, expected: Expectation | None = None
) -> Overlay:
    """Draw a film for a page; one that cannot be decoded is named in its place."""
    try:
        pixels = sample.open().pixels
    except ImageError as error:
        return Overlay(heading, sample.identifier, caption, "", str(error))
    figure = overlay_figure(pixels, truth, predicted, sample.scheme, expected)
    return Overlay(heading, sample.identifier, caption, as_data_uri(figure, "jpeg"))


def overlay_figure(
    pixels: Pixels, truth: Points, predicted: Points, scheme: Scheme, expected: Expectation | None = None
) -> Figure:
    """Draw a film in grey, cropped round its points, with truth (blue), prediction (amber) and the error between.

    Pixels are (height, width), points (n, 2) image pixels; NaN is not drawn. The scheme's outlines are drawn as lines.
    Where errors are expected, predicted points have the colours of a bar below the film, and ellipses hold the truth in
    90 % of cases. A film that is not known has a frame, and words above it.
    """
    left, top, right, bottom = box = _box(truth, predicted, (pixels.shape[1], pixels.shape[0]))
    zoom = _LONGEST / max(right - left, bottom - top)
    width, height = (right - left) * zoom, (bottom - top) * zoom
    told = expected if expected is not None and np.isfinite(expected.error).any() else None
    below = _BAR if told else 0
    words = textwrap.wrap(UNKNOWN, max(int((width - 2 * _SIDE) / _BOLD), 12)) if _strange(expected) else []
    above = len(words) * _LINE + 8 if words else 0
    whole = below + height + above
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width / 100, whole / 100), dpi=100, facecolor="black")
        ax = figure.add_axes((0, below / whole, 1, height / whole))
        _draw_film(ax, pixels, box, zoom)
        pairs = np.stack([truth, predicted], axis=1)
        pairs = pairs[np.isfinite(pairs).all(axis=(1, 2))]
        ax.add_collection(LineCollection(list(pairs), colors=MISS, linewidths=0.9, alpha=0.85))
        size = 4 if len(predicted) > 30 else 7
        for points, colour in [(truth, TRUTH), (predicted, PREDICTED)]:
            if points is predicted and told is not None:  # the colours of points and ellipses have to stand out
                draw_outlines(ax, points, scheme, color=colour, linewidth=0.9, alpha=0.6)
                _draw_doubt(figure, ax, points, told, size + 1, (width, whole))
            else:
                draw_outlines(ax, points, scheme, color=colour, linewidth=1.6, alpha=0.9)
                ax.plot(*points.T, "o", color=colour, markersize=size, markeredgewidth=0)
        ax.set(xlim=(left, right), ylim=(bottom, top))
        ax.set_axis_off()
        if words:
            place = (0, 1 - above / whole), 1, above / whole
            figure.add_artist(Rectangle(*place, color=WARNING))
            figure.text(0.5, 1 - above / whole / 2, "\n".join(words), color="white", size=_TEXT, weight="bold",
                        ha="center", va="center", linespacing=1.3)  # fmt: skip
            frame = Rectangle((0, 0), 1, 1, transform=ax.transAxes, fill=False, color=WARNING, linewidth=2 * _FRAME)
            ax.add_artist(frame)
    return figure


def _strange(expected: Expectation | None) -> bool:
    return expected is not None and expected.known is False


def _draw_doubt(
    figure: Figure, ax: Axes, points: Points, expected: Expectation, size: float, canvas: tuple[float, float]
) -> None:
    """Draw points in the colours of their expected errors, their ellipses, and the bar that tells the colours."""
    spacing = expected.spacing
    unit, scale = ("mm", (spacing.x + spacing.y) / 2) if spacing else ("px", 1.0)
    error = np.where(np.isfinite(expected.error), expected.error * scale, np.nan)
    shown = np.isfinite(points).all(axis=1)
    least, most = float(np.nanmin(error)), float(np.nanmax(error))
    most = max(most, _TIMES_LEAST * least, least + 1e-6)
    colours = ScalarMappable(mpl.colors.Normalize(least, most), _DOUBT)
    thin = 0.8 if len(points) > 30 else 1.2
    covariance = np.full((len(points), 3), np.nan) if expected.covariance is None else expected.covariance
    ringed = shown & np.isfinite(covariance).all(axis=1)
    if ringed.any():
        rings = _ellipses(points[ringed], covariance[ringed])
        for width, colour in ((2 * thin, "black"), (thin, colours.to_rgba(error[ringed]))):  # a rim, for bright films
            ax.add_collection(LineCollection(list(rings), colors=colour, linewidths=width, zorder=1.5))
    x, y = points[shown].T
    ax.scatter(x, y, s=size**2, c=colours.to_rgba(error[shown]), edgecolors="black", linewidths=0.6, zorder=3)
    width, height = canvas
    bar = figure.add_axes((_SIDE / width, 18 / height, 1 - 2 * _SIDE / width, 8 / height))
    figure.colorbar(colours, cax=bar, orientation="horizontal")
    bar.tick_params(colors="white", labelsize=_TEXT - 1, length=2, pad=1)
    bar.xaxis.set_major_locator(mpl.ticker.MaxNLocator(max(int(width / 70), 2)))
    said = f"expected error ({unit})"
    if ringed.any() and width > 400:
        said += "; ellipses hold the truth in 90 % of cases"
    figure.text(_SIDE / width, 29 / height, said, color="white", size=_TEXT - 1, va="bottom")


def _ellipses(points: Points, covariance: FloatArray) -> FloatArray:
    """Return the ellipses of 90 % about (n, 2) points, with (n, 3) covariances, as closed lines (n, 41, 2)."""
    xx, xy, yy = covariance.T
    values, axes = np.linalg.eigh(np.stack([xx, xy, xy, yy], axis=1).reshape(-1, 2, 2))
    radii = np.sqrt(ELLIPSE * values.clip(min=0))
    turn = np.linspace(0, 2 * np.pi, 41)
    circle = np.stack([np.cos(turn), np.sin(turn)])
    return np.asarray(points[:, None] + np.einsum("nij,nj,jt->nti", axes, radii, circle))


def write_overlay(path: Path, pixels: Pixels, prediction: Prediction, scheme: Scheme) -> None:
    """Write a film with its predicted points, cropped round them, as PNG; whole or not at all.

    The pixels are (height, width). What the prediction tells of its errors is drawn as :func:`overlay_figure` does.
    """
    expected = Expectation(prediction.expected_error, prediction.covariance, prediction.film.spacing, prediction.known)
    points = prediction.points
    save_figure(overlay_figure(pixels, np.full_like(points, np.nan), points, scheme, expected), path)


def landmark_figure(pixels: Pixels, points: Points, scheme: Scheme) -> Figure:
    """Draw a film large, cropped round its (n, 2) points, each with its number, and a legend of their names.

    Numbers count from 0, as those of schemes do. Landmarks whose names are numbers are called by these alone. NaN is
    not drawn; the legend has all landmarks.
    """
    box = left, top, right, bottom = _box(points, points, (pixels.shape[1], pixels.shape[0]))
    zoom = _LARGE / max(right - left, bottom - top)
    width, height = (right - left) * zoom, (bottom - top) * zoom
    named = not all(map(str.isdecimal, scheme.landmarks))
    labels = list(map(str, range(len(points)))) if named else list(scheme.landmarks)
    rows = max(int(height / _LINE) - 1, 1)
    names = [_shown(f"{i}  {name}") for i, name in enumerate(scheme.landmarks)] if named else []
    column = _LETTER * max(map(len, names), default=0) + 20
    whole = width + -(-len(names) // rows) * column
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(whole / 100, height / 100), dpi=100, facecolor="black")
        ax = figure.add_axes((0, 0, width / whole, 1))
        _draw_film(ax, pixels, box, zoom)
        draw_outlines(ax, points, scheme, color=TRUTH, linewidth=1, alpha=0.6)
        ax.plot(*points.T, "o", color=TRUTH, markersize=4, markeredgewidth=0)
        halo = [withStroke(linewidth=2, foreground="black")]
        for (x, y), label in zip(_beside(points * zoom) / zoom, labels, strict=True):
            if np.isfinite(x):
                ax.text(x, y, label, color=PREDICTED, size=_TEXT, ha="center", va="center", path_effects=halo,
                        clip_on=False, parse_math=False)  # fmt: skip
        ax.set(xlim=(left, right), ylim=(bottom, top))
        ax.set_axis_off()
        for i, name in enumerate(names):
            at = (width + i // rows * column + 10) / whole, 1 - (i % rows + 1) * _LINE / height
            figure.text(*at, name, color="white", size=_TEXT, parse_math=False)
    return figure


def _shown(name: str) -> str:
    """Return a name of bounded length that can be drawn: bytes that are not UTF-8 are escaped."""
    short = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    return short.encode(errors="backslashreplace").decode()


def _beside(points: Points) -> Points:
    """Return a place beside each point, in the direction that has the most room among points and places before it."""
    turns = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    around = _BESIDE * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    taken = points[np.isfinite(points).all(axis=1)]
    places = np.full_like(points, np.nan)
    for i in np.flatnonzero(np.isfinite(points).all(axis=1)):
        room = np.linalg.norm(points[i] + around[:, None] - taken, axis=2)
        places[i] = points[i] + around[room.min(axis=1).argmax()]
        taken = np.vstack([taken, places[i]])
    return places


def _box(truth: Points, predicted: Points, size: tuple[int, int]) -> Box:
    """Left, top, right, bottom of the part to show: all points with a margin, but no more than the film and a bit."""
    points = np.concatenate([truth, predicted])
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return -0.5, -0.5, size[0] - 0.5, size[1] - 0.5
    low, high = points.min(axis=0), points.max(axis=0)
    margin = max(_MARGIN * float((high - low).max()), 8.0)
    room = 0.1 * max(size)  # a point far outside is left outside, or the film would shrink to nothing
    low = np.clip(low - margin, -room, np.array(size) - 1)
    high = np.clip(high + margin, low + 1, np.array(size) + room)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _draw_film(ax: Axes, pixels: Pixels, box: Box, zoom: float) -> None:
    """Draw the part of the film inside the box, grey levels stretched between its 1st and 99th percentile."""
    x0, y0 = max(int(box[0]), 0), max(int(box[1]), 0)
    part: npt.NDArray[Any] = pixels[y0 : int(np.ceil(box[3])) + 1, x0 : int(np.ceil(box[2])) + 1].astype(np.float32)
    if not part.size:
        return
    height, width = part.shape
    dark, bright = np.percentile(part, [1, 99])
    if zoom < 1:
        size = (max(round(width * zoom), 1), max(round(height * zoom), 1))
        part = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
    extent = (x0 - 0.5, x0 + width - 0.5, y0 + height - 0.5, y0 - 0.5)
    ax.imshow(part, cmap="gray", vmin=dark, vmax=max(bright, dark + 1e-6), extent=extent, interpolation="bilinear")
