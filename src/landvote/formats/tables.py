"""CSV files with a header, row by row, with file and line for messages."""

import csv
from collections.abc import Iterator
from pathlib import Path

from landvote.errors import DataError


def records(path: Path, error: type[DataError] = DataError) -> tuple[list[str], Iterator[tuple[str, list[str]]]]:
    """Return the header and, per row that is not blank, ("file, line n", cells), all stripped of blanks.

    Columns are separated by whichever of comma, semicolon and tab the header uses.

    Raises:
        DataError: (or the kind in ``error``) no such file, not UTF-8 text, no header, a column named twice; a row with
            too few or too many values.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as cause:
        raise error(f"{path}: cannot be read as CSV ({cause})") from cause
    if not lines or not lines[0].strip():
        raise error(f"{path}: empty, expected a header line")
    reader = csv.reader(lines, delimiter=max(",;\t", key=lines[0].count))
    header = [cell.strip() for cell in next(reader)]
    if twice := [name for name in header if header.count(name) > 1]:
        raise error(f"{path}, line 1: column {twice[0]!r} stands there twice, expected once")

    def rows() -> Iterator[tuple[str, list[str]]]:
        for number, row in enumerate(reader, 2):
            cells = [cell.strip() for cell in row]
            if any(cells) and len(cells) != len(header):
                raise error(f"{path}, line {number}: {len(cells)} values, expected {len(header)} as in the header")
            if any(cells):
                yield f"{path}, line {number}", cells

    return header, rows()
