"""Tells of files that are left out of a folder's films, so that none is missed in silence."""

from collections import Counter

_NAMED = 3  # how many of each kind are named


class LeftOut:
    """Counts what is left out by its kind, and keeps the first names of each: there may be millions of files."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._names: dict[str, list[str]] = {}

    def __call__(self, name: str, kind: str) -> None:
        """Note a file or folder; ``kind`` is what such are, as more than one: ``"hidden files"``."""
        self._counts[kind] += 1
        self._names[kind] = sorted([*self._names.get(kind, ()), name])[:_NAMED]

    def said(self) -> tuple[str, ...]:
        """Return a line for each kind: how many there are, and the first names."""
        lines = []
        for kind, n in sorted(self._counts.items()):
            lines.append(f"{n} {kind}: {', '.join(self._names[kind])}{', ...' if n > _NAMED else ''}")
        return tuple(lines)
