"""Journals: files of lines that only grow, from which a killed process goes on."""

import os
from pathlib import Path

from landvote.runtime.files import writing


class Journal:
    """Appends lines to a file; each is safely on the disk before the next one is worked out.

    The file is made if it is not there. A last line that a killed process has not written to its end is cut off first,
    and so is whatever the disk took of lines that it had no space for.

    Attributes:
        lines: how many there are.
        length: of the file in bytes.
        cut: how many bytes of a last line were cut off.

    Raises:
        DataError: the file cannot be written.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self.lines = self.length = 0
        with writing(file):
            file.touch()
            with file.open("r+b") as opened:
                for line in opened:
                    if line.endswith(b"\n"):
                        self.lines += 1
                        self.length += len(line)
                self.cut = opened.tell() - self.length
                opened.truncate(self.length)

    def append(self, lines: str) -> None:
        """Write one line or several, each of which ends with a newline; raise DataError if they cannot be written."""
        content = lines.encode()
        with writing(self._file), self._file.open("r+b") as opened:
            opened.truncate(self.length)  # what an append that failed has left
            opened.seek(self.length)
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
        self.length += len(content)
        self.lines += lines.count("\n")
