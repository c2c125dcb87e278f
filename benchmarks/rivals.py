"""Forest or network, with or without a shape model, from how many films: all on the same films.

    python benchmarks/rivals.py DATA OUT.csv [--scheme NAME] [--films 25 50 100] [--minutes 10] [--recipes ...]

Training films are the first N of DATA's ``train`` films in an order drawn once, by subject; those measured on are its
``test`` films (``val`` where it has none). Networks get ``--minutes`` each, forests the time they take. ``whdv-shape``
is the network of ``whdv`` with a shape model learned from the same films over its votes, so the two differ in nothing
else. One row per recipe and number of films; rows that are there already are kept and not run again.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from landvote.evaluation.metrics import point_to_curve
from landvote.localiser import Localiser
from landvote.models import Split, train_model
from landvote.readers import read_folder, split_by_subject
from landvote.recipes import recipe
from landvote.sample import Sample
from landvote.scheme import Scheme
from landvote.shapes import ShapeModel

NETWORKS = ("whdv", "hdv", "ho")


def main() -> None:
    """Run every recipe and number of films that has no row yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--scheme")
    parser.add_argument("--films", type=int, nargs="+", default=[25, 50, 100])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--recipes", nargs="+", default=["rfrv", "rfrv-clm", "whdv", "whdv-shape"])
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()
    samples = read_folder(a.data, Scheme.named(a.scheme) if a.scheme else None, require_points=True)
    training = [s for s in samples if s.split in ("train", None)]
    test = [s for s in samples if s.split == "test"] or [s for s in samples if s.split == "val"]
    order = np.random.default_rng(a.seed).permutation(sorted({s.subject for s in training}))
    place = {subject: i for i, subject in enumerate(order)}
    training.sort(key=lambda s: (place[s.subject], s.identifier))
    done = list(csv.DictReader(a.out.open())) if a.out.exists() else []
    for films in a.films:
        trained: dict[str, tuple[Localiser, float]] = {}
        for name in a.recipes:
            if any(row["recipe"] == name and row["films"] == str(films) for row in done):
                continue
            if name == "whdv-shape" and "whdv" in trained:
                localiser, minutes = with_shape(trained["whdv"][0], training[:films]), trained["whdv"][1]
            else:
                localiser, minutes = train(name, training[:films], a.minutes, a.seed)
            trained[name] = (localiser, minutes)
            row = {"data": a.data.resolve().name, "recipe": name, "films": films, "tested": len(test),
                   "train_minutes": round(minutes, 1), **measure(localiser, test)}  # fmt: skip
            new = not a.out.exists()
            with a.out.open("a", newline="") as file:
                writer = csv.DictWriter(file, row, lineterminator="\n")
                if new:
                    writer.writeheader()
                writer.writerow(row)
            print(row, file=sys.stderr, flush=True)


def train(name: str, films: Sequence[Sample], minutes: float, seed: int) -> tuple[Localiser, float]:
    """Train a recipe on ``films``, of which it holds some out to judge by; return it and the minutes it took."""
    chosen = recipe(name, [f"seed={seed}"], films[0].scheme)
    network = all(s.network for s in chosen.stages.values())
    chosen = chosen.within(minutes, films[0].scheme) if network else chosen
    learned, judged = split_by_subject(list(films), chosen.validation, seed)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        localiser = train_model(Split(learned, judged, []), chosen, Path(folder) / "model", device="cpu")
    return localiser, (time.monotonic() - start) / 60


def with_shape(localiser: Localiser, films: Sequence[Sample]) -> Localiser:
    """Put the shape model of ``whdv-shape`` over the votes of a fitted ``whdv``."""
    stages = recipe("whdv-shape", scheme=localiser.scheme).stages
    shapes = np.stack([s.points for s in films])
    for stage in localiser.stages:
        if settings := stages[stage.name].shape:
            stage.settings = stage.settings.model_copy(update={"shape": settings})
            stage.shape = ShapeModel.fit(shapes, settings.share, settings.accept)
    return localiser


def measure(localiser: Localiser, test: Sequence[Sample]) -> dict[str, float]:
    """Return figures over the mean errors of films, pixels, and how long a film takes."""
    means, curves, squares, worst, seconds = [], [], [], [], []
    for sample in test:
        film, truth = sample.open(), sample.points
        start = time.perf_counter()
        found = localiser.locate(film).points
        seconds.append(time.perf_counter() - start)
        distance = np.linalg.norm(found - truth, axis=1)
        means.append(np.nanmean(distance))
        worst.append(np.nanmax(distance))
        squares.append(np.nanmean((found - truth) ** 2))
        if sample.scheme.outlines:
            curves.append(np.nanmean(point_to_curve(found, truth, sample.scheme.outlines)))
    figures = {
        "mean": np.mean(means), "median": np.median(means), "p95": np.percentile(means, 95),
        "p99": np.percentile(means, 99), "worst_film": np.max(means), "worst_point": np.max(worst),
        "mse": np.mean(squares), "worst_mse": np.max(squares),
        "curve_mean": np.mean(curves) if curves else np.nan,
        "curve_p99": np.percentile(curves, 99) if curves else np.nan, "seconds": np.median(seconds),
    }  # fmt: skip
    return {name: round(float(value), 3) for name, value in figures.items()}


if __name__ == "__main__":
    main()
