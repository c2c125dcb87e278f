"""The front door for Python: each name is on its page, the pages' code and the examples run, and types are told."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import cv2
import pytest

import landvote
from toys import dicom, tiny_changes

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
SMALL = ["validation=0.3", "left_out=0", *tiny_changes("whdv", steps=60, batch=2, judge_every=30)]
PRELUDE = f"""
import landvote
whole = landvote.recipe
landvote.recipe = lambda name, changes=(), scheme=None: whole(name, [*{SMALL}, *changes], scheme)
"""
SAID = """
import numpy as np
assert sample.points.shape == (58, 2) and len(sample.annotations) == 2 and len(sample.scheme.landmarks) == 58
assert (len(split.training), len(split.validation), len(unseen)) == (6, 3, 3) and report.ok
assert [s.voter.k for s in changed.stages if s.name == "local"] == [24.0] and changed.seed == 1
assert len(fitted.held_out) == 3 and prediction.points.shape == (58, 2) and prediction.expected_error.shape == (58,)
assert film.spacing.x == 0.15 and landvote.radiograph_of(dataset).spacing.x == 0.2
assert len(list(landvote.locate(localiser, films))) == 12 + 1 + 1 + 1 + 1 + 3
assert not np.isnan([p.points for p in predictions]).any()
assert evaluation.summary["films"]["scored"] == 3 == len(list(Path("points").rglob("*.pts")))
assert Path("landmarks.csv").is_file() and Path("report/report.html").is_file()
assert pixels.shape[0] <= 4 and points.shape[1:] == (58, 2) and matrix.shape[1:] == (2, 3)
"""
USER = """
import numpy as np
import landvote
from typing import assert_type
from collections.abc import Iterator

assert_type(landvote.__version__, str)
sample: landvote.Sample = landvote.read_folder("data")[0]
scheme: landvote.Scheme = landvote.Scheme.named("femur")
spacing = landvote.Spacing(0.1, 0.1, "user")
film: landvote.Radiograph = landvote.radiograph_of(np.zeros((2, 3)), "film", spacing)
film = landvote.read_image("film.png")
landvote.simulate_folder("data", 3)
assert_type(landvote.check_folder("data").ok, bool)
assert_type(landvote.convert_points("data", "points.csv", "long-csv").written.films, int)
assert_type(landvote.split_folder("data", seed=1), dict[str, tuple[int, int]])
known, _ = landvote.split_by_subject([sample], 0.5, 0)
recipe = landvote.recipe("rfrv", ["seed=1"], scheme)
recipe = landvote.auto_recipe(known, minutes=30.0)
split = landvote.divide(known, recipe)
conditions = landvote.Conditions(stop=landvote.StopToken(), listener=print)
localiser: landvote.Localiser = landvote.train_model(split, recipe, "model", conditions).localiser
localiser = landvote.calibrate_model("model", known, "calibrated", conditions).localiser
training = landvote.view_datasets(split, recipe, "local")[0]
assert_type(training[0].identifier, str)
assert_type(landvote.describe_model("model").limits, tuple[str, ...])
assert_type(landvote.recipe_of("model").picked, str)
localiser = landvote.load_model("model")
found = landvote.locate(localiser, [film, "a.png", np.zeros((2, 2)), sample])
assert_type(found, Iterator[landvote.Prediction])
assert_type(landvote.save_predictions("p.jsonl", found).films, int)
evaluation = landvote.evaluate(landvote.read_predictions("p.jsonl"), [sample])
landvote.write_report(evaluation, [sample], "report")
votes = landvote.VoteMap(np.zeros((1, 2, 2), np.float32), 1, 1.5)
kinds: list[type[landvote.VoterSettings]] = [landvote.VOTERS[kind] for kind in landvote.VOTERS]



def computed_on(voter: landvote.Voter) -> str:
    return voter.computed_on


try:
    localiser.locate("film.png")  # type: ignore[arg-type]  # an unused ignore is an error: it is no radiograph
except landvote.LandvoteError:
    pass
"""


def code(text: str) -> str:
    return "\n".join(re.findall(r"^```python\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE))


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the first column of the table below a heading, and of the second."""
    table = PAGE[PAGE.index(heading) :].split("\n\n")[1]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def run(*words: object, cwd: Path) -> str:
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=cwd, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_lists_the_names_in_their_order():
    assert [name.strip("`") for name, _ in rows("## The names")] == landvote.__all__
    assert dir(landvote) == sorted(landvote.__all__)


def test_each_name_has_a_home_and_a_docstring():
    assert sorted(landvote._HOMES) == sorted(set(landvote.__all__) - {"LandvoteError", "__version__"})
    undocumented = [n for n in landvote.__all__ if n != "__version__" and not getattr(landvote, n).__doc__]
    assert undocumented == []
    with pytest.raises(AttributeError, match="no attribute 'locat'"):
        _ = landvote.locat


def test_the_functions_of_other_commands_are_there():
    functions = [function.strip("`").rpartition(".") for _, function in rows("Commands that are used less")]
    assert len(functions) > 4
    assert all(callable(getattr(import_module(module), name)) for module, _, name in functions)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Run the page in a folder that has a picture and a DICOM file, and return that."""
    folder = tmp_path_factory.mktemp("python")
    landvote.simulate_folder(folder / "more", 1, seed=1)
    picture = next((folder / "more" / "images").iterdir())
    picture.rename(folder / "film.png")
    pixels = landvote.read_image(folder / "film.png").pixels
    dicom(pixels, PixelSpacing=[0.2, 0.2]).save_as(folder / "film.dcm", enforce_file_format=True)
    assert cv2.imread(str(folder / "film.png")) is not None
    run("-W", "error:::landvote", "-c", f"{PRELUDE}\n{code(PAGE)}\nfrom pathlib import Path\n{SAID}", cwd=folder)
    return folder


@pytest.mark.slow
def test_the_page_and_then_the_readme_run(place):
    said = "assert prediction.points.shape == (58, 2) == (*prediction.expected_error.shape, 2)"
    run("-c", f"{code((ROOT / 'README.md').read_text(encoding='utf-8'))}\n{said}", cwd=place)


@pytest.mark.slow
def test_the_example_of_dicom_films_in_memory_prints_millimetres(place):
    said = run(ROOT / "examples" / "dicom_in_memory.py", "model", "film.dcm", cwd=place).splitlines()
    assert said[0].endswith(", in mm by PixelSpacing")
    assert len(said) == 1 + 58 + 1
    assert said[-1].split()[:4] == ["distance", "of", "the", "pair"]


@pytest.mark.slow
def test_the_example_of_training_writes_a_report_and_is_gone_on_with(place, tmp_path):
    changes = ", ".join(f'"{change}"' for change in SMALL)
    (tmp_path / "small.toml").write_text(f'name = "small"\nextends = "whdv"\nset = [{changes}]\n')
    for _ in range(2):
        said = run(ROOT / "examples" / "train_and_locate.py", place / "data", tmp_path / "out", tmp_path / "small.toml",
                   cwd=tmp_path)  # fmt: skip
        assert said.splitlines()[-1] == f"report: {tmp_path / 'out' / 'report' / 'report.html'}"
    assert len(landvote.read_predictions(tmp_path / "out" / "predictions.jsonl")) == 2


@pytest.mark.slow
def test_the_example_of_a_voter_finds_most_of_a_film(place, tmp_path):
    said = run(ROOT / "examples" / "own_voter.py", place / "data", tmp_path / "model", cwd=tmp_path).splitlines()
    assert "point_to_point_px" in said[0]
    assert min(float(line.split()[-2]) for line in said[1:]) < 50


@pytest.mark.slow
def test_a_strict_type_checker_passes_who_uses_the_package(tmp_path):
    pytest.importorskip("mypy")
    (tmp_path / "user.py").write_text(USER)
    page = code(PAGE).replace("num_workers=2):", "num_workers=2):  # type: ignore[arg-type]")
    (tmp_path / "page.py").write_text(page)
    missing = [name for name in landvote.__all__ if not re.search(rf"landvote\.{name}\b", USER)]
    assert missing == []
    words = ("--strict", "--config-file=", "--cache-dir", ROOT / ".mypy_cache" / "users")
    run("-m", "mypy", *words, "user.py", "page.py", *EXAMPLES, cwd=tmp_path)
