"""Skeletons of other programs, pairs of landmarks that a line joins, and outlines, which are such lines in order."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from landvote.data.scheme import Outline

_PASSED = 2  # neighbours of a landmark that a line passes through


def edges_of(outlines: Iterable[Outline]) -> list[tuple[int, int]]:
    """Return the pairs of landmarks, from 0, that follow each other on outlines, each pair once."""
    edges: dict[frozenset[int], tuple[int, int]] = {}
    for outline in outlines:
        ring = outline.ring()
        for edge in pairwise(ring):
            if edge[0] != edge[1]:
                edges.setdefault(frozenset(edge), edge)
    return list(edges.values())


def outlines_of(edges: Iterable[Sequence[int]]) -> tuple[Outline, ...]:
    """Return the lines that pairs of landmarks, from 0, make: chains from one end or fork to the next, then rings.

    They are called ``"line 1"``, ``"line 2"``, ... Each begins where the first of its pairs does, if it can.
    """
    beside: dict[int, dict[int, None]] = {}  # in order, and quick to take from
    for a, b in edges:
        if a != b:
            beside.setdefault(a, {})[b] = beside.setdefault(b, {})[a] = None
    lines: list[tuple[int, ...]] = []
    ends = {landmark: None for landmark, others in beside.items() if len(others) != _PASSED}
    for first in (*ends, *beside):
        while beside[first]:
            line = [first]
            while beside[line[-1]] and (len(line) == 1 or (line[-1] not in ends and line[-1] != first)):
                after = next(iter(beside[line[-1]]))
                del beside[line[-1]][after], beside[after][line[-1]]
                line.append(after)
            lines.append(tuple(line))
    closed = [len(line) > 1 and line[0] == line[-1] for line in lines]
    return tuple(
        Outline(name=f"line {i}", points=line[:-1] if ring else line, closed=ring)
        for i, (line, ring) in enumerate(zip(lines, closed, strict=True), 1)
    )
