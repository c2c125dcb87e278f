"""CSV files with a header, row by row, with file and line for messages; and how they are written."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeAlias

from landvote.errors import DataError
from landvote.runtime.files import atomic_write, read_text

Lines: TypeAlias = list[tuple[str, list[str]]]

_BYTES = re.compile("[\udc80-\udcff]")  # that are not UTF-8, as Python keeps them


def records(path: Path, error: type[DataError] = DataError) -> tuple[list[str], Iterator[tuple[str, list[str]]]]:
    """Return the header and, per row that is not blank, ("file, line n", cells), all stripped of blanks.

    Columns are separated by whichever of comma, semicolon and tab the header uses. Columns without name and content,
    which spreadsheets leave, are passed over. Names of files, in the column ``image``, may have bytes that are not
    UTF-8.

    Raises:
        DataError: (or the kind in ``error``) no such file, not UTF-8 text, no header, a column named twice or not at
            all; a row with too few or too many values.
    """
    text = read_text(path, error, keep_bytes=True)
    first = text.partition("\n")[0]
    if not first.strip():
        raise error(f"{path}: empty, expected a header line")
    (_, header), *lines = lines_of(path, text, separator(first), error)
    if _BYTES.search(text):
        _refuse_bytes(path, header, lines, error)
    named = _named_columns(path, header, lines, error)
    if not named:
        raise error(f"{path}: empty, expected a header line")
    header = [header[i] for i in named]
    if twice := [name for name, count in Counter(header).items() if count > 1]:
        raise error(f"{path}, line 1: column {twice[0]!r} stands there twice, expected once")

    def rows() -> Iterator[tuple[str, list[str]]]:
        for where, cells in lines:
            if any(cells) and (len(cells) <= named[-1] or any(cells[named[-1] + 1 :])):
                raise error(f"{where}: {len(cells)} values, expected {len(header)} as in the header")
            if any(cells):
                yield where, [cells[i] for i in named]

    return header, rows()


def _named_columns(path: Path, header: list[str], lines: Lines, error: type[DataError]) -> list[int]:
    """Return the places of the columns that have a name; raise an error for values in another one."""
    for where, cells in lines:
        if unnamed := [i for i, cell in enumerate(cells[: len(header)]) if cell and not header[i]]:
            found = f"{path}, line 1: column {unnamed[0] + 1} has no name"
            raise error(f"{found}, expected one, as {where} has a value there")
    return [i for i, name in enumerate(header) if name]


def _refuse_bytes(path: Path, header: list[str], lines: Lines, error: type[DataError]) -> None:
    """Raise an error for bytes that are not UTF-8 elsewhere than in the name of a file."""
    image = header.index("image") if "image" in header else -1
    for where, cells in ((f"{path}, line 1", header), *lines):
        if any(_BYTES.search(cell) for i, cell in enumerate(cells) if i != image or cells is header):
            found = "not UTF-8 (looks like Latin-1 or Windows-1252)"
            raise error(f"{where}: {found}, expected a text saved as UTF-8")


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


def lines_of(path: Path, text: str, delimiter: str, error: type[DataError]) -> Iterator[tuple[str, list[str]]]:
    """Yield ("file, line n", cells without blanks around them) per line of a table; DataError if it is no table."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        for row in reader:
            yield f"{path}, line {reader.line_num}", [cell.strip() for cell in row]
    except csv.Error as cause:
        raise error(f"{path}, line {reader.line_num}: cannot be read as CSV ({cause})") from cause
