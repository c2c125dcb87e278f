"""VXL point files (``.pts``), as BoneFinder and the VXL tools write them.

::

    version: 1
    n_points: 2
    {
    10.5 20.25
    nan nan
    }

The old form is the number of points followed by the coordinates. VXL counts pixels from 0, menpo and iBUG write the
same header and count from 1, and nothing in the file says which: hence the explicit ``origin``.
"""

import math
import re
from pathlib import Path

import numpy as np

from landvote.data.points import Points
from landvote.errors import PointsError, SettingError
from landvote.runtime.files import write_text

_LABEL = re.compile(r"^(version|n_points|image_size_[xyz])\s*:\s*(.*)$")


def read_pts(path: Path, origin: int = 0) -> Points:
    """Read one ``.pts`` file as (n, 2) points in image coordinates, counted from 0.

    Both VXL forms, ``//`` comments, ``nan nan`` for a missing point; ``origin`` is what the file calls the first pixel,
    0 (VXL) or 1 (menpo, iBUG).

    Raises:
        PointsError: not such a file; too few, too many or non-numeric values; half a point.
    """
    check_origin(origin)
    labels, body = _parse(path)
    if labels.get("version", "1") != "1":
        raise PointsError(f"{path}: version {labels['version']!r}, expected 1")
    if "n_points" not in labels:  # the old form: the number comes first
        if not body:
            raise PointsError(f"{path}: no points, expected 'version: 1, n_points: N, {{, rows, }}'")
        (line, first), *body = body
        labels["n_points"] = first[0]
        body = [(line, first[1:]), *body] if first[1:] else body
    count = labels["n_points"]
    if not count.isdecimal() or int(count) < 1:
        raise PointsError(f"{path}: number of points is {count!r}, expected 1 or more")
    values = [_pair(f"{path}, line {number}", tokens) for number, tokens in body]
    if len(values) != int(count):
        raise PointsError(f"{path}: {len(values)} points, expected {count} as its header says")
    return np.array(values, dtype=np.float64) - origin


def write_pts(path: Path, points: Points, origin: int = 0) -> None:
    """Write (n, 2) points in image coordinates, NaN where missing, as a VXL ``.pts`` file, whole or not at all.

    ``origin`` is what the file shall call the first pixel, 0 (VXL) or 1 (menpo, iBUG).
    """
    check_origin(origin)
    rows = "".join(f"{x:.3f} {y:.3f}\n" if math.isfinite(x + y) else "nan nan\n" for x, y in points + origin)
    write_text(path, f"version: 1\nn_points: {len(points)}\n{{\n{rows}}}\n")


def check_origin(origin: int) -> None:
    """Raise SettingError unless ``origin`` is 0 or 1."""
    if origin not in (0, 1):
        raise SettingError(f"origin = {origin!r}, expected 0 (VXL, BoneFinder) or 1 (menpo, iBUG)")


def _parse(path: Path) -> tuple[dict[str, str], list[tuple[int, list[str]]]]:
    """Return the labels and, per line with values, (line number, values)."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PointsError(f"{path}: cannot be read as text ({error})") from error
    labels: dict[str, str] = {}
    body: list[tuple[int, list[str]]] = []
    braces = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.split("//")[0].strip()
        if label := _LABEL.match(line):
            labels[label[1]] = label[2].strip()
            continue
        braces += "".join(c for c in line if c in "{}")
        if tokens := line.replace("{", " ").replace("}", " ").split():
            body.append((number, tokens))
    if braces not in ("", "{}") or ("n_points" in labels and not braces):
        raise PointsError(f"{path}: braces {braces!r}, expected the points between one '{{' and one '}}' (cut short?)")
    return labels, body


def _pair(where: str, tokens: list[str]) -> tuple[float, float]:
    if len(tokens) != 2:
        raise PointsError(f"{where}: {len(tokens)} values ({' '.join(tokens)[:40]!r}), expected x and y")
    try:
        x, y = (float(t) for t in tokens)
    except ValueError:
        x = y = math.inf
    if math.isnan(x) != math.isnan(y) or math.isinf(x) or math.isinf(y):
        raise PointsError(f"{where}: {' '.join(tokens)!r}, expected two numbers or 'nan nan'")
    return x, y
