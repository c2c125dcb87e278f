"""The error to expect of models made before there was an assessor: dispersion and consistency, scaled on films."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from landvote.data.points import FloatArray
from landvote.data.radiograph import Radiograph
from landvote.localiser.look import Candidate, Look
from landvote.uncertainty import Expected

_SHRUNK = 0.5  # times the least of training: a patch so small was laid on points that are wrong; none was learned from
_ASKEW = (0.04, 4.0)  # how a frame is perturbed: by shares of its width and height, and degrees; as training does


def cues(look: Look, radiograph: Radiograph, found: Candidate) -> FloatArray:
    """Return (2, n) what is known of each landmark's error, image pixels: dispersion of votes, and consistency."""
    return np.stack([found.dispersion, consistency_shift(look, radiograph, found)])


def consistency_shift(look: Look, radiograph: Radiograph, found: Candidate) -> FloatArray:
    """Look through perturbed frames; return (n,) how far each landmark then lies from where it was found, pixels.

    A landmark that the voter really sees keeps its place on the film when the frame is perturbed; one placed from its
    typical position in the view moves with the frame, as in films unlike any in training. A voter that searches around
    known points is given the points that the frame would move them to.

    A landmark that has followed the frame by more than half its way begins to count as guessed, and may be anywhere in
    the view (half its diagonal); so may one that is not found again, and so may all in a view far smaller than any in
    training, however well votes agree in it: then in one of the least size of training. One that was not found before
    has NaN, and one that nothing places a view for has 0.
    """
    distance = np.zeros(len(found.points))
    shift, angle = _ASKEW
    smallest = look.placing.smallest_cell(radiograph.size)
    for target, frame in zip(look.placing.targets, look.placing.frames(radiograph.size, found.points), strict=True):
        if frame is None:
            continue
        index = np.array(target)
        askew = frame.then(1.0, np.deg2rad(angle), shift * np.array(frame.size))
        brought = askew.to_image(frame.to_grid(found.points[index]))
        again = askew.to_image(look.vote(askew, radiograph, brought).points)
        away = np.linalg.norm(again - found.points[index], axis=1)
        followed = away / np.linalg.norm(brought - found.points[index], axis=1)
        cell = 1 / frame.scale
        guessed = np.where(np.isnan(away) | (cell < _SHRUNK * smallest), 1, np.clip(2 * followed - 1, 0, 1))
        anywhere = np.hypot(*frame.size) / 2 * max(cell, smallest)
        distance[index] = (1 - guessed) * np.nan_to_num(away) + guessed * anywhere
    return np.where(np.isnan(found.points[:, 0]), np.nan, distance)


@dataclass(frozen=True)
class OldScales:
    """What such a model knows of its errors.

    Attributes:
        scales: (2,) expected error per dispersion of the votes, and per pixel of consistency shift.
    """

    scales: FloatArray

    def expect(self, looks: Sequence[Look], radiograph: Radiograph, found: Candidate) -> Expected:
        """Return the error to expect of each landmark; nothing else is known."""
        return Expected.only(np.asarray(self.scales @ cues(looks[-1], radiograph, found)))
