"""Files that other programs wrote, read by ``landvote convert`` and compared with the truth.

``python benchmarks/sample_files.py FOLDER results/formats.md``: FOLDER has the files, films in ``images/`` and
``dicom/``, and ``truth.json``, which says for each file which program wrote it, and which points it encodes.
"""

from __future__ import annotations

import csv
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

_OPTIONS = {  # what nothing in the file tells
    "menpo/film-01-4points.pts": "--from menpo-pts",
    "menpo/film-02.pts": "--from menpo-pts",
    "label-studio/export-coco-result.json": "--centre 0.5",
    "sleap/sleap-io-labelstudio.json": "--centre 0",
    "tps/ktch-H-minus-y.tps": "--from tps:origin=below",
    "tps/ktch-bottom-edge-is-0.tps": "--from tps:origin=edge",
    "imagej/film-01-measure-calibrated-0.5mm.csv": "--from imagej-csv:unit=mm",
}
_DICOM = ("dicom/", "ohif/", "slicer/film-01-dicom", "imagej/film-01-measure-calibrated")  # their films are DICOM
_ROUNDED = 0.0005 + 1e-6  # half of the last decimal of long-csv
_HEAD = """# Files of other programs

Read by `landvote convert FILE OUT.csv --to long-csv --films DIR` and compared with what was drawn, by
`python benchmarks/sample_files.py FOLDER results/formats.md`. A format that rounds is compared with its own rounded
coordinates. The films have 60 x 40 and 48 x 64 pixels and five landmarks, one of which is
missing and one occluded on the first film. *Off* is the largest difference of a coordinate, in pixels.

| file | written by | options | outcome | off |
|---|---|---|---|---|
"""

_TAIL = """
One COCO file of 10,000 films with 19 landmarks is read in 0.4 s, of which parsing its JSON takes 0.08 s (two cores,
load 3; `python benchmarks/run.py --only points`). 100 random tables of films, schemes and points come back from
each format that is written, as far as it can hold them (`tests/conformance/test_round_trips.py`).
"""


def main(folder: Path, out: Path) -> int:
    """Convert each file of the truth, write the table, and return how many came out wrong."""
    truth = json.loads((folder / "truth.json").read_text())
    rows, wrong = [], 0
    for name, entries in truth["files"].items():
        options = _OPTIONS.get(name, "")
        films = folder / ("dicom" if name.startswith(_DICOM) else "images")
        outcome, off = _converted(folder / name, films, options, entries, truth["names"])
        wrong += outcome.startswith("wrong")
        rows.append(f"| {name} | {entries[0]['writer']} | {f'`{options}`' if options else ''} | {outcome} | {off} |")
        print(rows[-1], flush=True)
    refused = sum("refused" in row for row in rows)
    said = (
        f"\n{len(rows)} files: {len(rows) - refused - wrong} right, {refused} recognised and refused, {wrong} wrong.\n"
    )
    out.write_text(_HEAD + "\n".join(rows) + "\n" + said + _TAIL)
    return wrong


def _converted(
    file: Path, films: Path, options: str, entries: list[dict[str, Any]], names: list[str]
) -> tuple[str, str]:
    with tempfile.TemporaryDirectory() as place:
        table = Path(place) / "out.csv"
        words = [file, table, "--to", "long-csv", "--films", films, *shlex.split(options)]
        done = subprocess.run(
            [sys.executable, "-m", "landvote", "convert", *map(str, words)], capture_output=True, text=True, check=False
        )
        if not table.exists():
            said = done.stderr.strip().partition(f"{file}: ")[2] or done.stderr.strip()
            return (f"refused: {said}" if "which landvote does not read" in said else f"wrong: {said}"), ""
        with table.open(encoding="utf-8") as opened:
            found = list(csv.DictReader(opened))
    rows: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in found:
        rows.setdefault((Path(row["image"]).stem, row.get("annotator") or ""), []).append(row)
    off = 0.0
    for entry in entries:
        fitting = {key: _off(given, entry, names) for key, given in rows.items() if key[0] == Path(entry["film"]).stem}
        best = min(fitting, key=lambda key: fitting[key], default=None)
        if best is None or fitting[best] > _ROUNDED:
            return f"wrong on {entry['film']}", "" if best is None else f"{fitting[best]:.3f}"
        off = max(off, fitting[best])
        rows.pop(best)
    return ("right" if not rows else f"wrong: {len(rows)} rows too many"), f"{off:.4f}"


def _off(rows: list[dict[str, str]], entry: dict[str, Any], names: list[str]) -> float:
    """Return the largest difference of a coordinate; infinity if other landmarks are missing or occluded."""
    numbered = all(row["landmark"].isdecimal() for row in rows)
    drawn = [entry["points"][name] for name in names]
    if numbered:  # in a file without names, those that are missing may be left out
        truth = drawn if len(rows) == len(drawn) else [point for point in drawn if point]
        given = [_point(row) for row in rows]
    else:
        by_name = {row["landmark"]: _point(row) for row in rows}
        truth, given = drawn, [by_name.get(name) for name in names]
    hidden = {row["landmark"] for row in rows if row.get("occluded") == "1"}
    hidden_drawn = {names.index(name) if numbered else name for name in entry.get("occluded", hidden)}
    same = [point is None for point in truth] == [point is None for point in given] and len(truth) == len(given)
    if not same or {str(name) for name in hidden_drawn} != hidden:
        return np.inf
    return max((abs(a - b) for p, q in zip(truth, given, strict=True) if p and q for a, b in _paired(p, q)), default=0)


def _point(row: dict[str, str]) -> list[float] | None:
    return [float(row["x"]), float(row["y"])] if row["x"] else None


def _paired(one: Iterable[float], other: Iterable[float]) -> Iterable[tuple[float, float]]:
    return zip(one, other, strict=True)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]), Path(sys.argv[2])))
