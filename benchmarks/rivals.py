"""Both rivals against the better one: means of their points, and sums of their votes.

    python benchmarks/rivals.py FILE... > figures.md

Each FILE is an npz of films that neither rival has learned from: ``first`` and ``second``, the points of both, and
``truth``, all (films, n, 2), pixels. Optional: ``expected`` (2, films, n), their expected errors; ``votes`` (2, films,
n, rows, columns), the votes of both on one grid about the points, each landmark's adding up to 1, with ``origin``
(films, n, 2) and ``cell`` (films, 2, 2): where the first cell is, and what leads to the next in a row and a column, in
pixels; ``axes`` (films, n, 2, 2), see :func:`landvote.uncertainty.contour_axes`, of the true points.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from landvote.votes import VoteMap
from landvote.votes.votemap import blur

Array = npt.NDArray[Any]
Stored = Mapping[str, Array]

DRAWN = 10_000
WEIGHTS = (0.2, 0.35, 0.5, 0.65)  # of the second
SMOOTHED = (1.5, 2.5, 3.5)  # SD in cells
FAINT = 1e-4  # of all votes: as many lie in each cell, for products
STEEP = 4.0  # of products, lest all cells look alike


def means(stored: Stored) -> Iterator[tuple[str, Array]]:
    """Yield means of both points: with one weight, chosen on other films, by landmark or by what is expected."""
    first, away = stored["first"], stored["second"] - stored["first"]
    for weight in WEIGHTS:
        yield f"mean, weight {weight} of the second", first + weight * away
    for name, lean in (("one", np.inf), ("one per landmark", 100.0)):
        yield f"mean, weight learned on other films, {name}", first + learned(stored, lean) * away
    if "expected" in stored:
        one, other = stored["expected"] ** -2.0
        yield "mean, by the squares of expected errors", first + (other / (one + other))[..., None] * away


def learned(stored: Stored, lean: float) -> Array:
    """Return (films, n, 1) least-squares weights from other tenths of films; ``lean`` films say they are all alike."""
    away, error = stored["second"] - stored["first"], stored["first"] - stored["truth"]
    along, square = -(away * error).sum(axis=2), (away**2).sum(axis=2)
    tenth = np.random.default_rng(0).permutation(len(away)) % 10
    weights = np.empty(along.shape)
    for out in (tenth == k for k in range(10)):
        every = along[~out].sum() / square[~out].sum()
        if np.isinf(lean):
            weights[out] = every
        else:
            prior = lean * square[~out].mean(axis=0)
            weights[out] = (along[~out].sum(axis=0) + prior * every) / (square[~out].sum(axis=0) + prior)
    return weights[..., None]


def sums(stored: Stored) -> Iterator[tuple[str, Array]]:
    """Yield the peaks of votes: of each rival alone, added up, and multiplied."""
    first, second = stored["votes"]
    for name, votes in (("first", first), ("second", second)):
        yield f"votes of the {name} alone", peaks(stored, votes, SMOOTHED[0])
    for sd in SMOOTHED:
        for weight in WEIGHTS:
            votes = (1 - weight) * first + weight * second
            yield f"votes added up, weight {weight}, smoothed by {sd}", peaks(stored, votes, sd)
    for weight in WEIGHTS:
        broad = [np.log(blur(flat(votes), SMOOTHED[1]) + FAINT) for votes in (first, second)]
        product = (1 - weight) * broad[0] + weight * broad[1]
        product = np.exp(STEEP * (product - product.max(axis=(1, 2), keepdims=True)))
        yield f"votes multiplied, weight {weight}", peaks(stored, product, 1.0)


def flat(votes: Array) -> Array:
    """Return (films, n, rows, columns) as (films * n, rows, columns)."""
    return np.ascontiguousarray(votes.reshape(-1, *votes.shape[-2:]))


def peaks(stored: Stored, votes: Array, smoothing: float) -> Array:
    """Return (films, n, 2) peaks, in pixels; a landmark without votes is where the first rival has it."""
    found = VoteMap(flat(votes), 1, smoothing).peaks()[0].reshape(stored["first"].shape)
    found = stored["origin"] + np.einsum("fij,fnj->fni", stored["cell"], found)
    return np.where(np.isfinite(found), found, stored["first"])


def squared(stored: Stored, points: Array) -> Array:
    """Return the squared error per coordinate of each film."""
    return np.asarray(np.nanmean((points - stored["truth"]) ** 2, axis=(1, 2)))


def distance(stored: Stored, points: Array) -> Array:
    """Return the mean distance of each film."""
    return np.asarray(np.nanmean(np.linalg.norm(points - stored["truth"], axis=2), axis=1))


def across(stored: Stored, points: Array) -> Array:
    """Return the mean distance across the outlines of each film."""
    turned = np.einsum("fnji,fnj->fni", stored["axes"], points - stored["truth"])
    return np.asarray(np.nanmean(np.abs(turned[..., 1]), axis=1))


def row(name: str, stored: Stored, points: Array) -> str:
    """Return a row: each measure, its median film, and its ratio to the better rival's with the interval over films."""
    figures, drawn = [name], np.random.default_rng(1).integers(0, len(points), (DRAWN, len(points)))
    for measure in (squared, distance, *([across] if "axes" in stored else [])):
        rivals = [measure(stored, stored[which]) for which in ("first", "second")]
        better, own = min(rivals, key=np.mean), measure(stored, points)
        low, high = np.percentile(own[drawn].mean(axis=1) / better[drawn].mean(axis=1), [2.5, 97.5])
        ratio = f"{own.mean() / better.mean():.3f} ({low:.3f} to {high:.3f})"
        figures += [f"{own.mean():.4g}", f"{np.median(own):.4g}", ratio]
    return f"| {' | '.join(figures)} |"


def main(*files: str) -> None:
    """Print a table for each file."""
    for file in map(Path, files):
        stored = dict(np.load(file))
        print(f"## {file.stem}, {len(stored['truth'])} films\n")
        measures = ("squared error", "distance", *(["across"] if "axes" in stored else []))
        print("| points |", " | ".join(f"{measure} | median film | to the better rival" for measure in measures), "|")
        print("| --- " * (1 + 3 * len(measures)) + "|")
        for name in ("first", "second"):
            print(row(name, stored, stored[name]))
        for name, points in (*means(stored), *(sums(stored) if "votes" in stored else ())):
            print(row(name, stored, points), flush=True)
        print()


if __name__ == "__main__":
    main(*sys.argv[1:])
