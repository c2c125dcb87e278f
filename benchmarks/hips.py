"""Simulated hips for the benchmarks that need films."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from landvote.data.points import Points
from landvote.data.sample import Sample
from landvote.datasets.folder import read_folder
from landvote.phantom import simulate_folder


@contextmanager
def simulated(films: int) -> Iterator[list[Sample]]:
    """Yield that many annotated films, which last as long as the block."""
    with tempfile.TemporaryDirectory() as folder:
        simulate_folder(Path(folder) / "hips", films, seed=1)
        yield read_folder(Path(folder) / "hips", require_points=True)


def outlined(samples: list[Sample]) -> tuple[list[Points], list[tuple[int, int]]]:
    """Return the points of films and their widths and heights: what a patch is placed by."""
    return [s.points for s in samples], [s.open().size for s in samples]
