"""Shards: the same lines as one file, each film once whoever is killed, broken films by name, nothing mixed up."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from landvote import cli
from landvote.data.limit import Limit
from landvote.datasets.folder import read_folder
from landvote.errors import DataError, ImageError, ModelError, PointsError, SettingError, StoppedError
from landvote.formats.predictions import read_predictions, write_predictions
from landvote.localiser import Conditions, Localiser
from landvote.models import divide, load_model, train_model
from landvote.models import shards as batch
from landvote.models.locate import SHIFTED, UNKNOWN, locate_files
from landvote.models.shards import locate_shards
from landvote.recipes import recipe
from landvote.runtime.events import FilmFailed, FilmLocated, Note
from landvote.runtime.stop import StopToken
from toys import dicom

pytestmark = pytest.mark.slow

STAGE = ["network.width=4", "network.depth=2", "network.stride=2", "network.head_width=8", "training.steps=4",
         "training.batch=2", "training.judge_every=4", "fit_aspect=false", "size=[32, 32]"]  # fmt: skip
TINY = [f"{stage}.{change}" for stage in ("global", "local") for change in STAGE]
FILMS = 11

KILLED_WHILE_LOCATING = """
import os, signal, sys
from pathlib import Path
from landvote.models import shards as batch

model, films, out, log = map(Path, sys.argv[1:5])
left, locate = int(sys.argv[5]), batch.locate_file

def noted(localiser, path, identifier, failure_limit):
    global left
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left -= 1
    with log.open("a") as file:
        file.write(identifier + "\\n")
    return locate(localiser, path, identifier, failure_limit=failure_limit)

batch.locate_file = noted
batch.locate_shards(model, [films], out, 4, lambda job: map(job.function, job.tasks), "cpu")
"""


def here(job):
    """Run all tasks in this process."""
    return map(job.function, job.tasks)


@pytest.fixture(scope="module")
def data(tmp_path_factory, draw):
    return draw(tmp_path_factory.mktemp("batch") / "data", [f"{i:02}.png" for i in range(FILMS)])


@pytest.fixture(scope="module")
def model(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("batch") / "model"
    chosen = recipe("whdv", TINY)
    train_model(divide(read_folder(data)[:6], chosen), chosen, folder, Conditions("cpu"))
    return folder


@pytest.fixture(scope="module")
def whole(model, data, tmp_path_factory):
    """Return the lines of all films in one file."""
    file = tmp_path_factory.mktemp("batch") / "p.jsonl"
    write_predictions(file, locate_files(load_model(model, "cpu"), [data], None))
    return file.read_bytes()


def lines(out):
    """Return the lines of all finished shards."""
    return b"".join(f.read_bytes() for f in sorted(out.glob("predictions-*.jsonl")))


def test_shards_hold_the_lines_of_one_file(model, data, whole, tmp_path):
    events = []
    out = tmp_path / "out"
    assert locate_shards(model, [data], out, 4, here, "cpu", events.append)[:2] == (FILMS, 0)
    assert lines(out) == whole
    shards = [f"predictions-0000{i}.jsonl" for i in range(3)]
    assert sorted(p.name for p in out.iterdir()) == ["films.jsonl", *shards, "shards.json"]
    assert events == [FilmLocated(done, FILMS) for done in (0, 4, 8, 11)]
    assert [p.identifier for p in read_predictions(out)] == [f"{i:02}.png" for i in range(FILMS)]


def test_shards_of_one_split_say_what_the_model_has_seen(model, data, tmp_path):
    own, out = shutil.copytree(data, tmp_path / "data"), tmp_path / "out"
    (own / "split.csv").write_text("image,split\n01,test\n04,train\n07,test\n10,test\n")
    assert locate_shards(model, [own], out, 2, here, "cpu", split="test")[:2] == (3, 0)
    found = {p.identifier: p.seen for p in read_predictions(out)}
    assert set(found) == {"01.png", "07.png", "10.png"}
    assert found["01.png"] in ("train", "val")
    assert (found["07.png"], found["10.png"]) == ("no", "no")
    with pytest.raises(SettingError, match="was begun with other films"):
        locate_shards(model, [own], out, 2, here, "cpu", split="train")
    assert locate_shards(model, [own], out, 2, here, "cpu", split="test")[:2] == (3, 0)


def test_a_second_call_leaves_finished_shards_alone(model, data, whole, tmp_path):
    locate_shards(model, [data], tmp_path / "out", 4, here, "cpu")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").glob("predictions-*")}
    again = tmp_path / "out" / "predictions-00001.jsonl"
    again.unlink()
    done = []

    def noting(job):
        done.extend(shard.number for shard in job.tasks)
        return here(job)

    assert locate_shards(model, [data], tmp_path / "out", 4, noting, "cpu")[:2] == (FILMS, 0)
    assert done == [1]
    assert {p for p, written in before.items() if p.stat().st_mtime_ns != written} == {again}


def test_whoever_is_killed_no_film_is_lost_or_located_twice(model, data, whole, tmp_path):
    out, log = tmp_path / "out", tmp_path / "log"

    def call(films):
        words = [sys.executable, "-c", KILLED_WHILE_LOCATING, model, data, out, log, films]
        return subprocess.run(list(map(str, words)), check=False).returncode

    assert call(6) == -signal.SIGKILL
    (part,) = out.glob("*.part")
    with part.open("ab") as file:
        file.write(b'{"image": "06.p')  # as if it had been killed while it wrote a line
    with pytest.raises(PointsError, match="1 finished shards, expected 3"):
        read_predictions(out)
    assert call(-1) == 0
    assert lines(out) == whole
    assert log.read_text().split() == [f"{i:02}.png" for i in range(FILMS)]
    assert list(out.glob("*.part")) + list(out.glob("*.lock")) == []


def test_a_stop_ends_after_the_film_and_the_next_call_goes_on(model, data, whole, tmp_path, monkeypatch):
    out, located, stop = tmp_path / "out", [], StopToken()
    locate = batch.locate_file

    def counted(localiser, path, identifier, failure_limit):
        located.append(identifier)
        if len(located) == 6:
            stop.stop()
            time.sleep(1)  # until it has reached the file that tells the tasks
        return locate(localiser, path, identifier, failure_limit=failure_limit)

    monkeypatch.setattr(batch, "locate_file", counted)
    with pytest.raises(StoppedError, match="stopped with 4 of 11 films in finished shards"):
        locate_shards(model, [data], out, 4, here, "cpu", stop=stop)
    assert len(located) == 6
    assert locate_shards(model, [data], out, 4, here, "cpu")[:2] == (FILMS, 0)
    assert (lines(out), len(located)) == (whole, FILMS)
    assert not list(out.glob(".stop-*"))


def test_a_killed_worker_is_replaced_and_goes_on(model, data, tmp_path):
    (tmp_path / "films").mkdir()
    for i in range(120):
        os.link(data / "images" / f"{i % FILMS:02}.png", tmp_path / "films" / f"{i:03}.png")
    out = tmp_path / "out"
    words = ["locate", model, tmp_path / "films", "--out", out, "--films-per-shard", 60, "--jobs", 1, "--device", "cpu"]
    command = "from landvote.cli import main; main()"
    running = subprocess.Popen([sys.executable, "-c", command, *map(str, words)])
    part = out / "predictions-00000.part"
    while not (part.exists() and part.read_bytes().count(b"\n") > 5):
        assert running.poll() is None
        time.sleep(0.01)
    at_work = [pid for pid in children(running.pid) if "loky" in Path(f"/proc/{pid}/cmdline").read_text()]
    kept = part.read_bytes()
    for pid in at_work:
        os.kill(pid, signal.SIGKILL)
    assert running.wait(timeout=240) == 0
    assert (out / "predictions-00000.jsonl").read_bytes().startswith(kept[: kept.rindex(b"\n") + 1])
    assert [p.identifier for p in read_predictions(out)] == [f"{i:03}.png" for i in range(120)]


def children(parent):
    tasks = Path(f"/proc/{parent}/task").glob("*/children")
    return [int(pid) for task in tasks for pid in task.read_text().split()]


def test_broken_films_are_named_and_the_others_located(model, data, tmp_path):
    films = tmp_path / "films"
    shutil.copytree(data / "images", films)
    (films / "03.png").write_bytes(b"not a film")
    (films / "09, cut.png").write_bytes((films / "09.png").read_bytes()[:90])
    events = []
    assert locate_shards(model, [films], tmp_path / "out", 4, here, "cpu", events.append)[:2] == (FILMS - 1, 2)
    assert [e.image for e in events if isinstance(e, FilmFailed)] == ["03.png", "09, cut.png"]
    assert len(read_predictions(tmp_path / "out")) == FILMS - 1
    with (tmp_path / "out" / "failures.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == ["03.png", "09, cut.png"]
    assert all(str(films / row["image"]) in row["failure"] for row in rows)
    assert locate_shards(model, [films], tmp_path / "out", 4, here, "cpu")[:2] == (FILMS - 1, 2)  # and again


def test_films_with_pixels_that_are_not_square_are_named_at_the_end_of_every_call(model, data, tmp_path):
    films = tmp_path / "films"
    shutil.copytree(data / "images", films)
    pixels = np.arange(6400, dtype=np.uint16).reshape(80, 80)
    dicom(pixels, ImagerPixelSpacing=[0.1, 0.2]).save_as(films / "x.dcm", enforce_file_format=True)
    dicom(pixels, ImagerPixelSpacing=[0.2, 0.2]).save_as(films / "y.dcm", enforce_file_format=True)
    (films / ".hidden").write_bytes(b"")
    for _ in range(2):
        events = []
        locate_shards(model, [films], tmp_path / "out", 4, here, "cpu", events.append)
        assert [e.text for e in events if isinstance(e, Note)] == [
            "left out: 1 hidden files and folders: .hidden",
            "1 films have pixels that are not square, and were looked at as if they were: x.dcm",
            f"2 {UNKNOWN}: x.dcm, y.dcm",
        ]


def test_a_folder_belongs_to_one_model_one_list_and_one_size(model, data, tmp_path):
    out = tmp_path / "out"
    locate_shards(model, [data], out, 4, here, "cpu")
    other = shutil.copytree(model, tmp_path / "other")
    manifest = json.loads((other / "model.json").read_text())
    manifest["files"]["localiser.json"] = "0" * 64
    (other / "model.json").write_text(json.dumps(manifest))
    before = {p: p.read_bytes() for p in out.iterdir()}
    with pytest.raises(SettingError, match=r"shards.json: was begun with another model .* or begin anew elsewhere"):
        locate_shards(other, [data], out, 4, here, "cpu")
    with pytest.raises(SettingError, match="was begun with other films"):
        locate_shards(model, [data / "images" / "00.png"], out, 4, here, "cpu")
    with pytest.raises(
        SettingError, match=r"was begun with another number of films per shard \(films_per_shard 4, now 5"
    ):
        locate_shards(model, [data], out, 5, here, "cpu")
    assert before == {p: p.read_bytes() for p in out.iterdir()}


def test_a_folder_with_something_else_in_it_is_left_alone(model, data, tmp_path):
    (tmp_path / "notes.txt").write_text("precious")
    with pytest.raises(DataError, match="exists already"):
        locate_shards(model, [data], tmp_path, 4, here, "cpu")
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_no_film_or_no_model_is_an_error(model, data, tmp_path):
    (tmp_path / "bare").mkdir()
    with pytest.raises(ImageError, match="no films"):
        locate_shards(model, [tmp_path / "bare"], tmp_path / "out", 4, here, "cpu")
    with pytest.raises(ModelError, match=r"model\.json"):
        locate_shards(tmp_path / "bare", [data], tmp_path / "out", 4, here, "cpu")
    assert not list((tmp_path / "out").iterdir())


def test_films_that_are_gone_meanwhile_are_failures(model, data, tmp_path):
    films = shutil.copytree(data / "images", tmp_path / "films")

    def late(job):
        (films / "05.png").unlink()
        return here(job)

    assert locate_shards(model, [films], tmp_path / "out", 4, late, "cpu")[:2] == (FILMS - 1, 1)


def test_the_command(model, data, tmp_path, monkeypatch, capsys):
    def run(*words):
        monkeypatch.setattr(sys, "argv", ["landvote", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code, *capsys.readouterr()

    films = shutil.copytree(data / "images", tmp_path / "films")
    (films / "03.png").write_bytes(b"not a film")
    words = ("locate", model, films, "--out", tmp_path / "out", "--device", "cpu", "--films-per-shard", 8)
    status, out, err = run(*words, "--jobs", 1)
    assert (status, f"{FILMS - 1} films located: {tmp_path / 'out'}" in out) == (1, True)
    assert f"left out: 1 films, named in {tmp_path / 'out' / 'failures.csv'}" in err
    report = tmp_path / "report"
    assert run("evaluate", tmp_path / "out", "--truth", data, "--out", report)[0] == 0
    assert json.loads((report / "summary.json").read_text())
    for more in (("--force",), ("--to", "wide-csv")):
        status, _, err = run(*words, *more)
        assert (status, "--films-per-shard: expected without" in err) == (2, True)
    status, _, err = run(*words[:-2], "--jobs", 2)
    assert (status, "expected with --films-per-shard" in err) == (2, True)
    status, _, err = run(*words, "--engine", "slurm")
    assert (status, "expected local or ray" in err) == (2, True)


def test_a_failure_limit_and_films_that_are_not_known(model, data, tmp_path, monkeypatch):
    """As for films one after the other; another limit is another work, and what it says nothing of is counted."""
    whole = Localiser.locate

    def located(self, film, side=None, failure_limit=None):
        found = whole(self, film, side, failure_limit)
        told = 0.25 if failure_limit == limit else np.nan
        shift = 0.7 if film.identifier == "05.png" else 0.02
        known = film.identifier not in {"03.png", "07.png"}
        return replace(found, known=known, probability_of_failure=told, probability_of_shift=shift)

    monkeypatch.setattr(Localiser, "locate", located)
    events, out, limit = [], tmp_path / "out", Limit(9.5, "px")
    assert locate_shards(model, [data], out, 4, here, "cpu", events.append, failure_limit=limit) == (FILMS, 0, 2)
    one = list(locate_files(load_model(model, "cpu"), [data], None, failure_limit=limit))
    again = read_predictions(out)
    assert [p.known for p in again] == [p.known for p in one]
    assert [p.probability_of_failure for p in again] == [p.probability_of_failure for p in one] == [0.25] * FILMS
    note, shifted = (event.text for event in events if isinstance(event, Note))
    assert shifted == f"1 {SHIFTED}: 05.png"
    assert note.startswith("2 films are unlike those that the model was made from")
    assert note.endswith(": 03.png, 07.png")
    for other in (None, Limit(9.5, "mm"), Limit(9)):
        with pytest.raises(SettingError, match=r"another failure limit \(failure_limit '9\.5px', now"):
            locate_shards(model, [data], out, 4, here, "cpu", failure_limit=other)
    with pytest.raises(SettingError, match="names no normaliser"):
        locate_shards(model, [data], tmp_path / "in per cent", 4, here, "cpu", failure_limit=Limit(2, "%"))
    assert not (tmp_path / "in per cent").exists()
    for unit, said in (("mm", "films have no known spacing"), ("px", "films have no probability of failure")):
        events, limit_of = [], Limit(2, unit)
        locate_shards(model, [data], tmp_path / unit, 4, here, "cpu", events.append, failure_limit=limit_of)
        assert f"{FILMS} {said}" in "".join(event.text for event in events if isinstance(event, Note))
        events = []
        list(locate_files(load_model(model, "cpu"), [data], None, events.append, failure_limit=limit_of))
        assert f"{FILMS} {said}" in "".join(event.text for event in events if isinstance(event, Note))


@pytest.mark.parametrize("content", [None, "not json", "{}", '{"shards": "many"}'])
def test_a_folder_that_is_not_of_shards(tmp_path, content):
    if content is not None:
        (tmp_path / "shards.json").write_text(content)
    with pytest.raises(PointsError, match=r"shards\.json: (cannot be read|has no .shards.|shards is .many.)"):
        read_predictions(tmp_path)


def test_a_film_in_two_shards_is_refused(model, data, tmp_path):
    locate_shards(model, [data], tmp_path / "out", 6, here, "cpu")
    shutil.copy(tmp_path / "out" / "predictions-00000.jsonl", tmp_path / "out" / "predictions-00001.jsonl")
    with pytest.raises(PointsError, match=r"predictions-00001\.jsonl: film '00\.png' is predicted twice"):
        read_predictions(tmp_path / "out")


def test_films_one_after_the_other_are_told_of_and_stop_after_the_film(model, data, tmp_path):
    films, events, stop = shutil.copytree(data / "images", tmp_path / "films"), [], StopToken()
    (films / "01.png").write_bytes(b"not a film")
    found = locate_files(load_model(model, "cpu"), [films], None, events.append, stop)
    assert [next(found).identifier for _ in range(2)] == ["00.png", "02.png"]
    assert [e for e in events if isinstance(e, FilmLocated)] == [FilmLocated(done, FILMS) for done in (1, 2, 3)]
    assert (events[1].image, str(films / "01.png") in events[1].message) == ("01.png", True)
    stop.stop()
    with pytest.raises(StoppedError, match="stopped after 3 films"):
        next(found)
