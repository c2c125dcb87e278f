"""Proposals of a model: every film once, films that cannot be read left out, and an end when it is asked for."""

from __future__ import annotations

import time
from types import SimpleNamespace

import numpy as np
import pytest

from landvote.data.prediction import Prediction
from landvote.data.side import Side
from landvote.review.opening import open_review
from landvote.review.proposing import Proposer
from reviewing import THREE


class Seer:
    """A localiser that finds the landmarks of a film at its first grey value."""

    scheme, sides, model = THREE, (Side(),), "m" * 64

    def __init__(self) -> None:
        self.located = []

    def locate(self, radiograph, _):
        self.located.append(radiograph.identifier)
        points = np.full((3, 2), float(radiograph.pixels[0, 0]))
        return Prediction(radiograph.identifier, points, np.ones(3), THREE.landmarks, model=self.model)


def propose(seer, review):
    proposer = Proposer(seer, review.films, review.store)
    proposer.start()
    until = time.monotonic() + 20
    while proposer.said()["working"]:
        assert time.monotonic() < until
        time.sleep(0.01)
    proposer.end()
    return proposer.said()


def test_a_model_proposes_for_every_film_once(films):
    (films / "film-1.png").write_bytes(b"broken")
    seer = Seer()
    review = open_review(films, "Ana", localiser=seer)
    assert review.store.scheme == THREE
    assert propose(seer, review) == {"done": 4, "failed": 1, "working": False}
    review.store.close()
    review = open_review(films, "Ana", localiser=seer)
    assert review.store.state("Ana", "film-3.png")["proposed"]["tip"] == [3, 3, 1, None]
    assert propose(seer, review)["done"] == 4
    assert seer.located == ["film-0.png", "film-2.png", "film-3.png"]
    seer.model = "n" * 64  # another one looks at all of them anew
    propose(seer, review)
    assert len(seer.located) == 6
    review.store.close()


def test_a_model_that_knows_two_sides_makes_two_films_of_each(films):
    seer = Seer()
    seer.sides = (Side(name="L"), Side(name="R", mirrored=True))
    review = open_review(films, "Ana", localiser=seer)
    propose(seer, review)
    assert len(review.films) == 8
    assert review.store.state("Ana", "film-3.png_R")["state"] == "proposed"
    review.store.close()


def test_it_ends_after_the_film_at_hand():
    store = SimpleNamespace(proposed_by=lambda _: pytest.fail("a film was looked at"))
    proposer = Proposer(Seer(), SimpleNamespace(samples=[SimpleNamespace(identifier="a")] * 9), store)
    proposer._stop.stop()
    proposer.start()
    proposer.end()
    assert proposer.said() == {"done": 0, "failed": 0, "working": False}
