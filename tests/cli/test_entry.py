"""The command line: every verb in its exact form, errors in one line, broken films by name, nothing half-written."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from landvote.data.scheme import Scheme
from landvote.formats.family import format_named
from landvote.formats.predictions import read_predictions
from landvote.formats.reading import read_points
from landvote.formats.writing import write_points
from landvote.localiser import Localiser
from landvote.recipes import shipped
from landvote.runtime.events import Logged, Stopped
from toys import dicom, tiny_words

pytestmark = pytest.mark.slow

TINY = tiny_words()
GRID = Path(__file__).parents[2] / "grids" / "paper.toml"


@pytest.fixture(scope="module")
def data(tmp_path_factory, draw):
    folder = draw(tmp_path_factory.mktemp("cli") / "data", [f"{i}.png" for i in range(8)])
    uses = "\n".join(f"{i}.png,{'test' if i > 5 else 'train'}" for i in range(8))
    (folder / "split.csv").write_text(f"image,split\n{uses}\n")
    return folder


@pytest.fixture(scope="module")
def model(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "model"
    words = ["train", data, "--recipe", "whdv", "--out", folder, "--device", "cpu", *TINY]
    command = Path(sys.executable).with_name("landvote")  # as installed, in a process of its own
    done = subprocess.run([command, *map(str, words)], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    return folder


@pytest.fixture(scope="module")
def predictions(data, tmp_path_factory):
    """Write the true points, as if a model had found them."""
    file = tmp_path_factory.mktemp("predictions") / "p.jsonl"
    write_points(file, read_points(data / "landmarks.csv"), format_named("predictions"))
    return file


NEED_A_FOLDER = [
    "simulate OUT --films 1", "convert DATA OUT --to vxl-pts", "convert DATA OUT --to vxl-pts --force",
    "shape DATA --out OUT", "train DATA --recipe whdv --out OUT", "train DATA --recipe whdv --out OUT --resume",
    "locate MODEL DATA --out p.jsonl --overlays OUT --force", "locate MODEL DATA --out p.jsonl --to vxl-pts=OUT",
    "locate MODEL DATA --out OUT --films-per-shard 4", "evaluate PREDICTIONS --truth DATA --out OUT",
    "compare GRID --out OUT", "demo --out OUT",
]  # fmt: skip


@pytest.mark.parametrize("words", NEED_A_FOLDER)
@pytest.mark.parametrize("out", ["-", "null", "pipe", "mine.txt"])
def test_a_folder_that_is_none_is_refused_by_every_verb_and_stays(run, data, model, predictions, tmp_path, words, out):
    (tmp_path / "null").symlink_to(os.devnull)  # were it replaced, only the link would be
    (tmp_path / "mine.txt").write_text("mine")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.iterdir())
    known = {"OUT": out, "DATA": data, "MODEL": model, "PREDICTIONS": predictions, "GRID": GRID}
    status, said, err = run(*(known.get(word, word.replace("=OUT", f"={out}")) for word in words.split()))
    assert (status, said, err.count("\n")) == (2, "", 1)
    assert re.search(f"{out}: (a .*, expected a folder|exists already, expected)", err)
    assert sorted(tmp_path.iterdir()) == before
    assert (tmp_path / "mine.txt").read_text() == "mine"
    assert (tmp_path / "null").is_symlink()
    assert (tmp_path / "pipe").is_fifo()


def test_a_training_that_is_refused_touches_nothing(run, data, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "stop").write_text("mine")  # as a file is called that stops a training
    one_line(run("train", data, "--recipe", "whdv", "--out", "notes"), "notes: exists already, expected another place")
    assert (tmp_path / "notes" / "stop").read_text() == "mine"


def one_line(result, *words):
    """Check for exit status 2 and one line on stderr that has all the words in it."""
    status, out, err = result
    assert status == 2
    assert out == ""
    assert err.startswith("landvote: ")
    assert err.count("\n") == 1
    assert [w for w in words if str(w) not in err] == []


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_it_says_which_landvote_it_is(run):
    assert run("--version") == (0, f"landvote {version('landvote')}\n", "")


def test_help_names_every_verb(run):
    status, out, _ = run("--help")
    assert status == 0
    assert [v for v in ("simulate", "check", "train", "locate", "evaluate", "demo") if v not in out] == []
    assert "not a medical device" in " ".join(out.split())


def test_train_says_what_it_learns_from(run, data, tmp_path):
    status, out, err = run("train", data, "--recipe", "ho", "--out", tmp_path / "m", "--max-minutes", "60",
                         "--device", "cpu", *TINY)  # fmt: skip
    assert status == 0
    assert "learning from 4 films, judging by 2" in out
    assert "this takes about a minute on this machine" in err
    assert str(tmp_path / "m") in out
    assert "7.png" not in (tmp_path / "m" / "films.csv").read_text()  # a test film


def test_train_with_a_scheme_file_and_films_without_points(run, data, tmp_path):
    shutil.copytree(data, tmp_path / "data")
    Image.fromarray(np.zeros((80, 90), np.uint8)).save(tmp_path / "data" / "images" / "blank.png")
    header, *rows = (line.split(",") for line in (tmp_path / "data" / "landmarks.csv").read_text().splitlines())
    rows[1][1:] = ["0"] * 10  # a film that was not annotated, and a landmark that was not in two others
    rows[2][-2:] = rows[3][-2:] = ["-1", "-1"]
    (tmp_path / "data" / "landmarks.csv").write_text("\n".join(map(",".join, (header, *rows))))
    (tmp_path / "data" / "films.csv").write_text("image,side\n0.png,left\nghost.png,left\n")
    (tmp_path / "cross.toml").write_text('name = "cross"\npoints = 5\nreference = [1, 3]\n')
    words = [
        "train",
        tmp_path / "data",
        "--recipe",
        "whdv",
        "--out",
        tmp_path / "m",
        "--scheme",
        tmp_path / "cross.toml",
    ]
    status, out, _ = run(*words, "--device", "cpu", *TINY)
    assert status == 0
    assert "left out, for want of points: blank.png" in out
    assert "left out, for points in one place: 1.png\n" in out
    assert "films.csv, line 3: 1 rows name no film ('ghost.png')" in out
    assert "warning: (-1, -1) comes back exactly for landmark 4" in out
    assert "2 films: 2.png, 3.png" in out
    assert json.loads((tmp_path / "m" / "training.json").read_text())["scheme"]["name"] == "cross"


def test_train_does_not_overwrite_and_resumes(run, data, model):
    words = ["train", data, "--recipe", "whdv", "--out", model, "--device", "cpu", *TINY]
    one_line_at_the_end(run(*words), model, "exists already", "--resume")
    assert run(*words, "--resume")[0] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--recipe", "whvd"], ["'whvd' is unknown", "did you mean 'whdv'?"]),
        (["--recipe", "whdv", "--set", "local.network.widht=3"], ["widht", "did you mean 'width'?"]),
        (["--recipe", "whdv", "--set", "local.network.width=wide"], ["stage 'local': voter: width", "'wide'"]),
        (["--recipe", "whdv", "--scheme", "chset"], ["'chset'", "did you mean 'chest'?"]),
        (["--recipe", "whdv", "--scheme", "spine"], ["5 points, expected 68"]),
        (["--recipe", "whdv", "--device", "tpu9", *TINY], ["'tpu9'", "expected auto, cpu, cuda or mps"]),
    ],
)
def test_train_errors_are_one_line(run, data, tmp_path, words, said):
    one_line_at_the_end(run("train", data, *words, "--out", tmp_path / "m"), *said)


def one_line_at_the_end(result, *words):
    """As :func:`one_line`, but the verb may have spoken before."""
    status, _, err = result
    one_line((status, "", err.splitlines(keepends=True)[-1]), *words)
    assert "Traceback" not in err


def test_a_recipe_that_was_printed_and_changed_is_trained(run, data, tmp_path):
    status, out, _ = run("recipes", "whdv")
    assert status == 0
    (tmp_path / "mine.toml").write_text(out.replace('name = "whdv"', 'name = "mine"'))
    words = ["--recipe", "mine.toml", "--out", tmp_path / "m", "--device", "cpu", *TINY]
    assert run("train", data, *words)[0] == 0
    assert json.loads((tmp_path / "m" / "training.json").read_text())["recipe"]["name"] == "mine"


def test_recipes_are_listed_in_a_line_each(run):
    status, out, _ = run("recipes")
    assert status == 0
    *listed, notice = out.splitlines()
    assert [line.split()[0] for line in listed] == list(shipped())
    assert [line.split()[0] for line in listed if line.endswith(" [1]")] == ["both", "both-shape", "rfrv-clm"]
    assert notice.startswith("[1] notice: ")
    assert "US 9928443" in notice
    one_line(run("recipes", "whvd"), "'whvd' is unknown", "did you mean 'whdv'?")


def test_a_recipe_is_printed_with_its_notice_and_can_be_trained_with(run, tmp_path):
    _, out, _ = run("recipes", "rfrv-clm")
    assert out.startswith("# notice: ")
    assert "US 9928443" in out.splitlines()[0]
    (tmp_path / "mine.toml").write_text(out)
    assert run("recipes", "mine.toml")[1] == out  # not twice
    assert "notice" not in run("recipes", "whdv")[1]


def test_describe_says_what_a_model_is(run, model, tmp_path):
    status, out, err = run("describe", model)
    assert (status, err) == (0, "")
    assert "learned from                4 films of 4 subjects" in out
    assert "not a medical device" in out
    status, out, err = run("describe", model, "--json", "--page", tmp_path / "card.html")
    assert (status, err) == (0, f"page: {tmp_path / 'card.html'}\n")
    assert json.loads(out)["held_out"]["films"] == 2
    one_line(run("describe", model, "--page", tmp_path / "card.html"), "exists already", "--force")
    assert run("describe", model, "--page", tmp_path / "card.html", "--force")[0] == 0
    one_line(run("describe", tmp_path), "cannot be read", "expected")


def test_an_interrupted_training_ends_soon_and_goes_on(data, tmp_path):
    """Ctrl-C ends it after a step; a file named stop, made by another process, does the same."""
    words = [sys.executable, "-m", "landvote", "train", data, "--recipe", "whdv", "--out", tmp_path / "m"]
    words = [*map(str, words), "--device", "cpu", *tiny_words(steps=100_000), "--resume"]
    for way in ("signal", "file"):
        run = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        events = tmp_path / "m" / "events.jsonl"
        before = events.stat().st_size if events.exists() else 0
        while not (events.exists() and "StepTaken" in events.read_text()[before:]) and run.poll() is None:
            time.sleep(0.05)
        if way == "signal":
            run.send_signal(signal.SIGINT)
        else:
            (tmp_path / "m" / "stop").touch()
        _, err = run.communicate(timeout=120)
        assert run.returncode == 3, err
        assert "goes on from there" in err.splitlines()[-1]
        assert "Traceback" not in err
    assert [type(told.event) for told in Logged.read(events)].count(Stopped) == 2
    assert (tmp_path / "m" / "global" / "checkpoint.pt").exists()


def test_train_without_points_or_images(run, data, tmp_path):
    one_line(run("train", tmp_path / "absent", "--recipe", "whdv", "--out", tmp_path / "m"), tmp_path / "absent")
    shutil.copytree(data / "images", tmp_path / "data" / "images")
    one_line(run("train", tmp_path / "data", "--recipe", "whdv", "--out", tmp_path / "m"), "no points")
    assert not (tmp_path / "m").exists()


def test_every_verb_takes_a_file_of_points_and_its_films(run, data, model, tmp_path):
    file = tmp_path / "ours" / "crosses.csv"
    file.parent.mkdir()
    shutil.copy(data / "landmarks.csv", file)
    one_line(run("check", file), "films: none given for", file)
    given = (file, "--films", data)
    status, out, _ = run("check", *given, "--from", "wide-csv", "--centre", "0")
    assert status == 0
    assert "8 with points" in out
    assert (tmp_path / "crosses-check.png").exists()
    assert run("split", *given)[0] == 0
    one_line(run("split", *given), file.parent / "split.csv", "exists already", "--force")
    status, out, _ = run("train", *given, "--recipe", "whdv", "--out", tmp_path / "m", "--device", "cpu", *TINY)
    assert status == 0
    assert "points read as wide-csv; the centre of the first pixel is taken as 0\n" in out
    run("locate", model, data, "--out", tmp_path / "p.jsonl", "--device", "cpu")
    words = ("evaluate", tmp_path / "p.jsonl", "--truth", *given, "--centre", "0.5", "--out", tmp_path / "report")
    status, out, _ = run(*words)
    assert status == 0
    assert "points read as wide-csv; the centre of the first pixel is taken as 0.5, as asked" in out
    assert run("shape", *given, "--out", tmp_path / "shape")[0] == 0


def test_a_bare_folder_of_films_is_data_where_no_points_are_needed(run, data, model, tmp_path):
    films = shutil.copytree(data / "images", tmp_path / "films")
    (films / "._0.png").write_bytes(b"")
    status, out, _ = run("check", films, "--json")
    assert (status, json.loads(out)["facts"]["left out"]) == (0, "1 hidden files and folders: ._0.png")
    one_line(run("check", films, "--sheet", films / "sheet.png"), "--sheet", "among the films")
    assert run("split", films)[0] == 0
    words = ("locate", model, films, "--split", "test", "--device", "cpu", "--out", tmp_path / "p.jsonl")
    status, out, err = run(*words)
    assert (status, "2 films located" in out) == (0, True)
    assert err == "warning: left out: 1 hidden files and folders: ._0.png\n"
    one_line(run("train", films, "--recipe", "whdv", "--out", tmp_path / "m"), "no points", "1 hidden files")


def test_check_saves_the_scheme_that_it_made(run, data, tmp_path):
    status, out, _ = run("check", data, "--save-scheme", tmp_path / "made.toml")
    assert status == 0
    assert "made from the points, 5 landmarks" in out
    assert Scheme.read(tmp_path / "made.toml").landmarks == tuple("01234")
    one_line(run("check", data, "--save-scheme", tmp_path / "made.toml"), "made.toml: exists already")


def test_an_overlay_that_cannot_be_written_does_not_end_locate(run, data, model, tmp_path):
    films = tmp_path / "films" / "left"
    films.mkdir(parents=True)
    shutil.copy(data / "images" / "0.png", films)
    (tmp_path / "overlays").mkdir()
    (tmp_path / "overlays" / "left").write_text("in the way")
    words = ("locate", model, films.parent, "--out", tmp_path / "p.jsonl", "--device", "cpu", "--force")
    status, out, err = run(*words, "--overlays", tmp_path / "overlays")
    assert (status, "1 films located" in out) == (1, True)
    assert err.startswith("1 overlays cannot be written, of left/0.png: ")
    assert len(records(tmp_path / "p.jsonl")) == 1


def test_a_verb_used_wrongly_exits_with_two(run, data):
    for words in (["train", data], ["locate"], ["simulate", "x", "--films", "0"], ["nonsense"]):
        status, _, err = run(*words)
        assert status == 2
        assert "Traceback" not in err


def test_locate_and_evaluate_end_to_end(run, data, model, tmp_path):
    out = tmp_path / "predictions.jsonl"
    status, said, _ = run("locate", model, data, "--out", out, "--overlays", tmp_path / "overlays", "--device", "cpu")
    assert status == 0
    assert "8 films located" in said
    assert [r["image"] for r in records(out)] == [f"{i}.png" for i in range(8)]
    for r in records(out):
        assert np.array(r["points"], float).shape == (5, 2)
        assert len(r["expected_error"]) == len(r["landmarks"]) == 5
    assert sorted(p.name for p in (tmp_path / "overlays").iterdir()) == [f"{i}.png.png" for i in range(8)]
    with Image.open(tmp_path / "overlays" / "0.png.png") as picture:
        assert min(picture.size) > 50

    words = ["evaluate", out, "--truth", data, "--out", tmp_path / "report"]
    status, said, _ = run(*words)
    assert status == 0
    assert str(tmp_path / "report" / "report.html") in said
    assert {"report.html", "summary.json"} <= {p.name for p in (tmp_path / "report").iterdir()}
    one_line(run(*words), "exists already", "--force")
    assert run(*words, "--force")[0] == 0


def test_films_that_the_model_has_seen_are_told_of_by_evaluate(run, data, model, tmp_path):
    words = ("--truth", data, "--out", tmp_path / "report", "--force")
    run("locate", model, data, "--out", tmp_path / "all.jsonl", "--device", "cpu")
    status, out, _ = run("evaluate", tmp_path / "all.jsonl", *words)
    assert status == 0
    assert "not in the figures: films that the model learned from, 4: " in out
    assert "not in the figures: films that judged the model while it learned, 2: " in out
    summary = json.loads((tmp_path / "report" / "summary.json").read_text())
    assert summary["films"]["scored"] == 2

    status, out, _ = run("locate", model, data, "--split", "test", "--out", tmp_path / "test.jsonl", "--device", "cpu")
    assert (status, out) == (0, f"2 films located: {tmp_path / 'test.jsonl'}\n")
    assert [(r["image"], r["seen"]) for r in records(tmp_path / "test.jsonl")] == [("6.png", "no"), ("7.png", "no")]
    status, out, _ = run("evaluate", tmp_path / "test.jsonl", *words)
    assumed = "points read as wide-csv; the centre of the first pixel is taken as 0"
    assert (status, out) == (0, f"{assumed}\nreport: {tmp_path / 'report' / 'report.html'}\n")

    run("locate", model, data, "--split", "train", "--out", tmp_path / "train.jsonl", "--device", "cpu")
    status, out, _ = run("evaluate", tmp_path / "train.jsonl", *words)
    assert status == 0
    assert "no figures: the model has seen all films, or others of their patients, 6: " in out


def test_evaluate_asks_the_model_where_predictions_do_not_say(run, data, model, tmp_path):
    points = [{"image": f"{i}.png", "points": [[40, 40]] * 5} for i in range(8)]
    (tmp_path / "p.jsonl").write_text("".join(json.dumps(line) + "\n" for line in points))
    words = ("evaluate", tmp_path / "p.jsonl", "--truth", data, "--out", tmp_path / "report", "--force")
    status, out, _ = run(*words)
    assert (status, "though it is not known whether the model has seen them, 8: 0.png" in out) == (0, True)
    status, out, _ = run(*words, "--model", model)
    assert (status, "not known" in out, "learned from, 4: " in out) == (0, False, True)
    one_line(run(*words, "--model", tmp_path), "model.json")


def test_split_divides_once_and_anew_if_forced(run, data, tmp_path):
    own = shutil.copytree(data, tmp_path / "data")
    one_line(run("split", own), own / "split.csv", "exists already", "--force")
    status, out, _ = run("split", own, "--test", "0.25", "--val", "0.25", "--force")
    assert status == 0
    assert [line.split() for line in out.splitlines()[:3]] == [
        [name, str(films), "films", "of", str(films), "subjects"]
        for name, films in (("train", 4), ("val", 2), ("test", 2))
    ]
    assert run("check", own)[0] == 0
    one_line(run("split", own, "--test", "0.9", "--val", "0.5", "--force"), "test = 0.9, val = 0.5")


def test_locate_names_broken_films_and_does_the_others(run, data, model, tmp_path):
    films = tmp_path / "films"
    films.mkdir()
    good = (data / "images" / "0.png").read_bytes()
    for name, content in {"a.png": good, "cut.png": good[:90], "empty.png": b"", "text.png": b"not a film\n" * 20,
                          "b.png": good, "notes.txt": b"no film and not called one"}.items():  # fmt: skip
        (films / name).write_bytes(content)
    Image.new("L", (60, 40), 7).save(films / "grey.png")
    dicom(np.eye(40, dtype=np.uint8), PixelSpacing=[0.2, 0.1]).save_as(films / "c.IMA", enforce_file_format=True)
    status, out, err = run("locate", model, films, "--out", tmp_path / "p.jsonl", "--device", "cpu")
    assert status == 1
    assert "3 films located" in out
    assert [r["image"] for r in records(tmp_path / "p.jsonl")] == ["a.png", "b.png", "c.IMA"]
    lines = [line for line in err.splitlines() if "unlike" not in line]  # the DICOM film shows no crosses
    assert len(lines) == 5
    assert sum(line.startswith("warning: 1 films have pixels that are not square") for line in lines) == 1
    for name in ("cut.png", "empty.png", "text.png", "grey.png"):
        assert sum(name in line and line.startswith("left out: ") for line in lines) == 1


@pytest.mark.parametrize("centre", [0, 0.5, 1])
def test_locate_writes_points_in_other_formats(run, data, model, tmp_path, centre):
    out, pts = tmp_path / "p.jsonl", tmp_path / "pts"
    words = ("locate", model, data, "--out", out, "--to", "wide-csv", "--to", f"menpo-pts={pts}", "--centre", centre,
             "--device", "cpu")  # fmt: skip
    status, said, err = run(*words)
    assert status == 0
    assert f"8 films as wide-csv: {tmp_path / 'p-wide-csv.csv'}" in said
    assert f"8 films as menpo-pts: {pts}" in said
    assert re.search(
        rf"not in {pts}: the expected errors of [0-9]+ points, .*what else the predictions of 8 films say", err
    )
    table = read_points(tmp_path / "p-wide-csv.csv", centre=centre)
    rows, located = {row.image: row.points for row in table.rows}, read_predictions(out)
    assert len(located) == len(rows) == 8
    for p in located:
        np.testing.assert_allclose(rows[p.identifier], p.points, atol=2e-3)
        (row,) = read_points(pts / Path(p.identifier).with_suffix(".pts"), centre=centre).rows
        np.testing.assert_allclose(row.points, p.points, atol=2e-3)
    out.unlink()
    status, _, err = run(*words)
    assert (status, str(tmp_path / "p-wide-csv.csv") in err) == (2, True)  # those of before are not overwritten either


def test_locate_puts_nothing_beside_the_films_unless_told_where(run, data, model, tmp_path):
    films = shutil.copytree(data, tmp_path / "films")
    words = ["locate", model, films, "--device", "cpu"]
    inside, pipe = ["--out", films / "p.jsonl", "--to"], ["--out", "-", "--to"]
    one_line(run(*words, *inside, "wide-csv"), "p.jsonl is in", "expected --to wide-csv=PATH")
    one_line(run(*words, *pipe, "wide-csv"), "no file to put it beside", "expected --to wide-csv=PATH")
    one_line(run(*words, *pipe, "wide=p.csv"), "format 'wide' is unknown", "did you mean 'wide-csv'")
    one_line(run(*words, *pipe, "wide-csv=-"), "- is written already")
    one_line(run(*words, *pipe, "wide-csv=p.csv", "--centre", "2"), "centre = 2.0, expected 0 (VXL")
    assert not (films / "p.jsonl").exists()
    assert run(*words, *inside, f"wide-csv={films / 'mine.csv'}")[0] == 0
    assert (films / "mine.csv").exists()


def test_locate_takes_films_and_folders_each_film_once(run, data, model, tmp_path):
    images = data / "images"
    run("locate", model, images / "3.png", images, images / "5.png", "--out", tmp_path / "p.jsonl", "--device", "cpu")
    assert [r["image"] for r in records(tmp_path / "p.jsonl")] == [f"{i}.png" for i in (3, 0, 1, 2, 4, 5, 6, 7)]


def test_locate_tells_films_of_one_name_apart(run, data, model, tmp_path):
    """Two folders may each hold a 0.png; what is written must be readable again."""
    from landvote.formats.predictions import read_predictions

    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        shutil.copy(data / "images" / "0.png", tmp_path / folder / "0.png")
    out = tmp_path / "p.jsonl"
    run("locate", model, tmp_path / "a", tmp_path / "b", "--out", out, "--overlays", tmp_path / "o", "--device", "cpu")
    assert len({p.identifier for p in read_predictions(out)}) == 2
    assert len(list((tmp_path / "o").iterdir())) == 2


def test_locate_does_not_overwrite_unless_forced(run, data, model, tmp_path):
    out = tmp_path / "p.jsonl"
    out.write_text("precious")
    words = ["locate", model, data / "images" / "0.png", "--out", out, "--device", "cpu"]
    one_line(run(*words), out, "exists already", "--force")
    assert out.read_text() == "precious"
    assert run(*words, "--force")[0] == 0
    assert len(records(out)) == 1


def test_points_and_overlays_of_before_are_replaced_only_if_forced(run, data, model, tmp_path):
    pts, overlays = tmp_path / "pts", tmp_path / "overlays"
    pts.mkdir()
    (pts / "0.pts").write_text("by an annotator")
    (pts / "notes.txt").write_text("of the user")
    words = ["locate", model, data / "images" / "0.png", "--out", tmp_path / "p.jsonl", "--to", f"menpo-pts={pts}",
             "--overlays", overlays, "--device", "cpu"]  # fmt: skip
    one_line(run(*words), pts, "exists already", "--force")
    assert (pts / "0.pts").read_text() == "by an annotator"
    assert not overlays.exists()
    assert run(*words, "--force")[0] == 0
    assert len(read_points(pts / "0.pts").landmarks) == 5
    assert sorted(p.name for p in pts.iterdir()) == ["0.pts", "notes.txt"]


def test_locate_writes_predictions_alone_to_standard_output(run, data, model, tmp_path):
    words = ("locate", model, data / "images" / "0.png", "--out", "-", "--to",
             f"menpo-pts={tmp_path / 'pts'}", "--device", "cpu")  # fmt: skip
    status, out, err = run(*words)
    assert (status, [json.loads(line)["image"] for line in out.splitlines()]) == (0, ["0.png"])
    assert "1 films located" in err
    assert (tmp_path / "pts" / "0.pts").exists()
    assert not (tmp_path / "-").exists()  # `run` works in this folder


def test_the_hint_is_the_flag_that_is_missing_not_one_that_was_given(run, data, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    words = ["train", data, "--recipe", "whdv", "--out", tmp_path / "full", "--device", "cpu", *TINY]
    one_line_at_the_end(run(*words), "exists already", "--resume goes on")
    status, _, err = run(*words, "--resume")
    assert (status, "exists already" in err, "--resume" in err) == (2, True, False)


def test_locate_without_any_film_is_an_error(run, model, tmp_path):
    (tmp_path / "bare").mkdir()
    for where in ("bare", "absent"):
        one_line(run("locate", model, tmp_path / where, "--out", tmp_path / "p.jsonl", "--device", "cpu"), where)
    assert not (tmp_path / "p.jsonl").exists()


def test_locate_with_a_broken_model(run, data, model, tmp_path):
    one_line(run("locate", tmp_path, data, "--out", tmp_path / "p.jsonl"), "model.json")
    copy = shutil.copytree(model, tmp_path / "copy")
    (copy / "local" / "network.safetensors").unlink()
    one_line(run("locate", copy, data, "--out", tmp_path / "p.jsonl"), "network.safetensors", "missing")


def test_a_full_disk_is_one_line_and_leaves_nothing(run, data, model, tmp_path, monkeypatch):
    def full(self, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    out = tmp_path / "out" / "p.jsonl"
    one_line(run("locate", model, data, "--out", out, "--device", "cpu"), out, "cannot be written", "No space left")
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("content", ["", "{}\n", "not json\n", '{"image": "other.png", "points": [[1, 2]]}\n'])
def test_evaluate_with_wrong_predictions_is_one_line(run, data, tmp_path, content):
    (tmp_path / "p.jsonl").write_text(content)
    one_line(run("evaluate", tmp_path / "p.jsonl", "--truth", data, "--out", tmp_path / "report"))
    assert not (tmp_path / "report").exists()


def test_check_tells_and_draws_and_fails_where_something_is_wrong(run, data, tmp_path):
    status, out, _ = run("check", data, "--sheet", tmp_path / "sheet.png")
    assert status == 0
    assert "8 with points" in out
    assert "nothing wrong" in out
    assert (tmp_path / "sheet.png").stat().st_size > 0
    bad = shutil.copytree(data, tmp_path / "bad")
    shutil.copy(bad / "images" / "0.png", bad / "images" / "7.png")  # a test film is a training film
    status, out, _ = run("check", bad)
    assert status == 1
    assert Path("bad-check.png").exists()
    assert not (bad / "check.png").exists()
    assert "7.png" in out


def test_a_film_whose_name_is_not_utf8_is_checked_split_and_named(run, data, tmp_path, monkeypatch):
    copy = shutil.copytree(data, tmp_path / "copy")
    for table in ("landmarks.csv", "split.csv"):
        lines = (copy / table).read_bytes().splitlines(keepends=True)
        (copy / table).write_bytes(b"".join(line for line in lines if not line.startswith(b"3.png")))
    try:
        (copy / "images" / "3.png").rename(copy / "images" / os.fsdecode(b"r\xf6ntgen.png"))
    except OSError:
        pytest.skip("this file system takes no such name")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "utf-8"))  # as strict as a terminal
    assert run("split", copy, "--force")[0] == 0
    assert run("check", copy)[0] == 0
    sys.stdout.flush()
    assert rb"1 films have no points: r\udcf6ntgen.png" in sys.stdout.buffer.getvalue()
    assert b"r\xf6ntgen.png,t" in (copy / "split.csv").read_bytes()


def test_check_as_json_says_nothing_else_on_stdout(run, data, tmp_path):
    status, out, err = run("check", data, "--json")
    assert (status, err, list(tmp_path.glob("*.png"))) == (0, "", [])
    assert [film["size"] for film in json.loads(out)["films"]] == [[90, 80]] * 8
    status, out, err = run("check", data, "--json", "--sheet", tmp_path / "sheet.png")
    sheets = [tmp_path / name for name in ("sheet.png", "sheet-landmarks.png")]
    assert json.loads(out)["ok"]
    assert err == "contact sheet: {}\nlandmarks of one film: {}\n".format(*sheets)


def test_simulate_makes_a_folder_that_checks(run, tmp_path):
    status, out, _ = run("simulate", tmp_path / "hips", "--films", "2", "--seed", "3")
    assert status == 0
    assert "2 films" in out
    assert run("check", tmp_path / "hips")[0] == 0
    one_line(run("simulate", tmp_path / "hips", "--films", "2"), "exists already")


def test_convert_says_what_it_took_the_points_for_and_what_is_lost(run, data, tmp_path):
    status, said, err = run("convert", data, tmp_path / "pts", "--to", "menpo-pts")
    assert (status, said.splitlines()[1], err) == (0, f"8 films as menpo-pts: {tmp_path / 'pts'}", "")
    status, said, _ = run("convert", tmp_path / "pts", tmp_path / "l.csv", "--to", "long-csv", "--centre", "1")
    assert (status, "read as vxl-pts" in said, "taken as 1, as asked" in said) == (0, True, True)
    status, said, _ = run("convert", tmp_path / "pts", "-", "--to", "wide-csv", "--from", "menpo-pts")
    assert (status, said.splitlines()[0]) == (0, "image,x0,y0,x1,y1,x2,y2,x3,y3,x4,y4")
    (tmp_path / "w.csv").write_text(said)
    status, _, err = run("convert", tmp_path / "pts", tmp_path / "v.csv", "--to", "wide-csv")
    assert (status, err) == (0, "")
    first, other = (read_points(tmp_path / name).rows[0].points for name in ("w.csv", "v.csv"))
    np.testing.assert_allclose(other, first + 1)
    run("convert", tmp_path / "w.csv", tmp_path / "x.csv", "--to", "wide-csv", "--to-centre", "1")
    assert (tmp_path / "x.csv").read_text() == (tmp_path / "v.csv").read_text()
    status, said, _ = run("convert", tmp_path / "pts", tmp_path / "p.jsonl")
    assert "read as vxl-pts: " in said
    assert "menpo-pts files look the same, and have it at 1; --from and --centre change it" in said


def test_convert_errors_are_one_line(run, data, tmp_path):
    csv = data / "landmarks.csv"
    one_line(run("convert", csv, tmp_path / "l.csv"), "several formats end so (wide-csv, long-csv)", "--to names it")
    one_line(run("convert", csv, csv, "--to", "long-csv"), csv, "exists already", "--force")
    one_line(run("convert", csv, tmp_path / "l", "--to", "long"), "'long' is unknown", "did you mean 'long-csv'")
    one_line(run("convert", tmp_path / "none", tmp_path / "l", "--to", "long-csv"), "none: cannot be read")
    one_line(run("convert", csv, tmp_path / "l", "--to", "long-csv", "--centre", "2"), "centre = 2.0, expected 0 (VXL")
    assert list(tmp_path.iterdir()) == []


def test_films_left_out_of_a_conversion_are_named_and_the_status_is_one(run, tmp_path):
    (tmp_path / "w.csv").write_text("image,x0,y0\na,1,2\nb,,\n")
    status, said, err = run("convert", tmp_path / "w.csv", tmp_path / "pts", "--to", "vxl-pts")
    assert (status, f"1 films as vxl-pts: {tmp_path / 'pts'}" in said) == (1, True)
    assert err == f"left out of {tmp_path / 'pts'}, for want of points: b\n"


def here(job):
    """Run all tasks in this process, where what is patched holds."""
    return map(job.function, job.tasks)


def test_films_unlike_those_learned_from_are_named_and_an_error_where_that_is_asked_for(
    run, data, model, tmp_path, monkeypatch
):
    whole = Localiser.locate

    def locate(self, film, side=None, failure_limit=None):
        found = whole(self, film, side, failure_limit)
        return replace(found, known=film.identifier != "3.png")

    monkeypatch.setattr(Localiser, "locate", locate)
    words = ("locate", model, data, "--device", "cpu", "--failure-limit", "4px", "--out")
    status, _, err = run(*words, tmp_path / "p.jsonl")
    assert status == 0
    assert "not known: 3.png: unlike the films that the model was made from\n" in err
    assert "warning: 1 films are unlike those that the model was made from" in err
    records = {r["image"]: r for r in map(json.loads, (tmp_path / "p.jsonl").read_text().splitlines())}
    assert records["3.png"]["known"] is False
    assert all(0 <= r["probability_of_failure"] <= 1 for r in records.values())
    status, _, err = run(*words, tmp_path / "q.jsonl", "--strict")
    assert status == 1
    assert "error: 1 films are unlike" in err
    assert (tmp_path / "q.jsonl").exists()
    one_line(run(*words, tmp_path / "r.jsonl", "--failure-limit", "4in"), "'4in'", "px, mm or %")
    shards = (*words, tmp_path / "shards", "--films-per-shard", "5", "--jobs", "1")
    monkeypatch.setattr("landvote.runtime.executor.choose_executor", lambda *_: here)
    status, out, err = run(*shards)
    assert (status, out) == (0, f"8 films located: {tmp_path / 'shards'}\n")
    assert (
        "warning: 1 films are unlike those that the model was made from, and their points are not to be trusted: 3.png"
        in err
    )
    status, _, err = run(*shards, "--strict")
    assert status == 1
    assert "error: 1 films are unlike those that the model was made from" in err
    one_line(run(*words, tmp_path / "s", "--films-per-shard", "5", "--failure-limit", "4in"), "'4in'", "px, mm or %")
    one_line(run(*shards, "--failure-limit", "5px"), "another failure limit")


def test_a_model_is_calibrated_on_other_films(run, data, model, tmp_path, draw):
    other = draw(tmp_path / "other", [f"o{i}.png" for i in range(5)])
    for file in (other / "images").iterdir():  # else they are the same films
        pixels = np.array(Image.open(file))
        pixels[0, 0] ^= 1
        Image.fromarray(pixels).save(file)
    status, out, err = run("calibrate", model, other, "--out", tmp_path / "new", "--device", "cpu")
    assert status == 0, err
    assert "mean error on 5 films" in out
    assert run("locate", tmp_path / "new", other, "--device", "cpu", "--out", tmp_path / "p.jsonl")[0] == 0
    status, _, err = run("calibrate", model, data, "--out", tmp_path / "again", "--device", "cpu")
    assert (status, "the model learned from it" in err) == (2, True)
    one_line(run("calibrate", model, other, "--out", tmp_path / "new"), "exists already")


def test_a_format_that_cannot_be_written_keeps_no_other_from_being_written(run, model, data, tmp_path):
    (tmp_path / "films").mkdir()
    shutil.copy(data / "images" / "0.png", tmp_path / "films" / "a\nb.png")
    words = ("locate", model, tmp_path / "films", "--out", tmp_path / "p.jsonl", "--to", "tps", "--to", "long-csv")
    status, _, err = run(*words, "--device", "cpu")
    assert status == 2
    assert "cannot be written in a line" in err
    assert {path.name for path in tmp_path.iterdir()} == {"films", "p.jsonl", "p-long-csv.csv"}


def test_check_says_which_options_change_what_it_assumed(run, data):
    _, out, _ = run("check", data)
    (line,) = (line for line in out.splitlines() if line.startswith("points "))
    assert line.endswith("the centre of the first pixel is taken as 0 (--from and --centre change it)")


def test_check_replaces_no_file_that_is_no_contact_sheet(run, data, tmp_path):
    film = shutil.copy(data / "images" / "0.png", tmp_path / "film.png")
    one_line(run("check", data, "--sheet", film), "is no contact sheet of landvote", "--sheet names another place")
    assert film.read_bytes() == (data / "images" / "0.png").read_bytes()


def test_evaluate_refuses_truth_set_on_a_film_of_another_size(run, data, model, tmp_path):
    run("locate", model, data / "images" / "0.png", "--out", tmp_path / "p.jsonl", "--device", "cpu")
    keypoints = [v for x in range(10, 60, 10) for v in (x, x + 5, 2)]
    truth = {
        "images": [{"id": 1, "file_name": "0.png", "width": 500, "height": 400}],
        "categories": [{"id": 1, "name": "cross", "keypoints": list("01234")}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "keypoints": keypoints}],
    }
    (tmp_path / "t.json").write_text(json.dumps(truth))
    words = ("--truth", tmp_path / "t.json", "--films", data / "images", "--out", tmp_path / "report")
    one_line(run("evaluate", tmp_path / "p.jsonl", *words), "another size than the file of their points says: 0.png")
