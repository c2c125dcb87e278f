"""Settling: how many points a simulated annotator corrects a film, with and without it.

    python benchmarks/settling.py FOLDER [--films 60] [--spare 30] [--training 6] [--recipe rfrv-clm] [--twelve]
        [--minutes 3] [--seed 11]

Simulates hips, trains a model on the first ``--training`` of them, and annotates those after ``--spare``, of which no
model learns. The annotator puts the worst point on the truth, again and again, until none is more than 2 mm off across
the outline; with ``--twelve`` landmarks by themselves, 2 mm at all. In between

- drag: nothing else happens;
- outline, shape: the others are carried along their outline, or by the shape;
- settle: they are carried, and then each goes to its own votes (``landvote.localiser.settling``);
- joint: they are carried, and then the shape and the votes of all are weighed against each other, by what the linear
  Gaussian update says, each vote the less the less it is expected; at last each goes to its own votes.

FOLDER keeps the films, the model and the counts of each film: a call that was stopped goes on from there. Prints a row
for each: corrections a film (mean and most), and the mean distance from the truth in the end, mm.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from landvote.data.points import FloatArray, Points
from landvote.data.radiograph import Radiograph
from landvote.data.scheme import Scheme
from landvote.datasets.folder import read_folder
from landvote.films.image import read_image
from landvote.localiser import Conditions, Localiser
from landvote.localiser.settling import Settling, near_peaks
from landvote.models import divide, load_model, train_model
from landvote.phantom import simulate_folder
from landvote.recipes import recipe
from landvote.shapes import carry, shape_covariance
from landvote.shapes.carry import SCATTER, Index

TWELVE = (0, 8, 12, 16, 19, 25, 27, 33, 39, 41, 49, 57)
LIMIT = 2.0  # mm
ROUNDS = 3
STILL = 0.5  # cells

Method = Callable[[Points, Index, Points], Points]
"""From points as they were, those that are held and their places, to points as they are then."""


@dataclass(frozen=True)
class Film:
    """A film of which no model has learned: its points in truth, and millimetres a pixel."""

    radiograph: Radiograph
    truth: Points
    spacing: float


def scheme_of(*, twelve: bool) -> Scheme:
    """Return the outline of a femur, or twelve landmarks of it by themselves."""
    scheme = Scheme.named("femur")
    update = {"name": "twelve", "landmarks": tuple(scheme.landmarks[i] for i in TWELVE), "columns": TWELVE,
              "reference": (TWELVE.index(25), 0), "normaliser": None, "outlines": (),
              "definitions": tuple(scheme.definitions[i] for i in TWELVE)}  # fmt: skip
    return scheme.model_copy(update=update) if twelve else scheme


def films_in(folder: Path, first: int) -> list[Film]:
    """Return the films from one on."""
    rows = list(csv.reader((folder / "truth.csv").open()))[1:]
    table = {row["image"]: float(row["spacing_mm"]) for row in csv.DictReader((folder / "films.csv").open())}
    return [
        Film(read_image(folder / "images" / name), np.array(xy, float).reshape(-1, 2), table[name])
        for name, *xy in rows[first:]
    ]


def distance(points: Points, film: Film, scheme: Scheme) -> FloatArray:
    """Return (n,) mm from the truth: across the outline, or of each point where there is none."""
    if not scheme.outlines:
        away = np.linalg.norm(points - film.truth[list(scheme.columns)], axis=1)
    else:
        start, step = film.truth[:-1], np.diff(film.truth, axis=0)
        along = ((points[:, None] - start) * step).sum(axis=2) / (step**2).sum(axis=1)
        nearest = start + np.clip(along, 0, 1)[..., None] * step
        away = np.linalg.norm(points[:, None] - nearest, axis=2).min(axis=1)
    return np.asarray(away * film.spacing)


def joint(settling: Settling, localiser: Localiser, points: Points, held: Index, places: Points) -> Points:
    """Return the points after a linear Gaussian update of those carried by the votes near them, and their own peaks.

    As settling does it, those that are carried by less than half a cell stay.
    """
    shape, look = localiser.errors.shape, localiser.stages[-1].look
    carried = carry(points, held, places, shape)
    frame = look.placing.frame(0, settling.radiograph.size, carried)
    body = look.placing.body(carried)
    frame, votes = settling._votes(look, 0, frame, carried, body)  # noqa: SLF001 - the votes that it keeps
    anyone = np.zeros(len(points), bool)

    def peaks(near: Points) -> Points:
        return frame.to_image(near_peaks(votes, frame.to_grid(near), anyone).points)

    others = np.setdiff1d(np.arange(len(points)), held)
    n, k = len(others), len(held)
    whole = shape_covariance(shape, carried, SCATTER)
    among = whole[held][:, :, held].reshape(2 * k, 2 * k) + 1e-6 * np.eye(2 * k)
    across = whole[others][:, :, held].reshape(2 * n, 2 * k)
    prior = whole[others][:, :, others].reshape(2 * n, 2 * n) - across @ np.linalg.solve(among, across.T)
    own = prior.reshape(n, 2, n, 2)[np.arange(n), :, np.arange(n)] + np.eye(2)
    found = carried.copy()
    for _ in range(ROUNDS):
        away = peaks(found)[others] - carried[others]
        far = np.einsum("ki,kij,kj->k", away, np.linalg.inv(own), away)
        noise = np.diag(np.repeat(1 + far / 2, 2))  # a peak is off by a pixel, or the more, the less it is expected
        found[others] = carried[others] + (prior @ np.linalg.solve(prior + noise, away.ravel())).reshape(n, 2)
    still = np.linalg.norm(carried - points, axis=1) * frame.scale < STILL
    found = np.where(still[:, None], carried, peaks(found))
    found[held] = places
    return found


def methods(localiser: Localiser, film: Film) -> dict[str, Method]:
    """Return what happens after each correction."""
    shape, outlines, settling = localiser.errors.shape, localiser.scheme.outlines, Settling(localiser, film.radiograph)
    return {
        "drag": lambda points, held, places: carry(points, held, places, None),
        "outline": lambda points, held, places: carry(points, held, places, None, outlines),
        "shape": lambda points, held, places: carry(points, held, places, shape),
        "settle": lambda points, held, places: settling.settle(points, held, places).points,
        "joint": lambda points, held, places: joint(settling, localiser, points, held, places),
    }


def annotate(points: Points, film: Film, scheme: Scheme, method: Method) -> tuple[int, float]:
    """Return how many points are corrected, and the mean distance from the truth in the end, mm."""
    held: list[int] = []
    while True:
        away = distance(points, film, scheme)
        away[held] = 0
        if away.max() <= LIMIT:
            return len(held), float(distance(points, film, scheme).mean())
        held.append(int(away.argmax()))
        places = points[held]
        places[-1] = film.truth[list(scheme.columns)][held[-1]]
        points = method(points, np.array(held), places)


def trained(folder: Path, told: argparse.Namespace) -> Localiser:
    """Return the model in a folder, which is trained first if it is not there."""
    model = folder / f"{told.recipe}-{told.training}{'-twelve' if told.twelve else ''}"
    if not (model / "model.json").exists():
        scheme = scheme_of(twelve=told.twelve)
        samples = read_folder(folder / "hips", scheme=scheme, require_points=True)[: told.training]
        chosen = recipe(told.recipe, scheme=scheme)
        train_model(divide(samples, chosen), chosen, model, Conditions(device="cpu", minutes=told.minutes), resume=True)
    return load_model(model)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, usual in (("films", 60), ("spare", 30), ("training", 6), ("minutes", 3.0), ("seed", 11)):
        parser.add_argument(f"--{name}", type=type(usual), default=usual)
    parser.add_argument("--recipe", default="rfrv-clm")
    parser.add_argument("--twelve", action="store_true")
    told = parser.parse_args()
    told.folder.mkdir(parents=True, exist_ok=True)
    if not (told.folder / "hips").exists():
        simulate_folder(told.folder / "hips", told.films, told.seed)
    localiser = trained(told.folder, told)
    file = told.folder / f"counts-{told.recipe}-{told.training}{'-twelve' if told.twelve else ''}.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    for film in films_in(told.folder / "hips", told.spare)[len(rows) :]:
        proposed = localiser.locate(film.radiograph).points
        counts = {
            name: annotate(proposed, film, localiser.scheme, method)
            for name, method in methods(localiser, film).items()
        }
        rows.append(counts)
        with file.open("a") as opened:
            opened.write(json.dumps(counts) + "\n")
    print(f"{told.recipe} of {told.training} films, {len(localiser.scheme)} landmarks, {len(rows)} films annotated\n")
    print("| after each correction | corrections a film | most | distance in the end, mm |\n| --- | --- | --- | --- |")
    for name in rows[0]:
        count, away = np.array([row[name] for row in rows]).T
        print(f"| {name} | {count.mean():.2f} | {count.max():.0f} | {away.mean():.2f} |")


if __name__ == "__main__":
    main()
