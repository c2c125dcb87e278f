"""The plausible choice: a shape model brings back landmarks that flew off; it may be of shapes that are all alike."""

import numpy as np
import pytest

from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.errors import ModelError, ShapeError
from landvote.localiser import Localiser, StageSettings
from landvote.localiser.families import VOTERS
from landvote.localiser.plausible import PlausibleSettings
from landvote.runtime.events import FilmRead
from landvote.shapes import ShapeModel
from toys import BOX_SHAPE, GLOBAL, LOCAL, Eyes, SeerSettings, box, box_sample, fitted, registered, votes_at, with_look

SHAPED = LOCAL.model_copy(update={"choice": PlausibleSettings()})


@pytest.fixture(autouse=True)
def _seers():
    with registered(VOTERS, SeerSettings):
        yield


def stray(view):
    """See all landmarks of film 20 but one, which is seen in a corner."""
    points = view.frame.to_grid(box(20)[1])
    points[1] = [5, 5]
    return votes_at(points, view.frame.size)


@pytest.mark.parametrize("local", [LOCAL, SHAPED], ids=["votes", "shape"])
def test_a_shape_model_brings_back_a_landmark_that_flew_off(tmp_path, local):
    one = with_look(fitted(tmp_path, GLOBAL, local, training=range(8)), "local", voter=Eyes(stray))
    found = one.locate(box_sample(20).open())
    error = np.linalg.norm(found.points - box(20)[1], axis=1)
    assert (error[1] > 30) if local is LOCAL else (error.max() < 3)
    assert ("shape" in found.details["looks"][-1]) == (local is SHAPED)
    one.save(tmp_path)
    assert (tmp_path / "local" / "shape.npz").exists() == (local is SHAPED)


def test_a_shape_model_of_another_scheme_is_refused(tmp_path):
    fitted(tmp_path / "work", GLOBAL, SHAPED).save(tmp_path)
    ShapeModel.fit(np.random.default_rng(0).normal(size=(9, 7, 2))).save(tmp_path / "local" / "shape.npz")
    with pytest.raises(ModelError, match=r"shape\.npz: for 7 landmarks, expected 5"):
        Localiser.load(tmp_path)


def test_shapes_that_are_all_alike_make_a_model_without_modes_that_locates(tmp_path):
    """No mode is no reason to take the localiser for one without a shape model."""

    def alike(i):
        points = BOX_SHAPE * 1.2 + [150.0 + 3 * i, 120.0]
        return Sample(f"{i}.png", lambda: Radiograph(np.full((400, 380), 9, np.uint8), f"{i}.png"),
                      box_sample(i).scheme, {"": points})  # fmt: skip

    def see(view):
        points = view.frame.to_grid(alike(20).points)
        points[1] = [5, 5]
        return votes_at(points, view.frame.size)

    one = fitted(tmp_path / "work", GLOBAL, SHAPED, training=map(alike, range(5)), validation=())
    one = with_look(
        one, "global", voter=Eyes(lambda v: votes_at(v.frame.to_grid(alike(20).points)[[0, 2]], v.frame.size))
    )
    assert one.stages[1].look.choice.model.modes_count == 0
    one.save(tmp_path)
    choice = StageSettings.model_validate(SHAPED.model_dump()).choice.load(tmp_path / "local", 5)
    for each in (one.stages[1].look.choice, choice):
        found = with_look(one, "local", voter=Eyes(see), choice=each).locate(alike(20).open())
        np.testing.assert_allclose(found.points, alike(20).points, atol=1)


def test_too_few_shapes_are_told_of_before_any_training(tmp_path):
    told = []
    with pytest.raises(ShapeError, match="1 of 1 shapes"):
        fitted(tmp_path, GLOBAL, SHAPED, training=[0], validation=(), listener=told.append)
    assert {type(event) for event in told} == {FilmRead}
