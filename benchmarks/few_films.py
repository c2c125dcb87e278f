"""Few films of your own: the error of recipes against the number of films to learn from, and that of mean shapes.

    python benchmarks/few_films.py DATA OUT N... [--scheme NAME] [--plain] [--recipes NAME...] [--steps SHARE]
                                   [--start-from MODEL...]

Whole subjects are set apart until there are ``--test`` films; from the others N films are drawn, those of a smaller N
among those of a larger one. Where forests enter a mean with networks (``both``), the points of each are judged as well.
OUT keeps models and points, so that a killed call goes on. Networks take a SHARE of their recipe's steps. For each
MODEL each recipe is judged again, with networks that start from it. With ``--plain`` nothing is known of the points but
their number, as of an anatomy without a scheme. The rows *ideal* are no method: such a shape is laid on the true points
of the film, by least squares.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.datasets.folder import read_folder
from landvote.evaluation.statistics import FIGURES, Draws, draw, figures, ratio
from landvote.frames import Frame
from landvote.localiser import Conditions, Localiser
from landvote.models import divide, load_model, train_model
from landvote.recipes import Recipe, recipe
from landvote.shapes import ShapeModel
from landvote.shapes.align import align, pose

Array = npt.NDArray[np.float64]
Found = tuple[str, Array]

COLUMNS = (
    "films", "points", "mean, px", "median film", "worst film", "root mean square", "to the ideal mean shape",
    "to the first",
)  # fmt: skip
MEDIAN, MEAN = FIGURES.index("median"), FIGURES.index("mean")


def apart(samples: Sequence[Sample], test: int, seed: int) -> tuple[list[Sample], list[Sample]]:
    """Return the films to draw from and those to test on, of other subjects; both in an order drawn by the seed."""
    drawn = np.random.default_rng(seed)
    subjects = list(dict.fromkeys(s.subject for s in samples))
    held: list[Sample] = []
    for i in drawn.permutation(len(subjects)):
        if len(held) < test:
            held += [s for s in samples if s.subject == subjects[i]]
    tested = {s.subject for s in held}
    pool = [s for s in samples if s.subject not in tested]
    return [pool[i] for i in drawn.permutation(len(pool))], held[:test]


def ideal(training: Array, truth: Array) -> Iterator[Found]:
    """Yield the points of shapes that are laid on the true points (films, n, 2)."""
    mean = align(training).mean
    yield "ideal: mean shape, moved and scaled", np.stack([moved_and_scaled(mean, p) for p in truth])
    yield "ideal: mean shape, turned as well", np.stack([pose(mean, p).to_grid(mean) for p in truth])
    model = ShapeModel.fit(training)
    name = f"ideal: shape model of {model.modes_count} modes"
    yield name, np.stack([model.match(p).points for p in truth])


def moved_and_scaled(shape: Array, points: Array) -> Array:
    """Return a shape moved and scaled onto points, (n, 2), by least squares; NaN where a point is missing."""
    given = np.isfinite(points).all(axis=1)
    own, other = shape[given] - shape[given].mean(axis=0), points[given] - points[given].mean(axis=0)
    scale = float((own * other).sum() / (own**2).sum())
    frame = Frame.similarity(scale, 0.0, shape[given].mean(axis=0), points[given].mean(axis=0), (1, 1))
    return frame.to_grid(shape)


def settings(name: str, scheme: Scheme, share: float) -> Recipe:
    """Return a recipe that learns from all films, with a share of its steps, on one processor."""
    found = recipe(name, ["left_out=0", "validation=0"], scheme)
    changes = []
    for stage in found.stages:
        told = stage.model_dump()
        if steps := told["training"].get("steps"):
            changes.append(f"{stage.name}.training.steps={max(1, round(steps * share))}")
        elif told["voter"]["kind"] == "forest":
            changes.append(f"{stage.name}.voter.jobs=1")
    return recipe(name, ["left_out=0", "validation=0", *changes], scheme)


def parts(localiser: Localiser, name: str) -> Iterator[tuple[str, Localiser]]:
    """Yield a localiser, and where a stage takes a mean with forests, the stages before it, and it without the mean."""
    means = [i for i, s in enumerate(localiser.stages) if s.settings.voter.model_dump()["kind"] == "forest"]
    if len(means) == 1 and localiser.stages[means[0]].look.weight < 1:
        last = localiser.stages[means[0]]
        before = localiser.stages[: means[0]]
        alone = replace(last, look=replace(last.look, weight=1.0, along=1.0))
        yield f"{name}: networks", replace(localiser, stages=before)
        yield f"{name}: forests from there", replace(localiser, stages=(*before, alone))
        if means[0] + 1 < len(localiser.stages):
            yield f"{name}: mean of these", replace(localiser, stages=(*before, last))
    yield name, localiser


def locate(localiser: Localiser, films: Sequence[Sample]) -> Array:
    """Return the points (films, n, 2) that a localiser finds."""
    return np.stack([localiser.search(localiser.polarity.normalise(s.open())[0]).points for s in films])


def found_by(
    name: str, start: Path | None, training: list[Sample], tested: list[Sample], out: Path, share: float
) -> Iterator[Found]:
    """Yield the points that a recipe, and its parts, find; those that OUT has are not looked for again.

    Networks start from those of the model ``start``, if there is one.
    """
    title = Path(name).stem + (f" from {start.name}" if start else "")
    folder = out / f"{title}-{len(training)}"
    chosen = settings(name, training[0].scheme, share)
    for stage in chosen.stages:
        stage.voter.prepare_process()
    under = Conditions(start=load_model(start, "cpu") if start else None)
    localiser = train_model(divide(training, chosen), chosen, folder, under, resume=True).localiser
    for called, part in parts(localiser, title):
        file = folder.with_name(f"{folder.name} {called.replace(':', '')}.npy")
        if not file.exists():
            np.save(file, locate(part, tested))
        yield called, np.load(file)


def row(films: int, found: Found, truth: Array, rivals: Sequence[Array], draws: Draws) -> str:
    """Return a row: the distances of a method, and how many times those of others they are, with 95 % intervals."""
    name, points = found
    away = np.linalg.norm(points - truth, axis=2)
    own = np.nanmean(away, axis=1)
    told = figures(own, draws)
    cells: list[Any] = [films, name, f"{told.value[MEAN]:.1f}", f"{told.value[MEDIAN]:.1f}", f"{own.max():.0f}"]
    cells.append(f"{np.sqrt(np.nanmean(away**2) / 2):.1f}")
    for other in rivals:
        errors = np.nanmean(np.linalg.norm(other - truth, axis=2), axis=1)
        times = ratio([told], [figures(errors, draws)])
        value, low, high = (float(end[MEAN]) for end in (times.value, times.low, times.high))
        cells.append(f"{value:.2f} ({low:.2f} to {high:.2f})")
    lost = np.isnan(points).any(axis=2) & np.isfinite(truth).all(axis=2)
    cells[1] += f", {lost.sum()} points not found" * bool(lost.any())
    cells += [""] * (len(COLUMNS) - len(cells))
    return f"| {' | '.join(map(str, cells))} |"


def main() -> None:
    """Print the table."""
    told = argparse.ArgumentParser()
    told.add_argument("data", type=Path)
    told.add_argument("out", type=Path)
    told.add_argument("films", type=int, nargs="+")
    told.add_argument("--scheme")
    told.add_argument("--plain", action="store_true")
    told.add_argument("--recipes", nargs="+", default=["both", "rfrv-clm"])
    told.add_argument("--steps", type=float, default=1.0)
    told.add_argument("--start-from", type=Path, nargs="+", default=[])
    told.add_argument("--test", type=int, default=50)
    told.add_argument("--seed", type=int, default=0)
    given = told.parse_args()
    scheme = Scheme.named(given.scheme) if given.scheme else None
    samples = [s for s in read_folder(given.data, scheme, require_points=True) if np.isfinite(s.points).any()]
    if given.plain:
        samples = [replace(s, scheme=Scheme.numbered(len(s.scheme)), sorted=False) for s in samples]
    pool, tested = apart(samples, given.test, given.seed)
    truth, draws = np.stack([s.points for s in tested]), draw([s.subject for s in tested])
    given.out.mkdir(parents=True, exist_ok=True)
    print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}")
    for count in given.films:
        training, first = pool[:count], None
        least = dict(ideal(np.stack([s.points for s in training]), truth))
        mean = least["ideal: mean shape, turned as well"]
        for name, start in product(given.recipes, [None, *given.start_from]):
            for found in found_by(name, start, training, tested, given.out, given.steps):
                first = found[1] if first is None else first
                print(row(count, found, truth, [mean, first], draws), flush=True)
        for found in least.items():
            print(row(count, found, truth, [mean], draws), flush=True)


if __name__ == "__main__":
    main()
