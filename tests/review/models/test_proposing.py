"""Proposals of a model: every film once, films that cannot be read left out, and an end when it is asked for."""

from __future__ import annotations

import time
from types import SimpleNamespace
from unittest.mock import ANY

import numpy as np
import pytest

from landvote.data.prediction import Prediction
from landvote.data.side import Side
from landvote.review.models.current import CurrentModel
from landvote.review.models.proposing import Proposer
from landvote.review.opening import open_review
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
    proposer = Proposer(review.films, review.store, CurrentModel(seer))
    proposer.start()
    wait(lambda: proposer.said()["done"] == len(review.films))
    proposer.end()
    return proposer.said()


def wait(there):
    until = time.monotonic() + 20
    while not there():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_model_proposes_for_every_film_once(films):
    (films / "film-1.png").write_bytes(b"broken")
    seer = Seer()
    review = open_review(films, "Ana", localiser=seer)
    assert review.store.scheme == THREE
    assert propose(seer, review) == {"done": 4, "failed": 1, "working": ANY}
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
    proposer = Proposer([None] * 9, store, CurrentModel(Seer()))
    proposer._stop.stop()
    proposer.start()
    proposer.end()
    assert proposer.said() == {"done": 0, "failed": 0, "working": False}


def test_another_model_looks_at_films_that_nobody_has_begun(review):
    first, second = Seer(), Seer()
    second.model = "n" * 64
    models = CurrentModel()
    proposer = Proposer(review.films, review.store, models, lambda: [3, 2, 1, 0])
    proposer.start()
    models.take(first)
    wait(lambda: proposer.said()["done"] == 4)
    assert first.located == [f"film-{i}.png" for i in (3, 2, 1, 0)]
    review.store.edit("Ana", "film-1.png", "", 0, "set", {"tip": ("placed", 5.0, 6.0)})
    review.store.edit("Bo", "film-3.png", "", 0, "reject")
    proposer.opened("Ana", 0)  # its proposal stays as it is while it is on the screen
    models.take(second)
    wait(lambda: proposer.said()["done"] == 3)
    assert second.located == ["film-2.png"]
    proposer.opened("Ana", 2)
    wait(lambda: second.located == ["film-2.png", "film-0.png"])
    wait(lambda: review.store.proposed_by("film-0.png") == second.model)
    assert review.store.proposed_by("film-1.png") == review.store.proposed_by("film-3.png") == first.model
    proposer.end()


def test_a_film_that_is_wanted_comes_first(review):
    seer = Seer()
    models = CurrentModel()
    proposer = Proposer(review.films, review.store, models)
    proposer.wanted(2)
    models.take(seer)
    proposer.start()
    wait(lambda: proposer.said()["done"] == 4)
    proposer.end()
    assert seer.located[0] == "film-2.png"


def test_a_film_that_was_begun_while_the_model_looked_keeps_its_proposal(review):
    there = Prediction("film-0.png", np.ones((3, 2)), np.ones(3), THREE.landmarks, model="m")
    review.store.propose([there])
    review.store.edit("Ana", "film-0.png", "", 0, "set", {"tip": ("placed", 5.0, 6.0)})
    later = Prediction("film-0.png", np.zeros((3, 2)), np.ones(3), THREE.landmarks, model="n")
    review.store.propose([later], untouched=True)
    assert review.store.proposed_by("film-0.png") == "m"
    review.store.propose([later])
    assert review.store.proposed_by("film-0.png") == "n"
