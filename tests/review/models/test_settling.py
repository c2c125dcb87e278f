"""Settling over the server: proposals that follow, that are found again, and that are put back."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from landvote.data.prediction import Prediction
from landvote.data.scheme import Outline, Scheme
from landvote.review.edits.history import revision_of
from landvote.review.landmarks.schemes import WantedScheme, rewrite_scheme
from landvote.review.models.current import CurrentModel
from landvote.review.opening import open_review
from landvote.review.proposals.blind import BlindFilms
from landvote.review.store import Store
from reviewing import MISSING, THREE, Client, at, served

LINE = Scheme.numbered(6).model_copy(
    update={"name": "line", "landmarks": tuple("abcdef"), "outlines": (Outline(name="line", points=tuple(range(5))),)}
)
POINTS = np.array([[5, 15], [6, 15.5], [7, 15], [8, 14.5], [9, 15], [30, 15]], float)


def propose(store, points=POINTS, image="film-0.png"):
    store.propose([Prediction(image, points, np.full(6, 2.0), LINE.landmarks, model="m" * 64)])


@pytest.fixture
def review(films):
    opened = open_review(films, "Ana", scheme=LINE)
    propose(opened.store)
    yield opened
    opened.store.close()


def state(client, number=0, who="Ana"):
    return client.get(f"/api/films/{number}?who={who}")


def settle(client, revision, number=0, who="Ana"):
    return client.post(f"/api/films/{number}/settle", {"who": who, "revision": revision})


def test_neighbours_on_an_outline_follow_and_those_that_a_person_has_set_do_not(client):
    gains = client.get("/api/films/0/carry?who=Ana&landmark=b")["gains"]
    assert set(gains) == {"a", "c", "d", "e"}
    assert 0 < gains["d"][0] < gains["c"][0] < 1
    assert gains["c"] == pytest.approx([gains["c"][0], 0, 0, gains["c"][0]])
    client.edit(0, 0, c=at(7, 16), a=MISSING)
    assert set(client.get("/api/films/0/carry?who=Ana&landmark=b")["gains"]) <= {"d", "e"}
    assert set(client.get("/api/films/0/carry?who=Bo&landmark=b")["gains"]) == {"a", "c", "d", "e"}


def test_a_drag_takes_proposals_along_in_one_edit_that_one_undo_takes_back(client, review):
    before = state(client)
    told = {"who": "Ana", "revision": 0, "act": "set", "proposal": before["proposal"], "changes": {"b": at(6, 18)},
            "followed": {"c": [7, 16.5]}}  # fmt: skip
    status, after = client.post("/api/films/0/edits", told)
    assert (status, after["marks"]) == (200, {"b": ["placed", 6, 18, "changed"]})
    assert (after["proposed"]["c"], after["proposed"]["d"]) == ([7, 16.5, None, None], [8, 14.5, 2, None])
    assert after["proposal"] != before["proposal"]
    assert state(client, who="Bo")["proposed"] == before["proposed"]  # another person's film is as it was
    review.store.close()
    again = Store(review.store.folder)
    assert again.state("Ana", "film-0.png")["proposed"] == after["proposed"]  # also after a restart
    again.close()


def test_settling_carries_what_is_not_fixed_and_undo_puts_it_back(client):
    before = state(client)
    client.edit(0, 0, b=at(6, 18), d=MISSING)
    status, after = settle(client, 1)
    assert (status, after["state"], after["revision"]) == (200, "corrected", 2)
    assert after["marks"] == {"b": ["placed", 6, 18, "changed"], "d": ["missing", None, None, "changed"]}
    assert after["proposed"]["c"][1] > before["proposed"]["c"][1] + 0.2
    assert after["proposed"]["f"] == [30, 15, 2, None]
    assert after["proposed"]["b"][:2] == [6, 18]  # it is not carried a second time
    assert settle(client, 2)[1]["proposed"] == after["proposed"]
    assert state(client)["revision"] == 2  # an edit that changes nothing is not kept
    _, undone = client.edit(0, 2, act="undo")
    assert (undone["proposed"], undone["proposal"]) == (before["proposed"], before["proposal"])
    assert client.edit(0, 3, act="redo")[1]["proposed"] == after["proposed"]


def test_settling_begins_from_what_was_proposed_before_points_followed(client):
    before = state(client)["proposal"]
    told = {"who": "Ana", "revision": 0, "act": "set", "proposal": before, "changes": {"b": at(6, 18)}}
    client.post("/api/films/0/edits", told | {"followed": {"c": [1, 1]}})
    _, followed = settle(client, 1)
    client.post("/api/films/0/edits", told | {"who": "Bo"})
    assert settle(client, 1, who="Bo")[1]["proposed"] == followed["proposed"]


def test_what_was_settled_is_approved_as_it_was_shown_and_no_other(client):
    before = state(client)
    client.edit(0, 0, b=at(6, 18))
    _, after = settle(client, 1)
    status, told = client.edit(0, 2, act="approve", proposal=before["proposal"])
    assert (status, told["state"]["state"]) == (409, "corrected")
    status, told = client.edit(0, 2, act="approve", proposal=after["proposal"])
    assert (status, told["state"]) == (200, "approved")
    assert told["marks"]["c"] == ["placed", *after["proposed"]["c"][:2], "accepted"]


def test_what_was_settled_is_accepted_and_the_machine_is_judged_by_its_own_points(client, review):
    before = state(client)["proposed"]
    client.edit(0, 0, b=at(6, 18))
    _, after = settle(client, 1)
    x, y = after["proposed"]["c"][:2]
    _, told = client.edit(0, 2, c=at(x, y))
    assert told["marks"]["c"] == ["placed", x, y, "accepted"]
    client.edit(0, 3, act="approve", proposal=told["proposal"])
    (record,) = client.get("/api/agreement")["machine"]
    off = {each["landmark"]: each["mean"] for each in record["proposed"]["landmarks"]}
    assert off["c"] == pytest.approx(np.hypot(x - before["c"][0], y - before["c"][1]), abs=1e-3)
    assert off["c"] > 0.2
    assert off["b"] == pytest.approx(2.5)
    assert (record["proposed"]["accepted"], record["proposed"]["changed"]) == (5, 1)
    assert not review.store.states.approved_films(unaided=True)


def test_a_landmark_that_no_model_has_proposed_says_nothing_of_the_machine(films):
    review = open_review(films, "Ana", scheme=LINE)
    review.store.propose([Prediction("film-0.png", POINTS[:5], np.full(5, 2.0), LINE.landmarks[:5])])
    with served(review) as client:
        now = state(client)
        told = {"who": "Ana", "revision": 0, "act": "set", "proposal": now["proposal"], "changes": {"b": at(6, 18)}}
        _, now = client.post("/api/films/0/edits", told | {"followed": {"f": [30, 16]}})
        assert client.edit(0, 1, act="approve", proposal=now["proposal"])[1]["marks"]["f"][3] == "accepted"
        (record,) = client.get("/api/agreement")["machine"]
        assert {each["landmark"] for each in record["proposed"]["landmarks"]} == set("abcde")
    review.store.close()


def test_proposals_of_a_person_go_by_the_new_names_of_landmarks(client, review):
    client.edit(0, 0, b=at(6, 18))
    _, after = settle(client, 1)
    names = [{"name": "centre" if name == "c" else name, "was": name, "definition": ""} for name in LINE.landmarks]
    wanted = WantedScheme.model_validate({"landmarks": names})
    rewrite_scheme(review.store, "Bo", wanted, revision_of(review.store.scheme))
    now = state(client)
    assert now["proposed"]["centre"] == after["proposed"]["c"]
    _, told = client.edit(0, 2, act="approve", proposal=now["proposal"])
    assert told["marks"]["centre"] == ["placed", *after["proposed"]["c"][:2], "accepted"]
    (record,) = client.get("/api/agreement")["machine"]
    assert record["proposed"]["points"] == 6


@pytest.mark.parametrize("predicted", [True, False])
def test_nothing_follows_nor_is_settled_on_a_blind_film_before_it_is_approved(client, review, predicted):
    number = 0 if predicted else 1
    image = f"film-{number}.png"
    review.store.proposals.blind = next(b for b in (BlindFilms(0.5, str(i)) for i in range(99)) if b.chosen(image))
    client.edit(number, 0, b=at(6, 18))
    for status, told in (
        settle(client, 1, number=number),
        client.ask("GET", f"/api/films/{number}/carry?who=Ana&landmark=b")[::2],
        client.post(f"/api/films/{number}/edits", {
            "who": "Ana", "revision": 1, "act": "set", "changes": {"b": at(6, 19)}, "followed": {"c": [7, 16]}
        }),
    ):  # fmt: skip
        assert status == 422
        assert "annotate blind" in (told if isinstance(told, dict) else json.loads(told))["error"]
    assert state(client, number)["revision"] == 1
    assert state(client, number)["blind"] is predicted
    client.edit(number, 1, **{name: at(5, 5) for name in "acdef"})
    assert client.edit(number, 2, act="approve")[0] == 200
    assert settle(client, 3, number=number)[0] == 200


def test_a_film_that_a_person_has_settled_keeps_the_points_of_its_model(client, review):
    told = {"who": "Ana", "revision": 0, "act": "set", "proposal": state(client)["proposal"]}
    client.post("/api/films/0/edits", told | {"changes": {"b": at(6, 18)}, "followed": {"c": [7, 16]}})
    client.edit(0, 1, b=None)
    before = review.store.proposed("film-0.png")
    review.store.propose([Prediction("film-0.png", POINTS + 3, np.full(6, 2.0), LINE.landmarks)], untouched=True)
    assert review.store.proposed("film-0.png") == before


def test_a_new_proposal_of_a_model_does_not_take_the_place_of_what_a_person_settled(client, review):
    client.edit(0, 0, b=at(6, 18))
    _, after = settle(client, 1)
    propose(review.store, POINTS + 3)
    assert state(client)["proposed"] == after["proposed"]
    assert state(client, who="Bo")["proposed"]["a"] == [8, 18, 2, None]


def test_points_that_followed_another_proposal_are_a_conflict(client, review):
    seen = state(client)["proposal"]
    propose(review.store, POINTS + 3)
    told = {"who": "Ana", "revision": 0, "act": "set", "proposal": seen, "changes": {"b": at(6, 18)}}
    status, answer = client.post("/api/films/0/edits", told | {"followed": {"c": [7, 16]}})
    assert (status, answer["state"]["marks"]) == (409, {})
    assert client.post("/api/films/0/edits", told)[0] == 200  # the point alone is the person's own


@pytest.mark.parametrize(
    ("number", "body", "status"),
    [
        (0, {"who": "Ana", "revision": 0}, 422),  # nothing is placed
        (0, {"who": "Ana", "revision": 7}, 409),
        (9, {"who": "Ana", "revision": 0}, 404),
        (0, {"who": "Ana"}, 422),
        (0, {"who": "Ana", "revision": 0, "held": []}, 422),
        (0, {"who": "\n", "revision": 0}, 422),
        (0, [], 422),
    ],
)
def test_settling_is_refused(client, number, body, status):
    assert client.post(f"/api/films/{number}/settle", body)[0] == status
    assert state(client)["revision"] == 0


@pytest.mark.parametrize("followed", [{"z": [1, 1]}, {"c": [1]}, {"c": [1, None]}, {"c": [1, 1e9]}, {"c": "here"}])
def test_points_that_cannot_have_followed_are_refused(client, followed):
    told = {"who": "Ana", "revision": 0, "act": "set", "proposal": state(client)["proposal"]}
    told |= {"changes": {"b": at(6, 18)}, "followed": followed}
    assert client.post("/api/films/0/edits", told)[0] == 422
    told = {"who": "Ana", "revision": 0, "act": "approve", "followed": {"c": [1, 1]}}
    assert client.post("/api/films/0/edits", told)[0] == 422
    assert state(client)["revision"] == 0


@pytest.mark.parametrize(
    ("path", "status"),
    [("0/carry?who=Ana&landmark=z", 422), ("0/carry?who=Ana", 422), ("0/carry?landmark=a", 422),
     ("9/carry?who=Ana&landmark=a", 404)],
)  # fmt: skip
def test_carrying_is_refused(client, path, status):
    assert client.ask("GET", f"/api/films/{path}")[0] == status


def test_nothing_is_settled_in_a_review_that_is_read_only(films):
    open_review(films, "Ana", scheme=THREE).store.close()
    review = open_review(films, "Ana", read_only=True)
    with served(review) as client:
        assert settle(client, 0)[0] == 403
    review.store.close()


def test_a_film_that_cannot_be_read_is_not_settled(films, client):
    (films / "film-1.png").write_bytes(b"broken")
    assert settle(client, 0, number=1)[0] == 422


def approve(client, number, points):
    names = LINE.landmarks
    client.edit(number, 0, **{name: at(*map(float, point)) for name, point in zip(names, points, strict=True)})
    assert client.edit(number, 1, act="approve", proposal=state(client, number)["proposal"])[0] == 200


def test_after_five_approved_films_the_shape_places_what_nobody_has_proposed(films):
    for i in range(4, 6):
        (films / f"film-{i}.png").write_bytes((films / "film-3.png").read_bytes())
    review = open_review(films, "Ana", scheme=LINE)
    shape = np.array([[0, 0], [4, 1], [9, 0], [12, 6], [9, 11], [0, 10]], float)
    rng = np.random.default_rng(0)
    with served(review) as client:
        for number in range(5):
            approve(client, number, (shape + rng.normal(0, 0.1, shape.shape) + [8, 6]).round(3))
        truth = shape * 1.2 + [12, 8]
        client.edit(5, 0, a=at(*truth[0]), d=at(*truth[3]), b=MISSING)
        _, told = settle(client, 1, number=5)
        assert set(told["proposed"]) == {"a", "c", "d", "e", "f"}
        for i in (2, 4, 5):
            assert told["proposed"][LINE.landmarks[i]][:2] == pytest.approx(truth[i], abs=0.6)
    review.store.close()


def test_with_a_model_its_votes_settle_the_film(films, monkeypatch):
    """The model is a stand-in whose settling moves all that is not held to one place."""
    review = open_review(films, "Ana", scheme=LINE)
    propose(review.store)
    asked = []

    class Stub:
        def __init__(self, localiser, radiograph, side):
            asked.append((localiser, radiograph.identifier, side))

        def settle(self, points, held, places):
            found = np.full_like(points, 20.0)
            found[held] = places
            return Prediction("", found, np.arange(6.0), LINE.landmarks)

    from landvote.review.models import settling

    monkeypatch.setattr(settling, "Settling", Stub)
    localiser = SimpleNamespace(scheme=LINE, sides=(settling.Side(),), errors=None, model="m" * 64)
    models = CurrentModel(localiser)
    proposer = SimpleNamespace(models=models, start=lambda: None, end=lambda: None, said=dict, opened=lambda *_: None)
    with served(review, proposer=proposer) as client:
        assert isinstance(client, Client)
        client.edit(0, 0, b=at(6, 18))
        _, told = settle(client, 1)
        assert told["proposed"] == {
            "a": [20, 20, 0, None],
            "b": [6, 18, 1, None],
            **{n: [20, 20, i, None] for i, n in zip((2, 3, 4, 5), "cdef", strict=True)},
        }
        client.edit(0, 2, c=at(7, 7))
        settle(client, 3)
        assert asked == [(localiser, "film-0.png", None)]  # its votes are kept
    review.store.close()
