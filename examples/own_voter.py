"""A voter of one's own, which knows how a landmark's surroundings look and where they lie, is trained and tried.

Usage: python own_voter.py DATA MODEL
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

import landvote
from landvote.frames import View
from landvote.runtime.arrays import load_arrays, save_arrays
from landvote.runtime.settings import Settings
from landvote.votes import Estimate, Lesson


@dataclass(frozen=True)
class TemplateVoter(landvote.Voter):
    """Its arrays are ``looks`` (n, side, side), the mean surroundings of each landmark, and ``mean`` (n, 2)."""

    arrays: dict[str, npt.NDArray[np.float64]]
    computed_on = "cpu"

    def vote(self, view: View) -> landvote.VoteMap:
        height, width = view.pixels.shape
        looks, votes = self.arrays["looks"].astype(np.float32), []
        padded = np.pad(view.pixels, looks.shape[1] // 2)
        for look, mean in zip(looks, self.arrays["mean"], strict=True):
            alike = cv2.matchTemplate(padded, look, cv2.TM_CCOEFF_NORMED).clip(0, 1) ** 8
            far = np.hypot(np.arange(width) - mean[0], np.arange(height)[:, None] - mean[1]) / max(height, width)
            votes.append(alike * np.exp(-((far / 0.15) ** 2)))
        return landvote.VoteMap(np.array(votes, np.float32), cell=1, smoothing=1.5)

    def save(self, folder: Path) -> list[Path]:
        return [save_arrays(folder / "templates.npz", **self.arrays)]


class TemplateSettings(landvote.VoterSettings):
    """The ``side`` of the surroundings is an odd number of grid cells."""

    kind: Literal["template"] = "template"
    side: int = 31

    def fit(self, training: Settings, lesson: Lesson) -> TemplateVoter:
        looks, points = np.zeros((lesson.landmarks, self.side, self.side)), []
        for view in map(lesson.views.plain, range(len(lesson.views.working))):
            points.append(view.points)
            for i in np.flatnonzero(np.isfinite(view.points).all(axis=1)):  # NaN: not marked
                looks[i] += cv2.getRectSubPix(view.pixels, (self.side, self.side), view.points[i])
        return TemplateVoter({"looks": looks, "mean": np.nanmean(points, axis=0)})

    def load(self, folder: Path, landmarks: int, device: str) -> TemplateVoter:
        return TemplateVoter(load_arrays(folder / "templates.npz", "looks", "mean"))

    def estimate(self, training: Settings, lesson: Lesson, films: int, held_out: int) -> Estimate:
        return Estimate(least=0.0, whole=0.0)


landvote.VOTERS.register(TemplateSettings)  # from here on recipes may name it
if __name__ == "__main__":
    samples = landvote.read_folder(sys.argv[1], require_points=True)
    mine = ["global.voter={ kind = 'template' }", "local.voter={ kind = 'template', side = 41 }"]
    recipe = landvote.recipe("paper", mine, samples[0].scheme)
    known, unseen = landvote.split_by_subject(samples, share=0.25, seed=0)
    split = landvote.divide(known, recipe)
    landvote.train_model(split, recipe, sys.argv[2])
    found = list(landvote.locate(landvote.load_model(sys.argv[2]), unseen))
    print(landvote.evaluate(found, unseen).films[["image", "point_to_point_px", "point_to_curve_px"]])
