"""Judging: films of which no voter has learned tell what errors to expect."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from landvote.data.prediction import LEVELS
from landvote.data.sample import Sample
from landvote.errors import SettingError
from landvote.localiser.assessor import Assessor
from landvote.localiser.conditions import Conditions
from landvote.localiser.films import facing, in_polarity
from landvote.localiser.localiser import Localiser
from landvote.localiser.plan import TimeLimit
from landvote.runtime.arrays import load_arrays, save_arrays
from landvote.runtime.events import FilmLocated, Note, StageLearned
from landvote.uncertainty import LEAST, Calibrator, Cues, Judged, contour_axes, shifted_by

_CALIBRATED = 5  # films, at least, that errors to expect are learned from, however late it is
_CUES = ("landmarks", "film", "covariance", "cell", "row")
_JUDGED = ("axes", "errors", "shifted")


@dataclass(frozen=True)
class Fitted:
    """A localiser, its mean error on each film that told what errors to expect, and how much its stages have learned.

    Errors are image pixels. The films were held out, or left out in turn by ``left_out`` trainings.
    """

    localiser: Localiser
    held_out: list[float]
    learned: tuple[StageLearned, ...] = ()
    left_out: int = 0


@dataclass(frozen=True)
class Turn:
    """What a training tells of the films that it has left out, and how much its stages have learned, in words."""

    judged: list[Judged]
    learned: tuple[str, ...]

    def save(self, file: Path) -> None:
        """Write it as npz; which films they are, in their order, is not in there."""
        cues = {key: np.array([getattr(film.cues, key) for film in self.judged]) for key in _CUES}
        own = {key: np.array([getattr(film, key) for film in self.judged]) for key in _JUDGED}
        save_arrays(file, **cues, **own, learned=np.array(self.learned, np.str_))

    @classmethod
    def load(cls, file: Path, films: Sequence[Sample]) -> "Turn":
        """Read what :meth:`save` wrote of these ``films``; ModelError if it is damaged."""
        stored = load_arrays(file, *_CUES, *_JUDGED, "learned")
        judged = [
            Judged(
                Cues(*(stored[key][i] for key in _CUES)),
                stored["axes"][i],
                stored["errors"][i],
                film.subject,
                float(stored["shifted"][i]),
            )
            for i, film in enumerate(films[: len(stored["cell"])])
        ]
        return cls(judged, tuple(map(str, stored["learned"])))


def recalibrated(localiser: Localiser, samples: Sequence[Sample], conditions: Conditions | None = None) -> Fitted:
    """Return a localiser that expects the errors which it makes on samples; all have points, of none it has learned.

    Raises:
        SettingError: the localiser is of a landvote that knew one error alone, or does not know a sample's side.
        ImageError: a film cannot be read.
        StoppedError: the stop token asked for it.
    """
    under = conditions or Conditions()
    if not isinstance(localiser.errors, Assessor):
        raise SettingError("this model was made by a landvote that could not be calibrated, expected a newer model")
    sided = [replace(s, side=localiser.own_side(s.side)) for s in samples]
    films = in_polarity(facing(sided, under), localiser.polarity)
    judged = judge_all(localiser, localiser.errors, films, under, TimeLimit(under.minutes))
    return calibrated(localiser, localiser.errors, judged, under)


def calibrated(
    localiser: Localiser, assessor: Assessor, judged: Sequence[Judged], under: Conditions, left_out: int = 0
) -> Fitted:
    """Return a localiser that expects errors as they were on ``judged`` films, held out or left out in turn."""
    judged, calibrator = [film for film in judged if film.told], None
    how = "left out in turn" if left_out else "held out"
    if (subjects := len({film.subject for film in judged})) >= LEAST:
        calibrator = Calibrator.fit(judged)
        if told := [f"{level:.0%}" for level, q in zip(LEVELS, calibrator.quantiles, strict=True) if np.isnan(q)]:
            of = f"{subjects} subjects {how} are too few"
            under.listener(Note(f"radii that hold the truth in {', '.join(told)} of cases are not known: {of}"))
    else:
        expected = f"{subjects} subjects were {how} and located, expected {LEAST} at least"
        under.listener(Note(f"errors to expect are not known: {expected}"))
    localiser = replace(localiser, errors=assessor.calibrated(calibrator))
    return Fitted(localiser, [float(np.nanmean(film.distance)) for film in judged], left_out=left_out)


def judge_all(
    localiser: Localiser, assessor: Assessor, films: Sequence[Sample], under: Conditions, limit: TimeLimit
) -> list[Judged]:
    """Return what is known of the errors on films, and what they are; when it is late, only on the first films."""
    judged = []
    for number, sample in enumerate(films, 1):
        if number > _CALIBRATED and limit.over:
            used = f"{number - 1} of {len(films)} films not learned from"
            under.listener(Note(f"errors to expect are learned from {used}, for want of time"))
            break
        judged.append(_judge(localiser, assessor, sample))
        under.listener(FilmLocated(number, len(films)))
        under.stop.check()
    return judged


def _judge(localiser: Localiser, assessor: Assessor, sample: Sample) -> Judged:
    """Locate a sample; return what is known of the errors, and what they are."""
    radiograph = sample.open()
    found = localiser.search(radiograph)
    axes = contour_axes(localiser.scheme, found.points)
    cues = assessor.cues(localiser.looks, radiograph, found)
    by = shifted_by(found.points, sample.points, localiser.scheme.repeats) if localiser.scheme.row else None
    shifted = float("nan") if by is None else float(by != 0)
    return Judged(cues, axes, found.points - sample.points, sample.subject, shifted)
