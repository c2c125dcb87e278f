"""Files are written whole or not at all, and nothing of the user's is overwritten in silence."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from landvote.errors import DataError


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it takes its place in one step, on failure it is removed.

    Raises:
        DataError: the file cannot be written (no space, no permission), naming it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror})") from error
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp makes private files; give what open() would have given
        temporary.replace(path)
    except OSError as error:
        if error.filename not in (None, str(temporary)):
            raise  # some other file's trouble
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write text to ``path``, whole or not at all; names of files that are not UTF-8 keep their bytes."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="surrogateescape")


def refuse_existing(path: Path, force: str = "") -> None:
    """Raise if ``path`` is an existing file or a folder with anything in it.

    Raises:
        DataError: there is something at ``path`` that would be overwritten.
    """
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise DataError(f"{path}: exists already; name another place{f' or say {force}' if force else ''}")
