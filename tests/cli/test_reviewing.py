"""The verb review: what it says, and what it refuses before it serves."""

from __future__ import annotations

import queue
import re
import sys

import pytest

from landvote.review import server


@pytest.fixture
def served(monkeypatch):
    """Let nothing be served, and return a queue of what the browser is to open."""
    opened = queue.SimpleQueue()
    monkeypatch.setattr(server, "serve", lambda _, listening: listening.close())
    monkeypatch.setattr("webbrowser.open", opened.put)
    return opened


def test_it_prints_one_line_and_opens_the_browser(run, draw, tmp_path, served):
    data = draw(tmp_path / "data", ["a.png", "b.png"])
    status, out, err = run("review", data, "--user", "Ana", "--port", 0)
    assert status == 0
    printed, token = re.fullmatch(r"review of 2 films: (http://127\.0\.0\.1:\d+/\?token=)(\S{43})\n", out).groups()
    assert "the points of 2 films were imported" in err
    address = served.get(timeout=20)
    assert address.startswith(printed)
    assert token not in address  # other users of the machine may see it
    assert run("review", data, "--no-browser", "--port", 0)[0] == 0
    assert served.empty()


def test_another_host_is_warned_of(run, draw, tmp_path, served):
    data = draw(tmp_path / "data", ["a.png"])
    assert "whoever sees the address can see the films" in run("review", data, "--host", "0.0.0.0", "--port", 0)[2]  # noqa: S104


def test_a_port_that_is_taken_is_refused_and_the_usual_one_is_left(run, draw, tmp_path, served):
    data = draw(tmp_path / "data", ["a.png"])
    with server.listen("127.0.0.1", 0) as taken:
        status, _, err = run("review", data, "--port", taken.getsockname()[1])
    assert status == 2
    assert "--port names another one" in err


def test_a_store_elsewhere_leaves_the_data_as_it_is(run, draw, tmp_path, served):
    data = draw(tmp_path / "data", ["a.png"])
    before = sorted(data.rglob("*"))
    assert run("review", data, "--store", tmp_path / "store", "--port", 0)[0] == 0
    assert sorted(data.rglob("*")) == before
    assert (tmp_path / "store" / "points.csv").is_file()


def test_without_its_packages_it_says_how_to_get_them(run, draw, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    status, _, err = run("review", draw(tmp_path / "data", ["a.png"]))
    assert status == 2
    assert "pip install 'landvote[review]'" in err


def test_files_to_compare_with_are_read_before_it_serves(run, draw, tmp_path, served):
    data = draw(tmp_path / "data", ["a.png"])
    file = tmp_path / "other.csv"
    file.write_text("image,landmark,x,y\na,0,1,2\n", encoding="utf-8")
    assert run("review", data, "--compare", file, "--port", 0)[0] == 0
    status, _, err = run("review", data, "--compare", file, "--compare", file, "--port", 0)
    assert status == 2
    assert "is called 'other'" in err
    assert "--compare names both" in err
    assert run("review", data, "--port", 0)[0] == 0  # the store was closed
