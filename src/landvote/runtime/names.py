"""One rule for every name that becomes a path: each film has its own file, and no file lies outside its folder.

An identifier is text from outside: a path below a folder, an absolute path, or whatever a file of predictions says.
:func:`output_paths` turns the identifiers of one call into paths that are legal on Linux, macOS and Windows.

=====================  ==========================  ==========================================
identifier             file                        why
=====================  ==========================  ==========================================
``hip.png``            ``hip.pts``                 annotation tools look for this name
``a/hip.png``          ``a/hip.pts``               folders are kept
``/a/hip.png``         ``a/hip.pts``               a root is left out
``../hip.png``         ``__/hip.pts``              a character that is not allowed is ``_``
``1.2.840.10``         ``1.2.840.10.pts``          digits after a dot are part of a DICOM name
``x.png``, ``x.tif``   ``x.png.pts``, ...          the two would meet in ``x.pts``
``y.png``, ``y.PNG``   ``y-bf22b214.pts``, ...     some file systems take ``y.png`` for ``y.PNG``
=====================  ==========================  ==========================================

The last form has the beginning of the identifier's SHA-256. Names that are too long take it as well.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

_NOT_ALLOWED = re.compile(r'[<>:"|?*\x00-\x1f\x7f-\x9f\ud800-\udfff]')  # by Windows; surrogates are not UTF-8
_END_NOT_ALLOWED = re.compile(r"[. ]+$")  # Windows drops dots and spaces at the end; ".." would leave the folder
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\.|$)", re.IGNORECASE)
_SUFFIX = re.compile(r"(?<=[^.])\.[a-z][a-z0-9]*$", re.IGNORECASE)
_LONGEST_NAME, _LONGEST_PATH = 255, 1024  # bytes of UTF-8; the path is the one below the folder
_SHORT, _WHOLE, _HASHED, _FLAT = range(4)  # forms of a path; a flat one has no folders and all of the hash


def output_paths(
    folder: Path, identifiers: Iterable[str], suffix: str, *, keep_suffix: bool = False
) -> dict[str, Path]:
    """Return the file of each film: below ``folder``, shared with no other film, whatever the order of the films.

    No two paths are the same, and none is a folder of another, also where a file system ignores case or normalises
    Unicode. A film takes the first form in which it meets no other film: with ``suffix`` in place of its own, after
    it, or after a hash of the identifier. Films that meet take the next form together.

    An identifier is any text, with ``/`` or a backslash between folders; one given twice counts once. ``suffix`` is
    such as ``".pts"``. ``keep_suffix`` skips the first form: in it pictures would have the names of their films.
    """
    films = list(dict.fromkeys(identifiers))
    called = {film: _key(_relative(film, "", _WHOLE)) for film in films}
    known = set(called.values())
    forms = dict.fromkeys(films, _WHOLE if keep_suffix else _SHORT)
    for film, name in called.items():
        short = _key(_relative(film, "", forms[film]))
        if short != name and short in known:  # x.png.tif beside x.png: readers take x.png.pts for the points of x.png
            forms[film] = _WHOLE
    while True:
        paths = {film: _relative(film, suffix, form) for film, form in forms.items()}
        met = [film for film in _unfit(paths) if forms[film] < _FLAT]
        if not met:
            return {film: folder / path for film, path in paths.items()}
        for film in met:
            forms[film] += 1


def _unfit(paths: dict[str, str]) -> list[str]:
    """Return the films whose path is too long, is that of another film, or is a folder of another path."""
    keys = {film: _key(path) for film, path in paths.items()}
    files = Counter(keys.values())
    above = {film: [key[: slash.start()] for slash in re.finditer("/", key)] for film, key in keys.items()}
    folders = {name for names in above.values() for name in names}
    met = {film for film, key in keys.items() if files[key] > 1 or key in folders or files.keys() & above[film]}
    return [film for film in keys if film in met or _too_long(paths[film])]


def _relative(film: str, suffix: str, form: int) -> str:
    """Return the path of a film's file in one of the forms, legal but perhaps too long or another film's too."""
    *folders, name = [_legal(part) for part in re.split(r"[/\\]", film) if part not in ("", ".")] or ["_"]
    if form == _WHOLE:
        return "/".join([*folders, name + suffix])
    name = _SUFFIX.sub("", name)
    if form == _SHORT:
        return "/".join([*folders, _legal(name + suffix)])
    digest = hashlib.sha256(film.encode("utf-8", "surrogatepass")).hexdigest()
    end = f"-{digest if form == _FLAT else digest[:8]}{suffix}"
    name = name.encode()[: _LONGEST_NAME - len(end)].decode(errors="ignore") + end
    return name if form == _FLAT else "/".join([*folders, name])


def _legal(name: str) -> str:
    """Return the name of a file or folder with ``_`` for what Windows does not take."""
    name = _END_NOT_ALLOWED.sub(lambda end: "_" * len(end[0]), _NOT_ALLOWED.sub("_", name))
    return f"_{name}" if _DEVICE.match(name) else name


def _too_long(path: str) -> bool:
    parts = [len(part.encode()) for part in path.split("/")]
    return max(parts) > _LONGEST_NAME or sum(parts) + len(parts) > _LONGEST_PATH


def _key(path: str) -> str:
    """Return what file systems may compare: without case, accents composed, without characters that have no width."""
    if path.isascii():
        return path.lower()
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFD", path).casefold())
    return "".join(c for c in folded if unicodedata.category(c) != "Cf")
