"""Films with a cross where the landmarks are."""

import cv2
import numpy as np
import pytest

from landvote.forests.settings import ForestSettings
from landvote.frames import Augmentation, Frame, Views
from landvote.frames.views import CachedFilm
from landvote.votes import Lesson

SIZE = (48, 40)


@pytest.fixture
def quick():
    """Return settings that are learned in a moment."""
    return ForestSettings(
        trees=3, leaf=2, pool=40, patch=12, displacement=8, views=2, patches=6, radius=8, reach=2, jobs=1, step=2
    )


def film(rng, shift=(0, 0)):
    """Return pixels and points (3, 2): a bright disc, a dark disc and a bright square, each a landmark."""
    points = np.array([[14.0, 12], [34, 14], [24, 29]]) + rng.uniform(-3, 3, 2) + shift + rng.uniform(-1, 1, (3, 2))
    pixels = rng.normal(0, 0.1, SIZE[::-1])
    for (x, y), grey in zip(points[:2], (1.4, -1.4), strict=True):
        cv2.circle(pixels, (round(16 * x), round(16 * y)), 16 * 4, grey, -1, shift=4)
    x, y = np.rint(points[2]).astype(int)
    pixels[y - 4 : y + 5, x - 4 : x + 5] = 1.4
    return pixels.astype(np.float32), points


@pytest.fixture
def views():
    """Return the function that makes views of a few films; ``copies=1`` varies nothing but makes both views alike."""

    def make(films=8, seed=0, missing=()):
        rng = np.random.default_rng(seed)
        working = []
        for number in range(films):
            pixels, points = film(rng)
            points[list(missing)] = np.nan
            working.append(CachedFilm.of(pixels, Frame.whole(SIZE, SIZE), points, f"film {number}"))
        look = Augmentation(rotation=(-5, 5), scale=0.05, shift=0.04, erase=0, gamma=0, mirror=False)
        return Views(working, look)

    return make


@pytest.fixture
def lesson():
    """Return the function that makes a lesson of three landmarks, or as many as are said; the folder is made."""

    def make(views, folder, **changes):
        folder.mkdir(exist_ok=True, parents=True)
        return Lesson(**{"stage": "local", "landmarks": 3, "views": views, "held_out": Views([], views.augmentation),
                         "folder": folder, **changes})  # fmt: skip

    return make
