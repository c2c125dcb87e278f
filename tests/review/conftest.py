"""A review of a few small films, and a server of it on loopback."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from landvote.review.opening import open_review
from reviewing import THREE, served


@pytest.fixture
def films(tmp_path):
    """Return a bare folder of four films, 40 wide and 30 high."""
    folder = tmp_path / "data"
    folder.mkdir()
    for i in range(4):
        pixels = (np.add.outer(np.arange(30), np.arange(40)) * 500 + i).astype(np.uint16)
        Image.fromarray(pixels).save(folder / f"film-{i}.png")
    return folder


@pytest.fixture
def review(films):
    opened = open_review(films, "Ana", scheme=THREE)
    yield opened
    opened.store.close()


@pytest.fixture
def client(review):
    with served(review) as found:
        yield found
