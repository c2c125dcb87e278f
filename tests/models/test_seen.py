"""Which films a model has seen: as its folder tells, and as predictions are marked by it afterwards."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from landvote.data.film import Film, Source
from landvote.data.prediction import Prediction
from landvote.datasets.folder import read_folder
from landvote.errors import ModelError, SettingError
from landvote.models import model_hash
from landvote.models.films import FilmRow, seen_films, write_films
from landvote.models.seen import mark_seen
from landvote.runtime.privacy import keyed_hash


def model_of(folder, rows):
    """Make what a model folder tells of its films."""
    write_films(folder / "films.csv", rows)
    manifest = {"format": 2, "files": {"films.csv": ""}, "films": {}, "versions": {}, "held_out_error_px": []}
    (folder / "model.json").write_text(json.dumps(manifest))
    return folder


@pytest.fixture
def samples(tmp_path, draw):
    data = draw(tmp_path / "data", [f"{i}.png" for i in range(5)])
    (data / "subjects.csv").write_text("image,subject\n0,ann\n1,bob\n2,ann\n3,cy\n4,di\n")
    return read_folder(data)


@pytest.fixture
def model(samples, tmp_path):
    """A model that learned from 0.png and was judged by 1.png."""
    uses = zip(samples, ("train", "val"), strict=False)
    return model_of(tmp_path / "model", [FilmRow.of(s, use, s.open().film()) for s, use in uses])


def predicted(sample, film=None, **told):
    return Prediction(sample.identifier, np.zeros((1, 2)), np.zeros(1), ("tip",), film or sample.open().film(), **told)


def test_predictions_are_marked_by_pixels_and_subject(samples, model):
    found = [predicted(s) for s in samples]
    assert [p.seen for p in mark_seen(found, samples, model)] == ["train", "val", "patient", "no", "no"]
    assert [p.seen for p in found] == [""] * 5


def test_films_of_predictions_that_say_nothing_are_read(samples, model):
    found = [predicted(s, Film()) for s in samples]
    assert [p.seen for p in mark_seen(found, samples, model)] == ["train", "val", "patient", "no", "no"]


def test_what_is_marked_already_is_not_forgotten(samples, model):
    """The key of this machine may be another than that of the machine that located the film."""
    found = [predicted(s, seen="patient") for s in samples]
    assert [p.seen for p in mark_seen(found, samples, model)] == ["train", "val", "patient", "patient", "patient"]


def test_a_prediction_without_a_sample_stays_as_it_is(samples, model):
    found = predicted(samples[0])
    assert mark_seen([found], samples[1:], model) == [found]


def test_films_without_a_subject_are_not_told_by_their_names(samples, tmp_path):
    """Every folder may have a film 0.png."""
    other = replace(samples[0], subject="0.png")
    film = replace(samples[4].open().film(), pixels_sha256="another")
    model = model_of(tmp_path / "m", [FilmRow.of(other, "train", film)])
    assert mark_seen([predicted(other)], [other], model)[0].seen == "no"


def test_the_model_has_to_be_that_of_the_predictions(samples, model, tmp_path):
    mark_seen([predicted(samples[3], model=model_hash(model))], samples, model)
    with pytest.raises(SettingError, match=r"3\.png was located by abababababab\.\.\., expected the model of the pred"):
        mark_seen([predicted(samples[3], model="ab" * 32)], samples, model)
    with pytest.raises(ModelError, match=r"model\.json"):
        mark_seen([], samples, tmp_path)


def test_a_patient_of_several_subjects_is_none(samples, tmp_path):
    """An anonymiser wrote one number into all files; subjects.csv knows better."""
    film = Film(pixels_sha256="aa", source=Source(patient="x"))
    rows = [FilmRow.of(s, "train", film) for s in samples]
    assert seen_films(model_of(tmp_path / "several", rows)).patients == set()
    assert seen_films(model_of(tmp_path / "one", [rows[0], rows[2]])).patients == {"x"}
    assert seen_films(tmp_path / "one").subjects == {keyed_hash("ann")}


def test_a_film_that_was_learned_from_and_judged_by_was_learned_from(samples, tmp_path):
    rows = [FilmRow.of(samples[0], use, Film(pixels_sha256="aa")) for use in ("train", "val")]
    for i, order in enumerate((rows, rows[::-1])):
        assert seen_films(model_of(tmp_path / str(i), order)).pixels == {"aa": "train"}
