"""Journals: files of lines that only grow, from which a killed process goes on."""

import os
from pathlib import Path

from landvote.runtime.files import writing


class Journal:
    """Appends lines to a file; each is safely on the disk before the next one is worked out.

    The file is made if it is not there. A last line that a killed process has not written to its end is cut off first.

    Attributes:
        lines: how many there are.

    Raises:
        DataError: the file cannot be written.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.lines = length = 0
        with writing(file):
            file.touch()
            with file.open("r+b") as opened:
                for line in opened:
                    if line.endswith(b"\n"):
                        self.lines += 1
                        length += len(line)
                opened.truncate(length)

    def append(self, line: str) -> None:
        """Write a line, which ends with a newline; raise DataError if it cannot be written."""
        with writing(self._file), self._file.open("ab") as opened:
            opened.write(line.encode())
            opened.flush()
            os.fsync(opened.fileno())
        self.lines += 1
