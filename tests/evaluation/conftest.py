"""A made-up data set: films of an ellipse and a line, with known points."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from landvote.data.film import Spacing
from landvote.data.points import Points
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Outline, Scheme

MakeSample = Callable[..., Sample]


@pytest.fixture
def scheme() -> Scheme:
    """20 points on a closed ellipse, 4 on an open line, 2 on neither; the line's ends normalise."""
    names = tuple(f"p{i}" for i in range(26))
    return Scheme(
        name="toy",
        landmarks=names,
        file_points=26,
        columns=tuple(range(26)),
        outlines=(
            Outline(name="ellipse", points=tuple(range(20)), closed=True),
            Outline(name="line", points=(20, 21, 22, 23)),
        ),
        normaliser=(20, 23),
    )


@pytest.fixture
def truth() -> Points:
    """(26, 2) points of the scheme; the normalising pair is 80 px apart."""
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    ellipse = np.column_stack([100 + 60 * np.cos(angle), 90 + 40 * np.sin(angle)])
    line = np.column_stack([np.linspace(60, 140, 4), np.full(4, 160.0)])
    return np.concatenate([ellipse, line, [[20.0, 20.0], [180.0, 180.0]]])


@pytest.fixture
def make_sample(scheme: Scheme, truth: Points) -> MakeSample:
    """A film with the toy points, or others; spacing and columns on request."""

    def make(
        name: str,
        points: Points | None = None,
        *,
        annotations: Mapping[str, Points] | None = None,
        spacing: float | None = None,
        of: Scheme | None = None,
        **attributes: str,
    ) -> Sample:
        def opened() -> Radiograph:
            pixels = np.random.default_rng(0).integers(0, 4000, (200, 200)).astype(np.uint16)
            return Radiograph(pixels, name, Spacing(spacing, spacing, "user") if spacing else None)

        given = {"": truth if points is None else points} if annotations is None else annotations
        return Sample(name, opened, of or scheme, given, attributes=attributes)

    return make
