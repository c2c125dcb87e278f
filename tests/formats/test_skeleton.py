"""Skeletons and outlines: the one becomes the other and back."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from landvote.data.scheme import Outline
from landvote.formats.skeleton import edges_of, outlines_of


def lines(edges):
    return [(outline.points, outline.closed) for outline in outlines_of(edges)]


@pytest.mark.parametrize(
    ("edges", "expected"),
    [
        ([], []),
        ([(1, 2), (0, 1)], [((2, 1, 0), False)]),
        ([(0, 1), (1, 2), (2, 0)], [((0, 1, 2), True)]),
        ([(3, 4), (0, 1), (1, 2), (2, 0)], [((3, 4), False), ((0, 1, 2), True)]),
        ([(5, 6), (6, 5), (6, 6), (5, 6)], [((5, 6), False)]),
        ([(0, 1), (1, 2), (1, 3)], [((0, 1), False), ((1, 2), False), ((1, 3), False)]),  # a fork
        ([(0, 1), (1, 2), (2, 3), (3, 1)], [((0, 1), False), ((1, 2, 3), True)]),  # a ring on a stalk
    ],
)
def test_edges_become_chains_and_rings(edges, expected):
    assert lines(edges) == expected


def test_outlines_become_edges_each_once():
    outlines = [Outline(name="a", points=(0, 1, 2), closed=True), Outline(name="b", points=(1, 0)),
                Outline(name="c", points=(7,), closed=True)]  # fmt: skip
    assert edges_of(outlines) == [(0, 1), (1, 2), (2, 0)]


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20))
def test_no_edge_is_lost_or_made_up(edges):
    assert {frozenset(edge) for edge in edges_of(outlines_of(edges))} == {
        frozenset(e) for e in edges if len(set(e)) > 1
    }


@given(st.permutations(range(9)), st.integers(2, 7), st.booleans())
def test_outlines_that_share_no_landmark_come_back(order, cut, closed):
    parts = [p for p in (tuple(order[:cut]), tuple(order[cut:])) if len(p) > 2]
    outlines = tuple(Outline(name=f"line {i}", points=p, closed=closed) for i, p in enumerate(parts, 1))
    back = outlines_of(edges_of(outlines))
    assert {o.points for o in back} == {o.points for o in outlines}
    assert all(o.closed == closed for o in back)
