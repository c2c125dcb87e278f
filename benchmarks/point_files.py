"""Reading a large file of points against 3 seconds, and against the parsing of its JSON alone."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np

from landvote.formats.kinds.coco import Coco
from landvote.formats.points import PointRow, PointTable
from landvote.formats.reading import read_points
from landvote.formats.writing import write_points
from timing import Row, Turn, compare, take_turns

ALLOWED = 3.0
_FILMS, _LANDMARKS, _SIZE = 10_000, 19, (2000, 2400)


def rows(repeats: int) -> list[Row]:
    """Measure the reading of 10,000 films with 19 landmarks in one file of COCO keypoints."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0, _SIZE, (_FILMS, _LANDMARKS, 2))
    films = tuple(PointRow(f"{i:05}.png", "", each, size=_SIZE) for i, each in enumerate(points))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "films.json"
        write_points(file, PointTable(films, tuple(f"landmark {i}" for i in range(_LANDMARKS))), Coco())
        turns = [lambda: read_points(file), lambda: json.loads(file.read_text(encoding="utf-8"))]
        reading, parsing = take_turns(turns, repeats)
    what = f"read {_FILMS} films x {_LANDMARKS} landmarks (COCO)"
    allowed = [Turn(ALLOWED, ALLOWED)] * len(reading)
    return [compare(what, reading, f"{ALLOWED:g} s", allowed, 1.0), compare(what, reading, "json.loads alone", parsing)]
