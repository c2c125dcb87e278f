"""Predictions as point files: a line of JSON per film, as :mod:`landvote.formats.predictions` has it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from landvote.data.film import Film
from landvote.data.prediction import LEVELS, Prediction
from landvote.errors import PointsError
from landvote.formats.films import Films
from landvote.formats.format import Fact, Format, Reading
from landvote.formats.points import PointRow, PointTable
from landvote.formats.predictions import read_predictions, write_predictions

_PLACE_90 = LEVELS.index(0.9)


class PredictionLines(Format):
    """The predictions that ``landvote locate`` writes: points with their expected errors, one film a line."""

    suffixes: ClassVar[tuple[str, ...]] = (".jsonl",)
    holds: ClassVar[frozenset[Fact]] = frozenset(
        {"names", "missing", "occluded", "expected_error", "error_90", "known", "probability_of_shift", "prediction"}
    )
    kind: Literal["predictions"] = "predictions"

    @classmethod
    def sniff(cls, path: Path, start: bytes) -> bool:
        """Say whether it begins as a line that names an image and points, or is a folder of shards."""
        line = start.lstrip().partition(b"\n")[0]
        told = line[:1] == b"{" and all(key in line for key in (b'"image":', b'"points":'))
        return told or (path / "shards.json").is_file()

    def read(self, path: Path, reading: Reading) -> PointTable:  # noqa: ARG002 - has its own names
        """Read one row per film.

        Raises:
            PointsError: as :func:`landvote.formats.predictions.read_predictions`; films differ in their landmarks.
        """
        return table_of_predictions(read_predictions(path), str(path))

    def write(self, path: Path, table: PointTable, films: Films | None = None) -> None:  # noqa: ARG002 - needs no films
        """Write one line per row."""
        write_predictions(path, (prediction_of(row, table.landmarks) for row in table.rows))


def table_of_predictions(predictions: Sequence[Prediction], where: str = "") -> PointTable:
    """Return predictions as a table; PointsError if films differ in their landmarks. ``where`` is for messages."""
    landmarks = predictions[0].landmarks if predictions else ()
    for p in predictions:
        if p.landmarks != landmarks:
            found = f"{where}: film {p.identifier!r} has {len(p.landmarks)} landmarks ({', '.join(p.landmarks)[:60]})"
            raise PointsError(f"{found}, expected those of {predictions[0].identifier!r}: {', '.join(landmarks)[:60]}")
    rows = (
        PointRow(
            p.identifier, "", p.points, f"{where}, film {p.identifier!r}",
            occluded=p.occluded, expected_error=p.expected_error,
            error_90=None if p.radii is None else p.radii[:, _PLACE_90], known=p.known,
            probability_of_shift=p.probability_of_shift, size=p.film.size, prediction=p,
        ) for p in predictions
    )  # fmt: skip
    return PointTable(tuple(rows), landmarks)


def prediction_of(row: PointRow, landmarks: tuple[str, ...]) -> Prediction:
    """Return a row as a prediction, which says what the one it is of said."""
    error = np.full(len(landmarks), np.nan) if row.expected_error is None else row.expected_error
    radii = None
    if row.error_90 is not None:
        radii = np.full((len(landmarks), len(LEVELS)), np.nan)
        radii[:, _PLACE_90] = row.error_90
    unnamed = Prediction(
        row.image, row.points, error, landmarks, Film(row.size), radii=radii, known=row.known,
        probability_of_shift=row.probability_of_shift,
    )  # fmt: skip
    known = row.prediction or unnamed
    if known.landmarks != landmarks:
        columns = [known.landmarks.index(name) if name in known.landmarks else -1 for name in landmarks]
        radii, covariance = (
            None if of is None else np.append(of, np.full_like(of[:1], np.nan), axis=0)[columns]
            for of in (known.radii, known.covariance)
        )
        # it was of other landmarks
        known = replace(known, scheme="", scheme_sha256="", radii=radii, covariance=covariance)
    return replace(
        known, identifier=row.image, points=row.points, expected_error=error, landmarks=landmarks, occluded=row.occluded
    )
