"""Agreement: figures of hand-made points, apart by whether proposals were shown, and the routes to them."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser

import numpy as np
import pytest

from landvote.data.film import Spacing
from landvote.data.prediction import Prediction
from landvote.review.edits.log import Mark
from landvote.review.edits.state import FilmState
from landvote.review.proposals.blind import BlindFilms
from landvote.review.reports.agreement import agreement
from landvote.review.reports.agreement_report import agreement_csv, agreement_page
from reviewing import MISSING, THREE, at

NAMES = ("tip", "base")


def film(points, *, offered=None, blind=None, order=0, seconds=30.0, actions=3, verdict="approved", how="changed"):
    marks = {
        name: Mark("missing", None, None, how) if p is None else Mark("placed", *p, how)
        for name, p in zip(NAMES, points, strict=True)
    }
    return FilmState(
        marks, verdict, first=dict(marks), offered=offered or {}, machine=offered or {}, blind=blind, order=order,
        seconds=seconds, actions=actions,
    )  # fmt: skip


def of(*states, spacing=lambda _: None):
    return agreement(states, NAMES, spacing)


def test_two_annotators_are_compared_on_the_films_that_both_approved():
    record = of(
        ("Ana", "a", film([(0, 0), (0, 0)])), ("Bo", "a", film([(3, 4), (0, 1)])),
        ("Ana", "b", film([(0, 0), None])), ("Bo", "b", film([(0, 2), (5, 5)])),
        ("Ana", "c", film([(0, 0), (0, 0)])), ("Bo", "d", film([(9, 9), (9, 9)])),
        ("Cy", "a", film([(0, 0), (0, 0)], verdict="rejected")),
    )  # fmt: skip
    (pair,) = record["pairs"]
    assert (pair["one"], pair["other"], pair["films"], pair["points"], pair["unmatched"]) == ("Ana", "Bo", 2, 3, 1)
    assert (record["unit"], pair["mean"], pair["median"], pair["prompted"]) == ("px", 2.667, 2, False)
    assert [(each["landmark"], each["points"], each["mean"]) for each in pair["landmarks"]] == [
        ("tip", 2, 3.5),
        ("base", 1, 1),
    ]


def test_films_on_which_proposals_were_shown_are_told_apart():
    shown = {"tip": (0.0, 0.0)}
    record = of(
        ("Ana", "a", film([(0, 0), (0, 0)], offered=shown)), ("Bo", "a", film([(0, 0), (0, 0)])),
        ("Ana", "b", film([(0, 0), (0, 0)])), ("Bo", "b", film([(0, 2), (0, 2)])),
    )  # fmt: skip
    assert [(p["prompted"], p["films"], p["mean"]) for p in record["pairs"]] == [(False, 1, 2), (True, 1, 0)]


def test_lengths_are_millimetres_where_the_spacing_of_all_films_is_known():
    states = [("Ana", "a", film([(0, 0), (0, 0)])), ("Bo", "a", film([(3, 0), (0, 4)])),
              ("Ana", "alone", film([(0, 0), (0, 0)]))]  # fmt: skip
    known = {"a": Spacing(0.1, 0.5, "test")}
    record = of(*states, spacing=known.get)
    assert (record["unit"], record["pairs"][0]["mean"]) == ("mm", 1.15)
    states += [("Ana", "b", film([(0, 0), (0, 0)])), ("Bo", "b", film([(0, 0), (0, 0)]))]
    assert of(*states, spacing=known.get)["unit"] == "px"


def test_the_machine_is_judged_apart_on_blind_films():
    there = {"tip": (0.0, 0.0), "base": (10.0, 0.0)}
    accepted = film([(0, 0), (10, 0)], offered=there, how="accepted")
    corrected = film([(0, 0), (10, 3)], offered=there)
    unseen = film([(0, 8), None], blind=there)
    (record,) = of(("Ana", "a", accepted), ("Ana", "b", corrected), ("Ana", "c", unseen))["machine"]
    proposed, blind = record["proposed"], record["blind"]
    assert (proposed["films"], proposed["points"], proposed["mean"]) == (2, 4, 0.75)
    assert (proposed["accepted"], proposed["changed"], proposed["correction"]) == (2, 2, 1.5)
    assert (blind["films"], blind["points"], blind["mean"], blind["unmatched"]) == (1, 1, 8, 1)


def test_time_is_told_by_tens_in_the_order_of_approval():
    films = [("Ana", str(i), film([(0, 0), (0, 0)], order=i, seconds=60 - i, actions=i)) for i in range(12)]
    (time,) = of(*reversed(films), ("Bo", "1", film([(0, 0), (0, 0)], order=None)))["time"]
    assert (time["who"], time["films"], time["seconds"], time["actions"]) == ("Ana", 12, 54.5, 5.5)
    assert [(t["from"], t["to"], t["seconds"]) for t in time["tens"]] == [(1, 10, 55.5), (11, 12, 49.5)]


def test_the_files_have_every_figure():
    there = {"tip": (0.0, 0.0), "base": (10.0, 0.0)}
    record = of(
        ("A <b>", "a", film([(0, 0), (0, 0)], offered=there)), ("Bo", "a", film([(3, 4), (0, 1)])),
        ("Bo", "b", film([(3, 4), (0, 1)], blind=there)),
    )  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(agreement_csv(record))))
    found = {(r["section"], r["one"], r["part"], r["figure"]): (r["value"], r["unit"]) for r in rows}
    assert len(found) == len(rows)
    assert found["annotators, proposals shown", "A <b>", "", "mean"] == ("3.0", "px")
    assert found["machine, blind films", "Bo", "tip", "mean"] == ("5.0", "px")
    assert found["time", "Bo", "films 1 to 2", "median per film"] == ("30.0", "s")
    text = agreement_page(record)
    assert "A &lt;b&gt;, Bo" in text
    assert "Bo and the machine, blind films" in text
    HTMLParser().feed(text)
    assert "No film is approved by two annotators." in agreement_page(of())


def test_a_film_goes_from_the_page_to_the_figures(client, review):
    store = review.store
    points = np.array([[1, 2], [3, 4], [5, 6]], float)
    for image in ("film-0.png", "film-1.png"):
        store.propose([Prediction(image, points, np.ones(3), THREE.landmarks)])
    store.proposals.blind = next(
        b for b in (BlindFilms(0.5, f"{i:064}") for i in range(99)) if b.chosen("film-1.png") > b.chosen("film-0.png")
    )
    for number in (0, 1):
        for who in ("Ana", "Bo"):
            now = client.get(f"/api/films/{number}?who={who}")
            told = {"tip": at(1, 3), "base": at(3, 4), "näsion": MISSING if number else at(5, 6)}
            now = client.edit(number, 0, who=who, **told)[1]
            assert client.edit(number, 1, "approve", who=who, proposal=now["proposal"])[0] == 200
    record = client.get("/api/agreement")
    assert record["unit"] == "px"
    assert [(m["who"], m["proposed"]["films"], m["proposed"]["accepted"]) for m in record["machine"]] == [
        ("Ana", 1, 2),
        ("Bo", 1, 2),
    ]
    assert [(m["blind"]["films"], m["blind"]["points"], m["blind"]["mean"]) for m in record["machine"]] == [
        (1, 2, 0.5)
    ] * 2
    for kind in ("csv", "html"):
        status, headers, content = client.ask("GET", f"/api/agreement.{kind}")
        assert (status, headers["content-disposition"]) == (200, f'attachment; filename="agreement.{kind}"')
        assert b"blind films" in content


@pytest.mark.parametrize("n", [0, 1])
def test_nothing_to_compare_is_no_error(n):
    record = of(*[("Ana", str(i), film([(0, 0), (0, 0)])) for i in range(n)])
    assert (record["pairs"], record["machine"], record["unit"]) == ([], [], "px")
