from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np

from landvote.phantom.anatomy import Child, FemurSize, draw_child, draw_femur
from landvote.phantom.disease import Perthes, deform, draw_perthes, draw_sides
from landvote.phantom.femur import build_femur

HEAD_EDGES, HEAD_TOP, NECK = (27, 39), 33, (22, 44)


def child(age: float) -> Child:
    return Child(age, "M", 1.0, 70.0, 130.0)


def median_disease(severity: float) -> Perthes:
    return Perthes(severity, "fragmentation", 0.06 + 0.5 * severity, 0.6 * severity, 0.1 * severity, 0.02)


def outline(size: FemurSize, disease: Perthes) -> np.ndarray:
    return build_femur(deform(size, disease), disease, np.random.default_rng(0)).points


def head_ratio(points: np.ndarray) -> float:
    a, b = points[HEAD_EDGES[0]], points[HEAD_EDGES[1]]
    along = (b - a) / np.linalg.norm(b - a)
    up = points[HEAD_TOP] - a
    return float(abs(along[0] * up[1] - along[1] * up[0]) / np.linalg.norm(b - a))


def test_share_and_sides_of_the_disease() -> None:
    sides = Counter(draw_sides(np.random.default_rng([1, i]), 0.4, 0.25, 0.5) for i in range(3000))
    assert abs(sides["none"] / 3000 - 0.6) < 0.03
    assert abs(sides["both"] / 3000 - 0.1) < 0.02
    assert abs(sides["left"] / 3000 - 0.15) < 0.025


def test_the_head_flattens_with_severity() -> None:
    size = draw_femur(np.random.default_rng(0), child(7.0))
    ratios = [head_ratio(outline(size, median_disease(s) if s else Perthes())) for s in (0.0, 0.3, 0.6, 0.95)]
    assert all(a > b for a, b in pairwise(ratios))
    assert ratios[0] > 1.5 * ratios[-1]


def test_the_neck_becomes_short_and_broad() -> None:
    size = draw_femur(np.random.default_rng(0), child(7.0))
    ill = deform(size, replace(median_disease(0.9), stage="healed"))
    assert ill.neck_length < 0.85 * size.neck_length
    assert ill.neck_width > 1.15 * size.neck_width
    assert ill.head_width > 1.15 * size.head_width


def test_disease_uses_as_many_random_numbers_as_health() -> None:
    ill, well = np.random.default_rng(3), np.random.default_rng(3)
    draw_perthes(ill, diseased=True)
    draw_perthes(well, diseased=False)
    assert ill.random() == well.random()


def test_lateral_pillar_class_follows_severity() -> None:
    found = [Perthes(severity=s).herring for s in (0.0, 0.1, 0.4, 0.65, 0.9)]
    assert found == ["none", "A", "B", "B/C", "C"]


def test_bones_grow_with_age() -> None:
    def mean_size(age: float) -> FemurSize:
        return draw_femur(np.random.default_rng(2), child(age))

    young, old = mean_size(2.5), mean_size(10.5)
    assert old.shaft > 1.3 * young.shaft
    assert old.head_width > 1.8 * young.head_width
    assert old.physis_gap < 0.6 * young.physis_gap


def test_the_trochanter_ossifies_after_three() -> None:
    rng = np.random.default_rng(0)
    for age, expected in ((2.0, False), (7.0, True)):
        femur = build_femur(draw_femur(np.random.default_rng(1), child(age)), Perthes(), rng)
        assert (femur.apophysis is not None) == expected
        assert femur.points.shape == (58, 2)


def test_children_stay_in_their_age_range() -> None:
    ages = [draw_child(np.random.default_rng(i), (3.0, 5.0)).age for i in range(200)]
    assert 3.0 <= min(ages) < 3.4
    assert 4.6 < max(ages) <= 5.0
