"""Bring predictions and truth together: film by film, landmark by landmark."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from landvote.data.film import Film
from landvote.data.points import FloatArray, Points
from landvote.data.prediction import LEVELS, Prediction
from landvote.data.sample import Sample
from landvote.data.scheme import Scheme
from landvote.data.seen import FLATTERING, Seen, worse
from landvote.errors import DataError, PointsError, SchemeError


@dataclass(frozen=True)
class ScoredFilm:
    """A film with a prediction and a truth, both in the order of the truth's scheme.

    Attributes:
        sample: the film as the reader gave it.
        truth: (n, 2) image pixels; NaN where not annotated.
        predicted: (n, 2) image pixels; NaN where not found or not a landmark of the model.
        expected_error: (n,) pixels; NaN where not given.
        radii: (n, 4) pixels, see :class:`landvote.data.prediction.Prediction`; NaN where not given.
        covariance: (n, 3) pixels squared, as there; NaN where not given.
        expected_film_error: pixels; NaN where not given.
        probability_of_failure: NaN where not given.
        known: whether the film is of the kind that the model was made from; None where that is not given.
        probability_of_shift: of its row of parts; NaN where not given.
        told: which film it is, as the prediction tells.
        model: the hash of the model that found the points, as the prediction tells; may be empty.
        seen: whether the model has seen it, as the prediction tells, or another film of its subject that is predicted.
    """

    sample: Sample
    truth: Points
    predicted: Points
    expected_error: FloatArray
    radii: FloatArray
    covariance: FloatArray
    expected_film_error: float
    probability_of_failure: float
    known: bool | None
    probability_of_shift: float
    told: Film
    model: str
    seen: Seen

    @property
    def identifier(self) -> str:
        """The film's name."""
        return self.sample.identifier


@dataclass(frozen=True)
class Matching:
    """Which films and landmarks can be scored, and which cannot.

    Attributes:
        scheme: of the truth.
        films: those that can be scored, by name.
        modelled: (n,) whether the predictions hold this landmark at all.
        order: how predicted landmarks were assigned to those of the scheme, in words.
        extra: landmarks predicted that the scheme does not have.
        not_predicted: films with a truth and no prediction.
        without_truth: films predicted whose truth is unknown or empty.
        collapsed: films predicted whose true points lie in one place, see
            :attr:`landvote.data.sample.Sample.collapsed`: nothing is to be measured there.
    """

    scheme: Scheme
    films: tuple[ScoredFilm, ...]
    modelled: npt.NDArray[np.bool_]
    order: str
    extra: tuple[str, ...]
    not_predicted: tuple[str, ...]
    without_truth: tuple[str, ...]
    collapsed: tuple[str, ...] = ()


def match(predictions: Sequence[Prediction], samples: Sequence[Sample]) -> Matching:
    """Match films by identifier and landmarks by name, both in one form of Unicode (NFC).

    Landmarks are taken in the order of the scheme if there are as many and their names are the same, or numbers on
    one of the two sides; else by name, which needs one side's names to be among the other's.

    Raises:
        DataError: no film has both a prediction and a truth.
        PointsError: the landmarks do not fit; names the film, and what was found and expected.
        SchemeError: the samples do not share one scheme.
    """
    truth = {s.identifier: s for s in samples if np.isfinite(s.points).all(axis=1).any()}
    known_as = known_names([p.identifier for p in predictions], truth)
    predicted = {known_as[p.identifier]: p for p in predictions}
    collapsed = {name for name in predicted if name in truth and truth[name].collapsed}
    scored = sorted((truth.keys() & predicted.keys()) - collapsed)
    if not scored:
        found = f"{len(predicted)} predicted films" + (f", such as {next(iter(predicted))!r}," if predicted else "")
        besides = f"; {len(collapsed)} of them have their true points in one place" if collapsed else ""
        raise DataError(f"none of the {found} is among the {len(truth)} films with a truth{besides}")
    scheme, names = truth[scored[0]].scheme, predicted[scored[0]].landmarks
    for s in (truth[name] for name in scored):
        if s.scheme != scheme:
            found = f"{s.identifier}: scheme {s.scheme.name!r} with {len(s.scheme)} landmarks"
            raise SchemeError(f"{found}, expected that of {scored[0]}, {scheme.name!r} with {len(scheme)}")
    columns, order = _columns(predicted[scored[0]], scheme)
    known = _known_subjects(predicted, samples)
    films = tuple(_scored(truth[name], predicted[name], names, columns, known) for name in scored)
    extra = tuple(name for i, name in enumerate(names) if i not in columns)
    not_predicted, without_truth = sorted(truth.keys() - predicted.keys()), sorted(predicted.keys() - truth.keys())
    missing = tuple(not_predicted), tuple(without_truth)
    return Matching(scheme, films, columns >= 0, order, extra, *missing, tuple(sorted(collapsed)))


def known_names(names: Collection[str], known: Collection[str]) -> dict[str, str]:
    """Return for each film the name among the ``known`` that is the same in one form of Unicode; its own without one.

    A name that is known as it stands is that of no other film.
    """
    called, exact = {_composed(name): name for name in known}, set(names)
    alike = {name: called.get(_composed(name), name) for name in names}
    return {name: name if name in known or other in exact else other for name, other in alike.items()}


def _columns(prediction: Prediction, scheme: Scheme) -> tuple[npt.NDArray[np.int64], str]:
    """Return for each landmark of the scheme its place in the prediction, or -1; and in words how it was found."""
    names, wanted = (tuple(map(_composed, landmarks)) for landmarks in (prediction.landmarks, scheme.landmarks))
    numbers = tuple(map(str, range(len(wanted))))
    if names == wanted or (len(names) == len(wanted) and numbers in (names, wanted)):
        return np.arange(len(wanted)), "in the order of the scheme"
    found, known = set(names), set(wanted)
    if len(found) < len(names) or not (found <= known or found >= known):
        unknown = next((n for n in names if n not in known), names[0] if names else "none")
        expected = f"expected the {len(wanted)} of scheme {scheme.name!r}, or some of them by name"
        raise PointsError(
            f"{prediction.identifier}: {len(names)} predicted landmarks, {unknown!r} among them; {expected}"
        )
    place = {name: i for i, name in enumerate(names)}
    return np.array([place.get(name, -1) for name in wanted]), "by name"


def _known_subjects(predicted: Mapping[str, Prediction], samples: Sequence[Sample]) -> set[str]:
    """Return the subjects of whom the model has seen a film, whether or not that film has a truth."""
    seen = {name for name, prediction in predicted.items() if prediction.seen in FLATTERING}
    return {s.subject for s in samples if s.identifier in seen}


def _scored(
    sample: Sample, prediction: Prediction, names: Sequence[str], columns: npt.NDArray[np.int64],
    known_subjects: set[str],
) -> ScoredFilm:  # fmt: skip
    if prediction.landmarks != names:
        found = f"{prediction.identifier}: {len(prediction.landmarks)} landmarks predicted"
        raise PointsError(f"{found}, expected the same {len(names)} landmarks as on the other films")

    def placed(values: FloatArray | None, width: int) -> FloatArray:
        """Return the values of the scheme's landmarks, (n, width); NaN for those that the model does not have."""
        given = np.full((len(names), width), np.nan) if values is None else values.reshape(len(names), width)
        return np.where((columns >= 0)[:, None], given[columns], np.nan)

    seen = worse(prediction.seen, "patient") if sample.subject in known_subjects else prediction.seen
    return ScoredFilm(
        sample, sample.points, placed(prediction.points, 2), placed(prediction.expected_error, 1)[:, 0],
        placed(prediction.radii, len(LEVELS)), placed(prediction.covariance, 3), prediction.expected_film_error,
        prediction.probability_of_failure, prediction.known, prediction.probability_of_shift, prediction.film,
        prediction.model, seen,
    )  # fmt: skip


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)
