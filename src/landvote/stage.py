"""The stage: one kind of look at a film. Where to look, who votes, which points are chosen, what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

from landvote.frames import Augmentation, Frame, Placing, View
from landvote.sample import Points, Radiograph
from landvote.shapes import ShapeModel, ShapeSettings, plausible
from landvote.votes import VoteMap, Voter

DIGITS = 9
"""After the point, of what goes into files: compiled loops may differ in their last one from run to run."""

_SHRUNK = 0.5  # times the least of training: a patch so small was laid on points that are wrong; none was learned from
_ASKEW = (0.04, 4.0)  # how a frame is laid askew: of its width and height, and degrees; training has seen as much


class StageSettings(BaseModel):
    """Where a stage looks and for what.

    Attributes:
        look: at the whole ``film``, at a patch laid on the ``reference`` points, or at one patch for each of the
            scheme's ``parts``, one after the other along their row (left out where the scheme has no groups).
        find: ``all`` landmarks, or only the ``reference`` points (a stage that looks at the film).
        size: width and height of the grid.
        fit_aspect: keep the grid's area but give it the shape of what it must hold.
        border: free share of the grid on each side.
        rounds: how often to look again, from where the last look found the landmarks.
        angles, scales: poses to try, degrees (positive is clockwise on screen) and factors: each look is taken once for
            each angle and scale, as the global searcher of Lindner et al. 2013 does. Networks need one, (0) and (1).
        keep: how many of the places found go on to the next look; the one whose landmarks have most votes there wins.
        augmentation: how the training views are varied.
        shape: the shape model that chooses points under the votes; without one each landmark's peak is its point.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    look: Literal["film", "reference", "parts"]
    find: Literal["all", "reference"] = "all"
    size: tuple[PositiveInt, PositiveInt]
    fit_aspect: bool = True
    border: float = Field(default=0.1, ge=0, lt=0.45)
    rounds: PositiveInt = 1
    angles: tuple[float, ...] = Field(default=(0.0,), min_length=1)
    scales: tuple[PositiveFloat, ...] = Field(default=(1.0,), min_length=1)
    keep: PositiveInt = 1
    augmentation: Augmentation = Augmentation()
    shape: ShapeSettings | None = None

    @model_validator(mode="after")
    def _shape_sees_all(self) -> StageSettings:
        if self.shape and (self.look == "parts" or self.find == "reference"):
            raise ValueError("a shape model needs a stage that finds all landmarks in one look")
        return self


@dataclass
class Stage:
    """One look: ``placing`` says where, ``voter`` votes, ``shape`` says what is plausible.

    All three are made when the localiser is fitted or loaded; ``shape`` is None where the settings name none.
    """

    name: str
    settings: StageSettings
    make_voter: Callable[[int], Voter]
    placing: Placing = field(init=False)
    voter: Voter = field(init=False)
    shape: ShapeModel | None = field(init=False, default=None)

    def choose(self, votes: VoteMap) -> tuple[Points, npt.NDArray[np.float64], npt.NDArray[np.float64] | None]:
        """Return (n, 2) points under the votes, grid coordinates, how far votes lie from each, and shape parameters."""
        found = plausible(votes, self.shape, self.settings.shape) if self.shape and self.settings.shape else None
        if found is None:
            return *votes.peaks(), None
        return found.points, found.spread, found.parameters


@dataclass(frozen=True)
class Candidate:
    """Where the landmarks may be, after some looks.

    Attributes:
        points: (n, 2) image coordinates; NaN if unknown.
        error: (n,) expected error in pixels, not yet scaled.
        looks: what was looked at, as it goes into the prediction.
        votes: how many votes the points of the last look have, summed over its landmarks.
    """

    points: Points
    error: npt.NDArray[np.float64]
    looks: tuple[dict[str, Any], ...] = ()
    votes: float = 0.0


def poses(settings: StageSettings) -> list[tuple[float, float]]:
    """Return the scales and angles (radians) to look at."""
    return [(scale, float(np.deg2rad(angle))) for scale in settings.scales for angle in settings.angles]


def best(candidates: Sequence[Candidate], keep: int, same: float) -> list[Candidate]:
    """Return up to ``keep`` candidates, most votes first; of those within ``same`` pixels of each other one alone."""
    kept: list[Candidate] = []
    for one in sorted(candidates, key=lambda c: -c.votes):
        away = [np.linalg.norm(one.points - other.points, axis=1) for other in kept]
        if all(np.isfinite(d).any() and np.nanmax(d) > same for d in away):
            kept.append(one)
        if len(kept) == keep:
            break
    return kept


def look(stage: Stage, pose: tuple[float, float], radiograph: Radiograph, known: Candidate) -> Candidate:
    """Look at each part of the film that what is known so far leads to; return what is known then."""
    found = replace(known, votes=0.0)
    for laid, part in zip(stage.placing.frames(radiograph.size, known.points), stage.placing.parts, strict=True):
        if laid is not None:  # else too little was found to know where to look
            found = glance(stage, laid.then(*pose, (0, 0)), part, radiograph, found)
    return found


def glance(stage: Stage, frame: Frame, part: tuple[int, ...], radiograph: Radiograph, known: Candidate) -> Candidate:
    """Look through one frame for the landmarks ``part``; return what is known then."""
    index = np.array(part)
    votes = stage.voter.vote(View.through(frame, radiograph.pixels, known.points[index], radiograph.identifier))
    found, spread, parameters = stage.choose(votes)
    seen = np.isfinite(spread)  # a landmark without votes stays where the stage before saw it
    points, error = known.points.copy(), known.error.copy()
    points[index[seen]] = frame.to_image(found[seen])
    error[index[seen]] = spread[seen] / frame.scale
    laid = {"stage": stage.name, "size": list(frame.size), "matrix": frame.matrix.round(DIGITS).tolist()}
    if parameters is not None:
        laid["shape"] = parameters.round(DIGITS).tolist()
    total = known.votes + float(np.nansum(votes.strength(found)))
    return Candidate(points, error, (*known.looks, laid), total)


def moved(stage: Stage, radiograph: Radiograph, found: Candidate) -> npt.NDArray[np.float64]:
    """Look once more, through a frame laid askew; return (n,) how far each landmark has moved on the film, pixels.

    What is seen stays where it is on the film. What is guessed, from where in a view it usually lies, goes with the
    frame: that is how a voter answers for a film unlike any it has learned from. A voter that searches around known
    points is told the ones that the frame would bring there.

    A landmark that has followed the frame by more than half its way begins to count as guessed, and may be anywhere in
    the view (half its diagonal); so may one that is not found again, and so may all in a view far smaller than any in
    training, however well votes agree in it: then in one of the least size of training. One that was not found before
    has NaN, and one that nothing places a view for has 0.
    """
    distance = np.zeros(len(found.points))
    shift, angle = _ASKEW
    for laid, part in zip(stage.placing.frames(radiograph.size, found.points), stage.placing.parts, strict=True):
        if laid is None:
            continue
        index = np.array(part)
        askew = laid.then(1.0, np.deg2rad(angle), shift * np.array(laid.size))
        brought = askew.to_image(laid.to_grid(found.points[index]))
        view = View.through(askew, radiograph.pixels, brought, radiograph.identifier)
        again, _, _ = stage.choose(stage.voter.vote(view))
        away = np.linalg.norm(askew.to_image(again) - found.points[index], axis=1)
        followed = away / np.linalg.norm(brought - found.points[index], axis=1)
        cell, least = 1 / laid.scale, stage.placing.least(radiograph.size)
        shrunk = cell < _SHRUNK * least
        guessed = np.where(np.isnan(away) | shrunk, 1, np.clip(2 * followed - 1, 0, 1))
        anywhere = np.hypot(*laid.size) / 2 * max(cell, least)
        distance[index] = (1 - guessed) * np.nan_to_num(away) + guessed * anywhere
    return np.where(np.isnan(found.points[:, 0]), np.nan, distance)
