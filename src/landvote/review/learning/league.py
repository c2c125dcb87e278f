"""The league: the models of a review, how far each is off on films held out, and the one that proposes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from landvote.data.prediction import Prediction
from landvote.data.sample import Sample
from landvote.datasets.folder import read_films
from landvote.datasets.place import Place
from landvote.datasets.split import group_films
from landvote.datasets.survey import Facts, Survey
from landvote.errors import DataError, LandvoteError
from landvote.localiser import Localiser
from landvote.models import load_model
from landvote.models.films import seen_films
from landvote.review.learning.deciding import Kind, Standing, best, compared, uses
from landvote.review.learning.folders import Entry, Folders
from landvote.review.learning.judging import errors, locate_all, truth, unseen
from landvote.review.models.current import CurrentModel
from landvote.review.opening import Review

_GIVEN = "your model"


class League:
    """Judges the models of a review, and lets the best one propose. One thread calls it; any may call :meth:`told`."""

    def __init__(self, review: Review, folders: Folders, models: CurrentModel, given: Localiser | None) -> None:
        self.samples: Sequence[Sample] = review.films.samples
        self._store, self._data, self._folders, self._models, self._given = (
            review.store, review.data, folders, models, given,
        )  # fmt: skip
        self._survey, self._facts = Survey(folders.cache), dict[str, Facts]()
        self._groups: dict[str, str] = {}
        self._held: set[str] = set()
        self._by_given: dict[str, Prediction] = {}
        self._standings: list[Standing] = []
        self._proposing, self._unit, self._judged = _GIVEN if given else "", "px", object()
        self._loaded: dict[str, Localiser] = {}

    def divide(self) -> None:
        """Find out which approved films belong together, and which are held out.

        Raises:
            DataError: tables of the data contradict each other.
        """
        known = {sample.identifier: sample for sample in read_films(Place.of(self._data))}
        self.samples = [replace(s, subject=known[s.film].subject, split=known[s.film].split) for s in self.samples]
        approved = self._store.states.approved_films()
        readable = [s for s in self.samples if s.identifier in approved and self._surveyed(s)]
        self._groups = group_films(readable, [self._facts[s.identifier] for s in readable])
        self._held = {image for image, use in self.uses("network").items() if use == "test"}

    def uses(self, kind: Kind) -> dict[str, str]:
        """Return for what each approved film is used that can be read."""
        given = {s.identifier: s.split for s in self.samples if s.split}
        return uses(self._groups, kind, given)

    def _surveyed(self, sample: Sample) -> bool:
        try:
            self._facts[sample.identifier] = self._survey(sample)
        except DataError:
            return False
        return True

    def told(self) -> dict[str, Any]:
        """Return the models for the page, and why the one proposes that does."""
        standings = self._standings
        shown = [
            {
                "name": s.name, "kind": s.kind, "films": s.films, "held": len(s.errors),
                "error": round(s.mean(s.errors), 3) if s.errors else None, "when": s.when,
                "proposing": s.name == self._proposing,
            }
            for s in standings
        ]  # fmt: skip
        return {"models": shown, "unit": self._unit, "reason": self._reason(standings)}

    def _reason(self, standings: Sequence[Standing]) -> str:
        now = next((s for s in standings if s.name == self._proposing), None)
        others = [s for s in standings if s is not now]
        if now is None or not others:
            return ""
        blind = self._store.states.approved_films(unaided=True)
        other = next((s for s in reversed(others) if s.kind != now.kind), others[-1])
        if not (films := compared(now, other, blind)):
            return "Too few films are held out to compare models."
        kind = "annotated without proposals" if set(films) <= blind else "held out"
        figures = (f"{_called(s)} {s.mean(films):.2f} {self._unit}" for s in (now, other))
        return f"Mean error on {len(films)} films {kind}: {', '.join(figures)}."

    def judge(self, stopped: Callable[[], bool]) -> None:
        """Judge models on films that are held out, if there are new films or models, and let the best one propose."""
        entries = [entry for entry in self._folders.entries() if entry.finished]
        approved = self._store.states.approved_films() & self._held
        now = (approved, [entry.number for entry in entries])
        if now == self._judged or not (entries or self._given):
            return
        table, newest = self._store.table(), {entry.kind: entry.folder.name for entry in entries}
        true, scales = truth(table), self._scales(approved)
        standings = []
        for entry in [*([None] if self._given else []), *entries]:
            name = entry.folder.name if entry else _GIVEN
            try:
                found = self._found(entry, approved, stopped, look=name in {_GIVEN, self._proposing, *newest.values()})
                told = errors(found, true, table.landmarks, scales)
                films, when = (entry.learned(), entry.ended()) if entry else (0, None)
            except LandvoteError:  # it was altered, or needs packages that are gone: it does not stand
                continue
            standings.append(Standing(name, entry.kind if entry else "given", films, told, when))
        while standings and not stopped():
            chosen = best(standings, self._store.states.approved_films(unaided=True))
            try:
                self._propose(chosen.name)
                break
            except LandvoteError:
                standings.remove(chosen)
        self._standings, self._judged = standings, now
        self._loaded.clear()

    def _propose(self, name: str) -> None:
        if name != self._proposing:
            self._models.take(self._load(name))
            self._proposing = name

    def _load(self, name: str) -> Localiser:
        if name == _GIVEN and self._given:
            return self._given
        if name not in self._loaded:
            self._loaded[name] = load_model(self._folders.folder / name)
        return self._loaded[name]

    def _scales(self, images: set[str]) -> Mapping[str, tuple[float, float]]:
        """Return the lengths of a pixel: millimetres if they are known of all films, else 1."""
        spacings = {image: self._facts[image].film.spacing for image in images}
        known = {image: (s.x, s.y) for image, s in spacings.items() if s}
        self._unit = "mm" if known and len(known) == len(images) else "px"
        return known if self._unit == "mm" else dict.fromkeys(images, (1.0, 1.0))

    def _found(
        self, entry: Entry | None, approved: set[str], stopped: Callable[[], bool], *, look: bool
    ) -> dict[str, Prediction]:  # fmt: skip
        """Return what a model finds on approved films that it has not seen; ``look`` at those that are new."""
        found = entry.found() if entry else self._by_given
        if look and approved - found.keys():
            name, kind = (entry.folder.name, entry.kind) if entry else (_GIVEN, "given")
            seen = seen_films(entry.folder) if entry else self._given.seen if self._given else None
            new = [s for s in self.samples if s.identifier in approved - found.keys() and seen
                   and unseen(kind, seen, self._facts[s.identifier].film, s.named_subject)]  # fmt: skip
            found = found | {p.identifier: p for p in locate_all(self._load(name), new, stopped)}
            if entry:
                entry.keep_found(found.values())
            else:
                self._by_given = found
        return {image: prediction for image, prediction in found.items() if image in approved}


def _called(standing: Standing) -> str:
    noun = {"given": _GIVEN, "forest": "forests", "network": "network"}[standing.kind]
    return f"{noun} from {standing.films} films" if standing.films else noun
