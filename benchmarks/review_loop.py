"""The loop of the review page from nothing: actions of a simulated annotator on the first films, and the waits.

    python benchmarks/review_loop.py FOLDER [--films 100] [--twelve] [--recipe rfrv-clm] [--seed 11] [--minutes 600]

Simulates hips, and annotates them with the parts that the page has: its store, its order of films ("most to learn"),
its forests, which train whenever enough films are approved, its proposals and its settling. There are no networks. With
``--recipe rfrv`` the notice of patents is declined.

The annotator places all points of the first films by hand. Afterwards the annotator looks at the proposal, puts the
worst point into place, settles, and so on, until no point is more than 2 mm off across the outline, and approves the
film; with ``--twelve`` landmarks by themselves, 2 mm at all. Each point placed, each settling and each approval is an
action. A point is put where the film's first simulated annotator has it (SD 0.5 mm across the outline and 1.5 mm along
it); one of the twelve, at the truth with an error of SD 0.4 mm along x and along y.

Others start from the same proposals, and nothing is learned from them: one settles only where two points or more are
off; one drags points by themselves, and one has the others follow by the shape, and neither settles. The annotator
waits for each training; no film is left blind.

FOLDER keeps all of it: a call that was stopped goes on from there.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import resource
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from landvote.data.points import Points
from landvote.data.scheme import Scheme
from landvote.phantom import simulate_folder
from landvote.review.learning import Learning
from landvote.review.learning.folders import Folders
from landvote.review.models.current import CurrentModel
from landvote.review.models.proposing import Proposer
from landvote.review.models.settling import Settler
from landvote.review.opening import Review, open_review
from landvote.review.store import OnPage
from settling import LIMIT, Film, distance, films_in, methods, scheme_of

WHO = "simulated"
ANCHORS = 12  # clicks, through which the page draws an outline
PAUSE = 0.05  # seconds between looks


@dataclass(frozen=True)
class Page:
    """The parts of a page that is open."""

    review: Review
    proposer: Proposer
    learning: Learning
    settler: Settler
    scheme: Scheme

    def wait(self, there: Callable[[], bool]) -> None:
        """Wait for the page; RuntimeError if a training fails."""
        while not there():
            if (told := self.learning.told())["state"] == "failed":
                raise RuntimeError(told["why"])
            time.sleep(PAUSE)

    def trained(self) -> bool:
        """Say whether no model is due, and all that there are have been judged."""
        told = self.learning.told()
        done = sum(entry.finished for entry in Folders(self.review.store.folder).entries())
        return told["state"] == "waiting" and told["approved"] < told["next"] and len(told["models"]) == done

    def next(self) -> int:
        """Return the film that teaches most."""
        store, samples = self.review.store, self.review.films.samples
        self.wait(lambda: len(self.learning.teaching.ranks()) + len(store.states.begun()) >= len(samples))
        approved = store.states.approved_films()
        return next(i for i in self.learning.teaching.order() if samples[i].identifier not in approved)

    def open(self, number: int) -> bool:
        """Open a film once the current model has looked at it, and say whether anything is proposed on it."""
        image, current = self.review.films.samples[number].identifier, self.proposer.models.current()
        if current:
            self.proposer.wanted(number)
            self.wait(lambda: self.review.store.proposed_by(image) == current.model)
        self.proposer.opened(WHO, number)
        return current is not None

    def points(self, number: int) -> Points:
        """Return (n, 2) the points as they are shown."""
        told = self.review.store.state(WHO, self.review.films.samples[number].identifier)
        marks, proposed = told["marks"], told["proposed"]
        return np.array([marks[n][1:3] if n in marks else proposed[n][:2] for n in self.scheme.landmarks], float)

    def act(self, number: int, act: Any, points: dict[str, Any] | None = None) -> None:  # noqa: ANN401 - a word
        """Edit a film as the page does."""
        sample, store = self.review.films.samples[number], self.review.store
        told, film = store.state(WHO, sample.identifier), self.review.films.open(number).film
        page = OnPage(moved=self.settler.settle(number, WHO)) if act == "settle" else OnPage()
        store.edit(WHO, sample.identifier, film, told["revision"], act, points, proposal=told["proposal"], page=page)

    def place(self, number: int, places: Points, chosen: Iterable[int]) -> None:
        """Put some of the landmarks where (n, 2) places are."""
        self.act(number, "set", {self.scheme.landmarks[i]: ("placed", *map(float, places[i])) for i in chosen})

    def undo_begun(self) -> None:
        """Undo all on films that a call which was stopped has begun."""
        states = self.review.store.states
        for number, sample in enumerate(self.review.films.samples):
            if sample.identifier in states.begun() - states.approved_films():
                while states.of(WHO, sample.identifier).done:
                    self.act(number, "undo")


def corrected(points: Points, film: Film, scheme: Scheme, put: Callable[[Points, list[int]], Points]) -> int:
    """Return how many points are put into place, one by one, until none is off."""
    held: list[int] = []
    while True:
        away = distance(points, film, scheme)
        away[held] = 0
        if away.max() <= LIMIT:
            return len(held)
        held.append(int(away.argmax()))
        points = put(points, held)


def annotate(page: Page, number: int, film: Film, places: Points) -> dict[str, Any]:
    """Annotate a film whose points the annotator sees at ``places`` (n, 2), approve it, and return what it took."""
    scheme, localiser = page.scheme, page.proposer.models.current()
    row: dict[str, Any] = {"film": page.review.films.samples[number].identifier, "hand": errors(places, film, scheme)}
    if not page.open(number) or localiser is None:
        page.place(number, places, range(len(scheme)))
    else:

        def settle(_: Points, held: list[int]) -> Points:
            page.place(number, places, held[-1:])
            page.act(number, "settle")
            return page.points(number)

        def moved(how: str) -> Callable[[Points, list[int]], Points]:
            def put(points: Points, held: list[int]) -> Points:
                to = points[held]
                to[-1] = places[held[-1]]
                return ways[how](points, np.array(held), to)

            return put

        proposed, ways = page.points(number), methods(localiser, film)
        row |= {how: corrected(proposed, film, scheme, moved(how)) for how in ("drag", "shape")}
        row |= {"settle": corrected(proposed, film, scheme, settle), "proposed": errors(proposed, film, scheme)}
    row["accepted"] = errors(page.points(number), film, scheme)
    page.act(number, "approve")
    return row


def errors(points: Points, film: Film, scheme: Scheme) -> list[float]:
    """Return mm: across the outline, to the true point, and the share of points that are off."""
    across = distance(points, film, scheme)
    away = np.linalg.norm(points - film.truth[list(scheme.columns)], axis=1) * film.spacing
    return [float(across.mean()), float(away.mean()), float((across > LIMIT).mean())]


def seen(hips: Path, films: list[Film], scheme: Scheme) -> list[Points]:
    """Return where the annotator puts each film's points."""
    rows = list(csv.reader((hips / "landmarks.csv").open()))[1::2]
    if scheme.outlines:
        return [np.array(xy, float).reshape(-1, 2) for _, _, *xy in rows]
    rng = np.random.default_rng(0)
    return [f.truth[list(scheme.columns)] + rng.normal(0, 0.4 / f.spacing, (len(scheme), 2)) for f in films]


def run(told: argparse.Namespace, work: Path) -> None:
    """Annotate films until there are enough, or the time is over."""
    until, scheme = time.monotonic() + 60 * told.minutes, scheme_of(twelve=told.twelve)
    films = films_in(told.folder / "hips", 0)
    places = seen(told.folder / "hips", films, scheme)
    review = open_review(work / "data", WHO, scheme=scheme)
    review.store.set_blind(0)
    proposer = Proposer(review.films, review.store, CurrentModel())
    learning = Learning(review, proposer)
    page = Page(review, proposer, learning, Settler(proposer.models, review.films, review.store), scheme)
    page.undo_begun()
    learning.act("accept-notice" if told.recipe == "rfrv-clm" else "decline-notice")
    proposer.start()
    learning.start()
    try:
        page.wait(page.trained)
        while len(review.store.states.approved_films()) < told.films and time.monotonic() < until:
            number = page.next()
            keep(work, annotate(page, number, films[number], places[number]))
            begun, due, worked = time.monotonic(), not page.trained(), trainers_worked()
            page.wait(page.trained)
            if due:
                waited = {"wait": time.monotonic() - begun, "worked": trainers_worked() - worked}
                keep(work, waited | {"load": os.getloadavg()[0]})
    finally:
        proposer.end()
        learning.end()
        review.store.close()


def keep(work: Path, row: dict[str, Any]) -> None:
    """Keep what a film took, or a wait after it."""
    with (work / "films.jsonl").open("a") as opened:
        opened.write(json.dumps(row) + "\n")


def trainers_worked() -> float:
    """Return how many seconds of a processor the trainers that have ended took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def actions(row: dict[str, Any], way: str, by_hand: int) -> int:
    """Return how many actions a film took."""
    if way == "hand" or "settle" not in row:
        return by_hand
    if way == "spare" and row["drag"] == 1:  # one point alone is off
        return 2
    return row[way] + 1 if way in {"drag", "shape"} else 2 * row["settle"] + 1


def mean(values: Iterable[float]) -> str:
    """Return a mean in a cell."""
    listed = list(values)
    return f"{np.mean(listed):.1f}" if listed else "-"


def show(rows: list[dict[str, Any]], points: int) -> None:
    """Print the tables; rows are of films, and of waits."""
    waits = [(sum("film" in r for r in rows[:i]), row) for i, row in enumerate(rows) if "wait" in row]
    rows = [row for row in rows if "film" in row]
    ways = {
        "settle": "settling",
        "spare": "settling if two are off",
        "drag": "points dragged",
        "shape": "others follow",
    }
    print(f"Actions a film, the first films {points} points and an approval each:\n")
    print("| films |", " | ".join([*ways.values(), "by hand", "corrections", "untouched"]), "|\n|", "--- | " * 8)
    for first in range(0, len(rows), 10):
        ten = rows[first : first + 10]
        cells = [mean(actions(row, way, points + 1) for row in ten) for way in [*ways, "hand"]]
        cells += [mean(r["settle"] for r in ten if "settle" in r), str(sum(r.get("settle") == 0 for r in ten))]
        print(f"| {first + 1}-{first + len(ten)} |", " | ".join(cells), "|")
    print()
    for name, after in (("all", rows), ("film 20 on", rows[19:]), ("film 50 on", rows[49:])):
        if after:
            told = [f"{ways[way]} {np.mean([actions(r, way, points + 1) for r in after]):.2f}" for way in ways]
            by_curve = np.mean([actions(r, "settle", ANCHORS + 1) for r in after])
            counts = [r.get("settle", 0) for r in after]
            print(
                f"- {name}: {', '.join(told)}; corrections: median {np.median(counts):.0f}, most {max(counts)}", end=""
            )
            print(f"; settling, and outlines drawn by {ANCHORS} clicks {by_curve:.2f}" if points > ANCHORS else "")
    print("\n| approved films | wait, s | processor, s | load |\n| --- | --- | --- | --- |")
    for count, row in waits:
        print(f"| {count} | {row['wait']:.0f} | {row['worked']:.0f} | {row['load']:.1f} |")
    print("\n| points | across, mm | to the point, mm | off, % |\n| --- | --- | --- | --- |")
    looked = [r for r in rows if "settle" in r]
    for name in ("proposed", "accepted", "hand"):
        if looked:
            across, away, off = np.mean([r[name] for r in looked], axis=0)
            print(f"| {name} | {across:.2f} | {away:.2f} | {100 * off:.2f} |")


def main() -> None:
    """Annotate, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, usual in (("films", 100), ("seed", 11), ("minutes", 600.0)):
        parser.add_argument(f"--{name}", type=type(usual), default=usual)
    parser.add_argument("--recipe", default="rfrv-clm", choices=["rfrv", "rfrv-clm"])
    parser.add_argument("--twelve", action="store_true")
    told = parser.parse_args()
    hips, work = told.folder / "hips", told.folder / f"{told.recipe}{'-twelve' if told.twelve else ''}"
    if not hips.exists():
        simulate_folder(hips, told.films, told.seed)
    if not work.exists():  # without the points of hips, which the page would import
        (work / "data").mkdir(parents=True)
        shutil.copytree(hips / "images", work / "data" / "images")
        shutil.copy(hips / "films.csv", work / "data" / "films.csv")
    os.environ["LANDVOTE_CONFIG"] = str(work)  # where the notice is remembered: not beside the user's own
    with mock.patch("landvote.review.learning.loop.installed", return_value=False):  # no networks
        run(told, work)
    file = work / "films.jsonl"
    show([json.loads(line) for line in file.read_text().splitlines()], len(scheme_of(twelve=told.twelve)))


if __name__ == "__main__":
    main()
