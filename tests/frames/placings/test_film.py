"""The film placing: the whole film, with a margin."""

import numpy as np

from landvote.frames.placings import FilmPlacing


def test_the_film_placing_holds_the_whole_film():
    placing = FilmPlacing((64, 48), 0.1, (2, 5))
    (frame,) = placing.frames((300, 500), np.full((6, 2), np.nan))
    corners = frame.to_grid(np.array([[-0.5, -0.5], [299.5, 499.5]]))
    assert (corners >= -0.5 + 0.1 * 48 - 1e-9).all()
    assert (corners <= np.array([64, 48]) - 0.5 - 0.1 * 48 + 1e-9).all()
    assert placing.targets == ((2, 5),)
