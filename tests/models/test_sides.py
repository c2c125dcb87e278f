"""Two sides of a body on one film are two shapes: learned from as one, located as two, under the names they came with.

Each film has an L on its right and a mirrored L on its left, as a film has two hips.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from landvote.data.side import Side
from landvote.datasets.folder import read_folder, survey_folder
from landvote.errors import PointsError, SettingError
from landvote.localiser import Conditions, recalibrated
from landvote.models import divide, load_model, train_model
from landvote.models.any_film import locate
from landvote.models.locate import locate_files
from toys import ell, tiny, tiny_words, write_pts

FILMS = 14


def both(i):
    """Return film ``i``, 192 x 96, and the corners of the mirrored L and of the plain one."""
    (right, plain), (left, mirrored) = ell(i), ell(100 + i)
    other = np.column_stack([95 - mirrored[:, 0], mirrored[:, 1]])
    return np.hstack([left[:, ::-1], right]), {"R": other, "L": plain + np.array([96, 0])}


def draw_both(folder, films=FILMS, named="{film}.png_{side}.pts"):
    """Make a DATA folder of such films, with a file of points for each side, named after the film and the side."""
    (folder / "images").mkdir(parents=True)
    for i in range(films):
        pixels, sides = both(i)
        Image.fromarray(pixels).save(folder / "images" / f"{i:02}.png")
        for side, points in sides.items():
            file = folder / "points" / named.format(film=f"{i:02}", side=side)
            file.parent.mkdir(parents=True, exist_ok=True)
            write_pts(file, points)
    return folder


@pytest.mark.parametrize(
    ("named", "left"),
    [("{film}.png_{side}.pts", "L"), ("{film}_{side}.pts", "L"), ("{side}/{film}.pts", "L"),
     ("{side}eft/{film}.pts", "Left")],
)  # fmt: skip
def test_each_side_is_a_sample_of_its_own(tmp_path, named, left):
    data = draw_both(tmp_path / "data", 2, named)
    if left == "Left":
        (data / "points" / "Reft").rename(data / "points" / "RIGHT")
    samples = read_folder(data)
    right = "RIGHT" if left == "Left" else "R"
    assert [s.identifier for s in samples] == [f"{i:02}.png_{side}" for i in range(2) for side in (left, right)]
    assert [s.side.mirrored for s in samples] == [False, True] * 2
    assert {s.subject for s in samples} == {"00.png", "01.png"}
    np.testing.assert_allclose(samples[0].points, both(0)[1]["L"], atol=1e-3)
    np.testing.assert_allclose(samples[1].points, both(0)[1]["R"], atol=1e-3)


def test_a_single_side_is_learned_from_as_it_lies(tmp_path):
    data = draw_both(tmp_path / "data", 2)
    for file in (data / "points").glob("*_L.pts"):
        file.unlink()
    assert [s.side for s in read_folder(data)] == [Side(name="R")] * 2


def test_points_with_and_without_a_side_are_refused(tmp_path):
    data = draw_both(tmp_path / "data", 2)
    (data / "points" / "00.png_R.pts").rename(data / "points" / "00.pts")
    with pytest.raises(PointsError, match=r"'00.png' has points with a side \(L\) and without one"):
        read_folder(data)


def test_a_film_whose_name_ends_so_has_no_sides(tmp_path):
    data = draw_both(tmp_path / "data", 2)
    for side in "LR":
        (data / "images" / "00.png").with_name(f"00_{side}.png").write_bytes((data / "images" / "00.png").read_bytes())
        (data / "points" / f"00.png_{side}.pts").rename(data / "points" / f"00_{side}.pts")
    (data / "images" / "00.png").unlink()
    names = [s.identifier for s in survey_folder(data).samples]
    assert names == ["00_L.png", "00_R.png", "01.png_L", "01.png_R"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Train on all films but the last two."""
    place = tmp_path_factory.mktemp("sides")
    data = draw_both(place / "data")
    chosen = tiny("whdv", "validation=0.15", steps=250, judge_every=125)
    known = [s for s in read_folder(data) if s.film < "12.png"]
    train_model(divide(known, chosen), chosen, place / "model", Conditions(device="cpu"))
    return place / "model"


def test_each_is_found_on_its_side_and_written_under_its_name(model, tmp_path):
    data = draw_both(tmp_path / "data")
    localiser = load_model(model, "cpu")
    assert localiser.sides == (Side(name="L"), Side(name="R", mirrored=True))
    found = list(locate_files(localiser, [data / "images" / "12.png", data / "images" / "13.png"], tmp_path / "over"))
    assert [p.identifier for p in found] == ["12.png_L", "12.png_R", "13.png_L", "13.png_R"]
    for p in found:
        truth = both(int(p.identifier[:2]))[1][p.identifier[-1]]
        assert np.linalg.norm(p.points - truth, axis=1).mean() < 6, p.identifier
    assert {p.seen for p in found} == {"no"}
    assert sorted(path.name for path in (tmp_path / "over").iterdir()) == [f"{p.identifier}.png" for p in found]
    alike = list(locate(localiser, data / "images" / "12.png"))
    np.testing.assert_allclose([p.points for p in alike], [p.points for p in found[:2]])


def test_a_side_is_the_models_own_where_data_have_that_side_alone(model, tmp_path):
    data = draw_both(tmp_path / "data")
    for file in (data / "points").glob("*_L.pts"):
        file.unlink()
    alone = [s for s in read_folder(data) if s.film >= "12.png"]
    assert {s.side for s in alone} == {Side(name="R")}  # nothing tells that it is the mirrored one
    localiser = load_model(model, "cpu")
    for sample, found in zip(alone, locate(localiser, alone), strict=True):
        assert found.identifier == sample.identifier
        assert np.linalg.norm(found.points - sample.points, axis=1).mean() < 6
    assert max(recalibrated(localiser, alone).held_out) < 6
    with pytest.raises(SettingError, match="side 'left' is not known to the model, expected L or R"):
        localiser.locate(alone[0].open(), Side(name="left"))


def test_the_command_line_goes_the_whole_way(run, tmp_path):
    data = draw_both(tmp_path / "data", 6)
    assert run("train", data, "--out", "model", "--recipe", "whdv", "--device", "cpu", *tiny_words())[0] == 0
    assert run("locate", "model", data, "--out", "p.jsonl", "--to", "menpo-pts=points", "--device", "cpu")[0] == 0
    assert len(list((tmp_path / "points").glob("*.png_L.pts"))) == 6
    lines = (tmp_path / "p.jsonl").read_text().splitlines()
    assert {json.loads(line)["image"][-2:] for line in lines} == {"_L", "_R"}
    status, out, _ = run("locate", "model", data, "--out", "shards", "--films-per-shard", "5", "--device", "cpu")
    assert (status, out.splitlines()[-1]) == (0, "12 films located: shards")
    shards = [line for file in sorted((tmp_path / "shards").glob("*.jsonl")) for line in file.read_text().splitlines()]
    assert len([line for line in shards if "points" in line]) == 12
    status, out, err = run("check", data, "--json")
    assert status == 0, (out, err)
    assert json.loads(out)["facts"]["films"] == "6 of 6 subjects, 6 with points"
    assert json.loads(out)["facts"]["sides"] == "L: 6, R (learned from in the mirror): 6"
    assert not json.loads(out)["warnings"]


def test_sides_that_are_no_mirror_images_are_named(run, tmp_path):
    data = draw_both(tmp_path / "data", 6)
    for file in (data / "points").glob("*_R.pts"):
        write_pts(file, ell(int(file.name[:2]))[1])
    _, out, _ = run("check", data)
    assert "points of side R are like those of side L as they lie, and not in the mirror" in out
