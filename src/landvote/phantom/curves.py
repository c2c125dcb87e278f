"""Smooth curves through a few control points, in millimetres."""

from collections.abc import Sequence

import numpy as np
from scipy.interpolate import Akima1DInterpolator

from landvote.data.points import FloatArray, Points

DENSE = 12  # samples per control interval: below 0.5 mm apart for every bone drawn here


def table(text: str) -> Points:
    """Return the (n, 2) control points written as ``"x,y x,y ..."``."""
    return np.array([[float(value) for value in pair.split(",")] for pair in text.split()])


def smooth(control: Points) -> Points:
    """Return a smooth open curve through ``control`` (n, 2); control point i is sample ``i * DENSE``."""
    return _akima(control, np.arange(0, (len(control) - 1) * DENSE + 1) / DENSE)


def smooth_closed(control: Points) -> Points:
    """Return a smooth closed curve through ``control`` (n, 2), (n * DENSE, 2); the first point is not repeated."""
    n = len(control)
    wrapped = np.concatenate([control[-3:], control, control[:3]])
    return _akima(wrapped, 3 + np.arange(0, n * DENSE) / DENSE)


def _akima(control: Points, at: FloatArray) -> Points:
    """Interpolate in centripetal parameter: Akima's curve is local and does not overshoot at sharp corners."""
    steps = np.sqrt(np.maximum(np.linalg.norm(np.diff(control, axis=0), axis=1), 1e-6))
    knots = np.concatenate([[0.0], np.cumsum(steps)])
    parameter = np.interp(at, np.arange(len(control)), knots)
    curve: Points = Akima1DInterpolator(knots, control, axis=0)(parameter)
    return curve


def arc_length(curve: Points) -> FloatArray:
    """Return (m,) how far along a polyline (m, 2) each of its points lies."""
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])


def interpolated(at: FloatArray, length: FloatArray, values: Points) -> Points:
    """Return (n, 2) the ``values`` (m, 2), known at ``length`` (m,) along a curve, at ``at`` (n,) along it."""
    return np.stack([np.interp(at, length, values[:, 0]), np.interp(at, length, values[:, 1])], axis=1)


def resample_between(curve: Points, anchors: Sequence[int], counts: Sequence[int]) -> Points:
    """Resample a dense curve (m, 2) piece by piece, so that the anchors keep their meaning from film to film.

    ``anchors`` are ascending indices into the curve, and ``counts`` the steps from each to the next. Returns
    ``(sum(counts) + 1, 2)`` points; landmark ``sum(counts[:i])`` is anchor i.
    """
    pieces = []
    for first, last, n in zip(anchors[:-1], anchors[1:], counts, strict=True):
        piece = curve[first : last + 1]
        length = arc_length(piece)
        pieces.append(interpolated(np.linspace(0.0, length[-1], n + 1)[:-1], length, piece))
    return np.concatenate([*pieces, curve[anchors[-1] : anchors[-1] + 1]])


def tangents(curve: Points) -> Points:
    """Return unit tangents of a polyline (n, 2)."""
    direction = np.gradient(curve, axis=0)
    return np.asarray(direction / np.maximum(np.linalg.norm(direction, axis=1, keepdims=True), 1e-9))


def normals(curve: Points) -> Points:
    """Return unit normals: the tangent turned a quarter anti-clockwise in the picture (y down)."""
    t = tangents(curve)
    return np.stack([t[:, 1], -t[:, 0]], axis=1)


def ribbon(line: Points, width: float) -> Points:
    """Return the closed polygon of a line drawn ``width`` wide, tapering to its ends."""
    taper = np.sin(np.linspace(0.15, np.pi - 0.15, len(line)))[:, None]
    offset = normals(line) * taper * width / 2
    return np.concatenate([line + offset, (line - offset)[::-1]])


def turned(points: Points, degrees: float) -> Points:
    """Rotate points (n, 2) about the origin; positive is clockwise as seen in the picture."""
    a = np.radians(degrees)
    return np.asarray(points @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]]))
