"""Predictions into files, by the name of a format."""

from collections.abc import Iterable
from pathlib import Path

from landvote.data.prediction import Prediction
from landvote.formats.family import format_to_write
from landvote.formats.kinds.jsonl import table_of_predictions
from landvote.formats.writing import Written, write_points
from landvote.runtime.files import StrPath


def save_predictions(
    path: StrPath, predictions: Iterable[Prediction], format: str = "predictions", *, force: bool = False  # noqa: A002 - the word that a caller looks for
) -> Written:  # fmt: skip
    """Write predictions to ``path``, whole or not at all, and return how many films there were, and what was lost.

    Args:
        path: a file, or a folder in a format of one file per film, whose files are then named after the films.
        predictions: of different films; the predictions of :func:`landvote.locate` may be given as they come.
        format: a name in the table of docs/formats.md, of a format that landvote writes, or one that a program has
            registered; ``"predictions"`` keeps all there is.
        force: overwrite what is there.

    Raises:
        ExistsError: there is something at ``path``.
        PointsError: there are no predictions, or two of one film; or their landmarks differ.
        SettingError: the format is unknown, or only read.
        DataError: ``path`` cannot be written to.
    """
    table = table_of_predictions(list(predictions), str(path))
    return write_points(Path(path), table, format_to_write(format), force=force)
