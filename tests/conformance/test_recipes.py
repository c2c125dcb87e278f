"""One contract for every recipe: trained on few small films, whatever it is made of, it does what all do."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from landvote.data.radiograph import Radiograph
from landvote.data.scheme import Scheme
from landvote.errors import ShapeError
from landvote.localiser import Localiser, fit_localiser
from landvote.recipes import Recipe, recipe, shipped
from toys import ELL, ell, ell_sample, tiny

pytestmark = pytest.mark.slow

SHAPED = [name for name in shipped() if any(s.choice.needs_all for s in tiny(name).stages_for(ELL))]
FREE = [name for name in shipped() if name not in SHAPED]


def fit(name, samples, held_out, folder, **conditions):
    return fit_localiser(ELL, tiny(name).stages_for(ELL), samples, held_out, folder, **conditions).localiser


@pytest.fixture(scope="module", params=shipped())
def localiser(request, tmp_path_factory):
    films = [ell_sample(i, missing=[3] if i == 5 else ()) for i in range(16)]
    films[7] = replace(films[7], open=lambda: Radiograph(255 - ell(7)[0], "07.png"))  # it was stored as a negative
    folder = tmp_path_factory.mktemp("model")
    made = fit(request.param, films, [ell_sample(20 + 2 * i) for i in range(12)], folder)
    made.save(folder)
    return made, folder


def test_recipes_of_both_kinds_are_shipped():
    assert {"ho", "hdv", "whdv", "whdv-shape", "rfrv", "rfrv-clm", "both", "both-shape", "paper"} <= set(shipped())
    assert {"whdv-shape", "rfrv-clm", "both", "both-shape"} <= set(SHAPED)
    assert {"whdv", "rfrv", "paper"} <= set(FREE)


@pytest.mark.parametrize("name", shipped())
def test_a_recipe_survives_json(name):
    chosen = tiny(name)
    assert Recipe.model_validate_json(chosen.model_dump_json()) == chosen


@pytest.mark.parametrize("name", shipped())
@pytest.mark.parametrize("scheme", [Scheme.numbered(1), ELL, Scheme.named("femur"), Scheme.named("spine")],
                         ids=["one landmark", "plain", "femur", "row"])  # fmt: skip
def test_every_recipe_finds_all_landmarks_of_any_scheme(name, scheme):
    stages = recipe(name, scheme=scheme).stages_for(scheme)
    if stages[-1].placing.kind in {"outline", "span"}:  # a finer look at what all were found by, or which is which
        stages = stages[:-1]
    first, *_, last = [*stages, stages[-1]]
    assert first.placing.kind == "film"  # nothing is known yet
    if scheme.row and name in {"ho", "hdv", "whdv", "whdv-shape", "both", "both-shape"}:
        assert [s.name for s in stages] == ["global", "parts"]
        assert (last.placing.kind, last.search.kind) == ("row", "row")
        assert first.placing.finds_all
    elif len(scheme) > 1:
        assert last.placing.finds_all
        assert "parts" not in [s.name for s in stages]


def test_parts_that_repeat_without_an_order_are_looked_at_each_by_itself():
    hips = Scheme.numbered(6).model_copy(update={"repeats": ((0, 1, 2), (3, 4, 5))})
    for name in ("ho", "hdv", "whdv", "whdv-shape", "both", "both-shape"):
        stages = recipe(name, scheme=hips).stages_for(hips)
        assert [s.name for s in stages] == ["global", "local", *["fine"] * (name in ("both", "both-shape")), "parts"]
        assert (stages[-1].placing.kind, stages[-1].search.kind) == ("repeats", "poses")


def test_every_recipe_gives_all_points_and_errors_to_expect(localiser):
    made, _ = localiser
    found = made.locate(ell_sample(60).open())
    assert found.points.shape == (6, 2)
    assert np.isfinite(found.points).all()
    assert (found.expected_error > 0).all()
    assert found.landmarks == ELL.landmarks


def test_every_recipe_finds_the_same_in_a_negative(localiser):
    made, _ = localiser
    for i in (60, 61):
        pixels, _ = ell(i)
        plain, negative = (made.locate(Radiograph(p, "f.png")) for p in (pixels, 255 - pixels))
        np.testing.assert_allclose(negative.points, plain.points, atol=0.5)  # grey levels may differ in a rounding
        assert (plain.film.inverted, negative.film.inverted) == (False, True)


def test_every_recipe_is_the_same_after_saving_and_loading(localiser):
    made, folder = localiser
    loaded = Localiser.load(folder, "cpu")
    for pixels in (ell(60)[0], ell(61)[0], 255 - ell(62)[0]):
        one, other = (each.locate(Radiograph(pixels, "f.png")) for each in (made, loaded))
        assert one.details == other.details
        np.testing.assert_array_equal(one.points, other.points)
        np.testing.assert_array_equal(one.expected_error, other.expected_error)


def test_locating_changes_no_film(localiser):
    made, _ = localiser
    pixels = 255 - ell(63)[0]
    before = pixels.copy()
    made.locate(Radiograph(pixels, "f.png"))
    np.testing.assert_array_equal(pixels, before)


def test_every_recipe_answers_for_a_film_far_from_training(localiser):
    made, _ = localiser
    for pixels in (ell(70, lines=False)[0], np.zeros((96, 96), np.uint8), np.full((30, 300), 9, np.uint8)):
        found = made.locate(Radiograph(pixels, "odd.png"))
        assert found.points.shape == (6, 2)
        known = np.isfinite(found.points).all(axis=1)
        assert np.isfinite(found.expected_error[known]).all()
        assert np.isnan(found.expected_error[~known]).all()


def test_every_recipe_knows_films_like_those_of_training_from_others(localiser):
    """These recipes are tiny and hardly trained; results/errors.md has what real models know."""
    made, _ = localiser
    if made.locate(ell_sample(60).open()).expected_film_error > 6:
        pytest.skip("it finds nothing yet on films of any kind")
    strange = [np.zeros((96, 96), np.uint8), np.random.default_rng(0).integers(0, 255, (96, 96)).astype(np.uint8)]
    assert [made.locate(Radiograph(pixels, "odd.png")).known for pixels in strange] == [False, False]
    assert [made.locate(ell_sample(i).open()).known for i in range(60, 64)] == [True] * 4


@pytest.mark.parametrize("name", SHAPED)
@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([ell_sample(0)], "1 of 1 shapes"),
        ([ell_sample(0, missing=range(1, 6)), ell_sample(1)], "1 of 2 shapes"),
        ([ell_sample(i, missing=[3]) for i in range(4)], r"landmarks \[3\] are missing"),
    ],
    ids=["a single film", "one with two points", "a landmark that is marked nowhere"],
)
def test_shapes_that_teach_nothing_are_told_of_before_any_training(name, samples, message, tmp_path):
    with pytest.raises(ShapeError, match=message):
        fit(name, samples, [], tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", FREE)
def test_one_film_is_enough_where_no_shape_is_learned(name, tmp_path):
    made = fit(name, [ell_sample(0)], [], tmp_path)
    found = made.locate(ell_sample(0).open())
    away = np.linalg.norm(found.points - ell(0)[1], axis=1)
    assert np.median(away) < 24  # of 96 pixels: it knows this one film, if not well
    assert np.isnan(found.expected_error).all()  # no film tells how well
    assert found.known is None
