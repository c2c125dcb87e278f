"""Points that cannot be meant are named by film; points that can be are not."""

import numpy as np
import pytest

from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.datasets.plausible import annotators_apart, misplaced, resized

SHAPE = np.array([[0.2, 0.1], [0.8, 0.2], [0.7, 0.95], [0.3, 0.9], [0.4, 0.5]])
SIZE = (400, 800)


def samples_of(*shapes):
    rng = np.random.default_rng(0)
    made = [shape + rng.normal(0, 0.004, shape.shape) * np.abs(shape).max() for shape in shapes]
    return [sample(f"{i}.png", {"": points}) for i, points in enumerate(made)]


def sample(name, annotations):
    film = Radiograph(np.zeros((9, 9), np.uint8), name)
    return Sample(name, lambda: film, Scheme.numbered(len(next(iter(annotations.values())))), annotations)


def found(samples, size=SIZE):
    return misplaced(samples, {s.identifier: size for s in samples})


PIXELS = SHAPE * SIZE


class TestAnnotatorsApart:
    @pytest.mark.parametrize(("shift", "refused"), [(20, False), (100, False), (200, True)])
    def test_by_the_extent_of_the_shape(self, shift, refused):
        errors = annotators_apart({"a.png": {"anna": PIXELS, "ben": PIXELS + np.array([shift, 0])}})
        extent = np.linalg.norm(np.ptp(PIXELS, axis=0))
        assert bool(errors) == refused == (shift > extent / 4)
        if refused:
            text = str(errors[0])
            assert text.startswith("a.png: annotators 'anna' and 'ben' are 200 pixels apart")
            assert f"at most {extent / 4:.4g}" in text

    def test_over_the_landmarks_that_both_give(self):
        other = PIXELS + np.array([300, 0])
        other[1:] = np.nan
        assert not annotators_apart({"a.png": {"anna": PIXELS, "ben": other}})
        other[1] = PIXELS[1] + np.array([300, 0])
        assert annotators_apart({"a.png": {"anna": PIXELS, "ben": other}})

    def test_clicks_on_a_small_shape_may_differ_by_pixels(self):
        assert not annotators_apart({"a.png": {"anna": SHAPE * 4, "ben": SHAPE * 4 + 3}})


class TestUnits:
    @pytest.mark.parametrize(("factor", "words"), [(1, "shares of the film"), (100, "per cent")])
    @pytest.mark.parametrize("centre", [0, 0.5, 1])
    def test_are_named_with_the_films(self, factor, words, centre):
        (text,) = found(samples_of(SHAPE * factor - centre * factor / 100, SHAPE * factor))
        assert words in text
        assert text.startswith("2 films")
        assert text.endswith("0.png, 1.png")

    def test_pixels_are_fine(self):
        assert not found(samples_of(PIXELS, PIXELS * 0.9))
        assert not found(samples_of(SHAPE * 100, PIXELS))  # one film has its points in a corner
        assert not found(samples_of(SHAPE * 100), size=(120, 130))

    def test_nothing_is_said_of_nothing(self):
        assert not found([])
        assert not misplaced(samples_of(SHAPE), {})  # a film that cannot be read


class TestSwapped:
    def test_on_all_films(self):
        (text,) = found(samples_of(*[PIXELS[:, ::-1]] * 3))
        assert text == "3 films have points that fit only if x and y are swapped, expected x first: 0.png, 1.png, 2.png"

    def test_on_one_film_of_many(self):
        (text,) = found(samples_of(PIXELS, PIXELS, PIXELS[:, ::-1], PIXELS))
        assert text.endswith("expected x first: 2.png")

    def test_a_landmark_beyond_the_edge_is_not_swapped(self):
        beyond = PIXELS * [1, 0.45]
        beyond[1, 0] = 440  # fits a film of 400 x 800 only if swapped
        assert not found(samples_of(PIXELS, PIXELS * [1, 0.45], beyond, PIXELS))
        a_little = PIXELS * [1, 0.45]
        a_little[1, 0] = 405
        assert not found(samples_of(a_little))


def test_films_of_another_size_are_named_and_those_that_were_turned_are_told_apart():
    stated = {"a.png": (40, 30), "b.png": (40, 30), "c.png": (40, 30), "d.png": None}
    turned, other = resized(stated, {"a.png": (40, 30), "b.png": (30, 40), "c.png": (80, 60), "d.png": (9, 9)})
    assert turned.endswith("their points were set on the unturned picture: b.png (30 x 40, not 40 x 30)")
    assert other == "1 films have another size than the file of their points says: c.png (80 x 60, not 40 x 30)"
    assert not resized(stated, {})
