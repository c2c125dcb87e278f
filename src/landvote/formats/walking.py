"""Walks through a folder of films, in which people, file servers and archives have left other things."""

import os
from collections.abc import Iterator
from pathlib import Path

from landvote.errors import ImageError

_PASSED_OVER = ("@eaDir", "#recycle", "@Recycle", "$RECYCLE.BIN", "__MACOSX")


def walk_files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder one by one, in any order, and links that lead nowhere, behind which one is lost.

    Each folder is entered once, and by a link only if nothing else leads there. Hidden files and folders are passed
    over, and so are folders that file servers and archives make of their own accord.

    Raises:
        ImageError: a folder cannot be read.
    """
    entered, links = set[tuple[int, int]](), list[Path]()
    yield from _walk(folder, entered, links)
    while links:
        found: list[Path] = []
        for link in sorted(links):  # after all that is reached without them, so that names do not depend on luck
            if not link.parent.resolve().is_relative_to(link.resolve()):
                yield from _walk(link, entered, found)
        links = found


def _walk(folder: Path, entered: set[tuple[int, int]], links: list[Path]) -> Iterator[Path]:
    """Yield the files in a folder and its subfolders, unless it was entered before; linked ones go into ``links``."""
    try:
        known = folder.stat()
        if (known.st_dev, known.st_ino) in entered:
            return
        entered.add((known.st_dev, known.st_ino))
        with os.scandir(folder) as entries:
            for entry in entries:
                path = folder / entry.name
                if entry.name.startswith(".") or entry.name in _PASSED_OVER:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    yield from _walk(path, entered, links)
                elif entry.is_dir():
                    links.append(path)
                elif entry.is_file() or entry.is_symlink():
                    yield path
    except OSError as error:
        raise ImageError(f"{folder}: cannot be read ({error.strerror}), expected a folder") from error
