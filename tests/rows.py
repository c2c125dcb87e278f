"""A bent row of parts that look alike, without an end; a voter that takes each for any other."""

import numpy as np

from landvote.data.radiograph import Radiograph
from landvote.data.scheme import Scheme
from landvote.localiser.look import Candidate
from toys import votes_at

PARTS = 9
GROUPS = tuple(tuple(range(4 * g, 4 * g + 4)) for g in range(PARTS))
CORNERS = np.array([[-20, -12], [20, -12], [-20, 12], [20, 12]], float)
FILM = Radiograph(np.zeros((700, 240), np.uint8), "row.png")
SPACING = 44.0


def row(first=0):
    """Return the points of a bent row that begins with part ``first``; parts before 0 and after 8 look the same."""
    number = np.arange(first, first + PARTS)
    x = 120 + 30 * np.sin(number / 3)
    y = 150 + SPACING * number + number**2
    return (np.column_stack([x, y])[:, None] + CORNERS).reshape(-1, 2)


def numbers_of(points):
    """Return which parts of the endless row the points lie on, and that they lie on them."""
    truth = {g: row(g).reshape(PARTS, 4, 2)[0] for g in range(-4, PARTS + 4)}
    found = []
    for part in points.reshape(PARTS, 4, 2):
        away = {g: np.linalg.norm(part - t, axis=1).max() for g, t in truth.items()}
        found.append(min(away, key=away.get))
        assert away[found[-1]] < 1.5
    return found


SCHEME = Scheme.numbered(4 * PARTS).model_copy(update={"repeats": GROUPS, "order": "down"})


def any_part(view):
    """Vote for the corners of whichever part is nearest to the middle of the view."""
    parts = [view.frame.to_grid(row(g)[:4]) for g in range(-4, PARTS + 4)]
    middle = (np.array(view.frame.size) - 1) / 2
    nearest = min(parts, key=lambda p: float(np.linalg.norm(p.mean(axis=0) - middle)))
    return votes_at(nearest.round(), view.frame.size)


def known(points):
    return Candidate.at(points, dispersion=1.0)
