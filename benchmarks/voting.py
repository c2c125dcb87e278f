"""Voting against reading: cast, smooth and find the peaks of 58 landmarks, in units of one pass over the planes."""

from __future__ import annotations

from collections.abc import Callable

import numba
import numpy as np
import numpy.typing as npt

from landvote.networks.settings import NetworkSettings
from landvote.recipes import recipe
from landvote.votes import VoteMap, cast
from timing import Row, compare, take_turns

Planes = npt.NDArray[np.float32]

LANDMARKS, SIZE = 58, (224, 224)
LIMIT = 20.0  # at full resolution
_NOISE = 2.0  # SD of the offsets' error, grid cells: votes of a network do not all meet in one cell


def rows(repeats: int) -> list[Row]:
    """Measure at full resolution with the settings of both recipes, and at the default stride."""
    whdv, paper = (local_voter(name) for name in ("whdv", "paper"))
    fine, coarse = planes(1, whdv), planes(whdv.stride, whdv)
    turns = take_turns(
        [
            lambda: read(*fine),
            lambda: cast(*fine, SIZE, 1, paper.cell),
            voting(fine, 1, paper),
            voting(fine, 1, whdv),
            voting(coarse, whdv.stride, whdv),
            lambda: read(*coarse),
        ],
        repeats,
    )
    reading, casting, literal, ours, strided, reading_strided = turns
    full, less = f"reading {LANDMARKS} x 224 x 224 x 3 once", f"reading the planes of stride {whdv.stride} once"
    return [
        compare(f"casting alone, stride 1, cell {paper.cell}", casting, full, reading),
        compare(f"voting, stride 1, {_how(paper)}", literal, full, reading, LIMIT),
        compare(f"voting, stride 1, {_how(whdv)}", ours, full, reading, LIMIT),
        compare(f"voting, stride {whdv.stride}, {_how(whdv)}", strided, full, reading),
        compare(f"voting, stride {whdv.stride}, {_how(whdv)}", strided, less, reading_strided),
    ]


def local_voter(name: str) -> NetworkSettings:
    """Return the settings of a recipe's local voter."""
    return NetworkSettings.model_validate(next(s.voter for s in recipe(name).stages if s.name == "local"))


def planes(stride: int, settings: NetworkSettings) -> tuple[Planes, Planes, Planes]:
    """Return dx, dy, weight, each (58, rows, columns), as a network makes them: nearly right, nowhere quite zero."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0.1, 0.9, (LANDMARKS, 2)) * SIZE
    along_x = stride * (np.arange(SIZE[0] // stride) + 0.5) - 0.5
    along_y = stride * (np.arange(SIZE[1] // stride) + 0.5) - 0.5
    dx, dy = np.broadcast_arrays(
        points[:, 0, None, None] - along_x, points[:, 1, None, None] - along_y[:, None], subok=False
    )
    weight = np.exp(-(dx**2 + dy**2) / (2 * settings.sigma**2)) + rng.uniform(0.001, 0.02, dx.shape)
    offsets = (np.clip(d, -settings.k, settings.k) + rng.normal(0, _NOISE, d.shape) for d in (dx, dy))
    x, y, w = (np.ascontiguousarray(a, dtype=np.float32) for a in (*offsets, weight))
    return x, y, w


def voting(from_: tuple[Planes, Planes, Planes], stride: int, settings: NetworkSettings) -> Callable[[], object]:
    """Return the call that makes points of planes."""
    return lambda: VoteMap(cast(*from_, SIZE, stride, settings.cell), settings.cell, settings.smoothing).peaks()


@numba.njit(parallel=True, fastmath=True)
def read(dx: Planes, dy: Planes, weight: Planes) -> np.float32:
    """Add up all planes, as fast as memory gives them, with as many threads as casting has."""
    total = np.float32(0)
    for p in numba.prange(len(weight)):
        own = np.float32(0)
        for i in range(weight.shape[1]):
            for j in range(weight.shape[2]):
                own += dx[p, i, j] + dy[p, i, j] + weight[p, i, j]
        total += own
    return total


def _how(settings: NetworkSettings) -> str:
    return f"cell {settings.cell}, smoothing {settings.smoothing:g}"
