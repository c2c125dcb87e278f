"""The loop: it trains when films have been approved, and lets the best model propose; in a thread of its own."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

from landvote.errors import DataError, EditError, LandvoteError
from landvote.localiser import Localiser
from landvote.recipes import CLAIMED
from landvote.review.learning.deciding import FIRST, Kind, next_training
from landvote.review.learning.folders import Entry, Folders
from landvote.review.learning.league import League
from landvote.review.learning.trainer import COMMAND, Trainer, options_as_words, said
from landvote.review.models.proposing import Proposer
from landvote.review.models.teaching import Teaching
from landvote.review.opening import Review
from landvote.runtime.consent import accept, has_accepted
from landvote.runtime.events import Logged, record
from landvote.runtime.extras import installed
from landvote.runtime.files import write_json
from landvote.runtime.form import Form

Act: TypeAlias = Literal["train", "stop", "pause", "resume", "accept-notice", "decline-notice"]

_FORM = Form("wishes of a review", 1, DataError)
_TICK = 0.5  # seconds between looks
_LEAST = 2  # approved films: of one, nothing can be held out
_KILLED = 3  # times that something else may end a trainer before it counts as failed
_MINUTES = 30  # that a network learns, see whdv.toml


class Learning:
    """Trains models of a review in the background.

    ``given`` is the model that a user gave, which proposes first. ``command`` is what trains, and ``words`` are more
    words for it. Several threads may call :meth:`told` and :meth:`act`.
    """

    def __init__(
        self, review: Review, proposer: Proposer, given: Localiser | None = None, *,
        command: Sequence[str] = COMMAND, words: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.teaching = Teaching(review.films, review.store)
        self._store, self._data = review.store, review.data.resolve()
        self._proposer, self._command, self._words = proposer, command, words
        self._folders = Folders(review.store.folder)
        self._league = League(review, self._folders, proposer.models, given)
        self._mutex, self._wake, self._ended = threading.RLock(), threading.Event(), False
        self._trainer: Trainer | None = None
        self._entry: Entry | None = None  # in training
        self._at: dict[Kind, int | None] = {"forest": None, "network": None}  # approved films at the last attempt
        self._before: int | None = None  # what that was before the training that runs
        self._killed, self._wanted = 0, False
        self._state, self._why, self._lines = "waiting", "", list[str]()
        self._wishes = {"paused": False, "declined": False}
        self._wishes_file = self._folders.folder / "wishes.json"
        self._accepted = False
        self._thread = threading.Thread(target=self._run, name="learning", daemon=True)
        proposer.order = self.teaching.order

    def start(self) -> None:
        """Begin."""
        self.teaching.start()
        self._thread.start()

    def end(self) -> None:
        """End a trainer that runs, which goes on at the next start, and wait for all that is at work."""
        self._ended = True
        self._wake.set()
        with self._mutex:
            if self._trainer:
                self._trainer.stop()
        self.teaching.end()
        self._thread.join()

    # -- what the page is told and asks for --

    def told(self) -> dict[str, Any]:
        """Return all that the page shows."""
        approved = self._store.states.approved_films()
        with self._mutex:
            trainer, entry, running = self._trainer, self._entry, self._state == "training"
            lines = said(entry.log) if entry and running else self._lines
            due = {kind: next_training(self._at[kind], kind) for kind in self._at}
            networks = installed("networks")
            return {
                "approved": len(approved), "next": due["forest"], "network": due["network"] if networks else None,
                "first": FIRST, "paused": self._wishes["paused"], "state": self._state, "why": self._why,
                "recipe": entry.recipe if entry and running else "",
                "seconds": round(time.time() - trainer.begun) if trainer and running else 0,
                "event": _last_event(entry) if entry and running else None,
                "log": [self._nameless(line) for line in lines], **self._league.told(),
                "notice": CLAIMED, "asks": not self._accepted and not self._wishes["declined"],
                "accepted": self._accepted, "proposing": self._proposer.said(),
            }  # fmt: skip

    def act(self, act: Act) -> None:
        """Do what the page asks for.

        Raises:
            EditError: too few films to train, or nothing to stop.
            DataError: what is to be remembered cannot be written.
        """
        with self._mutex:
            if act == "train":
                if (count := len(self._store.states.approved_films())) < _LEAST:
                    raise EditError(f"{count} approved films, expected {_LEAST} at least to train")
                self._wanted = not (self._entry and self._entry.kind == "forest")
            elif act == "stop":
                if self._state != "training" or not self._trainer:
                    raise EditError("no training runs, expected one to stop")
                self._trainer.stop()
                self._state = "stopped"
            elif act == "accept-notice":
                accept(self._data, CLAIMED)
                self._accepted = True
                self._at["forest"] = None  # better ones are possible now
            else:
                key = "declined" if act == "decline-notice" else "paused"
                self._wish(**{key: act != "resume"})
        self._wake.set()

    def _wish(self, **changes: bool) -> None:
        self._wishes |= changes
        self._wishes_file.parent.mkdir(exist_ok=True)
        write_json(self._wishes_file, _FORM.stamp({**self._wishes}))

    def _nameless(self, line: str) -> str:
        """Return a line without the places of data and store."""
        for place in (self._store.folder, self._store.folder.resolve(), self._data):
            line = line.replace(f"{place}/", "").replace(str(place), "DATA")
        return line

    # -- the thread --

    def _run(self) -> None:
        begin: Callable[[], None] = self._recover
        while not self._ended:
            try:
                begin()
                begin = self._look
            except (LandvoteError, OSError) as error:
                self._fail(str(error))
            self._wake.wait(_TICK)
            self._wake.clear()

    def _fail(self, why: str) -> None:
        with self._mutex:
            self._state, self._why = "failed", self._nameless(why)

    def _recover(self) -> None:
        """Take up what an earlier server has left."""
        with self._mutex:  # the page may ask for something at once
            if self._wishes_file.exists():
                told = _FORM.load(self._wishes_file, *self._wishes)
                self._wishes = {key: bool(told[key]) for key in self._wishes}
            self._accepted = has_accepted(self._data, CLAIMED)
        for entry in self._folders.entries():
            if entry.finished:
                self._at[entry.kind] = entry.given()
                self._lines = said(entry.log)
        if self._at["forest"] is not None:
            self._league.divide()

    def _look(self) -> None:
        """Look at what has changed, and do the next thing."""
        trainer, entry = self._trainer, self._entry
        if trainer and entry and not trainer.running:
            self._conclude(trainer, entry)
        count = len(self._store.states.approved_films())
        with self._mutex:
            kind = self._due(count)
            if kind and entry and entry.kind == "network" and trainer and trainer.running:
                trainer.stop()  # it goes on after the forests
                self._at["network"] = self._before
                self._conclude(trainer, entry)
        if kind:
            self._begin(kind, count)
        self._league.judge(lambda: self._ended)

    def _due(self, count: int) -> Kind | None:
        """Return what is to be trained now."""
        running = self._entry.kind if self._trainer and self._entry else None
        if self._ended or running == "forest":
            return None
        if self._wanted and count >= _LEAST:
            return "forest"
        if self._wishes["paused"]:
            return None
        if count >= next_training(self._at["forest"]):
            return "forest"
        due = count >= next_training(self._at["network"], "network") and installed("networks")
        return "network" if due and not running else None

    def _begin(self, kind: Kind, count: int) -> None:
        """Start a trainer, which goes on with what an earlier one has left of the same films."""
        with self._mutex:
            self._before, self._at[kind], self._wanted = self._at[kind], count, False
            self._state, self._why = "preparing", ""
        recipe = "whdv" if kind == "network" else "rfrv-clm" if self._accepted else "rfrv"
        entries, entry = self._folders.entries(), None
        for left in (e for e in entries if not e.finished and e.kind == kind):
            same = left.recipe == recipe and left.points.is_dir() and (kind == "network" or left.given() == count)
            if same and (left.folder / "training.json").exists():
                entry = left
            else:
                left.remove()
        if entry is None:
            table, scheme = self._store.table(), self._store.scheme
            self._league.divide()
            if scheme is None or not (chosen := self._league.uses(kind)):
                raise DataError("none of the approved films can be read, expected some to learn from")
            entry = self._folders.begin(recipe, table, scheme, self._league.samples, chosen)
        options: dict[str, object] = {
            "films": self._data, "recipe": recipe, "out": entry.folder, "cache": self._folders.cache, "resume": None,
        }  # fmt: skip
        if kind == "network":
            options["max-minutes"] = _MINUTES
            if last := next((e for e in reversed(entries) if e.finished and e.recipe == recipe), None):
                options["start-from"] = last.folder
        words = ["train", str(entry.points / "points.csv"), *options_as_words(options), *self._words]
        with self._mutex:
            if not self._ended:
                self._trainer, self._entry = Trainer(self._command, words, entry.log), entry
                self._state = "training"

    def _conclude(self, trainer: Trainer, entry: Entry) -> None:
        """Take note of how a training has ended."""
        with self._mutex:
            trainer.stop()
            self._trainer = self._entry = None
            self._lines = said(entry.log)
            if trainer.stopped:
                self._state = "stopped" if self._state == "stopped" else "waiting"
                return
            self._killed = self._killed + 1 if trainer.killed and not entry.finished else 0
            if 0 < self._killed < _KILLED:
                self._at[entry.kind], self._wanted = self._before, entry.kind == "forest"
                self._state = "waiting"
                return
            self._killed = 0
            if not entry.finished:
                self._fail(trainer.error() or "it ended without a model")
                entry.remove()
                return
            self._state, self._why = "waiting", ""


def _last_event(entry: Entry) -> dict[str, Any] | None:
    """Return the last event of a training, as its log has it; None before the first."""
    last = None
    for logged in Logged.read(entry.folder / "events.jsonl"):
        last = logged.event
    return record(last) if last else None
