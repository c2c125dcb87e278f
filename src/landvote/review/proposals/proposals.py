"""What is proposed on each film, and to whom: the predictions of models, the points that a person settled, or nothing.

A person's own proposals, which followed points or were found again, hold for that person in place of a model's. On a
blind film nothing is proposed until its person has approved it.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from landvote.data.film import Film
from landvote.data.points import FloatArray
from landvote.data.prediction import Prediction
from landvote.data.scheme import Scheme
from landvote.errors import EditError
from landvote.formats.predictions import read_predictions, write_predictions
from landvote.review.edits.history import SchemeHistory
from landvote.review.edits.log import DIGITS, Log, Proposed
from landvote.review.edits.state import FilmState
from landvote.review.proposals.blind import BlindFilms
from landvote.review.proposals.proposed import film_expectation, proposed_points, usual_error

Told = Mapping[str, tuple[float, float, float | None]]
"""Landmark -> x and y where it is proposed now, and the error to expect there in pixels, None if nothing tells it."""


class Proposals:
    """Keeps the predictions that nobody has accepted yet, and says what each person is shown of them.

    Several threads may ask for predictions. What a person is shown is asked for, and changed, by one at a time.

    Attributes:
        blind: which films are left without proposals.
        dirty: whether predictions have come that the file lacks.

    Raises:
        DataError: ``file``, of predictions, or the settings, of which films are blind, cannot be read.
    """

    def __init__(self, file: Path, settings: Path, log: Log, history: SchemeHistory) -> None:
        self._file, self._log, self._history = file, log, history
        self.blind = BlindFilms.read(settings)
        read = read_predictions(file) if file.exists() else []
        self._kept = {p.identifier: p for p in read}
        self._usual: tuple[float | None] | None = None  # None: to be reckoned anew
        self.dirty = False

    def films(self) -> Collection[str]:
        """Return the films that have predictions."""
        return self._kept.keys()

    def every(self) -> list[Prediction]:
        """Return all predictions."""
        return list(self._kept.values())

    def of(self, image: str) -> Prediction | None:
        """Return the prediction of a film, shown or not; None if there is none."""
        return self._kept.get(image)

    def model(self, image: str) -> str:
        """Return the hash of the model of a film's prediction; empty where that is not known, and without one."""
        return self._kept[image].model if image in self._kept else ""

    def take(self, predictions: Iterable[Prediction], begun: Collection[str]) -> None:
        """Take predictions in place of earlier ones of the same films, but for films that are ``begun``."""
        for prediction in predictions:
            if prediction.identifier not in begun:
                bare = replace(prediction, film=Film(), details={})  # paths and numbers of studies stay where they are
                self._kept[prediction.identifier] = bare
                self.dirty, self._usual = True, None

    def write(self, predictions: list[Prediction]) -> None:
        """Write predictions, whole or not at all; DataError if that is not possible."""
        write_predictions(self._file, predictions)

    def usual_error(self) -> float | None:
        """Return the expected error that 90 % of all predicted points are below, pixels; None where none is told."""
        usual = self._usual
        if usual is None:
            self._usual = usual = (usual_error(self.every()),)
        return usual[0]

    def outlook(self) -> dict[str, tuple[float, bool | None]]:
        """Return of each film the error to expect, in pixels or NaN, and whether its model knows such films."""
        return {p.identifier: (mean_error(p.expected_error), p.known) for p in self.every()}

    # -- points --

    def of_model(self, image: str, scheme: Scheme | None) -> dict[str, Proposed]:
        """Return landmark -> what the model proposes for it on a film, shown or not."""
        proposal = self._kept.get(image)
        if proposal is None:
            return {}
        names = [self._history.current(name, scheme) for name in proposal.landmarks]
        return proposed_points(replace(proposal, landmarks=tuple(names)), scheme.landmarks if scheme else ())

    def of_edit(self, number: int | None, image: str, scheme: Scheme | None) -> Mapping[str, Proposed]:
        """Return what the edit of a number proposes, and for None the model."""
        if number is None:
            return self.of_model(image, scheme)
        known = scheme.landmarks if scheme else ()
        named = {self._history.current(n, scheme): point for n, point in self._log.read(number).proposes.items()}
        return {name: point for name, point in named.items() if name in known}

    def shown(self, state: FilmState, image: str, scheme: Scheme | None) -> Mapping[str, Proposed]:
        """Return landmark -> what is proposed for it to a person who has a film in a state; empty on a blind film."""
        return {} if self.is_blind(state, image, scheme) else self.of_edit(state.proposal, image, scheme)

    def expectation(self, state: FilmState, image: str, scheme: Scheme | None) -> dict[str, Any] | None:
        """Return what is told of a whole film; of points that have moved since, no errors."""
        proposal = self._kept.get(image)
        if proposal is None or self.is_blind(state, image, scheme):
            return None
        moved = {"error": None, "failure": None} if state.proposal is not None else {}
        return film_expectation(proposal) | moved

    def moved(self, state: FilmState, image: str, scheme: Scheme | None, told: Told) -> Mapping[str, Proposed]:
        """Return all that is proposed to a person once some points have moved; empty if none has.

        A point that has moved has the error that is told with it, and no ellipse.

        Raises:
            EditError: a landmark is unknown, or nothing may be proposed on the film.
        """
        known = scheme.landmarks if scheme else ()
        if unknown := [name for name in told if name not in known]:
            raise EditError(f"landmark {unknown[0]!r} is unknown, expected one of the {len(known)} of the scheme")
        self.expect_open(state, image)
        before = dict(self.shown(state, image, scheme))
        after = before | {
            name: Proposed(*point, error, None)
            for name, (x, y, error) in told.items()
            if (point := (round(x, DIGITS), round(y, DIGITS))) != (before[name].point if name in before else None)
        }
        return {} if after == before else after

    # -- blind films --

    def withheld(self, state: FilmState, image: str) -> bool:
        """Say whether nothing may be proposed to a person on a film, whether or not a model has predicted it yet."""
        return not state.prompted and state.first is None and self.blind.chosen(image)

    def is_blind(self, state: FilmState, image: str, scheme: Scheme | None) -> bool:
        """Say whether a film's prediction is kept from a person."""
        return self.withheld(state, image) and bool(self.of_model(image, scheme))

    def expect_open(self, state: FilmState, image: str) -> None:
        """Return if points may be proposed to a person on a film; EditError on a blind one."""
        if self.withheld(state, image):
            raise EditError("this film is one to annotate blind: nothing is proposed on it before you approve it")


def mean_error(error: FloatArray) -> float:
    """Return the mean of the errors that are known; NaN if none is."""
    known = error[np.isfinite(error)]
    return float(known.mean()) if len(known) else math.nan
