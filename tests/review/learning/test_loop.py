"""The loop: what it trains, with a trainer that only pretends; trainers that fail, are stopped or killed."""

from __future__ import annotations

import csv
import json
import os
import random
import signal
import sys
import textwrap
import threading
import time
from contextlib import contextmanager

import pytest

from landvote.errors import EditError
from landvote.localiser import Localiser
from landvote.recipes import CLAIMED
from landvote.review.learning import Learning
from landvote.review.models.current import CurrentModel
from landvote.review.models.proposing import Proposer
from landvote.review.opening import open_review
from landvote.runtime.consent import has_accepted
from reviewing import served
from toys import ELL, ell, tiny_words

STUB = textwrap.dedent("""
    import json, sys, time
    from pathlib import Path
    words = sys.argv[1:]
    out = Path(words[words.index("--out") + 1])
    out.mkdir(exist_ok=True)
    with (out.parent / "calls.jsonl").open("a") as calls:
        calls.write(json.dumps(words) + "\\n")
    (out / "training.json").write_text("{}")
    event = {"time": 1.0, "event": "ForestGrown", "stage": "local", "done": 2, "landmarks": 6}
    (out / "events.jsonl").write_text(json.dumps(event) + "\\n")
    print("survey: 20%, film 1 of 5", flush=True)
""")
WAITS = "\ntime.sleep(60)\n"
FAILS = "\nsys.exit(f'landvote: {out}: no space left, expected some')\n"


def wait(there, seconds=150):
    until = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.fixture
def ells(tmp_path, monkeypatch):
    """Return a folder of 12 films that show an L, and a file of settings of this test's own."""
    import cv2

    monkeypatch.setenv("LANDVOTE_CONFIG", str(tmp_path / "config"))
    monkeypatch.setattr("landvote.review.learning.loop.installed", lambda _: False)
    folder = tmp_path / "data"
    folder.mkdir()
    for i in range(12):
        cv2.imwrite(str(folder / f"{i:02}.png"), ell(i)[0])
    return folder


def label(review, numbers):
    """Let Ana approve films by their true points."""
    for i in numbers:
        points = {name: ("placed", *point) for name, point in zip(ELL.landmarks, ell(i)[1], strict=True)}
        review.store.edit("Ana", f"{i:02}.png", "", 0, "set", points)
        shown = review.store.state("Ana", f"{i:02}.png")
        review.store.edit("Ana", f"{i:02}.png", "", shown["revision"], "approve", proposal=shown["proposal"])


@contextmanager
def looping(folder, stub=None, words=()):
    review = open_review(folder, "Ana", scheme=ELL)
    proposer = Proposer(review.films, review.store, CurrentModel())
    command = {"command": [sys.executable, "-c", stub]} if stub else {}
    learning = Learning(review, proposer, words=words, **command)
    proposer.start()
    learning.start()
    try:
        yield review, learning
    finally:
        proposer.end()
        learning.end()
        review.store.close()


def state(learning):
    return learning.told()["state"]


def calls(folder):
    file = folder / "landvote-review" / "models" / "calls.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_it_trains_at_five_films_from_a_copy_of_their_points_and_says_how_far_it_is(ells):
    (ells / "films.csv").write_text("image,subject,spacing_mm\n" + "".join(f"{i:02}.png,p{i},0.5\n" for i in range(12)))
    with looping(ells, STUB + WAITS) as (review, learning):
        label(review, range(4))
        time.sleep(1.2)
        told = learning.told()
        assert (told["approved"], told["next"], told["state"], told["models"]) == (4, 5, "waiting", [])
        label(review, [4])
        wait(lambda: learning.told()["event"])
        told = learning.told()
        assert (told["state"], told["recipe"], told["event"]["done"]) == ("training", "rfrv", 2)
        assert told["log"] == ["survey: 20%, film 1 of 5"]
        points = review.store.folder / "models" / "001-points"
        films = list(csv.DictReader((points / "films.csv").read_text().splitlines()))
        assert [film["split"] for film in films[5:]] == [""] * 7
        assert [film["split"] for film in films[:5]] == ["train"] * 5
        assert (films[3]["subject"], films[3]["spacing_mm"]) == ("p3", "0.5")
        assert len((points / "points.csv").read_text().splitlines()) == 31
    assert [call[call.index("--recipe") + 1] for call in calls(ells)] == ["rfrv"]


def test_a_training_that_fails_says_why_is_not_repeated_by_itself_and_leaves_nothing(ells):
    with looping(ells, STUB + FAILS) as (review, learning):
        label(review, range(6))
        wait(lambda: state(learning) == "failed")
        told = learning.told()
        assert told["why"] == "models/001-rfrv: no space left, expected some"
        assert told["next"] == 9
        time.sleep(1.2)
        assert len(calls(ells)) == 1
        assert list((ells / "landvote-review" / "models").glob("0*")) == []
        learning.act("train")
        wait(lambda: len(calls(ells)) == 2)
        wait(lambda: state(learning) == "failed")


def test_what_a_trainer_has_left_that_was_killed_before_it_began_is_removed(ells):
    models = ells / "landvote-review" / "models"
    for folder in (models / "001-points", models / ".002-points"):
        folder.mkdir(parents=True)
    (models / "001-rfrv.log").write_text("")
    with looping(ells, STUB + WAITS) as (review, learning):
        label(review, range(5))
        wait(lambda: learning.told()["event"])
        assert sorted(path.name for path in models.glob("*0*")) == ["001-points", "001-rfrv", "001-rfrv.log"]
        assert (models / "001-points" / "points.csv").is_file()


def test_it_is_stopped_paused_and_resumed(ells):
    with looping(ells, STUB + WAITS) as (review, learning):
        with pytest.raises(EditError, match="0 approved films, expected 2"):
            learning.act("train")
        with pytest.raises(EditError, match="no training runs"):
            learning.act("stop")
        learning.act("pause")
        label(review, range(5))
        time.sleep(1.2)
        assert (state(learning), learning.told()["paused"]) == ("waiting", True)
        learning.act("resume")
        wait(lambda: learning.told()["event"])
        learning.act("stop")
        assert state(learning) == "stopped"
        time.sleep(1.2)
        assert (state(learning), len(calls(ells))) == ("stopped", 1)
        learning.act("pause")
    with looping(ells, STUB + WAITS) as (_, learning):
        wait(lambda: learning.told()["paused"])  # remembered
        learning.act("train")
        wait(lambda: learning.told()["event"])
    assert len(calls(ells)) == 2


def test_the_notice_is_asked_for_once_and_remembered_as_by_the_command_line(ells):
    with looping(ells, STUB + WAITS) as (review, learning):
        told = learning.told()
        assert (told["asks"], told["accepted"], told["notice"]) == (True, False, CLAIMED)
        learning.act("decline-notice")
        assert not learning.told()["asks"]
        learning.act("accept-notice")
        assert has_accepted(ells, CLAIMED)
        label(review, range(5))
        wait(lambda: calls(ells))
        assert calls(ells)[0][calls(ells)[0].index("--recipe") + 1] == "rfrv-clm"
    with looping(ells, STUB + WAITS) as (_, learning):
        wait(lambda: learning.told()["accepted"])
        assert not learning.told()["asks"]


def test_a_notice_that_is_accepted_while_the_loop_begins_is_not_forgotten(ells, monkeypatch):
    begun, accepted = threading.Event(), threading.Event()

    def slowly(data, notice):
        found = has_accepted(data, notice)
        begun.set()
        accepted.wait(0.5)
        return found

    monkeypatch.setattr("landvote.review.learning.loop.has_accepted", slowly)
    with looping(ells, STUB + WAITS) as (_, learning):
        begun.wait()
        learning.act("accept-notice")
        accepted.set()
        time.sleep(0.2)
        assert learning.told()["accepted"]


def test_a_network_waits_for_forests_and_goes_on_after_them(ells, monkeypatch):
    monkeypatch.setattr("landvote.review.learning.loop.installed", lambda _: True)
    monkeypatch.setattr(
        "landvote.review.learning.loop.next_training",
        lambda learned, kind="forest": {"forest": 5, "network": 6}[kind] if learned is None else learned + 3,
    )
    ends = "\nif 'whdv' in words: time.sleep(60)\nsys.exit('landvote: ended')\n"
    with looping(ells, STUB + ends) as (review, learning):
        label(review, range(7))
        wait(lambda: learning.told()["recipe"] == "whdv")
        assert not any("--start-from" in call for call in calls(ells))
        label(review, [7, 8, 9])
        wait(lambda: len(calls(ells)) == 4)
        assert ["whdv" in call for call in calls(ells)] == [False, True, False, True]
        outs = [call[call.index("--out") + 1] for call in calls(ells)]
        assert outs[1] == outs[3]  # it goes on
        assert "--max-minutes" in calls(ells)[1]


@pytest.mark.slow
def test_a_trainer_that_is_killed_again_and_again_loses_nothing(ells):
    rng = random.Random(5)
    with looping(ells, words=tiny_words("rfrv", 48)) as (review, learning):
        label(review, range(5))
        for _ in range(2):  # one more would count as failed
            wait(lambda: state(learning) == "training" or learning.told()["models"])  # it may be quicker
            time.sleep(rng.uniform(0.5, 4))
            trainer = learning._trainer
            if trainer and trainer.running:
                os.kill(trainer._process.pid, signal.SIGKILL)
            wait(lambda before=trainer: learning._trainer is not before or learning.told()["models"])
        wait(lambda: learning.told()["models"] or state(learning) == "failed")
        told = learning.told()
        assert told["why"] == ""
        assert told["models"][0]["proposing"]
        assert isinstance(learning._proposer.models.current(), Localiser)
        wait(lambda: review.store.proposed_by("11.png") is not None)
        before = sorted(review.store.states.approved_films())
        assert before == [f"{i:02}.png" for i in range(5)]


@pytest.mark.slow
def test_it_learns_proposes_and_goes_on_where_a_server_ended(ells):
    words = tiny_words("rfrv", 48)
    with looping(ells, words=words) as (review, learning):
        label(review, range(5))
        wait(lambda: state(learning) == "training")  # and the server ends in the middle of it
    with looping(ells, words=words) as (review, learning):
        wait(lambda: learning.told()["models"], 120)
        first = learning.told()["models"][0]
        assert (first["kind"], first["films"], first["proposing"], first["error"]) == ("forest", 3, True, None)
        wait(lambda: review.store.proposed_by("11.png") is not None)
        label(review, range(5, 11))
        wait(lambda: len(learning.told()["models"]) == 2, 120)
        told = learning.told()
        assert told["models"][1]["films"] == 9  # of 11, two are held out
        assert told["models"][1]["held"] >= told["models"][0]["held"]
    with looping(ells, words=words) as (_, learning):
        wait(lambda: learning.told()["models"])
        again = learning.told()
        assert [m["name"] for m in again["models"]] == [m["name"] for m in told["models"]]
        assert (again["next"], again["state"]) == (14, "waiting")
    names = {path.name for path in (ells / "landvote-review" / "models").iterdir()}
    assert not any(name.startswith(".") for name in names)


def test_the_page_asks_for_it(ells):
    review = open_review(ells, "Ana", scheme=ELL)
    proposer = Proposer(review.films, review.store, CurrentModel())
    learning = Learning(review, proposer, command=[sys.executable, "-c", STUB + WAITS])
    with served(review, proposer, learning) as client:
        assert client.get("/api/learning")["approved"] == 0
        for told in ({}, {"act": "destroy"}, {"act": "train", "more": 1}, [], None):
            assert client.post("/api/learning", told)[0] == 422
        assert client.post("/api/learning", {"act": "train"})[0] == 422
        label(review, range(2))
        assert client.post("/api/learning", {"act": "train"})[0] == 200
        wait(lambda: client.get("/api/learning")["state"] == "training")
        assert client.post("/api/learning", {"act": "stop"})[1]["state"] == "stopped"
        assert client.ask("POST", "/api/learning", b'{"act": "pause"}', Cookie=None)[0] == 401
        wait(lambda: all(len(row) == 8 for row in client.get("/api/films?who=Ana")["films"]))
        wait(lambda: client.get("/api/films?who=Ana")["films"][5][7] is not None)
        assert client.get("/api/films?who=Ana")["films"][0][7] is None  # it is approved
    review.store.close()


def test_without_learning_there_is_none(client):
    assert client.get("/api/learning") is None
    assert client.post("/api/learning", {"act": "train"})[0] == 405
    assert client.get("/api/films?who=Ana")["films"][0][5] is None
