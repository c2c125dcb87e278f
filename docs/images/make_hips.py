"""Draw docs/images/hips.png, simulated films with their true outlines: `.venv/bin/python docs/images/make_hips.py`."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from landvote.phantom import simulate_film
from landvote.runtime.files import atomic_write

PICTURE = Path(__file__).with_name("hips.png")
SEED, FILMS = 7, (8, 3, 4, 17)  # healthy; diseased on both sides; on the left; on both, turned on its plate
HEIGHT, GAP = 300, 6
OUTLINE = (40, 165, 245)
COLOURS = 128  # enough for grey films with a blue line, at a fraction of the bytes
_FRACTION = 4  # bits of a pixel that OpenCV draws with


def main() -> None:
    """Write the picture."""
    gap = np.full((HEIGHT, GAP, 3), 255, np.uint8)
    row = np.concatenate([part for index in FILMS for part in (tile(index), gap)][:-1], axis=1)
    with atomic_write(PICTURE) as temporary:
        Image.fromarray(row).quantize(COLOURS, dither=Image.Dither.NONE).save(temporary, optimize=True)


def tile(index: int) -> npt.NDArray[np.uint8]:
    """Return film ``index`` with its true outline, (HEIGHT, width, 3) RGB."""
    film = simulate_film(index, SEED)
    height, width = film.pixels.shape
    zoom = HEIGHT / height
    grey = cv2.resize(film.pixels, (round(width * zoom), HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32)
    dark, bright = np.percentile(grey, [1, 99.5])
    picture = cv2.cvtColor(np.clip((grey - dark) * 255 / (bright - dark), 0, 255).astype(np.uint8), cv2.COLOR_GRAY2RGB)
    points = ((film.points + 0.5) * zoom - 0.5) * 2**_FRACTION
    cv2.polylines(picture, [points.round().astype(np.int32)], False, OUTLINE, 2, cv2.LINE_AA, _FRACTION)  # noqa: FBT003
    return np.asarray(picture, np.uint8)


if __name__ == "__main__":
    main()
