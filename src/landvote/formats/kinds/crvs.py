"""Curves of VXL and BoneFinder (``.crvs``): outlines through the points of the ``.pts`` files beside them.

::

    curves: {
      curve:  { name: head open: true indices: { 0:14 72 31 } }
    }
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from landvote.data.scheme import Outline
from landvote.errors import PointsError
from landvote.runtime.files import read_text, write_text

_CURVE = re.compile(
    r"\bcurve\s*:\s*\{\s*name\s*:([^{}]*?)\bopen\s*:\s*(true|false)\s+indices\s*:\s*\{([^{}]*)\}\s*\}", re.IGNORECASE
)
_INDICES = re.compile(r"(\d{1,9})(?::(\d{1,9}))?")


def read_crvs(path: Path, n: int) -> tuple[list[Outline], list[str]]:
    """Return the outlines in a file, through ``n`` points, and what is passed over, in words: curves of one point.

    A curve whose name an earlier one has gets a number after it.

    Raises:
        PointsError: no such file; a curve that cannot be read, or that has a point which is not there.
    """
    text = re.sub("//.*", "", read_text(path, PointsError))
    curves = _CURVE.findall(text)
    if not curves or len(curves) != len(re.findall(r"\bcurve\s*:", text)):
        found = f"{path}: {len(curves)} curves that can be read"
        raise PointsError(f"{found}, expected 'curve: {{ name: N open: true indices: {{ 0:5 7 }} }}' for each")
    outlines: dict[str, Outline] = {}
    short = 0
    for name, opened, indices in curves:
        points = [index for token in indices.split() for index in _range(path, token, n)]
        if len(points) < 2:
            short += 1
            continue
        called = name.strip() or "curve"
        free = (f"{called} {k}" if k > 1 else called for k in range(1, len(outlines) + 2))
        called = next(name for name in free if name not in outlines)
        outlines[called] = Outline(name=called, points=tuple(points), closed=opened.lower() == "false")
    return list(outlines.values()), [f"curves of one point are passed over ({short})"] if short else []


def outlines_beside(folder: Path, n: int) -> tuple[list[Outline], list[str]]:
    """Return the outlines in the only ``.crvs`` file of a folder, and notes, as :func:`read_crvs` does.

    Of several files none is read, and none that does not fit the points; a note says so.
    """
    try:
        files = _crvs_in(folder, folder.stat().st_mtime_ns)
    except OSError:
        return [], []
    if len(files) > 1:
        return [], [f"of {len(files)} files of curves beside the points none is read (the setting curves names one)"]
    try:
        return read_crvs(files[0], n) if files else ([], [])
    except PointsError as error:
        return [], [f"the curves beside the points are not read ({error})"]


def write_crvs(path: Path, outlines: Sequence[Outline]) -> None:
    """Write outlines as curves, whole or not at all.

    Raises:
        PointsError: a name that cannot stand in such a file.
        DataError: the file cannot be written.
    """
    lines = []
    for outline in outlines:
        if re.search(r"[{}\n\r]|//|\bopen\s*:", outline.name):
            raise PointsError(f"{path}: outline {outline.name!r}, expected a name without braces, '//' and line breaks")
        indices = " ".join(map(str, outline.points))
        opened = "false" if outline.closed else "true"
        lines.append(f"  curve:  {{ name: {outline.name} open: {opened} indices: {{ {indices} }} }}\n")
    write_text(path, f"curves: {{\n{''.join(lines)}}}\n")


@lru_cache(maxsize=8)
def _crvs_in(folder: Path, changed: int) -> list[Path]:  # noqa: ARG001 - looks again when the folder has changed
    """Return the curves in a folder, which may have very many points to be read one by one."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() == ".crvs" and not path.name.startswith("."))


def _range(path: Path, token: str, n: int) -> Sequence[int]:
    """Return the points of ``5``, ``0:14`` or ``14:0``, both ends included."""
    found = _INDICES.fullmatch(token)
    first, last = (int(found[1]), int(found[2] or found[1])) if found else (n, n)
    if max(first, last) >= n:
        raise PointsError(f"{path}: points {token[:40]!r} of a curve, expected numbers from 0 to {n - 1}")
    return range(first, last + 1) if first <= last else range(first, last - 1, -1)
