"""CSV files with a header, row by row, with file and line for messages; and how they are written."""

import csv
import io
from collections.abc import Iterable, Iterator
from pathlib import Path

from landvote.errors import DataError
from landvote.runtime.files import atomic_write, read_text


def records(path: Path, error: type[DataError] = DataError) -> tuple[list[str], Iterator[tuple[str, list[str]]]]:
    """Return the header and, per row that is not blank, ("file, line n", cells), all stripped of blanks.

    Columns are separated by whichever of comma, semicolon and tab the header uses. Columns without name and content,
    which spreadsheets leave, are passed over.

    Raises:
        DataError: (or the kind in ``error``) no such file, not UTF-8 text, no header, a column named twice or not at
            all; a row with too few or too many values.
    """
    text = read_text(path, error)
    first = text.partition("\n")[0]
    if not first.strip():
        raise error(f"{path}: empty, expected a header line")
    (_, header), *lines = _lines(path, text, separator(first), error)
    if header[0] == "scorer":
        found = "the header lines of DeepLabCut (scorer, bodyparts, coords)"
        raise error(f"{path}, line 1: {found}, expected one line that names each column, such as 'image, x0, y0, ...'")
    for where, cells in lines:
        if unnamed := [i for i, cell in enumerate(cells[: len(header)]) if cell and not header[i]]:
            raise error(
                f"{path}, line 1: column {unnamed[0] + 1} has no name, expected one, as {where} has a value there"
            )
    named = [i for i, name in enumerate(header) if name]
    header = [header[i] for i in named]
    if twice := [name for name in header if header.count(name) > 1]:
        raise error(f"{path}, line 1: column {twice[0]!r} stands there twice, expected once")

    def rows() -> Iterator[tuple[str, list[str]]]:
        for where, cells in lines:
            if any(cells) and (len(cells) <= named[-1] or any(cells[named[-1] + 1 :])):
                raise error(f"{where}: {len(cells)} values, expected {len(header)} as in the header")
            if any(cells):
                yield where, [cells[i] for i in named]

    return header, rows()


def separator(line: str) -> str:
    """Return what separates the columns of a header line: comma, semicolon or tab."""
    return max(",;\t", key=line.count)


def write_records(path: Path, header: Iterable[str], rows: Iterable[Iterable[str]], error: type[DataError]) -> None:
    """Write a CSV, whole or not at all; names of files that are not UTF-8 keep their bytes.

    Raises:
        DataError: (or the kind in ``error``) a text that cannot be written; no space, or no permission.
    """
    with atomic_write(path) as temporary:
        try:
            with temporary.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(header)
                writer.writerows(rows)
        except UnicodeEncodeError as cause:
            raise error(f"{path}: {cause.object[:60]!r} cannot be written as UTF-8, expected other names") from cause


def _lines(path: Path, text: str, delimiter: str, error: type[DataError]) -> Iterator[tuple[str, list[str]]]:
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        for row in reader:
            yield f"{path}, line {reader.line_num}", [cell.strip() for cell in row]
    except csv.Error as cause:
        raise error(f"{path}, line {reader.line_num}: cannot be read as CSV ({cause})") from cause
