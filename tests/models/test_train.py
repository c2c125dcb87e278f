"""The model folder, end to end: train on drawn figures, load, locate; and all that can be wrong with a folder."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.datasets.folder import read_folder
from landvote.datasets.survey import Survey
from landvote.errors import DataError, ImageError, ModelError, PointsError, SettingError, SplitError, StoppedError
from landvote.films.image import read_image
from landvote.localiser import Conditions
from landvote.models import divide, load_model, model_hash, train_model
from landvote.runtime.events import (
    Ended,
    Failed,
    FilmLocated,
    FilmRead,
    ForestGrown,
    Logged,
    Note,
    StageBegun,
    StageEnded,
    StepTaken,
    Stopped,
)  # fmt: skip
from landvote.runtime.processors import processors
from landvote.runtime.stop import StopToken
from toys import ELL, dicom, ell, ell_sample, write_wide_csv
from toys import tiny as made_small

pytestmark = pytest.mark.slow

QUICK = {"steps": 2, "judge_every": 2}


def tiny(*changes, **training):
    return made_small("whdv", "validation=0.25", *changes, **training)


def train(split, chosen, folder, listener=None, **others):
    told = Conditions(device="cpu", **({} if listener is None else {"listener": listener}))
    return train_model(split, chosen, folder, told, **others).localiser


def hashes(folder):
    """Return every file in use, by its hash."""
    return json.loads((folder / "model.json").read_text())["files"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a model folder, the localiser that was trained, and what it was trained on."""
    folder = tmp_path_factory.mktemp("models") / "model"
    split = divide([*(ell_sample(i) for i in range(12)), *(ell_sample(i, "test") for i in (90, 91))], tiny())
    return folder, train(split, tiny(), folder), split


@pytest.fixture
def model(trained, tmp_path):
    return shutil.copytree(trained[0], tmp_path / "model")


def test_a_loaded_model_locates_as_the_one_in_memory(trained):
    folder, localiser, _ = trained
    loaded = load_model(folder, "cpu")
    for i in (50, 51):
        film = ell_sample(i).open()
        one, other = localiser.locate(film), loaded.locate(film)
        np.testing.assert_array_equal(one.points, other.points)
        np.testing.assert_array_equal(one.expected_error, other.expected_error)


def test_predictions_say_whether_the_model_has_seen_the_film(trained):
    folder, localiser, split = trained
    for one in (localiser, load_model(folder, "cpu")):
        assert {one.locate(s.open()).seen for s in split.training} == {"train"}
        assert {one.locate(s.open()).seen for s in split.validation} == {"val"}
        assert one.locate(ell_sample(50).open()).seen == "no"


def test_it_finds_the_landmarks_of_films_it_never_saw(trained):
    localiser = trained[1]
    errors = [np.linalg.norm(localiser.locate(ell_sample(i).open()).points - ell(i)[1], axis=1) for i in range(50, 56)]
    assert np.nanmedian(errors) < 5  # image pixels; a guess that does not look is at about 9


def test_films_csv_says_what_each_film_was_used_for(trained):
    folder, _, split = trained
    with (folder / "films.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {r["image"]: r["use"] for r in rows} == {
        **{s.identifier: "train" for s in split.training},
        **{s.identifier: "val" for s in split.validation},
    }
    assert "90.png" not in {r["image"] for r in rows}
    assert all(len(r["pixels_sha256"]) == 64 for r in rows)
    assert len({r["pixels_sha256"] for r in rows}) == len(rows)
    assert {r["subject"] for r in rows if r["use"] == "train"}.isdisjoint(
        r["subject"] for r in rows if r["use"] == "val"
    )


def test_the_model_says_what_it_rests_on(trained):
    folder = trained[0]
    begun, manifest = (json.loads((folder / name).read_text()) for name in ("training.json", "model.json"))
    assert begun["recipe"]["seed"] == 0
    assert begun["scheme"]["landmarks"] == list("012345")
    assert {"landvote", "torch", "numpy", "python"} <= set(manifest["versions"])
    assert manifest["computed_on"] == load_model(folder, "cpu").computed_on
    assert set(manifest["computed_on"]) == {"global", "local"}
    assert manifest["machine"].endswith(f", {processors()} processors")
    assert {"films.csv", "training.json", "localiser.npz", "global/network.safetensors"} <= set(manifest["files"])
    assert (folder / "local" / "log.csv").read_text().startswith("step,")


def test_the_folder_may_be_moved_and_the_checkpoints_deleted(model):
    for checkpoint in model.rglob("checkpoint.pt"):
        checkpoint.unlink()
    load_model(model.rename(model.with_name("elsewhere")), "cpu")


@pytest.mark.parametrize("name", ["films.csv", "training.json", "localiser.npz", "local/network.safetensors",
                                  "global/placing.npz"])  # fmt: skip
def test_a_missing_or_altered_file_is_named(model, name):
    content = (model / name).read_bytes()
    (model / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ModelError, match=f"{name}: altered"):
        load_model(model, "cpu")
    (model / name).unlink()
    with pytest.raises(ModelError, match=f"{name}: missing"):
        load_model(model, "cpu")


def test_an_unfinished_model_is_not_loaded(model):
    (model / "model.json").unlink()
    with pytest.raises(ModelError, match=r"model\.json: cannot be read.*expected a finished model"):
        load_model(model, "cpu")


@pytest.mark.parametrize("content", ["", "[]", "{}", "{not json", '{"files": 3}'])
def test_a_broken_manifest_is_named(model, content):
    (model / "model.json").write_text(content)
    with pytest.raises(ModelError, match=r"model\.json"):
        load_model(model, "cpu")


def test_a_hash_that_is_a_number_is_named(model):
    manifest = json.loads((model / "model.json").read_text())
    manifest["files"]["absent.npz"] = 1
    (model / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match=r"model\.json: lists no files, expected the SHA-256 of each"):
        load_model(model, "cpu")


def test_no_folder_at_all(tmp_path):
    with pytest.raises(ModelError, match=r"absent.*model\.json"):
        load_model(tmp_path / "absent", "cpu")


def retold(model, change):
    """Change localiser.json and make its hash right again."""
    written, manifest = (json.loads((model / name).read_text()) for name in ("localiser.json", "model.json"))
    change(written)
    (model / "localiser.json").write_text(json.dumps(written))
    manifest["files"]["localiser.json"] = hashlib.sha256((model / "localiser.json").read_bytes()).hexdigest()
    (model / "model.json").write_text(json.dumps(manifest))


def test_a_model_of_another_scheme_is_named(model):
    retold(model, lambda written: written["scheme"].update(Scheme.numbered(5).model_dump(mode="json")))
    with pytest.raises(ModelError, match=r"network\.safetensors: not the weights|placing\.npz"):
        load_model(model, "cpu")


def test_settings_of_another_version_are_named(model):
    retold(model, lambda written: written["stages"][0].update(unheard_of=1))
    with pytest.raises(ModelError, match=r"localiser\.json: not the settings of this version.*unheard_of"):
        load_model(model, "cpu")


def test_a_models_hash_is_that_of_all_it_rests_on(model, tmp_path):
    before = model_hash(model)
    assert model_hash(shutil.copytree(model, tmp_path / "copy")) == before
    retold(model, lambda written: written["stages"][0].update(share=2.0))
    assert model_hash(model) != before
    (model / "model.json").unlink()
    with pytest.raises(ModelError, match=r"model\.json"):
        model_hash(model)


def test_nothing_is_overwritten(model, trained):
    with pytest.raises(DataError, match="exists already"):
        train(trained[2], tiny(), model)


def test_resuming_with_another_recipe_or_other_films_is_an_error(model, trained):
    split = trained[2]
    with pytest.raises(SettingError, match="begun with another recipe"):
        train(split, tiny("local.network.width=6"), model, resume=True)
    fewer = divide([ell_sample(i) for i in range(10)], tiny())
    with pytest.raises(SettingError, match=r"films\.csv: was begun with other films"):
        train(fewer, tiny(), model, resume=True)
    moved = [replace(s, annotations={"": s.points + np.array([12, 0])}) for s in split.training]
    with pytest.raises(SettingError, match="model: was begun with other points; resume with the same, or begin anew"):
        train(replace(split, training=moved), tiny(), model, resume=True)
    load_model(model, "cpu")  # and nothing was changed


def test_a_killed_training_resumes_to_the_same_model(tmp_path):
    split, chosen = divide([ell_sample(i) for i in range(6)], tiny()), tiny(**QUICK)

    class KilledError(Exception):
        pass

    def kill(event):
        if isinstance(event, StepTaken) and event.stage == "local":
            raise KilledError

    train(split, chosen, tmp_path / "whole")
    with pytest.raises(KilledError):
        train(split, chosen, tmp_path / "killed", kill)
    assert not (tmp_path / "killed" / "model.json").exists()
    train(split, chosen, tmp_path / "killed", resume=True)
    assert hashes(tmp_path / "whole") == hashes(tmp_path / "killed")


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """Return the function that gives the hashes of a quick model that was trained without a stop."""
    folder, made = tmp_path_factory.mktemp("uninterrupted"), {}

    def of(name):
        if name not in made:
            train(*quick(name), folder / name)
            made[name] = hashes(folder / name)
        return made[name]

    return of


def quick(name):
    chosen = made_small(name, "validation=0.34", **QUICK)
    return divide([ell_sample(i) for i in range(8)], chosen), chosen


@pytest.mark.parametrize(("name", "phase"), [
    ("whdv", FilmRead("survey", 3, 6)), ("whdv", FilmRead("learning", 1, 8)),
    ("whdv", ("local", 1)), ("whdv", FilmLocated(1, 2)),
    ("rfrv", ForestGrown("global", 1, 2)), ("rfrv", ForestGrown("local", 3, 6)), ("rfrv", FilmLocated(2, 2)),
], ids=str)  # fmt: skip
def test_stopped_in_any_phase_it_resumes_to_the_same_model(tmp_path, uninterrupted, name, phase):
    """A stop that comes too late for a tree is obeyed at the next film or tree."""
    split, chosen = quick(name)
    stop = StopToken()

    def listener(event):
        if event == phase or (isinstance(event, StepTaken) and (event.stage, event.step) == phase):
            stop.stop()

    with pytest.raises(StoppedError):
        train_model(split, chosen, tmp_path / "m", Conditions(device="cpu", listener=listener, stop=stop))
    assert stop.stopped
    assert not (tmp_path / "m" / "model.json").exists()
    assert isinstance([told.event for told in Logged.read(tmp_path / "m" / "events.jsonl")][-1], Stopped)
    train(split, chosen, tmp_path / "m", resume=True)
    assert hashes(tmp_path / "m") == uninterrupted(name)
    assert isinstance([told.event for told in Logged.read(tmp_path / "m" / "events.jsonl")][-1], Ended)


def test_the_survey_is_told_of_while_films_are_decoded(tmp_path):
    split, chosen = quick("whdv")
    opened: list[int] = []
    seen = [replace(ell_sample(i), open=ell_sample(i, opened=opened).open) for i in range(8)]
    told = []

    def listener(event):
        if isinstance(event, FilmRead):
            told.append((event.purpose, event.films, len(opened)))

    train(replace(split, training=seen[:6], validation=seen[6:]), chosen, tmp_path / "m", listener)
    assert told[:8] == [("survey", 8, films) for films in range(1, 9)]  # those held out too, and before all else


def test_films_of_one_grey_are_told_of(tmp_path):
    split, chosen = quick("whdv")
    flat = replace(split.training[0], open=lambda: Radiograph(np.full((96, 96), 7, np.uint8), "00.png"))
    told = []
    train(replace(split, training=[flat, *split.training[1:]]), chosen, tmp_path / "m", told.append)
    name = split.training[0].identifier
    assert Note(f"1 films are of one grey, with nothing to learn from: {name}") in told


def test_what_fails_is_told_in_the_log_of_events(tmp_path):
    split, chosen = quick("whdv")
    with pytest.raises(SettingError, match="tpu9"):
        train_model(split, chosen, tmp_path, Conditions(device="tpu9"))
    *_, last = (told.event for told in Logged.read(tmp_path / "events.jsonl"))
    assert isinstance(last, Failed)
    assert "tpu9" in last.message


def test_a_time_limit_that_is_too_short_is_refused_before_training(tmp_path):
    split, chosen = quick("whdv")
    told = []
    with pytest.raises(SettingError, match=r"^1e-06 minutes: too few for 6 films .* expected that or more$"):
        train_model(split, chosen, tmp_path, Conditions(device="cpu", minutes=1e-6, listener=told.append))
    assert not any(isinstance(event, StepTaken) for event in told)
    assert list(tmp_path.iterdir()) == []  # nothing to go on from: the next training may begin here


@pytest.mark.parametrize("name", ["whdv", "rfrv"])
def test_a_time_limit_that_is_enough_for_all_takes_nothing_away(tmp_path, uninterrupted, name):
    split, chosen = quick(name)
    told = []
    train_model(split, chosen, tmp_path, Conditions(device="cpu", minutes=600, listener=told.append))
    assert not any(isinstance(event, Note) and "time" in event.text for event in told)
    if name == "rfrv":
        assert hashes(tmp_path) == uninterrupted(name)
    else:  # the learning rate follows the time as well, by a hair
        assert {event.step for event in told if isinstance(event, StepTaken)} == {1, 2}


def test_resuming_what_is_no_training_does_not_send_round_in_circles(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"")
    split = divide([ell_sample(i) for i in range(6)], tiny())
    with pytest.raises(DataError, match="exists already"):
        train(split, tiny(**QUICK), tmp_path, resume=True)


def test_resume_begins_where_nothing_was_begun(tmp_path):
    split = divide([ell_sample(i) for i in range(6)], tiny())
    train(split, tiny(**QUICK), tmp_path / "model", resume=True)
    load_model(tmp_path / "model", "cpu")


def test_shapes_that_are_all_alike_train_save_load_and_locate(tmp_path):
    """A shape model of these has no modes, and is a shape model all the same."""
    alike = [replace(ell_sample(0), identifier=f"{i}.png", subject=str(i)) for i in range(6)]
    chosen = made_small("whdv-shape", "validation=0.34", **QUICK)
    made = train(divide(alike, chosen), chosen, tmp_path / "model")
    loaded = load_model(tmp_path / "model", "cpu")
    for one in (made, loaded):
        assert one.stages[-1].look.choice.model.modes_count == 0
    np.testing.assert_array_equal(*(one.locate(ell_sample(0).open()).points for one in (made, loaded)))


def test_numbered_landmarks_with_holes_train_too(tmp_path):
    scheme = Scheme.numbered(6)
    samples = [ell_sample(i, scheme=scheme, missing=[i % 6] if i % 3 else []) for i in range(8)]
    localiser = train(divide(samples, tiny(**QUICK)), tiny(**QUICK), tmp_path / "model")
    assert len(localiser.stages[1].look.placing.reference) >= 2
    loaded = load_model(tmp_path / "model", "cpu")
    assert loaded.stages[1].look.placing.reference == localiser.stages[1].look.placing.reference


def test_a_single_landmark_trains_too(tmp_path):
    one = Scheme.numbered(1)
    samples = [Sample(f"{i}.png", ell_sample(i).open, one, {"": ell(i)[1][:1]}) for i in range(6)]
    localiser = train(divide(samples, tiny(**QUICK)), tiny(**QUICK), tmp_path / "model")
    assert localiser.locate(ell_sample(50).open()).points.shape == (1, 2)


def test_a_film_that_cannot_be_read_stops_before_anything_is_written(tmp_path):
    def broken():
        raise ImageError("03.png: truncated")

    samples = [ell_sample(0), ell_sample(2), Sample("03.png", broken, ELL, {"": ell(3)[1]})]
    with pytest.raises(ImageError, match="truncated"):
        train(divide(samples, tiny("validation=0.4")), tiny(), tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_divide_holds_out_whole_subjects():
    split = divide([ell_sample(i) for i in range(12)], tiny())
    assert len(split.validation) in (2, 4)
    assert {s.subject for s in split.training}.isdisjoint(s.subject for s in split.validation)
    assert len(split.training) + len(split.validation) == 12


def test_divide_keeps_films_with_the_same_pixels_together(tmp_path, draw):
    names = [f"{i}.png" for i in range(8)]
    data = draw(tmp_path / "data", names)
    for name in names[4:]:
        shutil.copy(data / "images" / "3.png", data / "images" / name)
    told = []
    split = divide(read_folder(data), tiny(), Conditions(listener=told.append, survey=Survey(tmp_path / "cache")))
    sides = [{s.identifier for s in side} for side in (split.training, split.validation)]
    assert any({*names[3:]} <= side for side in sides)
    assert told == [FilmRead("survey", done, 8) for done in range(1, 9)]


def test_divide_stops_as_asked(tmp_path, draw):
    stop = StopToken()
    stop.stop()
    with pytest.raises(StoppedError):
        divide(read_folder(draw(tmp_path / "data", ["a.png", "b.png"])), tiny(), Conditions(stop=stop))


def test_divide_uses_the_datas_own_val_films_and_no_test_film():
    samples = [
        ell_sample(0, "train"),
        ell_sample(2, "val"),
        ell_sample(4, "test"),
        ell_sample(6),
        ell_sample(8, pointed=False),
    ]
    split = divide(samples, tiny())
    assert [s.identifier for s in split.training] == ["00.png", "06.png"]
    assert [s.identifier for s in split.validation] == ["02.png"]
    assert split.without_points == ["08.png"]


def test_of_few_films_none_is_held_out_and_whole_subjects_are_left_out_in_turn():
    samples = [ell_sample(i) for i in range(12)]
    split = divide(samples, tiny("left_out='auto'"))
    assert (len(split.training), split.validation, len(split.left_out)) == (12, [], 3)
    subjects = [{s.subject for s in samples if s.identifier in part} for part in split.left_out]
    assert sum(map(len, subjects)) == len({s.subject for s in samples})
    assert [len(divide(samples, tiny(change)).left_out) for change in ("left_out=2", "left_out=0")] == [2, 0]
    own = divide([*samples, ell_sample(20, "val")], tiny("left_out=3"))  # the data's own split stands
    assert (len(own.training), len(own.validation), own.left_out) == (12, 1, [])
    none = divide(samples, tiny("left_out='auto'", "validation=0"))  # none would have been held out
    assert (len(none.training), none.validation, none.left_out) == (12, [], [])


@pytest.mark.parametrize("films", [59, 60])
def test_sixty_films_are_enough_to_hold_some_out(films):
    split = divide([ell_sample(i) for i in range(films)], tiny("left_out='auto'"))
    assert (len(split.left_out), bool(split.validation)) == ((3, False) if films < 60 else (0, True))


def test_a_training_that_leaves_films_out_is_resumed_told_of_and_leaves_no_trace(tmp_path):
    chosen = tiny("left_out=2", **QUICK)
    split = divide([ell_sample(i) for i in range(8)], chosen)

    def killed(event):
        if event == StageEnded("left out 2 of 2, global"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(split, chosen, tmp_path / "m", killed)
    other = replace(split, left_out=split.left_out[::-1])
    with pytest.raises(SettingError, match="begun with another division into parts left out in turn"):
        train(other, chosen, tmp_path / "m", resume=True)
    told = []
    fitted = train_model(split, chosen, tmp_path / "m", Conditions("cpu", listener=told.append), resume=True)
    begun = [event.stage for event in told if isinstance(event, StageBegun)]
    assert begun == ["left out 2 of 2, global", "left out 2 of 2, local", "global", "local"]
    assert (len(fitted.held_out), fitted.left_out) == (8, 2)
    assert not list((tmp_path / "m").glob("left-out*"))
    assert [stage.stage for stage in fitted.learned] == ["global", "local"]
    again = train_model(split, chosen, tmp_path / "m", Conditions("cpu"), resume=True)
    assert (len(again.held_out), again.left_out) == (8, 2)
    whole = train(split, chosen, tmp_path / "other")
    film = ell_sample(30).open()
    np.testing.assert_allclose(fitted.localiser.locate(film).radii, whole.locate(film).radii)


def test_several_processes_leave_no_films_out(monkeypatch, tmp_path):
    monkeypatch.setenv("WORLD_SIZE", "2")
    samples = [ell_sample(i) for i in range(8)]
    assert divide(samples, tiny("left_out='auto'")).validation
    with pytest.raises(SettingError, match="by 2 processes, expected left_out = 0, or one process"):
        train(divide(samples, tiny("left_out=2")), tiny("left_out=2"), tmp_path / "m")


def test_divide_names_films_whose_points_lie_in_one_place():
    samples = [ell_sample(i) for i in range(6)]
    samples[2] = replace(samples[2], annotations={"": np.zeros((6, 2))})
    split = divide(samples, tiny())
    assert split.collapsed == ["02.png"]
    assert len(split.training) + len(split.validation) == 5


def test_divide_names_films_that_cannot_be_read_and_leaves_them_out(tmp_path, draw):
    data = draw(tmp_path / "data", ["a.png", "b.png", "c.png"])
    (data / "images" / "b.png").write_bytes(b"broken")
    under = Conditions(survey=Survey(tmp_path / "cache"))
    for changes in ("validation=0", "validation=0.4"):
        split = divide(read_folder(data), tiny(changes), under)
        assert sorted(s.identifier for s in (*split.training, *split.validation)) == ["a.png", "c.png"]
        (message,) = split.unreadable
        assert f"{data / 'images' / 'b.png'}: not an image" in message
    (data / "split.csv").write_text("image,split\na,test\nb,train\nc,test\n")
    with pytest.raises(SplitError, match=r"of which none has points and is to be trained on; .*b\.png: not an image"):
        divide(read_folder(data), tiny(), under)


def test_divide_refuses_points_that_are_no_pixels(tmp_path, draw):
    data = draw(tmp_path / "data", ["a.png", "b.png"])
    write_wide_csv(data / "landmarks.csv", [(f"{n}.png", None, np.array([[0.1, 0.9], [0.5, 0.4]])) for n in "ab"])
    with pytest.raises(PointsError, match=r"2 films have all points between 0\.1 and 0\.9, as if they were shares"):
        divide(read_folder(data), tiny("validation=0"), Conditions(survey=Survey(tmp_path / "cache")))


def test_divide_refuses_films_of_another_size_than_the_points_say(tmp_path, draw):
    samples = read_folder(draw(tmp_path / "data", ["a.png", "b.png"]))
    width, height = samples[0].open().size
    under = Conditions(survey=Survey(tmp_path / "cache"))
    for stated, words in (((width + 1, height), "have another size"), ((height, width), "set on the unturned picture")):
        wrong = [replace(samples[0], stated_size=stated), samples[1]]
        with pytest.raises(PointsError, match=f"1 films .*{words}.*: a.png"):
            divide(wrong, tiny("validation=0"), under)


def test_divide_refuses_a_split_with_one_picture_on_both_sides(tmp_path, draw):
    data = draw(tmp_path / "data", ["a.png", "b.png", "c.png"])
    shutil.copy(data / "images" / "a.png", data / "images" / "c.png")
    (data / "split.csv").write_text("image,split\na,train\nb,train\nc,val\n")
    under = Conditions(survey=Survey(tmp_path / "cache"))
    with pytest.raises(SplitError, match=r"a\.png in train and c\.png in val are the same picture, expected in one"):
        divide(read_folder(data), tiny(), under)
    (data / "split.csv").write_text("image,split\na,train\nb,val\nc,train\n")
    assert len(divide(read_folder(data), tiny(), under).validation) == 1


def test_divide_refuses_a_split_with_one_patient_on_both_sides(tmp_path, draw):
    data = draw(tmp_path / "data", [f"{name}.png" for name in "abcdef"])
    of_patients(data, a="x", c="x", d="y")
    (data / "split.csv").write_text("image,split\na,train\nb,train\nc,val\n")
    under = Conditions(survey=Survey(tmp_path / "cache"))
    with pytest.raises(
        SplitError, match=r"a\.dcm in train and c\.dcm in val are of one patient by their files, expected"
    ):
        divide(read_folder(data), tiny(), under)
    (data / "subjects.csv").write_text("image,subject\n" + "".join(f"{name},of {name}\n" for name in "abcdef"))
    assert len(divide(read_folder(data), tiny(), under).validation) == 1


def test_a_number_that_most_films_have_is_told_of(tmp_path, draw):
    """An anonymiser wrote it."""
    data = draw(tmp_path / "data", [f"{name}.png" for name in "abcd"])
    of_patients(data, a="x", b="x", c="x")
    (data / "split.csv").write_text("image,split\na,train\nb,train\nc,val\n")
    told = []
    divide(read_folder(data), tiny(), Conditions(survey=Survey(tmp_path / "cache"), listener=told.append))
    assert Note("3 of 4 films have one patient's number, which tells no patients apart; name subjects") in told


def of_patients(data, **numbers):
    """Replace films by DICOM files of patients, each film of the one given by its name."""
    for name, number in numbers.items():
        film = data / "images" / f"{name}.png"
        made = dicom(read_image(film).pixels, PatientID=number)
        made.save_as(film.with_suffix(".dcm"), enforce_file_format=True)
        film.unlink()
        points = data / "landmarks.csv"
        points.write_text(points.read_text().replace(film.name, f"{name}.dcm"))


def test_divide_may_hold_out_nothing():
    split = divide([ell_sample(i) for i in range(3)], tiny("validation=0"))
    assert (len(split.training), split.validation) == (3, [])


@pytest.mark.parametrize("samples", [[], [ell_sample(0, "test"), ell_sample(2, "test")], [ell_sample(0, pointed=False)],
                                     [ell_sample(0, "val")]])  # fmt: skip
def test_nothing_to_learn_from_is_an_error(samples):
    with pytest.raises(SplitError, match="of which none has points and is to be trained on"):
        divide(samples, tiny())


def test_voters_of_another_model_are_taken_and_not_trained_again(tmp_path):
    split = divide([ell_sample(i) for i in range(12)], tiny(**QUICK))
    train(split, tiny(**QUICK), tmp_path / "votes", keep_checkpoints=True)
    told = []
    judged = made_small("whdv-shape", "validation=0.25", **QUICK)
    train(split, judged, tmp_path / "shape", told.append, voters=tmp_path / "votes")
    steps = [event for event in told if isinstance(event, StepTaken)]
    assert {event.progress for event in steps} == {1.0}  # all that is told is that it is done
    for stage in ("global", "local"):
        one, other = (tmp_path / name / stage / "network.safetensors" for name in ("votes", "shape"))
        assert one.read_bytes() == other.read_bytes()
    assert (tmp_path / "shape" / "local" / "shape.npz").is_file()
