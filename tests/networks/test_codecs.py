"""Codecs: the paper's equations written out as loops, clipping, missing landmarks, and the whole chain to peaks."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from landvote.networks.codecs import CODECS, HDV, HO, WHDV
from landvote.votes import VoteMap, cast

ROWS, COLUMNS, K, SIGMA = 6, 9, 3.0, 2.0
POINTS = torch.tensor([[[2.3, 4.1], [7.0, 0.5]], [[0.0, 0.0], [8.6, 5.9]]])


def t(x):
    """Equation 2."""
    return -K if x < -K else min(x, K)


def literal_planes(points):
    """Equation 1 over every pixel, with the offset *towards* the point, since the votes are cast at i + P_x."""
    planes = np.zeros((3, *points.shape[:2], ROWS, COLUMNS))
    for b, film in enumerate(points.tolist()):
        for p, (x_p, y_p) in enumerate(film):
            for j in range(ROWS):
                for i in range(COLUMNS):
                    distance = math.hypot(i - x_p, j - y_p)
                    planes[:, b, p, j, i] = -t(i - x_p), -t(j - y_p), math.exp(-(distance**2) / (2 * SIGMA**2))
    return planes


def random_planes(codec, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(len(POINTS), codec.planes, ROWS, COLUMNS, generator=generator)


def test_targets_are_equations_one_and_two():
    targets = WHDV(2, 1, K, SIGMA).encode(POINTS, ROWS, COLUMNS)
    dx, dy, weight = literal_planes(POINTS)
    np.testing.assert_allclose(targets.dx, dx, atol=1e-5)
    np.testing.assert_allclose(targets.dy, dy, atol=1e-5)
    np.testing.assert_allclose(targets.weight, weight, atol=1e-5)
    assert float(targets.dx.abs().max()) == K  # clipped
    assert targets.given.all()


@pytest.mark.parametrize("stride", [2, 4])
def test_coarser_planes_are_those_of_the_middles_of_their_cells(stride):
    fine = WHDV(2, 1, 50, 7).encode(POINTS * 4, 32, 32)
    coarse = WHDV(2, stride, 50, 7).encode(POINTS * 4, 32 // stride, 32 // stride)
    pooled = torch.nn.functional.avg_pool2d(fine.dx, stride)  # an offset is linear: its mean is that of the middle
    torch.testing.assert_close(coarse.dx, pooled)
    assert coarse.weight.shape == (2, 2, 32 // stride, 32 // stride)


def test_whdv_is_equation_three():
    codec = WHDV(2, 1, K, SIGMA)
    planes = random_planes(codec)
    px, py, pw = literal_planes(POINTS)
    qx, qy, qw = (q.numpy() for q in codec.decode(planes))
    per_pixel = pw * ((px - qx) ** 2 + (py - qy) ** 2) + (pw - qw) ** 2
    loss = codec.loss(planes, codec.encode(POINTS, ROWS, COLUMNS), progress=0)
    assert float(loss) == pytest.approx(per_pixel.mean(), rel=1e-4)


def test_hdv_is_the_plain_mean_squared_error_of_three_planes():
    codec = HDV(2, 1, K, SIGMA)
    planes = random_planes(codec)
    px, py, pw = literal_planes(POINTS)
    qx, qy, qw = (q.numpy() for q in codec.decode(planes))
    per_pixel = (px - qx) ** 2 + (py - qy) ** 2 + (pw - qw) ** 2
    loss = codec.loss(planes, codec.encode(POINTS, ROWS, COLUMNS), progress=0)
    assert float(loss) == pytest.approx(per_pixel.mean(), rel=1e-4)


def test_ho_is_one_plane_and_its_mean_squared_error():
    codec = HO(2, 1, K, SIGMA)
    assert codec.planes == 2
    planes = random_planes(codec)
    loss = codec.loss(planes, codec.encode(POINTS, ROWS, COLUMNS), progress=0)
    assert float(loss) == pytest.approx(((literal_planes(POINTS)[2] - planes.numpy()) ** 2).mean(), rel=1e-4)
    dx, dy, weight = codec.decode(planes)
    assert not dx.any()
    assert not dy.any()
    torch.testing.assert_close(weight, planes)


def test_a_dense_whdv_begins_like_hdv_and_ends_as_whdv():
    shape = (2, 1, K, SIGMA)
    targets, planes = WHDV(*shape).encode(POINTS, ROWS, COLUMNS), random_planes(WHDV(*shape))
    plain, equal = WHDV(*shape).loss(planes, targets, 0), HDV(*shape).loss(planes, targets, 0)
    dense = WHDV(*shape, dense=1.0)
    assert float(dense.loss(planes, targets, 0)) == pytest.approx(float(equal), rel=1e-5)
    assert float(plain) < float(dense.loss(planes, targets, 0.3)) < float(equal)
    for progress in (0.5, 1.0):
        assert float(dense.loss(planes, targets, progress)) == pytest.approx(float(plain))


@pytest.mark.parametrize("codec", [c(2, 1, K, SIGMA) for c in CODECS.values()], ids=list(CODECS))
def test_a_missing_landmark_costs_and_teaches_nothing(codec):
    missing = POINTS.clone()
    missing[0, 1] = torch.nan
    missing[1, 0, 1] = torch.nan  # half a point is none
    planes = random_planes(codec).requires_grad_()
    loss = codec.loss(planes, codec.encode(missing, ROWS, COLUMNS), progress=0)
    loss.backward()
    gradient = planes.grad.view(2, -1, 2, ROWS, COLUMNS)
    assert torch.isfinite(planes.grad).all()
    assert not gradient[0, :, 1].any()
    assert not gradient[1, :, 0].any()
    assert gradient[0, :, 0].any()
    other = random_planes(codec, seed=1).view(2, -1, 2, ROWS, COLUMNS)
    mixed = planes.detach().clone().view_as(other)
    mixed[0, :, 1], mixed[1, :, 0] = other[0, :, 1], other[1, :, 0]
    again = codec.loss(mixed.view_as(planes), codec.encode(missing, ROWS, COLUMNS), progress=0)
    assert float(again) == pytest.approx(float(loss.detach()))


@pytest.mark.parametrize("codec", [c(2, 1, K, SIGMA) for c in CODECS.values()], ids=list(CODECS))
def test_a_film_without_points_costs_nothing(codec):
    planes = random_planes(codec).requires_grad_()
    loss = codec.loss(planes, codec.encode(torch.full_like(POINTS, torch.nan), ROWS, COLUMNS), progress=0)
    loss.backward()
    assert float(loss.detach()) == 0
    assert not planes.grad.any()


@pytest.mark.parametrize("codec", [c(2, 1, K, SIGMA) for c in CODECS.values()], ids=list(CODECS))
def test_planes_that_are_the_targets_cost_nothing(codec):
    targets = codec.encode(POINTS, ROWS, COLUMNS)
    planes = as_planes(codec, targets)
    assert float(codec.loss(planes, targets, progress=0)) == pytest.approx(0, abs=1e-9)
    assert float(codec.loss(planes + 0.1, targets, progress=0)) > 1e-3


def as_planes(codec, targets):
    """Return what a perfect network would put out."""
    if isinstance(codec, HO):
        return targets.weight
    return torch.cat([targets.dx / codec.offset_unit, targets.dy / codec.offset_unit, targets.weight], dim=1)


@pytest.mark.parametrize("method", ["ho", "hdv", "whdv"])
@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("cell", [1, 2])
def test_points_survive_planes_votes_and_peaks(method, stride, cell):
    """Encode, decode, cast, find the peak: the point again. A heatmap is as fine as its smoothing lets it be."""
    smoothing, tolerance = (4.0, 0.15) if method == "ho" else (1.5, 0.1)
    points = np.random.default_rng(0).uniform((10, 10), (53, 45), (1, 12, 2))
    codec = CODECS[method](12, stride, 16.0, 6.0)
    targets = codec.encode(torch.from_numpy(points).float(), 56 // stride, 64 // stride)
    dx, dy, weight = (plane[0].numpy() for plane in codec.decode(as_planes(codec, targets)))
    found, spread = VoteMap(cast(dx, dy, weight, (64, 56), stride, cell), cell, smoothing).peaks()
    np.testing.assert_allclose(found, points[0], atol=tolerance)
    assert np.isfinite(spread).all()
