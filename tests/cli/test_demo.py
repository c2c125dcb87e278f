"""The demonstration: its four steps in order, on films it never saw. The real one takes minutes and is not run here."""

from __future__ import annotations

import csv
import json

import pytest

from landvote.cli import demo
from landvote.errors import DataError
from toys import draw_crosses, tiny_changes

pytestmark = pytest.mark.slow


def few_films(folder, films, seed, progress):
    """Stand in for the simulation: the same files, drawn at once."""
    draw_crosses(folder, [f"{i:04}.png" for i in range(films)])
    progress(films)


@pytest.fixture
def short(monkeypatch):
    """Make the demonstration one of seconds: few drawn films, tiny networks, two steps."""
    monkeypatch.setattr(demo, "simulate_folder", few_films)
    monkeypatch.setattr(demo, "_FILMS", 8)
    monkeypatch.setattr(demo, "_TEST", 3)
    quick = [*tiny_changes("whdv", 32, steps=2, batch=2), "validation=0.3"]
    monkeypatch.setattr(demo, "_SETTINGS", quick)


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
    assert {s.training.minutes for s in chosen.stages} == {None}  # or a busy machine would train it badly
