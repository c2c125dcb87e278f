"""The row: parts that look alike are found one after the other along it, and then told which of them is which.

A vertebra is easily found and hardly told from the next one. So the points of a coarse look only say where the row
begins: it is walked from its middle outwards, each part being expected where the one before says, so that none is found
twice and none left out. Then that row is taken that lies on the film as rows do: the one found, or that one shifted by
a part or two.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from landvote.frames import PartPlacing
from landvote.sample import Points, Radiograph
from landvote.stage import DIGITS, Candidate, Stage, glance, look

_DEGREE = 5  # of the curve that the centres of a row lie on: a spine may have three bends
_ROBUST = 6  # rounds of least squares
_REACH = 2  # parts that a row may be shifted by
_OWN = 0.5  # how much more likely, as a logarithm, the row is that was found than one shifted from there


def walk(stage: Stage, radiograph: Radiograph, known: Candidate) -> Candidate:
    """Find the parts one after the other, outwards from the one of the middle half that has most votes.

    By as much as a part lies elsewhere than expected, the next ones are expected elsewhere too. What is known of the
    row has to have about its bends and distances, but may be shifted along it.
    """
    placing, count = _part_placing(stage), len(stage.placing.parts)
    known = replace(known, points=smoothed(known.points, placing.parts), votes=0.0)
    middle = range(count // 4, count - count // 4)
    start = max(middle, key=lambda g: _step(stage, placing, g, (), radiograph, known).votes)
    found = _step(stage, placing, start, range(count), radiograph, known)
    for g in range(start + 1, count):
        found = _step(stage, placing, g, range(g, count), radiograph, found)
    for g in reversed(range(start)):
        found = _step(stage, placing, g, range(g), radiograph, found)
    return found


def settled(stage: Stage, radiograph: Radiograph, known: Candidate) -> Candidate:
    """Shift a row that was walked by as many parts as its place on the film says, and look at all parts once more.

    How far the rows that were not chosen lie away, each by its probability, is added to the errors to expect.
    """
    placing = _part_placing(stage)
    rows = {0: known}
    for s in range(1, _REACH + 1 if len(placing.parts) > 1 else 1):
        rows[s] = _shifted(stage, placing, radiograph, rows[s - 1], 1)
        rows[-s] = _shifted(stage, placing, radiograph, rows[1 - s], -1)
    score = {s: placing.likely(radiograph.size, row.points) + _OWN * (s == 0) for s, row in rows.items()}
    chosen = max(score, key=lambda s: score[s])
    probable = np.exp([score[s] - score[chosen] for s in rows])
    probable /= probable.sum()
    away = [np.linalg.norm(row.points - rows[chosen].points, axis=1) for row in rows.values()]
    found = look(stage, (1.0, 0.0), radiograph, rows[chosen])
    told = {"stage": stage.name, "shifted": chosen, "probable": round(float(probable.max()), DIGITS)}
    return replace(found, error=found.error + probable @ away, looks=(*found.looks, told))


def smoothed(points: Points, groups: tuple[tuple[int, ...], ...]) -> Points:
    """Return (n, 2) points with the groups' centres moved onto a smooth curve; those that went astray are outvoted.

    Missing parts are put on it as well, with the form of the median part. Least squares again and again, each centre
    weighted by how well it fitted (Cauchy weights, scale twice the median distance). With fewer than two parts known,
    points are returned as they are.
    """
    index = np.array(groups)
    rows = points[index]
    centres = rows.mean(axis=1)
    given = np.isfinite(centres).all(axis=1)
    if given.sum() < 2:
        return points
    form = rows - centres[:, None]
    form = np.where(given[:, None, None], form, np.median(form[given], axis=0))
    place = np.linspace(-1, 1, len(index))
    terms = np.vander(place, min(_DEGREE, max(1, int(given.sum()) // 2)) + 1)
    weight = given.astype(float)
    for _ in range(_ROBUST):
        root = np.sqrt(weight[given])[:, None]
        curve = terms @ np.linalg.lstsq(root * terms[given], root * centres[given], rcond=None)[0]
        distance = np.linalg.norm(centres - curve, axis=1)
        scale = 2 * max(float(np.median(distance[given])), 1e-6)
        weight = np.where(given, 1 / (1 + (distance / scale) ** 2), 0)
    out = points.copy()
    out[index] = curve[:, None] + form
    return out


def _part_placing(stage: Stage) -> PartPlacing:
    if not isinstance(stage.placing, PartPlacing):
        raise TypeError(f"stage {stage.name}: placed by {type(stage.placing).__name__}, expected PartPlacing")
    return stage.placing


def _step(
    stage: Stage, placing: PartPlacing, g: int, beyond: Iterable[int], radiograph: Radiograph, known: Candidate
) -> Candidate:
    """Look for part ``g``; the parts ``beyond`` are expected as far from there as they were."""
    frame = placing.frame(g, radiograph.size, known.points)
    if frame is None:
        return known
    found = glance(stage, frame, placing.parts[g], radiograph, known)
    own = list(placing.parts[g])
    moved = (found.points[own] - known.points[own]).mean(axis=0)
    others = [i for h in beyond if h != g for i in placing.parts[h]]
    found.points[others] += moved
    return replace(found, looks=known.looks)  # on the way; the last look at each part is what a prediction tells of


def _shifted(stage: Stage, placing: PartPlacing, radiograph: Radiograph, known: Candidate, by: int) -> Candidate:
    """Return the row shifted by one part, up (-1) or down (1): the one that comes in is looked for, twice."""
    index = np.array(placing.parts)
    rows = known.points[index]
    if by > 0:
        rows = np.concatenate([rows[1:], [2 * rows[-1] - rows[-2]]])
    else:
        rows = np.concatenate([[2 * rows[0] - rows[1]], rows[:-1]])
    shifted = replace(known, points=known.points.copy())
    shifted.points[index] = rows
    end = len(index) - 1 if by > 0 else 0
    for _ in range(2):
        shifted = _step(stage, placing, end, (), radiograph, shifted)
    return shifted
