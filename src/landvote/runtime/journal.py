"""Journals: files of lines that only grow, from which a killed process goes on."""

import os
from pathlib import Path

from landvote.errors import DataError


class Journal:
    """Appends lines to a file; each is safely on the disk before the next one is worked out.

    A last line that a killed process has not written to its end is cut off first.

    Args:
        file: is made if it is not there.

    Attributes:
        lines: how many there are.

    Raises:
        DataError: the file cannot be written.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.lines = length = 0
        try:
            file.touch()
            with file.open("r+b") as opened:
                for line in opened:
                    if line.endswith(b"\n"):
                        self.lines += 1
                        length += len(line)
                opened.truncate(length)
        except OSError as error:
            raise self._failure(error) from error

    def append(self, line: str) -> None:
        """Write a line, which ends with a newline.

        Raises:
            DataError: it cannot be written.
        """
        try:
            with self._file.open("ab") as opened:
                opened.write(line.encode())
                opened.flush()
                os.fsync(opened.fileno())
        except OSError as error:
            raise self._failure(error) from error
        self.lines += 1

    def _failure(self, error: OSError) -> DataError:
        return DataError(f"{self._file}: cannot be written ({error.strerror or error})")
