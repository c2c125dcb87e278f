"""JSON files of other programs: parsed once to tell the format and to read it, with errors that name the file."""

import json
import sys
from pathlib import Path
from typing import Any

from landvote.errors import PointsError
from landvote.runtime.files import read_text

_last: dict[tuple[str, int, int], Any] = {}  # the file that was parsed last: every format looks at it in turn


def read_json(path: Path) -> Any:  # noqa: ANN401 - whatever is in the file
    """Return the content of a JSON file; of the file read last it is kept, and must not be changed.

    Raises:
        PointsError: it cannot be read, or is not JSON, naming the line.
    """
    try:
        stat = path.stat()
    except OSError as error:
        raise PointsError(f"{path}: cannot be read ({error.strerror}), expected a file of points") from error
    key = (str(path.absolute()), stat.st_mtime_ns, stat.st_size)
    if key not in _last:
        try:
            content = json.loads(read_text(path, PointsError))
        except (ValueError, RecursionError) as error:
            raise PointsError(f"{path}: not JSON ({error}), expected a whole JSON file") from error
        _last.clear()
        _last[key] = content
    return _last[key]


def peek_json(path: Path, start: bytes) -> Any:  # noqa: ANN401 - whatever is in the file
    """Return the content of a file that begins as JSON does; None for another one, and for lines of JSON."""
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"["):
        return None
    try:
        return read_json(path)
    except PointsError:  # what is wrong is said by whichever reader takes the file
        return None


def forget_json() -> None:
    """Let go of the file that was parsed last."""
    _last.clear()


def field(where: str, record: Any, key: str, kind: type | tuple[type, ...]) -> Any:  # noqa: ANN401 - as the file has it
    """Return a value of a JSON object; PointsError, naming both, if there is none or it is of another kind."""
    if not isinstance(record, dict) or key not in record:
        raise PointsError(f"{where}: no {key!r}, expected one")
    value = record[key]
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        names = " or ".join(k.__name__ for k in kinds)
        raise PointsError(f"{where}: {key!r} is {str(value)[:60]!r}, expected {names}")
    return value


def number(where: str, value: Any) -> float:  # noqa: ANN401 - as the file has it
    """Return a finite number of a JSON file; PointsError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise PointsError(f"{where}: {str(value)[:40]!r}, expected a number")
    return float(value)


def size_in(width: Any, height: Any) -> tuple[int, int] | None:  # noqa: ANN401 - as the file has it
    """Return the width and height of a film that a JSON file gives; None if they are not two positive integers."""
    if any(isinstance(value, bool) or not isinstance(value, int) or value < 1 for value in (width, height)):
        return None
    return width, height
