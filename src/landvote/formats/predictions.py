"""Predictions as files: one JSON object a line."""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from landvote.data.points import FloatArray
from landvote.data.prediction import Prediction
from landvote.errors import PointsError
from landvote.runtime.files import atomic_write


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> int:
    """Write predictions as JSON lines, whole or not at all; return how many."""
    count = 0
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for p in predictions:
            file.write(prediction_line(p))
            count += 1
    return count


def prediction_line(p: Prediction) -> str:
    """Return a prediction as a line of JSON.

    Keys: ``image``, ``points`` [[x, y], ...] in image pixels (null where not found), ``expected_error`` (pixels),
    ``landmarks``, then whatever ``details`` holds.
    """
    record = {
        "image": p.identifier,
        "points": [[_number(x), _number(y)] for x, y in p.points],
        "expected_error": [_number(e) for e in p.expected_error],
        "landmarks": list(p.landmarks),
        **p.details,
    }
    return json.dumps(record, allow_nan=False) + "\n"


def read_predictions(path: Path) -> list[Prediction]:
    """Read predictions from JSON lines, in a file or in a folder of shards (:mod:`landvote.models.shards`).

    Only ``image`` and ``points`` are required, so other tools' output will do.

    Raises:
        PointsError: a file cannot be read, or a line is not a prediction, naming the line and the value; or there are
            shards still to come.
    """
    predictions: dict[str, Prediction] = {}
    for file in _shards(path) if path.is_dir() else [path]:
        for p in _read_file(file):
            if p.identifier in predictions:
                raise PointsError(f"{file}: film {p.identifier!r} is predicted twice, expected once")
            predictions[p.identifier] = p
    return list(predictions.values())


def _shards(folder: Path) -> list[Path]:
    try:
        expected = int(json.loads((folder / "shards.json").read_text(encoding="utf-8"))["shards"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PointsError(f"{folder / 'shards.json'}: cannot be read ({error!r}), expected that of locate") from error
    found = sorted(folder.glob("predictions-*.jsonl"))
    if len(found) != expected:
        done = f"{len(found)} finished shards"
        raise PointsError(f"{folder}: {done}, expected {expected}; locate goes on with the others")
    return found


def _read_file(path: Path) -> list[Prediction]:
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # splitlines() would also cut at U+2028
    except (OSError, UnicodeDecodeError) as error:
        raise PointsError(f"{path}: cannot be read ({error})") from error
    return [_parse(f"{path}, line {number}", line) for number, line in enumerate(lines, 1) if line.strip()]


def _number(value: float) -> float | None:
    return round(float(value), 3) if math.isfinite(value) else None


def _parse(where: str, line: str) -> Prediction:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise PointsError(f"{where}: not JSON ({error})") from error
    if not isinstance(record, dict) or not isinstance(record.get("image"), str) or "points" not in record:
        raise PointsError(f"{where}: expected an object with 'image' and 'points', found {line[:60]!r}")
    points = _numbers(where, record, "points", "[[x, y], ...]")
    expected = _numbers(where, record, "expected_error", "[error, ...]")
    if points.ndim != 2 or points.shape[1] != 2:
        raise PointsError(f"{where}: 'points' has shape {points.shape}, expected (n, 2)")
    expected = expected if expected.size else np.full(len(points), np.nan)
    named = record.pop("landmarks", None)
    if not isinstance(named, list | None):
        raise PointsError(f"{where}: 'landmarks' is {named!r}, expected a list of names")
    names = tuple(map(str, range(len(points)) if named is None else named))
    if expected.shape != (len(points),) or len(names) != len(points):
        found = f"{len(points)} points, {expected.size} expected errors, {len(names)} landmarks"
        raise PointsError(f"{where}: {found}; expected equal")
    return Prediction(record.pop("image"), points, expected, names, record)


def _numbers(where: str, record: dict[str, Any], key: str, form: str) -> FloatArray:
    """Take nested lists of numbers and null out of a record; null becomes NaN."""
    value = record.pop(key, None)
    value = [] if value is None else value
    try:
        numbers = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as cause:
        raise PointsError(f"{where}: {key!r} must be {form}, numbers or null ({cause})") from cause
    if any(isinstance(v, str) for v in np.array(value, dtype=object).flat):  # numpy takes "3" for 3
        raise PointsError(f"{where}: {key!r} must be {form}, numbers or null, not text")
    return numbers
