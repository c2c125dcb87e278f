"""Judging: how far models are off on approved films that they have not learned from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from landvote.data.film import Film
from landvote.data.points import Points, mean_points
from landvote.data.prediction import Prediction
from landvote.data.sample import Sample
from landvote.data.seen import SeenFilms
from landvote.data.side import side_of
from landvote.errors import ImageError
from landvote.formats.points import PointTable
from landvote.localiser import Localiser
from landvote.models.locate import something_to_see
from landvote.review.learning.deciding import Kind
from landvote.runtime.privacy import keyed_hash


def unseen(kind: Kind, seen: SeenFilms, film: Film, subject: str) -> bool:
    """Say whether a film tells how a model does on others.

    It has not learned from it, nor from its patient; and if it is a network, was not judged by it either: of a network
    the step was kept that did best there. Forests choose nothing by films that judge them.
    """
    return seen.told(film, keyed_hash(subject)) in (("no",) if kind == "network" else ("no", "val"))


def locate_all(localiser: Localiser, samples: Sequence[Sample], stopped: Callable[[], bool]) -> list[Prediction]:
    """Return what a model finds on films, as far as it comes; films that cannot be read are left out."""
    found = []
    for sample in samples:
        if stopped():
            break
        try:
            located = localiser.locate(something_to_see(sample.open()), side_of(sample.identifier, localiser.sides))
        except ImageError:
            continue
        found.append(replace(located, identifier=sample.identifier))
    return found


def truth(table: PointTable) -> dict[str, Points]:
    """Return film -> (n, 2) the mean over the people who have approved it, as a training takes it."""
    points: dict[str, list[Points]] = {}
    for row in table.rows:
        points.setdefault(row.image, []).append(row.points)
    return {image: mean_points(given, len(table.landmarks)) for image, given in points.items()}


def errors(
    found: Mapping[str, Prediction], true: Mapping[str, Points], landmarks: Sequence[str],
    scales: Mapping[str, tuple[float, float]],
) -> dict[str, float]:  # fmt: skip
    """Return film -> mean distance over the landmarks that both have.

    ``landmarks`` are the names of the true points; ``scales`` are the lengths of a pixel along x and y, film by film.
    """
    place, told = {name: i for i, name in enumerate(landmarks)}, {}
    for image in found.keys() & true.keys():
        pairs = [(i, place[name]) for i, name in enumerate(found[image].landmarks) if name in place]
        own, their = (list(column) for column in zip(*pairs, strict=True)) if pairs else ([], [])
        away = (found[image].points[own] - true[image][their]) * scales[image]
        distance = np.hypot(away[:, 0], away[:, 1])
        if np.isfinite(distance).any():
            told[image] = float(np.nanmean(distance))
    return told
