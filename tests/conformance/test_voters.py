"""One contract for every voter and every recipe: whoever votes, the rest of landvote may rely on this."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from landvote.errors import ShapeError
from landvote.forests.settings import ForestSettings
from landvote.forests.voter import ForestVoter
from landvote.frames import Augmentation, FilmPlacing, Frame, View, Views
from landvote.localiser import Localiser
from landvote.networks.settings import NetworkSettings, TrainingSettings
from landvote.networks.voter import NetworkVoter
from landvote.recipes import RECIPES, build, recipe
from landvote.sample import Radiograph, Sample
from landvote.scheme import Scheme

CORNERS = np.array([[0, 0], [14, 0], [14, 36], [40, 36], [40, 50], [0, 50]], float)  # of an L
SCHEME = Scheme.numbered(6).model_copy(update={"name": "L", "reference": (0, 4)})
STILL = Augmentation(rotation=(-5, 5), scale=0.05, shift=0.02, erase=0, mirror=False)
SIZE = (48, 48)


def film(i, lines=True):
    """Return film ``i``, a bright L somewhere on 96 x 96 pixels (or nothing but noise), and its corners."""
    rng = np.random.default_rng(i)
    frame = Frame.similarity(rng.uniform(0.9, 1.2), rng.uniform(-0.1, 0.1), (20, 25), rng.uniform(38, 58, 2), (1, 1))
    x, y = np.meshgrid(np.arange(96.0), np.arange(96.0))
    inside = frame.to_image(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(96, 96, 2)
    u, v = inside[..., 0], inside[..., 1]
    bright = lines * ((u > 0) & (v > 0) & (v < 50) & ((u < 14) | ((u < 40) & (v > 36))))
    return (40 + 150 * bright + rng.uniform(0, 20, (96, 96))).astype(np.uint8), frame.to_grid(CORNERS)


def sample(i, missing=()):
    points = film(i)[1]
    points[list(missing)] = np.nan
    return Sample(f"{i}.png", lambda: Radiograph(film(i)[0], f"{i}.png"), SCHEME, {"": points})


def network(landmarks=6):
    small = NetworkSettings(width=4, depth=2, stride=2, head_width=16, k=16, sigma=5, precision="fp32")
    return NetworkVoter(
        landmarks, small, TrainingSettings(steps=240, batch=4, rate=0.01, judge_every=120, average=0.9), "cpu"
    )


def forest(landmarks=6):
    return ForestVoter(
        landmarks, ForestSettings(trees=4, pool=60, patch=12, displacement=12, views=3, patches=6, jobs=1)
    )


VOTERS = {"network": network, "forest": forest}


def views(samples, augmentation=STILL):
    return Views.gather(samples, FilmPlacing(SIZE, 0.05, tuple(range(6))), augmentation)


def view(i, lines=True, known=False):
    pixels, points = film(i, lines)
    frame = Frame.whole((96, 96), SIZE, 0.05)
    return View.through(frame, pixels, points if known else np.full((6, 2), np.nan))


@pytest.fixture(scope="module", params=VOTERS)
def make(request):
    return VOTERS[request.param]


@pytest.fixture(scope="module")
def fitted(make, tmp_path_factory):
    voter = make()
    voter.fit(views([sample(i) for i in range(16)]), views([]), tmp_path_factory.mktemp("stage"), lambda _: None)
    return voter


def test_a_voter_fills_a_vote_map_of_the_views_grid(fitted):
    votes = fitted.vote(view(40))
    assert votes.votes.dtype == np.float32
    assert votes.votes.shape == (6, *(-(-n // votes.cell) for n in SIZE[::-1]))
    assert (votes.votes >= 0).all()
    assert (votes.votes.sum(axis=(1, 2)) > 0).all()


def test_a_voter_learns(fitted):
    errors = []
    for i in range(40, 48):
        seen = view(i)
        truth = seen.frame.to_grid(film(i)[1])
        errors.append(np.linalg.norm(fitted.vote(seen).peaks()[0] - truth, axis=1))
    assert np.median(errors) < 3  # of 48 cells


def test_a_voter_votes_the_same_twice(fitted):
    np.testing.assert_array_equal(fitted.vote(view(41)).votes, fitted.vote(view(41)).votes)


def test_the_same_seed_gives_the_same_voter(make, fitted, tmp_path):
    again = make()
    again.fit(views([sample(i) for i in range(16)]), views([]), tmp_path, lambda _: None)
    np.testing.assert_array_equal(again.vote(view(42)).votes, fitted.vote(view(42)).votes)


def test_a_voter_that_was_saved_and_loaded_votes_the_same(make, fitted, tmp_path):
    fitted.save(tmp_path)
    loaded = make()
    loaded.load(tmp_path)
    np.testing.assert_array_equal(loaded.vote(view(43)).votes, fitted.vote(view(43)).votes)


def test_missing_points_are_learned_around(make, tmp_path):
    voter = make()
    some = [sample(i, missing=[i % 6]) for i in range(12)]
    voter.fit(views(some), views([]), tmp_path, lambda _: None)
    points, spread = voter.vote(view(44)).peaks()
    assert np.isfinite(points).all()
    assert np.isfinite(spread).all()


def test_far_from_training_the_votes_say_that_they_do_not_know(fitted):
    known, unknown = (
        np.concatenate([fitted.vote(view(i, lines)).peaks()[1] for i in range(50, 56)]) for lines in (True, False)
    )
    unknown = np.where(np.isfinite(unknown), unknown, np.inf)  # no votes at all is an answer too
    assert np.median(unknown) > 1.25 * np.median(known)


# -- recipes: the same from the outside -----------------------------------------------------------------------------

NETWORK = ["network.width=4", "network.depth=2", "network.stride=2", "network.head_width=16", "network.k=16",
           "network.sigma=5", "network.precision=fp32", "training.steps=80", "training.batch=4", "training.rate=0.01",
           "training.judge_every=40", "training.average=0.9"]  # fmt: skip
FOREST = ["forest.trees=4", "forest.pool=60", "forest.patch=12", "forest.displacement=10", "forest.radius=8",
          "forest.views=3", "forest.jobs=1"]  # fmt: skip
COMMON = ["size=[48, 48]", "fit_aspect=false", "augmentation.rotation=[-5, 5]"]


def tiny(name):
    """Return the recipe made small; how it works is not changed."""
    stages = recipe(name).stages
    changes = []
    for stage in ("global", "local", "fine"):
        if stage in stages:
            changes += [f"{stage}.{c}" for c in COMMON + (FOREST if stages[stage].forest else NETWORK)]
    return recipe(name, changes)


@pytest.fixture(scope="module", params=RECIPES)
def localiser(request, tmp_path_factory):
    built = build(tiny(request.param), SCHEME, "cpu")
    folder = tmp_path_factory.mktemp("model")
    for stage in built.stages:
        (folder / stage.name).mkdir()
    films = [sample(i, missing=[3] if i == 5 else ()) for i in range(16)]
    films[7] = replace(films[7], open=lambda: Radiograph(255 - film(7)[0], "7.png"))  # somebody stored a negative
    built.fit(films, [sample(20), sample(21)], folder, lambda _: None)
    built.save(folder)
    return request.param, built, folder


def test_every_recipe_gives_all_points_and_errors_to_expect(localiser):
    _, built, _ = localiser
    found = built.locate(sample(60).open())
    assert found.points.shape == (6, 2)
    assert np.isfinite(found.points).all()
    assert (found.expected_error > 0).all()
    assert found.landmarks == SCHEME.landmarks


def test_every_recipe_finds_the_same_in_a_negative(localiser):
    _, built, _ = localiser
    for i in (60, 61):
        pixels, _ = film(i)
        plain, negative = (built.locate(Radiograph(p, "f.png")) for p in (pixels, 255 - pixels))
        np.testing.assert_allclose(negative.points, plain.points, atol=0.5)  # grey levels may differ in a rounding
        assert (plain.details["inverted"], negative.details["inverted"]) == (False, True)


def test_every_recipe_is_the_same_after_saving_and_loading(localiser):
    name, built, folder = localiser
    loaded = build(tiny(name), SCHEME, "cpu")
    loaded.load(folder)
    for pixels in (film(60)[0], film(61)[0], 255 - film(62)[0]):
        one, other = (each.locate(Radiograph(pixels, "f.png")) for each in (built, loaded))
        assert one.details == other.details
        np.testing.assert_array_equal(one.points, other.points)
        np.testing.assert_array_equal(one.expected_error, other.expected_error)


def test_every_recipe_answers_for_a_film_far_from_training(localiser):
    _, built, _ = localiser
    for pixels in (film(70, lines=False)[0], np.zeros((96, 96), np.uint8), np.full((30, 300), 9, np.uint8)):
        found = built.locate(Radiograph(pixels, "odd.png"))
        assert found.points.shape == (6, 2)
        known = np.isfinite(found.points).all(axis=1)
        assert np.isfinite(found.expected_error[known]).all()
        assert isinstance(built, Localiser)


@pytest.mark.parametrize("name", [n for n in RECIPES if any(s.shape for s in recipe(n).stages.values())])
@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([sample(0)], "1 of 1 shapes"),
        ([sample(0, missing=range(1, 6)), sample(1)], "1 of 2 shapes"),
        ([sample(i, missing=[4]) for i in range(4)], r"landmarks \[4\] are missing"),
    ],
    ids=["a single film", "one with two points", "a landmark nobody marked"],
)
def test_shapes_that_teach_nothing_are_told_of_before_any_training(name, samples, message, tmp_path):
    rows = []
    with pytest.raises(ShapeError, match=message):
        build(tiny(name), SCHEME, "cpu").fit(samples, [], tmp_path, rows.append)
    assert not rows


def test_every_recipe_expects_larger_errors_on_films_far_from_training(localiser):
    """These recipes are tiny and hardly trained; results/pipeline.md has what real models expect."""
    _, built, _ = localiser
    strange = [film(i, lines=False)[0] for i in range(70, 74)] + [np.zeros((96, 96), np.uint8)] * 4
    far = [built.locate(Radiograph(pixels, "odd.png")).expected_error.mean() for pixels in strange]
    own = [built.locate(sample(i).open()).expected_error.mean() for i in range(60, 68)]
    assert np.mean(far) > np.mean(own)


WITHOUT_SHAPE = [n for n in RECIPES if not any(s.shape for s in recipe(n).stages.values())]


@pytest.mark.parametrize("name", WITHOUT_SHAPE)
def test_one_film_is_enough_where_no_shape_is_learned(name, tmp_path):
    built = build(tiny(name), SCHEME, "cpu")
    for stage in built.stages:
        (tmp_path / stage.name).mkdir()
    built.fit([sample(0)], [], tmp_path, lambda _: None)
    found = built.locate(sample(0).open())
    away = np.linalg.norm(found.points - sample(0).points, axis=1)
    assert np.median(away) < 24  # of 96 pixels: it knows this one film, if not well
    assert np.isfinite(found.expected_error).all()
