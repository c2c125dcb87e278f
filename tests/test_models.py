"""The model folder, end to end: train on drawn figures, load, locate; and all that can be wrong with a folder."""

from __future__ import annotations

import csv
import json
import shutil

import numpy as np
import pytest

from landvote.errors import DataError, ImageError, ModelError, SettingError, SplitError
from landvote.frames import Frame
from landvote.models import divide, load_model, train_model
from landvote.processors import processors
from landvote.recipes import recipe
from landvote.sample import Radiograph, Sample
from landvote.scheme import Scheme

CORNERS = np.array([[0, 0], [14, 0], [14, 36], [40, 36], [40, 50], [0, 50]], float)  # of an L
LANDMARKS = [0, 2, 4, 5]
SCHEME = Scheme.numbered(4).model_copy(update={"name": "figure", "reference": (0, 2)})
STAGE = ["network.width=4", "network.depth=2", "network.stride=2", "network.head_width=16", "network.k=24",
         "network.sigma=5", "network.precision=fp32", "training.steps=60", "training.batch=4",
         "training.judge_every=30", "training.rate=0.01", "training.average=0.9", "fit_aspect=false",
         "augmentation.erase=0", "augmentation.rotation=[-5, 5]"]  # fmt: skip
TINY = [
    *(f"{stage}.{change}" for stage in ("global", "local") for change in STAGE),
    "global.size=[48, 48]", "local.size=[48, 48]", "validation=0.25",
]  # fmt: skip


def figure(i):
    """Return film ``i``, a bright L somewhere on 96 x 96 pixels, and its four landmarks."""
    rng = np.random.default_rng(i)
    frame = Frame.similarity(rng.uniform(0.9, 1.2), rng.uniform(-0.1, 0.1), (20, 25), rng.uniform(38, 58, 2), (1, 1))
    x, y = np.meshgrid(np.arange(96.0), np.arange(96.0))
    inside = frame.to_image(np.stack([x.ravel(), y.ravel()], axis=1)).reshape(96, 96, 2)
    u, v = inside[..., 0], inside[..., 1]
    bright = (u > 0) & (v > 0) & (v < 50) & ((u < 14) | ((u < 40) & (v > 36)))
    return (40 + 150 * bright + rng.uniform(0, 20, (96, 96))).astype(np.uint8), frame.to_grid(CORNERS[LANDMARKS])


def sample(i, split=None, scheme=SCHEME, missing=(), pointed=True):
    def open_film():
        if split == "test":
            raise AssertionError(f"test film {i} was opened")
        return Radiograph(figure(i)[0], f"{i:02}.png")

    points = figure(i)[1]
    points[list(missing)] = np.nan
    return Sample(f"{i:02}.png", open_film, scheme, {"": points} if pointed else {}, f"patient {i // 2}", split)


def tiny(*changes):
    return recipe("whdv", [*TINY, *changes])


QUICK = tuple(f"{stage}.training.{change}" for stage in ("global", "local") for change in ("steps=2", "judge_every=2"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Return a model folder, the localiser that was trained, and what it was trained on."""
    folder = tmp_path_factory.mktemp("models") / "model"
    split = divide([*(sample(i) for i in range(12)), *(sample(i, "test") for i in (90, 91))], tiny())
    return folder, train_model(split, tiny(), folder, device="cpu"), split


@pytest.fixture
def model(trained, tmp_path):
    return shutil.copytree(trained[0], tmp_path / "model")


def test_a_loaded_model_locates_as_the_one_in_memory(trained):
    folder, localiser, _ = trained
    loaded = load_model(folder, "cpu")
    for i in (50, 51):
        film = sample(i).open()
        one, other = localiser.locate(film), loaded.locate(film)
        np.testing.assert_array_equal(one.points, other.points)
        np.testing.assert_array_equal(one.expected_error, other.expected_error)


def test_it_finds_the_landmarks_of_films_it_never_saw(trained):
    localiser = trained[1]
    errors = [np.linalg.norm(localiser.locate(sample(i).open()).points - figure(i)[1], axis=1) for i in range(50, 56)]
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
    assert begun["scheme"]["landmarks"] == list("0123")
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
    with pytest.raises(ModelError, match=r"model\.json.*unfinished training can be resumed"):
        load_model(model, "cpu")


@pytest.mark.parametrize("content", ["", "[]", "{}", "{not json", '{"files": 3}'])
def test_a_broken_manifest_is_named(model, content):
    (model / "model.json").write_text(content)
    with pytest.raises(ModelError, match=r"model\.json"):
        load_model(model, "cpu")


def test_no_folder_at_all(tmp_path):
    with pytest.raises(ModelError, match=r"absent.*model\.json"):
        load_model(tmp_path / "absent", "cpu")


def retold(model, key, change):
    """Change training.json and make its hash right again."""
    import hashlib

    begun, manifest = (json.loads((model / name).read_text()) for name in ("training.json", "model.json"))
    change(begun[key])
    (model / "training.json").write_text(json.dumps(begun))
    manifest["files"]["training.json"] = hashlib.sha256((model / "training.json").read_bytes()).hexdigest()
    (model / "model.json").write_text(json.dumps(manifest))


def test_a_model_of_another_scheme_is_named(model):
    retold(model, "scheme", lambda s: s.update(Scheme.numbered(5).model_dump()))
    with pytest.raises(ModelError, match=r"network\.safetensors: not the weights|placing\.npz"):
        load_model(model, "cpu")


def test_settings_of_another_version_are_named(model):
    retold(model, "recipe", lambda r: r.update(unheard_of=1))
    with pytest.raises(ModelError, match=r"training\.json: not the settings of this version"):
        load_model(model, "cpu")


def test_nothing_is_overwritten(model, trained):
    with pytest.raises(DataError, match="exists already"):
        train_model(trained[2], tiny(), model, device="cpu")


def test_resuming_with_another_recipe_or_other_films_is_an_error(model, trained):
    split = trained[2]
    with pytest.raises(SettingError, match="begun with another recipe"):
        train_model(split, tiny("local.network.width=6"), model, device="cpu", resume=True)
    fewer = divide([sample(i) for i in range(10)], tiny())
    with pytest.raises(SettingError, match=r"films\.csv: was begun with other films"):
        train_model(fewer, tiny(), model, device="cpu", resume=True)
    load_model(model, "cpu")  # and nothing was changed


def test_a_killed_training_resumes_to_the_same_model(tmp_path):
    split, chosen = divide([sample(i) for i in range(6)], tiny()), tiny(*QUICK)

    class KilledError(Exception):
        pass

    def kill(row):
        if row["stage"] == "local" and row.get("step", 0) >= 1:
            raise KilledError

    train_model(split, chosen, tmp_path / "whole", device="cpu")
    with pytest.raises(KilledError):
        train_model(split, chosen, tmp_path / "killed", device="cpu", report=kill)
    assert not (tmp_path / "killed" / "model.json").exists()
    train_model(split, chosen, tmp_path / "killed", device="cpu", resume=True)
    whole, resumed = (json.loads((tmp_path / n / "model.json").read_text())["files"] for n in ("whole", "killed"))
    assert whole == resumed  # every file in use, by its hash


def test_resuming_what_is_no_training_does_not_send_round_in_circles(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"")
    split = divide([sample(i) for i in range(6)], tiny())
    with pytest.raises(DataError, match=r"exists already, expected another place$"):
        train_model(split, tiny(*QUICK), tmp_path, device="cpu", resume=True)


def test_resume_begins_where_nothing_was_begun(tmp_path):
    split = divide([sample(i) for i in range(6)], tiny())
    train_model(split, tiny(*QUICK), tmp_path / "model", device="cpu", resume=True)
    load_model(tmp_path / "model", "cpu")


def test_numbered_landmarks_with_holes_train_too(tmp_path):
    scheme = Scheme.numbered(4)
    samples = [sample(i, scheme=scheme, missing=[i % 4] if i % 3 else []) for i in range(8)]
    localiser = train_model(divide(samples, tiny(*QUICK)), tiny(*QUICK), tmp_path / "model", device="cpu")
    assert len(localiser.reference) >= 2
    assert load_model(tmp_path / "model", "cpu").reference == localiser.reference


def test_a_single_landmark_trains_too(tmp_path):
    one = Scheme.numbered(1)
    samples = [Sample(f"{i}.png", sample(i).open, one, {"": figure(i)[1][:1]}) for i in range(6)]
    localiser = train_model(divide(samples, tiny(*QUICK)), tiny(*QUICK), tmp_path / "model", device="cpu")
    assert localiser.locate(sample(50).open()).points.shape == (1, 2)


def test_a_film_that_cannot_be_read_stops_before_anything_is_written(tmp_path):
    def broken():
        raise ImageError("03.png: truncated")

    samples = [sample(0), sample(2), Sample("03.png", broken, SCHEME, {"": figure(3)[1]})]
    with pytest.raises(ImageError, match="truncated"):
        train_model(divide(samples, tiny("validation=0.4")), tiny(), tmp_path / "model", device="cpu")
    assert not (tmp_path / "model").exists()


def test_divide_holds_out_whole_subjects():
    split = divide([sample(i) for i in range(12)], tiny())
    assert len(split.validation) in (2, 4)
    assert {s.subject for s in split.training}.isdisjoint(s.subject for s in split.validation)
    assert len(split.training) + len(split.validation) == 12


def test_divide_uses_the_datas_own_val_films_and_no_test_film():
    samples = [sample(0, "train"), sample(2, "val"), sample(4, "test"), sample(6), sample(8, pointed=False)]
    split = divide(samples, tiny())
    assert [s.identifier for s in split.training] == ["00.png", "06.png"]
    assert [s.identifier for s in split.validation] == ["02.png"]
    assert split.without_points == ["08.png"]


def test_divide_may_hold_out_nothing():
    split = divide([sample(i) for i in range(3)], tiny("validation=0"))
    assert (len(split.training), split.validation) == (3, [])


@pytest.mark.parametrize("samples", [[], [sample(0, "test"), sample(2, "test")], [sample(0, pointed=False)],
                                     [sample(0, "val")]])  # fmt: skip
def test_nothing_to_learn_from_is_an_error(samples):
    with pytest.raises(SplitError, match="of which none has points and is to be trained on"):
        divide(samples, tiny())


def test_voters_of_another_model_are_taken_and_not_trained_again(tmp_path):
    split = divide([sample(i) for i in range(12)], tiny(*QUICK))
    train_model(split, tiny(*QUICK), tmp_path / "votes", device="cpu")
    judged = recipe("whdv-shape", [*TINY, *QUICK])
    rows = []
    train_model(split, judged, tmp_path / "shape", device="cpu", voters=tmp_path / "votes", report=rows.append)
    assert {row["progress"] for row in rows if "progress" in row} == {1.0}  # all that is told is that it is done
    for stage in ("global", "local"):
        one, other = (tmp_path / name / stage / "network.safetensors" for name in ("votes", "shape"))
        assert one.read_bytes() == other.read_bytes()
    assert (tmp_path / "shape" / "local" / "shape.npz").is_file()
