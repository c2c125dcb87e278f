"""The two sides of a body on one film: points of a left and of a right hip are two shapes, and not two annotators.

A side stands after the name of its film, ``hip.dcm_L`` and ``hip.dcm_R``, as BoneFinder names its files. In a format
that counts the shapes on a film, the one farther left on the film is ``hip.png_1`` and the other ``hip.png_2``.
"""

import re

from landvote.data.side import Side

_ONE, _OTHER = ("L", "left", "1"), ("R", "right", "2")
_TOKEN = "|".join((*_ONE, *_OTHER))
_AFTER_SUFFIX = re.compile(rf"(.*\.[A-Za-z][A-Za-z0-9]{{1,4}})_({_TOKEN})", re.IGNORECASE | re.DOTALL)
_AFTER_NAME = re.compile(r"(.+)_(L|R|left|right)", re.IGNORECASE | re.DOTALL)
_FOLDER = re.compile(r"L|R|left|right", re.IGNORECASE)


def with_side(film: str, side: str) -> str:
    """Return the name of a side of a film, or that of the film for no side."""
    return film + Side(name=side).ending


def film_and_side(name: str) -> tuple[str, str]:
    """Divide the name of a side of a film, whose own name ends in a suffix such as ``.png``; else there is no side."""
    found = _AFTER_SUFFIX.fullmatch(name)
    return (found[1], found[2]) if found else (name, "")


def without_suffix_and_side(name: str) -> tuple[str, str]:
    """Divide ``hip_L`` into film and side; only where there is no film of the whole name is it one."""
    found = _AFTER_NAME.fullmatch(name)
    return (found[1], found[2]) if found else (name, "")


def is_side(folder: str) -> bool:
    """Say whether a folder of points is called after a side."""
    return _FOLDER.fullmatch(folder) is not None


def is_other(side: str) -> bool:
    """Say whether this is the side that is mirrored where a film has both: the right one, or the second."""
    return side.casefold() in {token.casefold() for token in _OTHER}
