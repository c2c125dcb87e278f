"""A made-up data set: films of a ring, a line and a point, with known points and predictions."""

from __future__ import annotations

import numpy as np
import pytest

from landvote.data.points import Points
from landvote.data.prediction import Prediction
from landvote.data.radiograph import Radiograph
from landvote.data.sample import Sample
from landvote.data.scheme import Outline, Scheme
from landvote.evaluation import Evaluation, evaluate


@pytest.fixture
def scheme() -> Scheme:
    """8 points on a closed ring, 3 on an open line, 1 on neither; the line's ends normalise."""
    return Scheme(
        name="toy",
        landmarks=tuple(f"p{i}" for i in range(12)),
        file_points=12,
        columns=tuple(range(12)),
        outlines=(
            Outline(name="ring", points=tuple(range(8)), closed=True),
            Outline(name="line", points=(8, 9, 10)),
        ),
        normaliser=(8, 10),
    )


@pytest.fixture
def truth() -> Points:
    """(12, 2) points of the scheme; the normalising pair is 80 px apart."""
    angle = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    ring = np.column_stack([100 + 60 * np.cos(angle), 90 + 40 * np.sin(angle)])
    return np.concatenate([ring, [[60.0, 160.0], [100.0, 160.0], [140.0, 160.0], [20.0, 20.0]]])


@pytest.fixture
def samples(scheme: Scheme, truth: Points) -> list[Sample]:
    """8 films of 5 children, marked by two annotators."""
    noise = np.random.default_rng(0)
    films = []
    for i in range(8):
        name = f"film <{i}>.png"
        both = {"x": truth + noise.normal(0, 1, truth.shape), "y": truth + noise.normal(0, 1, truth.shape)}
        side = {"side": "left" if i % 2 else "right"}

        def opened(name: str = name) -> Radiograph:
            pixels = np.random.default_rng(0).integers(0, 4000, (200, 200)).astype(np.uint16)
            return Radiograph(pixels, name)

        films.append(Sample(name, opened, scheme, both, subject=f"child {i % 5}", attributes=side))
    return films


@pytest.fixture
def evaluation(samples: list[Sample]) -> Evaluation:
    """7 of the films predicted, worse from film to film; three landmarks of the last one were not found."""
    noise = np.random.default_rng(1)
    predictions = []
    for i, s in enumerate(samples[:7]):
        points = s.points + noise.normal(0, 1 + i, s.points.shape)
        predictions.append(Prediction(s.identifier, points, np.full(12, 1.0 + i), s.scheme.landmarks))
    predictions[6].points[:3] = np.nan
    return evaluate(predictions, samples, subgroups=["side"])
