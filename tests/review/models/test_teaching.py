"""The film that teaches most: typical, far from what is known, expected to go wrong, or strange."""

from __future__ import annotations

import time

import numpy as np

from landvote.data.prediction import Prediction
from landvote.review.models.teaching import Teaching, rank
from reviewing import THREE, at

LINE = np.array([[0.0], [1], [2], [3], [10]], np.float32)


def test_the_most_typical_film_comes_first_and_then_the_farthest():
    assert rank(LINE, []) == [3, 4, 0, 1, 2]


def test_films_far_from_those_that_are_known_come_first():
    assert rank(LINE, [4]) == [0, 3, 1, 2]
    assert rank(LINE, [0, 1, 2, 3, 4]) == []


def test_the_error_to_expect_counts_and_one_that_is_not_known_counts_as_usual():
    assert rank(LINE, [0, 4], np.array([np.nan, 9, 1, 1, np.nan]))[0] == 1
    assert rank(LINE, [0, 4], np.array([np.nan, np.nan, 1, 1, np.nan]))[0] == 3
    assert rank(LINE, [0], np.zeros(5))[0] == 4


def test_films_that_the_model_does_not_know_come_before_all():
    assert rank(LINE, [4], None, [1])[0] == 1


def test_many_films_are_ranked_once_each():
    features = np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32)
    assert sorted(rank(features, [7, 8])) == [i for i in range(300) if i not in (7, 8)]


def test_ranks_follow_what_people_do(review, client):
    (review.films.samples[2].file).write_bytes(b"broken")
    teaching = Teaching(review.films, review.store)
    teaching.start()
    until = time.monotonic() + 20

    def wait(numbers):
        while teaching.ranks().keys() != numbers:
            assert time.monotonic() < until
            time.sleep(0.02)

    wait({0, 1, 3})
    review.store.propose([Prediction("film-3.png", np.zeros((3, 2)), np.ones(3), THREE.landmarks, known=False)])
    client.edit(0, 0, tip=at(1, 2))
    wait({1, 3})
    assert teaching.order() == [3, 1, 0, 2]
    teaching.end()
