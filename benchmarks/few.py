"""Few films: a part of them held out, against all learned from and left out in turn; figures on films never seen.

    python benchmarks/few.py [REPEATS [MINUTES [RECIPE]]]

Each repeat draws 30 simulated hips of 90 and trains on them twice; 60 others are the same for all. Errors are distances
from the annotators' mean, to which the expected errors belong, and from the outline that each film was drawn from.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.stats import spearmanr

from landvote.data.prediction import LEVELS
from landvote.data.sample import Sample
from landvote.datasets.folder import read_folder
from landvote.localiser import Conditions
from landvote.models import divide, train_model
from landvote.phantom import simulate_folder
from landvote.recipes import Recipe, recipe

FILMS, POOL, JUDGED = 30, 90, 60
FEWER = (
    "global.voter.trees=6", "local.voter.trees=6", "fine.voter.trees=6", "local.voter.views=3", "fine.voter.views=3",
    "fine.search.rounds=1", "global.voter.jobs=1", "local.voter.jobs=1", "fine.voter.jobs=1",
)  # fmt: skip
WAYS = {"0.15 held out": "left_out=0", "3 parts in turn": "left_out=3"}

Array = npt.NDArray[np.float64]
Told = dict[str, Array]


def fit_and_judge(
    training: list[Sample], others: list[Sample], truth: dict[str, Array], chosen: Recipe, minutes: float | None
) -> Told:
    """Train on some films; return the errors on others, those expected, and what else is told of them."""
    notes: list[object] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        conditions = Conditions(device="cpu", minutes=minutes, listener=notes.append)
        localiser = train_model(divide(training, chosen), chosen, Path(folder) / "model", conditions).localiser
    took = (time.monotonic() - began) / 60
    found = [localiser.locate(sample.open()) for sample in others]
    points = np.array([p.points for p in found])
    nothing = np.full((len(points[0]), len(LEVELS)), np.nan)
    return {
        "true": np.linalg.norm(points - np.array([s.points for s in others]), axis=2),
        "drawn": np.linalg.norm(points - np.array([truth[s.identifier] for s in others]), axis=2),
        "expected": np.array([p.expected_error for p in found]),
        "radii": np.array([nothing if p.radii is None else p.radii for p in found]),
        "film": np.array([p.expected_film_error for p in found]),
        "known": np.array([p.known is True for p in found], float),
        "minutes": np.array([took]),
    }


def row(name: str, every: list[Told]) -> str:
    """Return a row of the table: all repeats together."""
    true, expected = (np.concatenate([one[key] for one in every]) for key in ("true", "expected"))
    radii = np.concatenate([one["radii"] for one in every])
    order = np.argsort(expected.ravel())
    tenths = [true.ravel()[s].mean() / expected.ravel()[s].mean() for s in np.array_split(order, 10)]
    repeats = [one["true"].mean() / one["expected"].mean() for one in every]
    films = np.mean([spearmanr(one["film"], one["true"].mean(axis=1))[0] for one in every])
    inside = [
        np.nan if np.isnan(radii[..., j]).all() else (true <= radii[..., j])[np.isfinite(radii[..., j])].mean()
        for j in range(len(LEVELS))
    ]
    figures = [
        np.mean([one["drawn"].mean() for one in every]), true.mean(), true.mean() / expected.mean(), min(repeats),
        max(repeats), min(tenths), max(tenths), spearmanr(expected.ravel(), true.ravel())[0], films, *inside,
        np.mean([one["known"].mean() for one in every]), np.mean([one["minutes"][0] for one in every]),
    ]  # fmt: skip
    return f"| {name} | " + " | ".join("–" if np.isnan(f) else f"{f:.3f}" for f in figures) + " |"


def main(repeats: int = 4, minutes: float | None = None, name: str = "rfrv-clm") -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "hips"
        simulate_folder(data, POOL + JUDGED, seed=7)
        samples = read_folder(data, require_points=True)
        table = [line.split(",") for line in (data / "truth.csv").read_text().splitlines()[1:]]
        truth = {cells[0]: np.array(cells[-2 * len(samples[0].scheme) :], float).reshape(-1, 2) for cells in table}
        pool, others = samples[:POOL], samples[POOL:]
        told: dict[str, list[Told]] = {way: [] for way in WAYS}
        for repeat in range(repeats):
            drawn = [pool[i] for i in np.random.default_rng(repeat).permutation(POOL)[:FILMS]]
            for way, change in WAYS.items():
                fewer = FEWER if name == "rfrv-clm" and minutes is None else ()
                chosen = recipe(name, [change, f"seed={repeat}", *fewer], samples[0].scheme)
                told[way].append(fit_and_judge(drawn, others, truth, chosen, minutes))
                print(repeat, row(way, told[way][-1:]), file=sys.stderr, flush=True)
    names = ("drawn", "true", "true / expected", "least of a repeat", "most", "least of a tenth", "most", "points",
             "films", *(f"{level:.0%}" for level in LEVELS), "known", "minutes")  # fmt: skip
    print(f"| of {FILMS} films | {' | '.join(names)} |\n|{' --- |' * (len(names) + 1)}")
    for way, every in told.items():
        print(row(way, every))


if __name__ == "__main__":
    given = sys.argv[1:]
    main(
        int(given[0]) if given else 4,
        float(given[1]) if len(given) > 1 and float(given[1]) else None,
        given[2] if len(given) > 2 else "rfrv-clm",
    )
