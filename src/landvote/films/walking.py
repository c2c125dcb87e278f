"""Walks through a folder of films, in which people, file servers and archives have left other things."""

import os
from collections.abc import Iterator
from pathlib import Path

from landvote.errors import ImageError
from landvote.films.left_out import LeftOut

REVIEW_FOLDER = "landvote-review"
"""The folder in DATA that the review page writes into: its points and pictures are no part of the data."""

_PASSED_OVER = ("@eaDir", "#recycle", "@Recycle", "$RECYCLE.BIN", "__MACOSX")


def walk_files(folder: Path, left_out: LeftOut | None = None) -> Iterator[Path]:
    """Yield the files below a folder one by one, in any order, and links that lead nowhere, behind which one is lost.

    Each folder is entered once, and by a link only if nothing else leads there. Hidden files and folders are passed
    over, and so are folders that file servers and archives make of their own accord; ``left_out`` is told of both. The
    folder of the review page is passed over without a word.

    Raises:
        ImageError: a folder cannot be read.
    """
    entered, links, left_out = set[tuple[int, int]](), list[Path](), left_out or LeftOut()
    yield from _walk(folder, entered, links, left_out)
    while links:
        found: list[Path] = []
        for link in sorted(links):  # after all that is reached without them, so that names do not depend on luck
            if not link.parent.resolve().is_relative_to(link.resolve()):
                yield from _walk(link, entered, found, left_out)
        links = found


def _walk(
    folder: Path, entered: set[tuple[int, int]], links: list[Path], left_out: LeftOut
) -> Iterator[Path]:  # fmt: skip
    """Yield the files in a folder and its subfolders, unless it was entered before; linked ones go into ``links``."""
    try:
        known = folder.stat()
        if (known.st_dev, known.st_ino) in entered:
            return
        entered.add((known.st_dev, known.st_ino))
        with os.scandir(folder) as entries:
            for entry in entries:
                path = folder / entry.name
                if entry.name == REVIEW_FOLDER:
                    continue
                if entry.name in _PASSED_OVER:
                    left_out(entry.name, "folders of file servers and archives")
                elif entry.name.startswith("."):
                    left_out(entry.name, "hidden files and folders")
                elif entry.is_dir(follow_symlinks=False):
                    yield from _walk(path, entered, links, left_out)
                elif entry.is_dir():
                    links.append(path)
                elif entry.is_file() or entry.is_symlink():
                    yield path
    except OSError as error:
        raise ImageError(f"{folder}: cannot be read ({error.strerror}), expected a folder") from error
