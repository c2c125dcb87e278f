"""The localiser: stages from coarse to fine, with voters that see the truth, so that only the localiser is tested."""

import json
import shutil
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from landvote.data.film import Spacing
from landvote.data.scheme import Scheme
from landvote.errors import ModelError
from landvote.localiser import Localiser, StageSettings
from landvote.localiser.families import VOTERS
from toys import BOX, GLOBAL, LOCAL, SeerSettings, box, box_sample, fitted, registered, voter_of

PAIRS = Scheme(name="pairs", landmarks=tuple("abcd"), file_points=5, columns=(0, 1, 2, 3), reference=(0, 2),
               repeats=((0, 1), (3, 2)))  # fmt: skip
ALL = GLOBAL.model_copy(update={"placing": GLOBAL.placing.model_copy(update={"find": "all"})})


def parts(**row):
    """Return the stage that looks at parts; as those of a row, or each by itself."""
    kind = "row" if row.get("row") else "repeats"
    search = {"kind": "row" if row.get("row") else "poses"}
    return StageSettings(
        name="parts", placing={"kind": kind, "size": (64, 64)}, voter=SeerSettings(), search=search
    )  # fmt: skip


@pytest.fixture(autouse=True)
def _seers():
    with registered(VOTERS, SeerSettings):
        yield


def test_points_come_back_in_image_coordinates(tmp_path):
    one = fitted(tmp_path)
    for i in (20, 21):
        size, truth = box(i)
        prediction = one.locate(box_sample(i).open())
        np.testing.assert_allclose(prediction.points, truth, atol=0.3)
        assert prediction.landmarks == BOX.landmarks
        assert prediction.identifier == f"{i}.png"
        assert prediction.film.size == size
        assert prediction.film.spacing == Spacing(0.2, 0.2, "test")
        assert prediction.film.pixels_sha256 == box_sample(i).open().pixel_hash()
        assert (prediction.scheme, prediction.scheme_sha256) == (BOX.name, BOX.sha256())


def test_the_global_stage_finds_the_reference_points_and_the_local_one_all_in_two_rounds(tmp_path):
    one = fitted(tmp_path)
    coarse, fine = (voter_of(one, name) for name in ("global", "local"))
    assert (coarse.targets, fine.targets) == (((0, 2),), ((0, 1, 2, 3, 4),))
    coarse.looked.clear()
    fine.looked.clear()
    one.locate(box_sample(30).open())
    assert (len(coarse.looked), len(fine.looked)) == (1, 2)
    whole, patch = coarse.looked[0].frame, fine.looked[0].frame
    size, truth = box(30)
    corners = whole.to_grid(np.array([[0, 0], size], float))
    assert ((corners > 0) & (corners < np.array(whole.size))).all()
    on_patch = patch.to_grid(truth)
    assert ((on_patch > 0) & (on_patch < np.array(patch.size) - 1)).all()


def test_parts_of_a_row_are_looked_at_one_by_one(tmp_path):
    scheme = PAIRS.model_copy(update={"order": "down"})
    row = parts(row=True)
    one = fitted(tmp_path, ALL, row, scheme=scheme)
    assert one.stages[1].look.placing.targets == scheme.repeats
    found = one.locate(box_sample(30, scheme=scheme).open())
    np.testing.assert_allclose(found.points, box(30)[1][:4], atol=0.3)
    *looks, told = found.details["looks"]
    assert [each["stage"] for each in looks] == ["global", "parts", "parts"]  # the last look at each
    assert (told["stage"], told["shifted"]) == ("parts", 0)
    assert {len(view.points) for view in voter_of(one, "parts").looked} == {2}


def test_two_hips_are_no_spine(tmp_path):
    """Parts that repeat and have no order: each is found where it is, none is tracked, shifted or sorted."""
    one = fitted(tmp_path, ALL, parts(), scheme=PAIRS)
    voter_of(one, "parts").looked.clear()
    upside_down = box(30)[1][[2, 1, 0, 3]]  # whatever lies above what
    np.testing.assert_array_equal(PAIRS.sorted(upside_down), upside_down)
    found = one.locate(box_sample(30, scheme=PAIRS).open())
    np.testing.assert_allclose(found.points, box(30)[1][:4], atol=0.3)
    assert [look["stage"] for look in found.details["looks"]] == ["global", "parts", "parts"]
    assert not any("shifted" in look for look in found.details["looks"])
    assert len(voter_of(one, "parts").looked) == len(PAIRS.repeats)  # one look at each


def test_a_localiser_cannot_be_changed(tmp_path):
    one = fitted(tmp_path)
    for thing, name in ((one, "stages"), (one.stages[0], "look"), (one.stages[0].look, "voter")):
        with pytest.raises(FrozenInstanceError):
            setattr(thing, name, None)


@pytest.mark.parametrize("stages", [(), (ALL, parts()), (GLOBAL, LOCAL.model_copy(update={
    "choice": StageSettings(name="x", placing=LOCAL.placing, voter=SeerSettings(), choice={"kind": "shape"}).choice,
}))], ids=["peaks", "parts", "shape"])  # fmt: skip
def test_saved_and_loaded_it_locates_the_same(tmp_path, stages):
    scheme = PAIRS if len(stages) and stages[1].name == "parts" else Scheme.numbered(5)
    one = fitted(tmp_path / "work", *stages, scheme=scheme)
    files = one.save(tmp_path / "model")
    assert all(file.is_file() for file in files)
    assert {p for p in (tmp_path / "model").rglob("*") if p.is_file()} == set(files)
    other = Localiser.load(tmp_path / "model", "cpu")
    a, b = one.locate(box_sample(30).open()), other.locate(box_sample(30).open())
    np.testing.assert_array_equal(a.points, b.points)
    np.testing.assert_array_equal(a.expected_error, b.expected_error)
    assert a.details == b.details
    assert other.scheme == one.scheme
    assert [s.settings for s in other.stages] == [s.settings for s in one.stages]
    np.testing.assert_array_equal(a.radii, b.radii)
    np.testing.assert_array_equal(a.covariance, b.covariance)
    assert np.isfinite(a.expected_error).all()
    again = other.save(tmp_path / "again")
    for file in again:
        assert file.read_bytes() == (tmp_path / "model" / file.relative_to(tmp_path / "again")).read_bytes()


@pytest.mark.parametrize(
    "name", ["localiser.json", "localiser.npz", "local/placing.npz", "errors/patches.npz", "errors/films.npz"]
)
@pytest.mark.parametrize("spoil", ["missing", "empty", "text", "cut", "other"])
def test_a_file_that_is_missing_or_broken_is_named(tmp_path, name, spoil):
    fitted(tmp_path / "work").save(tmp_path)
    file = tmp_path / name
    content = file.read_bytes()
    file.unlink()
    if spoil == "other" and file.suffix == ".npz":
        np.savez(file, something=np.zeros(3))
    elif spoil != "missing":
        file.write_bytes({"empty": b"", "text": b"hello", "cut": content[: len(content) // 2], "other": b"[]"}[spoil])
    with pytest.raises(ModelError, match=name):
        Localiser.load(tmp_path)


def test_a_setting_that_this_version_does_not_know_is_named(tmp_path):
    fitted(tmp_path / "work").save(tmp_path)
    settings = json.loads((tmp_path / "localiser.json").read_text())
    settings["stages"][1]["placing"]["sizes"] = 3
    (tmp_path / "localiser.json").write_text(json.dumps(settings))
    with pytest.raises(ModelError, match=r"localiser\.json: not the settings of this version.*sizes.*'size'"):
        Localiser.load(tmp_path)


def made_of_form_2(folder, scales):
    """Return the folder of a model as it was written before there was an assessor."""
    one = fitted(folder / "work")
    one.save(folder)
    told = json.loads((folder / "localiser.json").read_text())
    del told["errors"]
    (folder / "localiser.json").write_text(json.dumps(told | {"format": 2}))
    shutil.rmtree(folder / "errors")
    np.savez(folder / "localiser.npz", polarity=one.polarity.weights, calibration=scales)
    return folder


def test_a_model_of_form_2_has_an_error_per_point_and_nothing_else(tmp_path):
    old = Localiser.load(made_of_form_2(tmp_path, np.array([3.0, 1.0])))
    found = old.locate(box_sample(30).open())
    assert np.isfinite(found.expected_error).all()
    assert np.isnan(found.radii).all()
    assert found.known is None
    assert np.isnan(found.expected_film_error)
    old.save(tmp_path / "again")
    again = Localiser.load(tmp_path / "again").locate(box_sample(30).open())
    np.testing.assert_array_equal(again.expected_error, found.expected_error)


def test_a_calibration_of_another_shape_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"localiser\.npz: calibration of shape \(3,\), expected \(2,\)"):
        Localiser.load(made_of_form_2(tmp_path, np.ones(3)))


def test_it_says_on_what_each_stage_is_computed(tmp_path):
    assert fitted(tmp_path).computed_on == {"global": "eyes", "local": "eyes"}
