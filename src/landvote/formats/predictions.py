r"""Predictions as files: one JSON object a line.

::

    {"format": 3, "image": "a.dcm", "points": [[x, y], ...], "expected_error": [e, ...], "landmarks": ["top", ...],
     "error_50": [r, ...], "error_80": [r, ...], "error_90": [r, ...], "error_95": [r, ...],
     "covariance": [[xx, xy, yy], ...], "expected_film_error": e, "probability_of_failure": p,
     "probability_of_shift": p, "known": true,
     "model": SHA-256, "scheme": "femur", "scheme_sha256": SHA-256, "seen": "no",
     "film": {"size": [width, height], "spacing": {"x": mm, "y": mm, "source": "PixelSpacing"}, "inverted": false,
              "pixels_sha256": SHA-256, "path": "/films/a.dcm", "orientation": "L\F", "study": UID, "series": UID,
              "instance": UID, "patient": keyed hash, "transparent": null},
     "occluded": [false, ...], "looks": [...]}

Points are in image coordinates, errors in pixels; null is a landmark that was not found, or a fact that is not known.
``seen`` is one of :data:`landvote.data.seen.Seen`. ``occluded`` is there only where it is known, and so are all lines
from ``error_50`` to ``known``; see :class:`landvote.data.prediction.Prediction`.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from landvote.data.film import Film, Source, Spacing
from landvote.data.points import FloatArray, Points
from landvote.data.prediction import Prediction
from landvote.data.seen import SEEN, Seen
from landvote.errors import ImageError, PointsError
from landvote.runtime.files import StrPath, atomic_write, read_text
from landvote.runtime.form import Form, Record

_SOURCE = tuple(field.name for field in fields(Source))
_NAMES = ("model", "scheme", "scheme_sha256")
_RADII = ("error_50", "error_80", "error_90", "error_95")
_OF_FILM = ("expected_film_error", "probability_of_failure", "probability_of_shift")


def _from_0_1(record: Record) -> Record:
    """Bring a line of landvote 0.1.0, or of another tool, into form 2: what it says of the film stood by itself."""
    film = {key: record[key] for key in ("size", "spacing", "inverted") if key in record}
    return {key: value for key, value in record.items() if key not in film} | {"film": film}


def _same(record: Record) -> Record:
    return record


FORM = Form("predictions", 3, PointsError, {1: _from_0_1, 2: _same})
SHARDS = Form("shards of predictions", 3, PointsError, {1: _same, 2: _same})
"""Of ``shards.json``, beside predictions in shards; only its number is new."""


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> int:
    """Write predictions as JSON lines, whole or not at all; return how many."""
    count = 0
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        for p in predictions:
            file.write(prediction_line(p))
            count += 1
    return count


def prediction_line(p: Prediction) -> str:
    """Return a prediction as a line of JSON, as drawn at the top of this module; ``details`` come last."""
    film = p.film
    described = {
        "size": film.size, "spacing": asdict(film.spacing) if film.spacing else None, "inverted": film.inverted,
        "pixels_sha256": film.pixels_sha256 or None, **{key: getattr(film.source, key) or None for key in _SOURCE},
    }  # fmt: skip
    record = {
        "image": p.identifier,
        "points": [[_number(x), _number(y)] for x, y in p.points],
        "expected_error": [_number(e) for e in p.expected_error],
        "landmarks": list(p.landmarks),
        **_spread(p),
        **{key: getattr(p, key) or None for key in (*_NAMES, "seen")},
        "film": described if film != Film() else {},
        **({} if p.occluded is None else {"occluded": p.occluded.tolist()}),
        **p.details,
    }
    return json.dumps(FORM.stamp(record), allow_nan=False) + "\n"


def _spread(p: Prediction) -> Record:
    """Return what is known of the errors besides those to expect."""
    record: Record = {}
    if p.radii is not None and np.isfinite(p.radii).any():
        record |= {key: [_number(r) for r in radii] for key, radii in zip(_RADII, p.radii.T, strict=True)}
    if p.covariance is not None and np.isfinite(p.covariance).any():
        record["covariance"] = [[_number(v) for v in row] for row in p.covariance]
    record |= {key: _number(getattr(p, key)) for key in _OF_FILM if math.isfinite(getattr(p, key))}
    return record if p.known is None else record | {"known": p.known}


def read_predictions(path: StrPath) -> list[Prediction]:
    """Read predictions from JSON lines, in a file or in a folder of shards (:mod:`landvote.models.shards`).

    Only ``image`` and ``points`` are required, so other tools' output will do; predictions of landvote 0.1.0 are read.

    Raises:
        PointsError: a file cannot be read, or a line is not a prediction, naming the line and the value; a newer
            landvote wrote it; or there are shards still to come.
    """
    predictions: dict[str, Prediction] = {}
    for file in _shards(Path(path)) if Path(path).is_dir() else [Path(path)]:
        for p in _read_file(file):
            if p.identifier in predictions:
                raise PointsError(f"{file}: film {p.identifier!r} is predicted twice, expected once")
            predictions[p.identifier] = p
    return list(predictions.values())


def _shards(folder: Path) -> list[Path]:
    expected = SHARDS.load(folder / "shards.json", "shards")["shards"]
    if not isinstance(expected, int):
        raise PointsError(f"{folder / 'shards.json'}: shards is {expected!r}, expected a number")
    found = sorted(folder.glob("predictions-*.jsonl"))
    if len(found) != expected:
        done = f"{len(found)} finished shards"
        raise PointsError(f"{folder}: {done}, expected {expected}; locate goes on with the others")
    return found


def _read_file(path: Path) -> list[Prediction]:
    lines = read_text(path, PointsError).split("\n")  # splitlines() would also cut at U+2028
    return [_parse(f"{path}, line {number}", line) for number, line in enumerate(lines, 1) if line.strip()]


def _number(value: float) -> float | None:
    return round(float(value), 3) if math.isfinite(value) else None


def _parse(where: str, line: str) -> Prediction:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise PointsError(f"{where}: not JSON ({error})") from error
    if not isinstance(record, dict) or not isinstance(record.get("image"), str) or "points" not in record:
        raise PointsError(f"{where}: expected an object with 'image' and 'points', found {line[:60]!r}")
    record = FORM.read(record, where)
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
    image, film = record.pop("image"), _film(where, record.pop("film", {}))
    model, scheme, scheme_sha256 = (_text(where, record, key) for key in _NAMES)
    seen, occluded = _seen(where, record), _occluded(where, record, points)
    n = len(points)
    told = [_rows(where, record, key, n) for key in _RADII]
    radii = (
        None
        if all(r is None for r in told)
        else np.column_stack([np.full(n, np.nan) if r is None else r for r in told])
    )
    covariance = _rows(where, record, "covariance", n, 3)
    of_film = [_rows(where, record, key) for key in _OF_FILM]
    mean, failure, shift = (math.nan if value is None else float(value) for value in of_film)
    known: object = record.pop("known", None)
    if not isinstance(known, bool | None):
        raise PointsError(f"{where}: 'known' is {known!r}, expected true, false or null")
    return Prediction(
        image, points, expected, names, film, model, scheme, scheme_sha256, seen, record, occluded, radii, covariance,
        mean, failure, known, shift,
    )  # fmt: skip


def _film(where: str, told: object) -> Film:
    if not isinstance(told, dict):
        raise PointsError(f"{where}: 'film' is {told!r}, expected an object")
    size, spacing, inverted = told.get("size") or (), told.get("spacing"), told.get("inverted", False)
    if size and not (isinstance(size, list) and len(size) == 2 and all(isinstance(v, int) and v > 0 for v in size)):
        raise PointsError(f"{where}: 'size' is {size!r}, expected [width, height] in pixels, or null")
    if not isinstance(inverted, bool):
        raise PointsError(f"{where}: 'inverted' is {inverted!r}, expected true or false")
    if spacing is not None:
        try:
            spacing = Spacing(float(spacing["x"]), float(spacing["y"]), str(spacing.get("source", "prediction")))
        except (TypeError, KeyError, ValueError, AttributeError, ImageError) as error:
            raise PointsError(f"{where}: 'spacing' is {spacing!r}, expected x and y in mm, or null") from error
    source = Source(**{key: _text(where, told, key) for key in _SOURCE})
    return Film((size[0], size[1]) if size else None, spacing, inverted, _text(where, told, "pixels_sha256"), source)


def _seen(where: str, record: Record) -> Seen:
    told = _text(where, record, "seen")
    found = next((seen for seen in SEEN if seen == told), None)
    if found is None:
        raise PointsError(f"{where}: 'seen' is {told!r}, expected {', '.join(filter(None, SEEN))} or null")
    return found


def _occluded(where: str, record: Record, points: Points) -> npt.NDArray[np.bool_] | None:
    told = record.pop("occluded", None)
    if told is None:
        return None
    if not (isinstance(told, list) and len(told) == len(points) and all(isinstance(flag, bool) for flag in told)):
        raise PointsError(f"{where}: 'occluded' is {str(told)[:60]}, expected true or false for each landmark, or null")
    hidden = np.array(told, bool)
    if not np.isfinite(points[hidden]).all():
        raise PointsError(f"{where}: a landmark is 'occluded' and was not found, expected a point or false")
    return hidden


def _text(where: str, record: Record, key: str) -> str:
    """Take a text out of a record; null and none are the empty one."""
    value = record.pop(key, None)
    if not isinstance(value, str | None):
        raise PointsError(f"{where}: {key!r} is {value!r}, expected text or null")
    return value or ""


def _numbers(where: str, record: Record, key: str, form: str) -> FloatArray:
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


def _rows(where: str, record: Record, key: str, *shape: int) -> FloatArray | None:
    """Take numbers of one shape out of a record; None where they are not there."""
    if record.get(key) is None:
        record.pop(key, None)
        return None
    found = _numbers(where, record, key, f"of shape {shape}")
    if found.shape != shape:
        raise PointsError(f"{where}: {key!r} has shape {found.shape}, expected {shape}")
    return found
