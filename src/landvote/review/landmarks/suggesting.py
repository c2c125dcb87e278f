"""Suggestions for a scheme, each with its reason: mirrored pairs, reference points, and the pair that is 100 %."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from landvote.data.points import Points, mean_points
from landvote.frames.placings.layout import CHOSEN_REFERENCES, spread_points
from landvote.review.store import Store

_FILMS = 200  # that are looked at
_STABLE = 3  # films from which on it can be said what varies
_FAR = 0.6  # of the largest distance: pairs farther apart are far apart
_COUNTED = 100  # landmarks whose distances are compared; of more, those that are spread most
_OPPOSED = 1000  # landmarks at most that are looked through for pairs
_OFF = 0.05  # of the extent of the mean shape: so far may a mirror image be off
_MOST = 0.6  # of the landmarks: so many have to lie in pairs or on the axis of a symmetric shape
_SIDES = ("left", "right"), ("links", "rechts"), ("l", "r"), ("li", "re"), ("lt", "rt"), ("sin", "dex")
_SWAP = {a: b for pair in _SIDES for a, b in (pair, pair[::-1])}
_WORD = re.compile(r"(?<![^\W_])(" + "|".join(sorted(_SWAP, key=len, reverse=True)) + r")(?![^\W_])", re.IGNORECASE)


def suggestions(store: Store) -> dict[str, Any]:
    """Return what could be said in the scheme of a store: per key of a scheme the landmarks and the reason in words.

    Landmarks count from 0. A key without a suggestion has the reason why alone.
    """
    scheme = store.scheme
    names = scheme.landmarks if scheme else ()
    rows = store.table().rows[:_FILMS] if names else ()
    shapes = np.stack([row.points for row in rows]) if rows else np.full((0, len(names), 2), np.nan)
    return {"mirrored": _mirrored(names, shapes), "reference": _reference(shapes), "normaliser": _normaliser(shapes)}


def _mirrored(names: Sequence[str], shapes: Points) -> dict[str, Any]:
    place = {name.casefold(): i for i, name in enumerate(names)}
    found = set()
    for i, name in enumerate(names):
        other = place.get(_WORD.sub(lambda word: _SWAP[word[0].casefold()], name).casefold(), i)
        if other != i:
            found.add((min(i, other), max(i, other)))
    used = [i for pair in found for i in pair]
    if found and len(set(used)) == len(used):
        return {"points": sorted(found), "why": "Their names differ by left and right alone."}
    if not len(shapes):
        return {
            "points": [],
            "why": "No names differ by left and right alone. Approve a film, and positions are compared.",
        }
    mean = mean_points(shapes, shapes.shape[1])
    pairs, alone = _symmetric(mean)
    if pairs and (2 * len(pairs) + alone) >= _MOST * len(names):
        return {"points": pairs, "why": "They lie opposite each other across the middle of the shape. Check each pair."}
    return {"points": [], "why": "No names differ by left and right alone, and the shape is not symmetric."}


def _symmetric(mean: Points) -> tuple[list[tuple[int, int]], int]:
    """Return the pairs that lie opposite each other across the vertical middle of a shape, and how many lie on it."""
    known = np.flatnonzero(np.isfinite(mean).all(axis=1))
    if not 2 <= len(known) <= _OPPOSED:
        return [], 0
    points = mean[known]
    middle, extent = (points[:, 0].min() + points[:, 0].max()) / 2, float(np.ptp(points, axis=0).max())
    turned = points * [-1, 1] + [2 * middle, 0]
    distance = np.linalg.norm(turned[:, None] - points[None], axis=2)
    nearest = distance.argmin(axis=1)
    close = distance.min(axis=1) <= _OFF * extent
    mutual = [i for i, j in enumerate(nearest) if close[i] and nearest[j] == i]
    pairs = [(int(known[i]), int(known[nearest[i]])) for i in mutual if i < nearest[i]]
    return pairs, sum(nearest[i] == i for i in mutual)


def _reference(shapes: Points) -> dict[str, Any]:
    if not len(shapes) or np.isfinite(shapes).all(axis=2).any(axis=0).sum() < 2:
        return {"points": [], "why": "Approve a film with two points first: positions are compared."}
    chosen = spread_points(shapes, CHOSEN_REFERENCES)
    why = "They lie farthest from each other, and are hardly ever missing"
    return {"points": list(chosen), "why": f"{why}, on {_films(shapes)}. A model would take these by itself."}


def _normaliser(shapes: Points) -> dict[str, Any]:
    given = np.flatnonzero(np.isfinite(shapes).all(axis=2).mean(axis=0) > 0.5) if len(shapes) else np.zeros(0, int)
    if len(given) < 2:
        return {"points": [], "why": "Approve a film with two points first: distances are compared."}
    if len(given) > _COUNTED:
        given = given[list(spread_points(shapes[:, given], _COUNTED))]
    points = shapes[np.isfinite(shapes[:, given]).all(axis=2).sum(axis=1) > 1][:, given]
    distance = np.linalg.norm(points[:, :, None] - points[:, None], axis=3)  # (films, n, n)
    size = np.maximum(np.nanmedian(distance, axis=(1, 2), keepdims=True), 1e-9)
    relative = distance / size  # films differ in magnification
    mean, spread = np.nanmean(relative, axis=0), np.nanstd(relative, axis=0)
    far = np.triu(mean >= _FAR * np.nanmax(mean), 1)
    measured = len(points) >= _STABLE
    worth = np.where(far, -(spread / np.maximum(mean, 1e-9)) if measured else mean, -np.inf)
    first, second = np.unravel_index(int(np.nanargmax(worth)), worth.shape)
    varies = spread[first, second] / mean[first, second]
    why = f"Of the pairs that lie far apart, their distance varies least (by {100 * varies:.1f} %)"
    why = f"{why}, on {_films(shapes)}." if measured else f"They lie farthest apart, on {_films(shapes)}."
    return {"points": [int(given[first]), int(given[second])], "why": why}


def _films(shapes: Points) -> str:
    return "1 approved film" if len(shapes) == 1 else f"{len(shapes)} approved films"
