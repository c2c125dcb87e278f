"""Conformal quantiles over subjects."""

import numpy as np

from landvote.uncertainty.conformal import conformal


def test_each_subject_weighs_the_same_however_many_films_it_has():
    scores = np.array([[1.0, 1, 1, 1], [1, 1, 1, 1], [5, np.nan, np.nan, np.nan], [9, 9, 9, 9]])
    subject = np.array([0, 0, 1, 2])
    assert [conformal(scores, subject, level) for level in (0.2, 0.25, 0.5, 0.75)] == [1, 1, 5, 9]
    assert np.isnan(conformal(scores, subject, 0.76))


def test_a_new_subject_is_held_as_often_as_was_asked():
    rng = np.random.default_rng(0)
    held = []
    for _ in range(400):
        subjects = rng.normal(size=(10, 1)) + 0.3 * rng.normal(size=(10, 20))  # landmarks of a film go together
        held.append((subjects[9] <= conformal(subjects[:9], np.arange(9), 0.8)).mean())
    assert 0.78 < np.mean(held) < 0.92
