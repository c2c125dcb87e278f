"""Files are written whole or not at all, and nothing of the user's is overwritten in silence.

A path that leads to a pipe, a device or standard output is written into and never replaced. ``Path("-")`` is standard
output.
"""

import json
import os
import shutil
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from landvote.errors import DataError, ExistsError, LandvoteError

StrPath: TypeAlias = str | os.PathLike[str]
"""A path, as the functions take it that scripts call first."""

MAX_BYTES = 2**31
"""Of a file that is read whole; the largest films, and tables of a million films, have less."""

_PATIENCE = 5.0 if os.name == "nt" else 0.0  # seconds: Windows does not replace a file while a program reads it
_LONGEST = 40  # characters of a name that its temporary file has too: both together may be too long for a name


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path; on success its file takes the place of ``path`` in one step, on failure it is removed.

    A pipe, a device and standard output get the bytes of the file on success, and nothing on failure.

    Raises:
        DataError: the file cannot be written (no space, no permission), naming it.
    """
    with writing(path):
        stream = is_stream(path)
        folder = None if stream else path.parent
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(path.suffix[-_LONGEST:], f".{path.name[:_LONGEST]}.", folder)
        os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        if stream:
            _copy(temporary, path)
        else:
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)  # mkstemp makes private files; give what open() would have given
            _move(temporary, path)
    except OSError as error:
        if error.filename not in (None, str(temporary), str(path)):
            raise  # some other file's trouble
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an error of the system's while ``path`` is written into a DataError that names it."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from error


def is_stream(path: Path) -> bool:
    """Say whether ``path`` leads to what is written into: a pipe, a device, a socket or standard output."""
    return is_stdout(path) or (path.exists() and not path.is_file() and not path.is_dir())


def is_stdout(path: Path) -> bool:
    """Say whether ``path`` is standard output, by the name ``-`` or by any other, such as ``/dev/stdout``."""
    if path == Path("-"):
        return True
    try:
        return os.path.samestat(path.stat(), os.fstat(1))
    except OSError:  # there is no such file, or standard output is closed
        return False


def _move(temporary: Path, path: Path) -> None:
    """Let a file take the place of ``path``; wait for readers of that where the system makes it wait."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            temporary.replace(path)
        except PermissionError:
            if time.monotonic() >= until:
                raise
            time.sleep(0.02)
        else:
            return


def _copy(temporary: Path, path: Path) -> None:
    if stdout := is_stdout(path):
        sys.stdout.flush()  # text of before comes first
    with temporary.open("rb") as made, nullcontext(sys.stdout.buffer) if stdout else path.open("wb") as to:
        shutil.copyfileobj(made, to)
        to.flush()


def read_bytes(path: Path, error: type[LandvoteError] = DataError) -> bytes:
    """Return the content of a file.

    Raises:
        DataError: (or the kind in ``error``) no such file, or more than is read into memory at a time.
    """
    try:
        with path.open("rb") as file:
            refuse_huge(path, file, error)
            return file.read()
    except OSError as cause:
        raise error(f"{path}: cannot be read ({cause.strerror})") from cause


def refuse_huge(path: Path, file: BinaryIO, error: type[LandvoteError] = DataError) -> None:
    """Raise DataError (or the kind in ``error``) if an open file is larger than is read into memory at a time."""
    if (size := os.fstat(file.fileno()).st_size) > MAX_BYTES:
        raise error(f"{path}: {size} bytes, expected at most {MAX_BYTES} (2 GiB)")


def read_text(path: Path, error: type[LandvoteError] = DataError, *, keep_bytes: bool = False) -> str:
    """Return the text of a file in UTF-8, with or without a byte order mark; every kind of line end becomes a newline.

    With ``keep_bytes``, a text that is almost UTF-8 keeps its other bytes, as :func:`write_text` writes them.

    Raises:
        DataError: (or the kind in ``error``) no such file; not UTF-8, and what it looks like; as :func:`read_bytes`.
    """
    content = read_bytes(path, error)
    try:
        return _text(content)
    except UnicodeDecodeError as cause:
        lines = cause.object[: cause.start].count(b"\n")
        where, looks = f"{path}, line {lines + 1}", "Latin-1 or Windows-1252"
        if cause.object[:2] in (b"\xff\xfe", b"\xfe\xff"):
            where, looks = str(path), "UTF-16"
        elif b"\0" in cause.object:
            where, looks = str(path), "no text"
        elif keep_bytes:
            return _text(content, "surrogateescape")
        raise error(f"{where}: not UTF-8 (looks like {looks}), expected a text saved as UTF-8") from cause


def read_toml(path: Path, noun: str, error: type[LandvoteError]) -> dict[str, Any]:
    """Return the tables of a TOML file, a ``noun``; an error of that kind if it cannot be read, or is no TOML."""
    text = read_text(path, error)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as cause:  # numbers of thousands of digits, thousands of brackets
        raise error(f"{path}: not a TOML file ({cause}), expected a {noun}") from cause


def _text(content: bytes, errors: str = "strict") -> str:
    return content.decode("utf-8-sig", errors).replace("\r\n", "\n").replace("\r", "\n")


def write_text(path: Path, text: str) -> None:
    """Write text to ``path``, whole or not at all; names of files that are not UTF-8 keep their bytes."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="surrogateescape", newline="\n")


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401 - whatever JSON can hold
    """Write a value as JSON to be read by people too, whole or not at all."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def expect_folder(path: Path) -> None:
    """Raise DataError if ``path``, in which files are to be made, is a pipe, a device, standard output or a file."""
    if is_stream(path):
        raise DataError(f"{path}: a pipe, a device or standard output, expected a folder")
    if path.is_file():
        raise DataError(f"{path}: a file, expected a folder")


def refuse_existing(path: Path) -> None:
    """Raise ExistsError if ``path`` is a file or a folder with anything in it; pipes and devices may be there."""
    if (path.is_file() and not is_stream(path)) or (path.is_dir() and any(path.iterdir())):
        raise ExistsError(f"{path}: exists already, expected another place")
