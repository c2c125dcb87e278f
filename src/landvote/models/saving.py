"""Predictions into files, by the name of a format."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from landvote.data.prediction import Prediction
from landvote.errors import PointsError, SettingError, one_of
from landvote.formats.predictions import write_predictions
from landvote.models.locate import export_points
from landvote.runtime.files import StrPath, refuse_existing


def save_predictions(
    path: StrPath, predictions: Iterable[Prediction], format: str = "predictions", *, force: bool = False  # noqa: A002 - the word that a caller looks for
) -> int:  # fmt: skip
    """Write predictions to ``path``, whole or not at all, and return how many there were.

    Args:
        path: a file, or a folder in a format of one file per film, whose files are then named after the films.
        predictions: of different films; what :func:`locate` yields may be given as it is.
        format: ``"predictions"``, JSON lines that keep all there is; ``"wide-csv"``, a table of points in image pixels,
            (0, 0) the centre of the top-left pixel; or ``"vxl-pts"``, a file of such points per film.
        force: overwrite what is there.

    Raises:
        DataError: there is something at ``path``, or it cannot be written to.
        PointsError: two predictions are of one film.
        SettingError: the format is unknown.
    """
    if format not in _WRITERS:
        raise SettingError(f"format {format!r} is unknown, expected {one_of(_WRITERS, format)}")
    if not force:
        refuse_existing(Path(path))
    return _WRITERS[format](Path(path), _once(predictions))


def _once(predictions: Iterable[Prediction]) -> Iterator[Prediction]:
    seen: set[str] = set()
    for prediction in predictions:
        if prediction.identifier in seen:
            raise PointsError(f"film {prediction.identifier!r} is predicted twice, expected once")
        seen.add(prediction.identifier)
        yield prediction


def _wide(path: Path, predictions: Iterable[Prediction]) -> int:
    kept = list(predictions)
    export_points(kept, path, None, 0)
    return len(kept)


def _pts(path: Path, predictions: Iterable[Prediction]) -> int:
    kept = list(predictions)
    export_points(kept, None, path, 0)
    return len(kept)


_WRITERS: dict[str, Callable[[Path, Iterable[Prediction]], int]] = {
    "predictions": write_predictions, "wide-csv": _wide, "vxl-pts": _pts,
}  # fmt: skip
