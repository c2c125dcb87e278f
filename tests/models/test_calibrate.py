"""Calibrating anew: the errors of a model follow those of other films, all else stays."""

import numpy as np
import pytest

from landvote.errors import ExistsError, SettingError
from landvote.localiser import Conditions
from landvote.models import calibrate_model, divide, load_model, model_hash, read_manifest, train_model
from landvote.models.films import read_films
from toys import ell_sample, tiny


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "model"
    chosen = tiny("rfrv", "validation=0.3")
    train_model(divide([ell_sample(i) for i in range(12)], chosen), chosen, folder, Conditions(device="cpu"))
    return folder


def elsewhere(i, away=5.0):
    """Return a film whose annotator marks all points a few pixels to the right."""
    sample = ell_sample(i)
    sample.annotations.update({name: points + np.array([away, 0]) for name, points in sample.annotations.items()})
    return sample


def test_errors_to_expect_are_those_made_on_the_new_films(model, tmp_path):
    before = {file: file.read_bytes() for file in model.rglob("*") if file.is_file()}
    samples = [elsewhere(i) for i in range(40, 64, 2)]
    fitted = calibrate_model(model, samples, tmp_path / "new", Conditions(device="cpu"))
    film = ell_sample(80).open()
    old, new = load_model(model, "cpu").locate(film), fitted.localiser.locate(film)
    np.testing.assert_array_equal(new.points, old.points)
    assert new.expected_film_error > old.expected_film_error + 2
    assert new.expected_film_error == pytest.approx(np.mean(fitted.held_out), rel=0.3)
    assert len(fitted.held_out) == 12
    assert {file: file.read_bytes() for file in model.rglob("*") if file.is_file()} == before
    manifest = read_manifest(tmp_path / "new")
    assert (manifest["parent"], manifest["calibrated_on"]) == (model_hash(model), 12)
    assert new.model == model_hash(tmp_path / "new") != model_hash(model)
    uses = {row.image: row.use for row in read_films(tmp_path / "new")}
    assert {samples[0].identifier, *(row.image for row in read_films(model))} <= set(uses)
    assert uses[samples[0].identifier] == "val"
    assert [p.name for p in tmp_path.iterdir()] == ["new"]


def test_films_learned_from_are_refused(model, tmp_path):
    learned = next(row.image for row in read_films(model) if row.use == "train")
    samples = [elsewhere(40), *(ell_sample(i) for i in range(12) if ell_sample(i).identifier == learned)]
    with pytest.raises(SettingError, match=f"{learned}: the model learned from it"):
        calibrate_model(model, samples, tmp_path / "new", Conditions(device="cpu"))
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_calibrated_is_told_of(model, tmp_path):
    with pytest.raises(ExistsError, match="exists already"):
        calibrate_model(model, [elsewhere(40)], model)
    bare = ell_sample(40)
    bare.annotations.clear()
    with pytest.raises(SettingError, match="1 films to calibrate on, of which none has points"):
        calibrate_model(model, [bare], tmp_path / "new")
