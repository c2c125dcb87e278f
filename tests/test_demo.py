"""The demonstration: its four steps in order, on films it never saw. The real one takes minutes and is not run here."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image

from landvote import demo
from landvote.errors import DataError
from landvote.readers import write_wide_csv


def few_films(folder, films, seed, progress):
    """Stand in for the simulation: the same files, drawn at once."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for i in range(films):
        x, y = np.random.default_rng([seed, i]).integers(30, 50, 2)
        grey = np.full((80, 90), 30, np.uint8)
        grey[y - 18 : y + 19, x - 2 : x + 3] = grey[y - 2 : y + 3, x - 14 : x + 15] = 200
        Image.fromarray(grey).save(folder / "images" / f"{i:04}.png")
        rows.append((f"{i:04}.png", None, np.array([[x, y - 18], [x + 14, y], [x, y + 18]], float)))
        progress(i + 1, films)
    write_wide_csv(folder / "landmarks.csv", rows)


@pytest.fixture
def short(monkeypatch):
    """Make the demonstration one of seconds: few drawn films, tiny networks, two steps."""
    monkeypatch.setattr(demo, "simulate_folder", few_films)
    monkeypatch.setattr(demo, "_FILMS", 8)
    monkeypatch.setattr(demo, "_TEST", 3)
    tiny = ["network.width=4", "network.depth=2", "network.stride=2", "network.head_width=8", "size=[32, 32]",
            "training.steps=2", "training.batch=2", "fit_aspect=false"]  # fmt: skip
    monkeypatch.setattr(demo, "_SETTINGS", [f"{s}.{c}" for s in ("global", "local") for c in tiny] + ["validation=0.3"])


def test_it_simulates_trains_locates_and_reports(tmp_path, short):
    said = []
    report = demo.run_demo(tmp_path / "out", "cpu", said.append)
    assert [line[:3] for line in said] == ["1/4", "2/4", "3/4", "4/4"]
    assert report.is_file()
    assert report.name == "report.html"
    lines = (tmp_path / "out" / "predictions.jsonl").read_text().splitlines()
    located = {json.loads(line)["image"] for line in lines}
    assert located == {"0005.png", "0006.png", "0007.png"}
    with (tmp_path / "out" / "model" / "films.csv").open(newline="") as file:
        assert located.isdisjoint(row["image"] for row in csv.DictReader(file))  # it never saw them
    assert len(list((tmp_path / "out" / "overlays").iterdir())) == 3


def test_it_does_not_write_over_what_is_there(tmp_path):
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(DataError, match="exists already"):
        demo.run_demo(tmp_path, "cpu", print)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_its_settings_are_settings_of_the_recipe():
    from landvote.recipes import recipe

    chosen = recipe("whdv", demo._SETTINGS)
    assert chosen != recipe("whdv")
    assert {s.training.minutes for s in chosen.stages.values()} == {None}  # or a busy machine would train it badly
