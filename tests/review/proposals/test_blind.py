"""Blind films: chosen by a hash, hidden until they are approved, and told apart from others in the log."""

from __future__ import annotations

import json

import numpy as np
import pytest

from landvote.data.prediction import Prediction
from landvote.errors import DataError, EditError
from landvote.review.opening import open_review
from landvote.review.proposals.blind import BlindFilms
from landvote.review.store import OnPage, Store
from reviewing import THREE, at

FILM = "film-0.png"
POINTS = [[1, 2], [3, 4], [5, 6]]


def propose(store, points=POINTS, image=FILM, model="m" * 64):
    store.propose([Prediction(image, np.array(points, float), np.ones(3), THREE.landmarks, model=model)])


def blind_film(store, image=FILM):
    """Make the film blind: with this key it is one of the half that is."""
    store.proposals.blind = next(
        b for b in (BlindFilms(0.5, f"{i:064}", kept=True) for i in range(99)) if b.chosen(image)
    )  # fmt: skip


def place_all(store, image=FILM, who="Ana"):
    for name, (x, y) in zip(THREE.landmarks, [[1, 2], [3, 5], [5, 7]], strict=True):
        now = store.state(who, image)
        store.edit(who, image, "hash", now["revision"], "set", {name: ("placed", x, y)}, proposal=now["proposal"])
    return store.state(who, image)


def test_so_many_films_are_blind_a_larger_share_has_those_of_a_smaller_one_and_keys_differ():
    few, many, others = BlindFilms(0.05, "a" * 64), BlindFilms(0.3, "a" * 64), BlindFilms(0.3, "b" * 64)
    names = [f"hip-{i}.png" for i in range(4000)]
    chosen = [{n for n in names if b.chosen(n)} for b in (few, many, others)]
    assert 140 < len(chosen[0]) < 260
    assert 1100 < len(chosen[1]) < 1300
    assert chosen[0] < chosen[1] != chosen[2]
    assert not any(BlindFilms().chosen(n) for n in names)


def test_the_proposal_is_hidden_until_the_film_is_approved_and_the_list_does_not_tell(review):
    store = review.store
    propose(store)
    blind_film(store)
    now = store.state("Ana", FILM)
    assert (now["blind"], now["proposed"], now["proposal"], now["expected"], now["state"]) == (
        True,
        {},
        "",
        None,
        "new",
    )
    assert store.summary("Ana", FILM).state == "proposed"
    with pytest.raises(EditError, match="3 landmarks are undecided"):
        store.edit("Ana", FILM, "hash", 0, "approve")
    now = place_all(store)
    propose(store, [[9, 9]] * 3)  # a new model's stay hidden too
    assert store.state("Ana", FILM)["proposed"] == {}
    now = store.edit("Ana", FILM, "hash", now["revision"], "approve")
    assert (now["state"], now["blind"]) == ("approved", False)
    assert {m[3] for m in now["marks"].values()} == {"changed"}
    lines = [json.loads(line) for line in (store.folder / "edits.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [c["proposed"] for line in lines for c in line["changes"]] == [None] * 3
    assert [line["model"] for line in lines[1:]] == ["", "", "", "m" * 64]
    assert lines[-1]["blind"] == {name: [9, 9] for name in THREE.landmarks}


def test_a_film_begun_with_its_proposal_does_not_become_blind(review):
    store = review.store
    propose(store)
    now = store.state("Ana", FILM)
    store.edit("Ana", FILM, "hash", 0, "set", {"tip": ("placed", 1, 2)}, proposal=now["proposal"])
    blind_film(store)
    assert not store.is_blind("Ana", FILM)
    assert store.is_blind("Bo", FILM)
    store.close()
    again = Store(store.folder)
    blind_film(again)
    assert not again.is_blind("Ana", FILM)
    again.close()


def test_a_film_without_proposal_is_not_called_blind(review):
    blind_film(review.store)
    assert not review.store.is_blind("Ana", FILM)


def test_what_was_not_shown_was_not_proposed_and_is_not_accepted(review):
    store = review.store
    propose(store)
    page = OnPage(frozenset({"base"}), 5000)
    now = store.state("Ana", FILM)
    with pytest.raises(EditError, match=r"1 landmarks are undecided \(base\)"):
        store.edit("Ana", FILM, "hash", 0, "approve", proposal=now["proposal"], page=page)
    wanted = {"base": ("placed", 3.0, 4.0), "tip": ("placed", 1.0, 2.0)}  # just where they are proposed
    store.edit("Ana", FILM, "hash", 0, "set", wanted, proposal=now["proposal"], page=page)
    line = json.loads((store.folder / "edits.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert {c["landmark"]: (c["new"][3], c["proposed"]) for c in line["changes"]} == {
        "base": ("changed", None),
        "tip": ("accepted", [1, 2]),
    }
    assert line["shown"] == 5000


def test_the_share_is_kept_and_a_new_review_of_many_films_begins_with_five_per_cent(films, review):
    assert review.store.proposals.blind.share == 0  # of four films
    key = review.store.proposals.blind.key
    review.store.set_blind(0.25)
    review.store.close()
    again = open_review(films, "Ana")
    assert (again.store.proposals.blind.share, again.store.proposals.blind.key) == (0.25, key)
    again.store.close()
    for i in range(4, 20):
        (films / f"film-{i}.png").write_bytes((films / "film-0.png").read_bytes())
    again = open_review(films, "Ana")
    assert again.store.proposals.blind.share == 0.25
    again.store.close()
    fresh = open_review(films, "Ana", store=films.parent / "other")
    assert fresh.store.proposals.blind.share == 0.05
    fresh.store.close()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"), ('{"format": 1, "blind": 0.6, "key": "a"}', "blind is 0.6, expected a share"),
        ('{"format": 1, "blind": true, "key": "a"}', "blind is True"), ('{"format": 1, "blind": 0}', "has no 'key'"),
        ('{"format": 1, "blind": 0, "key": ""}', "key is ''"),
        ('{"format": 2, "blind": 0, "key": "a"}', "newer landvote"),
    ],
)  # fmt: skip
def test_settings_that_are_none_are_named(tmp_path, text, message):
    (tmp_path / "settings.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=f"settings.json.*{message}"):
        Store(tmp_path)


def test_the_server_tells_and_takes_the_share(client, review):
    assert client.get("/api/settings") == {"blind": 0}
    assert client.post("/api/settings", {"blind": 0.1}) == (200, {"blind": 0.1})
    assert review.store.proposals.blind.share == 0.1
    for bad in (
        {"blind": 0.51},
        {"blind": -0.1},
        {"blind": "0.1"},
        {"blind": None},
        {},
        {"blind": 0.1, "key": "x"},
        [],
    ):
        assert client.post("/api/settings", bad)[0] == 422
    assert json.loads((review.store.folder / "settings.json").read_text())["blind"] == 0.1


def test_the_server_takes_what_the_page_showed(client, review):
    propose(review.store)
    told = {"who": "Ana", "revision": 0, "act": "set", "changes": {"base": at(3, 4)}, "unplaced": ["base"], "shown": 7}
    status, state = client.post("/api/films/0/edits", told)
    assert (status, state["marks"]["base"][3], state["seconds"]) == (200, "changed", 0.0)
    for bad in ({"shown": -1}, {"shown": 1.5}, {"shown": 10**12}, {"unplaced": "base"}, {"unplaced": [1]}):
        assert client.post("/api/films/0/edits", {**told, "revision": 1, **bad})[0] == 422
