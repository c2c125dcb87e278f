"""The row: parts that look alike are found one after the other along it, and then told which of them is which.

A vertebra is easily found and hardly told from the next one. So the points of a coarse look only say where the row
begins: it is walked from its middle outwards, each part being expected where the one before says, so that none is found
twice and none left out. Then the parts vote for their numbers, and the row is taken that most of them agree on and that
lies on the film as rows do: the one found, or that one shifted by a part or two.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from landvote.frames import PartPlacing, RowPlacing, View
from landvote.sample import Points, Radiograph
from landvote.stage import DIGITS, Candidate, Stage, glance, look

_DEGREE = 5  # of the curve that the centres of a row lie on: a spine may have three bends
_ROBUST = 6  # rounds of least squares
_REACH = 2  # parts that a row may be shifted by
_VOICE = 1.0  # the parts' votes together count as one: they err together (chosen on spine films)
_LEAST = 1e-3  # share of a part's votes that no number falls below


def walk(stage: Stage, radiograph: Radiograph, known: Candidate) -> Candidate:
    """Find the parts one after the other, outwards from the one of the middle half that has most votes.

    By as much as a part lies elsewhere than expected, the next ones are expected elsewhere too. What is known of the
    row has to have about its bends and distances, but may be shifted along it.
    """
    placing, count = _part_placing(stage), len(stage.placing.parts)
    known = replace(known, points=smoothed(known.points, placing.parts), votes=0.0)
    middle = range(count // 4, count - count // 4)
    start = max(middle, key=lambda g: _step(stage, placing, g, (), radiograph, known).votes)
    found = known
    for g in (*range(start, count), *range(start - 1, -1, -1)):
        beyond = range(g) if g < start else range(g + 1, count)
        found = _step(stage, placing, g, beyond if g != start else range(count), radiograph, found)
    return found


def settle(numbers: Stage, parts: Stage, radiograph: Radiograph, known: Candidate) -> Candidate:
    """Shift the row by as many parts as its parts' votes for their numbers and its place on the film say; look again.

    Each hypothesis is as likely as the row's place on the film (:meth:`RowPlacing.likely`) and the numbers that it
    gives its parts. How far the other hypotheses lie away, each by its probability, is added to the errors to expect.

    Args:
        numbers: the stage whose voter votes for numbers.
        parts: the stage that finds the parts.
        radiograph: the film.
        known: a row that was walked.
    """
    placing = numbers.placing
    if not isinstance(placing, RowPlacing):
        raise TypeError(f"stage {numbers.name}: placed by {type(placing).__name__}, expected RowPlacing")
    votes = np.log(np.maximum(_votes_for_numbers(numbers, placing, radiograph, known.points), _LEAST))
    own = np.arange(len(votes))
    shifts = range(-_REACH, _REACH + 1)
    rows = {0: known}
    for s in range(1, _REACH + 1):
        rows[s] = _shifted(parts, radiograph, rows[s - 1], 1)
        rows[-s] = _shifted(parts, radiograph, rows[1 - s], -1)
    score = np.array([
        _VOICE * votes[own, np.clip(own - s + 1, 0, len(own) + 1)].mean()
        + placing.likely(radiograph.size, rows[s].points)
        for s in shifts
    ])  # fmt: skip
    probable = np.exp(score - score.max())
    probable /= probable.sum()
    chosen = shifts[int(score.argmax())]
    found = look(parts, (1.0, 0.0), radiograph, rows[chosen])
    away = [np.linalg.norm(rows[s].points - rows[chosen].points, axis=1) for s in shifts]
    told = {"stage": numbers.name, "shifted": chosen, "probable": probable.round(DIGITS).tolist()}
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
    stage: Stage, placing: PartPlacing, g: int, beyond: range | tuple[()], radiograph: Radiograph, known: Candidate
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
    return found


def _shifted(parts: Stage, radiograph: Radiograph, known: Candidate, by: int) -> Candidate:
    """Return the row shifted by one part, up (-1) or down (1): the one that comes in is looked for, twice."""
    placing = _part_placing(parts)
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
        shifted = _step(parts, placing, end, (), radiograph, shifted)
    return shifted


def _votes_for_numbers(
    stage: Stage, placing: RowPlacing, radiograph: Radiograph, points: Points
) -> npt.NDArray[np.float64]:
    """Return (parts, parts + 2) which share of the votes at each part is for each number; 1 where nothing is seen.

    Numbers begin with what lies before the first part. Each part is looked at twice, once in a mirror: that changes no
    number.
    """
    shares = np.ones((len(placing.parts), len(placing.parts) + 2))
    for g, frame in enumerate(placing.frames(radiograph.size, points)):
        if frame is None:
            continue
        centre = points[list(placing.wide.parts[g])].mean(axis=0, keepdims=True)
        seen = []
        for laid in (frame, frame.mirrored()):
            view = View.through(laid, radiograph.pixels, points[list(placing.parts[g])], radiograph.identifier)
            seen.append(stage.voter.vote(view).shares(laid.to_grid(centre))[0])
        shares[g] = np.nan_to_num(np.mean(seen, axis=0), nan=1.0)
    return shares
