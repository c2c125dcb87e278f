"""Comparison: only after one's own approval, with annotators, the model, and files; and how far they are apart."""

from __future__ import annotations

import numpy as np
import pytest

from landvote.data.prediction import Prediction
from landvote.errors import EditError, PointsError
from landvote.review.opening import compare_with
from landvote.review.reports.comparing import Disagreements
from reviewing import MISSING, THREE, at, served

ALL = {"tip": at(1, 1), "base": at(2, 2), "näsion": at(3, 3)}


@pytest.fixture
def other(tmp_path):
    """Return a file of another model's points: landmarks in another order, one film, one point missing."""
    file = tmp_path / "other.csv"
    file.write_text("image,landmark,x,y\nfilm-0,base,2,5\nfilm-0,tip,1,1\nfilm-1,tip,4,4\n", encoding="utf-8")
    return file


def approve(client, who, number=0, **points):
    client.edit(number, 0, who=who, **{**ALL, **points})
    proposal = client.get(f"/api/films/{number}?who={who}")["proposal"]
    assert client.edit(number, 1, "approve", who=who, proposal=proposal)[0] == 200


def test_points_of_others_are_shown_after_ones_own_approval_alone(client):
    approve(client, "Bo", tip=at(4, 5), base=MISSING)
    client.edit(0, 0, who="Cy", tip=at(9, 9))
    for path in ("/api/films/0/others?who=Ana", "/api/films/0/others?who=Cy"):
        status, _, content = client.ask("GET", path)
        assert (status, b"once you have approved" in content) == (403, True)
    approve(client, "Ana")
    assert client.get("/api/films/0/others?who=Ana")["sets"] == [
        {"name": "Bo", "kind": "person", "points": {"tip": [4, 5], "näsion": [3, 3]}}
    ]
    client.edit(0, 2, "reopen", who="Ana")
    assert client.ask("GET", "/api/films/0/others?who=Ana")[0] == 403
    for path in ("/api/films/9/others?who=Ana", "/api/films/0/others", "/api/films/x/others?who=Ana"):
        assert client.ask("GET", path)[0] in (404, 422)


def test_models_are_compared_by_their_landmarks(review, other):
    points = np.array([[1, 2], [np.nan, np.nan], [5, 6]])
    review.store.propose([Prediction("film-0.png", points, np.ones(3), THREE.landmarks)])
    with served(compare_with(review, [other])) as client:
        approve(client, "Ana")
        assert client.get("/api/films/0/others?who=Ana")["sets"] == [
            {"name": "proposed by the model", "kind": "model", "points": {"tip": [1, 2], "näsion": [5, 6]}},
            {"name": "other", "kind": "model", "points": {"tip": [1, 1], "base": [2, 5]}},
        ]
        assert client.get("/api/apart")["apart"] == [1.0, None, None, None]  # the models are one pixel apart


def test_annotators_of_a_film_are_apart_by_the_farthest_two(client, review, other):
    apart = Disagreements(review.store, {})
    images = ["film-0.png", "film-1.png"]
    approve(client, "Ana")
    assert apart.of(images) == [None, None]
    approve(client, "Bo", tip=at(1, 4))
    assert apart.of(images) == [1.0, None]
    approve(client, "Cy", tip=at(1, 7))
    assert apart.of(images) == [2.0, None]
    client.edit(0, 2, "reject", who="Cy")
    assert apart.of(images) == [1.0, None]


def test_files_to_compare_with_are_checked(review, other, tmp_path):
    (tmp_path / "again").mkdir()
    twin = tmp_path / "again" / "other.csv"
    twin.write_bytes(other.read_bytes())
    with pytest.raises(EditError, match="another file to compare with is called 'other'"):
        compare_with(review, [other, twin])
    twin.write_text("image,landmark,x,y\nfilm-7,tip,1,1\n", encoding="utf-8")
    with pytest.raises(PointsError, match="film-7"):
        compare_with(review, [twin])
