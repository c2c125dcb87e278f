"""Codecs: the paper's equations written out as loops, and one suite that every codec of the table has to pass."""

import math
from dataclasses import FrozenInstanceError, fields, is_dataclass
from typing import get_args

import numpy as np
import pytest
import torch

from landvote.networks.codecs import HDV, HO, WHDV, Codec
from landvote.networks.settings import NetworkSettings
from landvote.networks.voter import CODECS
from landvote.votes import VoteMap, cast

ROWS, COLUMNS, K, SIGMA = 6, 9, 3.0, 2.0
POINTS = torch.tensor([[[2.3, 4.1], [7.0, 0.5]], [[0.0, 0.0], [8.6, 5.9]]])
PLAIN = NetworkSettings(stride=1, k=K, sigma=SIGMA)


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
    targets = WHDV(2, PLAIN).encode(POINTS, ROWS, COLUMNS)
    dx, dy, weight = literal_planes(POINTS)
    np.testing.assert_allclose(targets.dx, dx, atol=1e-5)
    np.testing.assert_allclose(targets.dy, dy, atol=1e-5)
    np.testing.assert_allclose(targets.weight, weight, atol=1e-5)
    assert float(targets.dx.abs().max()) == K  # clipped
    assert targets.given.all()


def test_no_gradient_is_so_small_that_a_cpu_computes_slowly_with_it():
    codec = WHDV(1, NetworkSettings())
    planes = torch.randn(1, 3, 56, 56, generator=torch.Generator().manual_seed(0), requires_grad=True)
    targets = codec.encode(torch.tensor([[[30.0, 40.0]]]), 56, 56)  # sigma is 6, so the far corner is 40 sigma away
    codec.loss(planes, targets, 0).backward()
    sizes = planes.grad.abs()
    assert float(sizes[sizes > 0].min()) > torch.finfo(torch.float32).tiny
    assert 0 < float(targets.weight[targets.weight > 0].min()) < 1e-12  # and no more is left out than must be


@pytest.mark.parametrize("stride", [2, 4])
def test_coarser_planes_are_those_of_the_middles_of_their_cells(stride):
    fine = WHDV(2, NetworkSettings(stride=1, k=50, sigma=7)).encode(POINTS * 4, 32, 32)
    coarse = WHDV(2, NetworkSettings(stride=stride, k=50, sigma=7)).encode(POINTS * 4, 32 // stride, 32 // stride)
    pooled = torch.nn.functional.avg_pool2d(fine.dx, stride)  # an offset is linear: its mean is that of the middle
    torch.testing.assert_close(coarse.dx, pooled)
    assert coarse.weight.shape == (2, 2, 32 // stride, 32 // stride)


def test_whdv_is_equation_three():
    codec = WHDV(2, PLAIN)
    planes = random_planes(codec)
    px, py, pw = literal_planes(POINTS)
    qx, qy, qw = (q.numpy() for q in codec.decode(planes))
    per_pixel = pw * ((px - qx) ** 2 + (py - qy) ** 2) + (pw - qw) ** 2
    loss = codec.loss(planes, codec.encode(POINTS, ROWS, COLUMNS), progress=0)
    assert float(loss) == pytest.approx(per_pixel.mean(), rel=1e-4)


def test_hdv_is_the_plain_mean_squared_error_of_three_planes():
    codec = HDV(2, PLAIN)
    planes = random_planes(codec)
    px, py, pw = literal_planes(POINTS)
    qx, qy, qw = (q.numpy() for q in codec.decode(planes))
    per_pixel = (px - qx) ** 2 + (py - qy) ** 2 + (pw - qw) ** 2
    loss = codec.loss(planes, codec.encode(POINTS, ROWS, COLUMNS), progress=0)
    assert float(loss) == pytest.approx(per_pixel.mean(), rel=1e-4)


def test_ho_is_one_plane_and_its_mean_squared_error():
    codec = HO(2, PLAIN)
    assert codec.planes == 2
    planes = random_planes(codec)
    loss = codec.loss(planes, codec.encode(POINTS, ROWS, COLUMNS), progress=0)
    assert float(loss) == pytest.approx(((literal_planes(POINTS)[2] - planes.numpy()) ** 2).mean(), rel=1e-4)
    dx, dy, weight = codec.decode(planes)
    assert not dx.any()
    assert not dy.any()
    torch.testing.assert_close(weight, planes)


def test_gain_weighs_the_error_of_the_weight():
    for codec in (HDV, WHDV):
        plain, heavy = codec(2, PLAIN), codec(2, PLAIN.model_copy(update={"gain": 3.0}))
        targets, planes = plain.encode(POINTS, ROWS, COLUMNS), random_planes(plain)
        of_weight = ((plain.decode(planes)[2] - targets.weight) ** 2).mean()
        added = heavy.loss(planes, targets, 0) - plain.loss(planes, targets, 0)
        assert float(added) == pytest.approx(2 * float(of_weight), rel=1e-4)


def test_a_dense_whdv_begins_like_hdv_and_ends_as_whdv():
    plain, dense = WHDV(2, PLAIN), WHDV(2, PLAIN.model_copy(update={"dense": 1.0}))
    targets, planes = plain.encode(POINTS, ROWS, COLUMNS), random_planes(plain)
    weighted, equal = plain.loss(planes, targets, 0), HDV(2, PLAIN).loss(planes, targets, 0)
    assert float(dense.loss(planes, targets, 0)) == pytest.approx(float(equal), rel=1e-5)
    assert float(weighted) < float(dense.loss(planes, targets, 0.3)) < float(equal)
    for progress in (0.5, 1.0):
        assert float(dense.loss(planes, targets, progress)) == pytest.approx(float(weighted))


def test_the_settings_name_the_codecs_there_are():
    assert get_args(NetworkSettings.model_fields["method"].annotation) == tuple(CODECS)


# From here on: the suite that every codec of the table has to pass that says where landmarks are.


@pytest.fixture(params=[method for method in CODECS if method != "levels"])
def make(request):
    """Return the function that makes a codec of one method from settings, by default of two landmarks at stride 1."""

    def of(landmarks=2, **changes):
        settings = NetworkSettings(**{"method": request.param, "stride": 1, "k": K, "sigma": SIGMA, **changes})
        return CODECS[request.param](landmarks, settings)

    return of


@pytest.fixture
def codec(make):
    return make()


def as_planes(codec, targets):
    """Return the planes of a perfect network: decoding is linear, so it is inverted by decoding one plane at a time."""
    unit = torch.eye(codec.planes)[..., None, None]
    matrix = torch.cat([part[..., 0, 0] for part in codec.decode(unit)], dim=1).T  # (3 n, planes)
    wanted = torch.cat([targets.dx, targets.dy, targets.weight], dim=1)
    return torch.einsum("pt,btij->bpij", torch.linalg.pinv(matrix), wanted).contiguous()


def test_a_codec_is_final_and_frozen_and_the_interface_has_no_fields(codec):
    assert type(codec).__bases__ == (Codec,)
    assert not is_dataclass(Codec)
    for field in fields(codec):
        with pytest.raises(FrozenInstanceError):
            setattr(codec, field.name, None)


def test_decoded_planes_are_three_per_landmark(make):
    codec = make(5)
    for part in codec.decode(torch.randn(2, codec.planes, ROWS, COLUMNS)):
        assert part.shape == (2, 5, ROWS, COLUMNS)


def test_a_missing_landmark_costs_and_teaches_nothing(codec):
    missing = POINTS.clone()
    missing[0, 1] = torch.nan
    missing[1, 0, 1] = torch.nan  # half a point is none
    targets = codec.encode(missing, ROWS, COLUMNS)
    assert targets.given.tolist() == [[True, False], [False, True]]
    planes = random_planes(codec).requires_grad_()
    loss = codec.loss(planes, targets, progress=0)
    loss.backward()
    gradient = planes.grad.view(2, -1, 2, ROWS, COLUMNS)
    assert torch.isfinite(planes.grad).all()
    assert not gradient[0, :, 1].any()
    assert not gradient[1, :, 0].any()
    assert gradient[0, :, 0].any()
    other = random_planes(codec, seed=1).view(2, -1, 2, ROWS, COLUMNS)
    mixed = planes.detach().clone().view_as(other)
    mixed[0, :, 1], mixed[1, :, 0] = other[0, :, 1], other[1, :, 0]
    again = codec.loss(mixed.view_as(planes), targets, progress=0)
    assert float(again) == pytest.approx(float(loss.detach()))


def test_a_film_without_points_costs_nothing(codec):
    planes = random_planes(codec).requires_grad_()
    loss = codec.loss(planes, codec.encode(torch.full_like(POINTS, torch.nan), ROWS, COLUMNS), progress=0)
    loss.backward()
    assert float(loss.detach()) == 0
    assert not planes.grad.any()


@pytest.mark.parametrize("progress", [0.0, 0.3, 1.0])
def test_planes_that_are_the_targets_cost_nothing(make, progress):
    codec = make(widen=2.0, dense=0.5, gain=2.0)
    targets = codec.encode(POINTS, ROWS, COLUMNS, progress)
    planes = as_planes(codec, targets)
    assert float(codec.loss(planes, targets, progress)) == pytest.approx(0, abs=1e-9)
    assert float(codec.loss(planes + 0.1, targets, progress)) > 1e-3


def test_a_wide_gaussian_shrinks_to_sigma_by_half_time(make):
    wide, plain = make(widen=3.0), make()
    assert float(wide.encode(POINTS, ROWS, COLUMNS, 0.0).weight.sum()) > float(
        wide.encode(POINTS, ROWS, COLUMNS, 0.3).weight.sum()
    )
    for progress in (0.5, 1.0):
        torch.testing.assert_close(
            wide.encode(POINTS, ROWS, COLUMNS, progress).weight, plain.encode(POINTS, ROWS, COLUMNS).weight
        )


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_the_total_weight_is_what_targets_add_up_to_where_it_is_known(make, stride):
    codec = make(1, stride=stride, sigma=5.0)
    weight = codec.encode(torch.tensor([[[50.3, 41.8]]]), 96 // stride, 96 // stride).weight
    assert codec.total_weight in (0.0, pytest.approx(float(weight.sum()), rel=1e-3))


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("cell", [1, 2])
def test_points_survive_planes_votes_and_peaks(make, stride, cell):
    """Encode, decode, cast, find the peak: the point again. A heatmap is as fine as its smoothing lets it be."""
    codec = make(12, stride=stride, k=16.0, sigma=6.0)
    smoothing, tolerance = (4.0, 0.15) if codec.total_weight == 0 else (1.5, 0.1)
    points = np.random.default_rng(0).uniform((10, 10), (53, 45), (1, 12, 2))
    targets = codec.encode(torch.from_numpy(points).float(), 56 // stride, 64 // stride)
    dx, dy, weight = (plane[0].numpy() for plane in codec.decode(as_planes(codec, targets)))
    found, spread = VoteMap(cast(dx, dy, weight, (64, 56), stride, cell), cell, smoothing).peaks()
    np.testing.assert_allclose(found, points[0], atol=tolerance)
    assert np.isfinite(spread).all()
