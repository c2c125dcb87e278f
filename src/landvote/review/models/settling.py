"""Settling on the page: what follows a landmark that is dragged, and what is proposed once some landmarks are fixed."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from landvote.data.points import Points
from landvote.data.scheme import Scheme
from landvote.data.side import Side, side_of
from landvote.errors import EditError, ImageError, ShapeError
from landvote.localiser import Localiser
from landvote.localiser.assessor import Assessor
from landvote.localiser.settling import Settling
from landvote.models.locate import something_to_see
from landvote.review.films import ReviewFilms
from landvote.review.models.current import CurrentModel
from landvote.review.proposals.proposals import Told
from landvote.review.store import Store
from landvote.shapes import ShapeModel, carry, carry_gains

_LEAST = 5  # approved films that a shape is learned from,
_MOST = 500  # and of how many at most
_GROWN = 1.1  # times as many films: the shape is learned anew
_CARRIED = 500  # landmarks at most: how more of them go together takes seconds to say
_KEPT = 2  # films whose votes are kept: the one on the screen, and the one before
_FOLLOWS = 1e-3  # of a drag, at least


class Settler:
    """Carries and settles the proposals of films. Several threads may call it; one film is settled at a time."""

    def __init__(self, models: CurrentModel | None, films: ReviewFilms, store: Store) -> None:
        self._models, self._films, self._store = models, films, store
        self._localiser: Localiser | None = None  # the one at hand: another may propose soon
        self._kept: OrderedDict[tuple[str, str], Settling] = OrderedDict()
        self._shapes: dict[tuple[str, tuple[str, ...]], tuple[int, ShapeModel | None]] = {}
        self._mutex = threading.Lock()

    def gains(self, number: int, who: str, landmark: str) -> dict[str, list[float]]:
        """Return by how much each proposed landmark follows one that is dragged: xx, xy, yx, yy; none that do not.

        Landmarks that the person has decided stay. EditError for an unknown landmark, and on a blind film.
        """
        with self._mutex:
            self._localiser = self._models.current() if self._models else None
            scheme = self._scheme()
            if landmark not in scheme.landmarks:
                raise EditError(f"landmark {landmark!r} is unknown, expected one of the {len(scheme)} of the scheme")
            image = self._films.samples[number].identifier
            self._store.expect_open(who, image)
            state = self._store.state(who, image)
            points, places, decided = _arrays(scheme, state["proposed"], state["marks"])
            shown, dragged = np.where(np.isfinite(places), places, points), scheme.landmarks.index(landmark)
            if not np.isfinite(shown[dragged]).all() or len(scheme) > _CARRIED:
                return {}
            held = np.flatnonzero(np.isfinite(places).all(axis=1) | (np.arange(len(scheme)) == dragged))
            flip, shape = self._flip(number), self._shape(number)
        gains = carry_gains(shown * flip, held, shape, scheme.outlines)[:, held.tolist().index(dragged)]
        gains = gains * np.outer(flip, flip)
        follow = ~decided & np.isfinite(points).all(axis=1) & (np.abs(gains).max(axis=(1, 2)) >= _FOLLOWS)
        follow[dragged] = False
        return {scheme.landmarks[i]: gains[i].round(6).ravel().tolist() for i in np.flatnonzero(follow)}

    def settle(self, number: int, who: str) -> Told:
        """Return what is to be proposed now that a person has fixed some landmarks, for those that are undecided.

        They start from where they were proposed before points that were dragged took any along. With a model its votes
        find them; without one they are carried along, and those that were never proposed are placed by the shape of
        approved films.

        Raises:
            EditError: there is nothing to settle by, the film is blind, or it cannot be looked at.
        """
        with self._mutex:
            self._localiser = self._models.current() if self._models else None
            scheme = self._scheme()
            image = self._films.samples[number].identifier
            self._store.expect_open(who, image)
            marks = self._store.state(who, image)["marks"]
            points, places, decided = _arrays(scheme, self._store.settled(who, image), marks)
            fixed: npt.NDArray[np.bool_] = np.all(np.isfinite(places), axis=1)
            voted = self._voted_for(scheme)
            if len(scheme) > _CARRIED or not (fixed.any() or voted):
                found = f"{len(scheme)} landmarks, {int(fixed.sum())} of them placed or accepted"
                raise EditError(f"{found}, expected one placed at least, of {_CARRIED} at most")
            held, flip, error = np.flatnonzero(fixed), self._flip(number), np.full(len(scheme), np.nan)
            try:
                shape = self._shape(number)
                known = _filled(points * flip, places * flip, shape)
                settled = carry(known, held, places[held] * flip, shape, scheme.outlines) * flip
                if voted:
                    own = [scheme.landmarks.index(name) for name in voted]
                    among = np.flatnonzero(fixed[own])
                    located = self._settling(number).settle((known * flip)[own], among, places[own][among])
                    settled[own], error[own] = located.points, located.expected_error
            except (ImageError, ShapeError) as why:
                raise EditError(f"this film cannot be settled: {why}") from why
        told = zip(scheme.landmarks, settled, error, fixed | ~decided, strict=True)
        return {
            name: (float(x), float(y), float(e) if np.isfinite(e) else None)
            for name, (x, y), e, proposed in told
            if proposed and np.isfinite([x, y]).all()
        }

    # -- what it takes; called with the mutex held --

    def _scheme(self) -> Scheme:
        if self._store.scheme is None:
            raise EditError("there are no landmarks yet, expected some")
        return self._store.scheme

    def _voted_for(self, scheme: Scheme) -> tuple[str, ...]:
        """Return the landmarks that the model votes for; none where the scheme lacks one of them."""
        names = self._localiser.scheme.landmarks if self._localiser else ()
        return names if set(names) <= set(scheme.landmarks) else ()

    def _side(self, identifier: str) -> Side:
        return side_of(identifier, self._localiser.sides) if self._localiser else Side()

    def _flip(self, number: int) -> npt.NDArray[np.float64]:
        """Return what points are multiplied by to lie as the shape does: a mirrored side in the mirror."""
        return np.array([-1.0 if self._side(self._films.samples[number].identifier).mirrored else 1.0, 1.0])

    def _shape(self, number: int) -> ShapeModel | None:
        """Return the shape of the model, if it is of all landmarks, else that of approved films of this side."""
        scheme, sample = self._scheme(), self._films.samples[number]
        if self._localiser and self._localiser.scheme.landmarks == scheme.landmarks:
            errors = self._localiser.errors
            if isinstance(errors, Assessor) and errors.shape is not None:
                return errors.shape
        ending, count = sample.side.ending, len(self._store.states.approved_films())
        learned, shape = self._shapes.get((ending, scheme.landmarks), (0, None))
        if learned <= count <= _GROWN * learned:
            return shape
        rows = [row.points for row in self._store.table().rows if row.image.endswith(ending)][-_MOST:]
        try:
            shape = ShapeModel.fit(np.stack(rows) * self._flip(number)) if len(rows) >= _LEAST else None
        except ShapeError:  # too alike, or a landmark that no film has: they follow along their outlines
            shape = None
        self._shapes = {(ending, scheme.landmarks): (count, shape)}
        return shape

    def _settling(self, number: int) -> Settling:
        assert self._localiser is not None  # noqa: S101 - asked for where a model votes
        sample = self._films.samples[number]
        key = (sample.identifier, self._localiser.model)
        if key not in self._kept:
            side = self._side(sample.identifier) if sample.side.name else None
            self._kept[key] = Settling(self._localiser, something_to_see(sample.open()), side)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]


def _arrays(
    scheme: Scheme, proposed: Mapping[str, Any], marks: Mapping[str, Any]
) -> tuple[Points, Points, npt.NDArray[np.bool_]]:
    """Return (n, 2) what is proposed and what the person has placed, NaN if not, and (n,) which are decided."""
    points, places = np.full((2, len(scheme), 2), np.nan)
    for i, name in enumerate(scheme.landmarks):
        points[i] = proposed.get(name, (np.nan, np.nan))[:2]
        if name in marks and marks[name][1] is not None:
            places[i] = marks[name][1:3]
    return points, places, np.array([name in marks for name in scheme.landmarks], bool)


def _filled(points: Points, places: Points, shape: ShapeModel | None) -> Points:
    """Return points with those that are unknown placed by the shape, laid on all that are known or placed."""
    shown = np.where(np.isfinite(places), places, points)
    known = shown[np.isfinite(shown).all(axis=1)]
    if shape is None or len(np.unique(known, axis=0)) < 2:
        return points
    return np.where(np.isfinite(points), points, shape.match(shown).points)
