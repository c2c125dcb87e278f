"""The U-Net: the form of its planes, its precision, and what the paper says it is made of."""

import pytest
import torch
from torch import nn

from landvote.networks.settings import NetworkSettings
from landvote.networks.unet import Head, UNet


@pytest.mark.parametrize("stride", [1, 2, 4, 8])
@pytest.mark.parametrize("size", [(64, 96), (32, 32)])
def test_planes_are_a_stride_coarser_than_the_picture(stride, size):
    network = UNet(7, NetworkSettings(width=4, depth=4, stride=stride, head_width=8)).eval()
    assert network(torch.zeros(2, 1, *size)).shape == (2, 7, size[0] // stride, size[1] // stride)


@pytest.mark.parametrize("stride", [1, 4])
def test_the_head_computes_in_single_precision_under_autocast(stride):
    network = UNet(3, NetworkSettings(width=4, depth=3, stride=stride, head_width=8)).eval()
    seen = []
    network.head.register_forward_hook(lambda _, given, out: seen.append((given[0].dtype, out.dtype)))
    inner = []
    network.down[0][0].register_forward_hook(lambda _, __, out: inner.append(out.dtype))
    with torch.autocast("cpu", torch.bfloat16):
        planes = network(torch.randn(1, 1, 32, 32))
    assert planes.dtype == torch.float32
    assert seen == [(torch.float32, torch.float32)]
    assert inner == [torch.bfloat16]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_head_is_a_convolution(layout):
    torch.manual_seed(0)
    head, like = Head(5, 7, 1), nn.Conv2d(5, 7, 1)
    like.load_state_dict(head.state_dict())
    x = torch.randn(2, 5, 6, 4).contiguous(memory_format=layout)
    planes, expected = head(x), like(x)
    torch.testing.assert_close(planes, expected)
    assert planes.is_contiguous()
    found, wanted = (torch.autograd.grad((p**2).sum(), m.weight)[0] for p, m in ((planes, head), (expected, like)))
    torch.testing.assert_close(found, wanted)


def test_the_gradient_of_the_head_lies_in_memory_as_its_weights_do():
    head = Head(5, 7, 1).to(memory_format=torch.channels_last)
    head(torch.randn(2, 5, 6, 4)).square().sum().backward()
    assert head.weight.grad.stride() == head.weight.stride() == (5, 1, 5, 5)


def test_average_pooling_and_no_transposed_convolution(monkeypatch):
    network = UNet(3, NetworkSettings(width=4, depth=3, stride=1, head_width=8)).eval()
    unwanted = (nn.MaxPool2d, nn.ConvTranspose2d)
    assert [m for m in network.modules() if isinstance(m, unwanted)] == []
    pooled, enlarged = [], []
    pool, enlarge = nn.functional.avg_pool2d, nn.functional.interpolate
    monkeypatch.setattr(nn.functional, "avg_pool2d", lambda *a, **k: (pooled.append(1), pool(*a, **k))[1])
    monkeypatch.setattr(nn.functional, "interpolate", lambda *a, **k: (enlarged.append(1), enlarge(*a, **k))[1])
    network(torch.zeros(1, 1, 32, 32))
    assert (len(pooled), len(enlarged)) == (3, 3)


def test_the_last_layer_is_as_wide_as_asked_for():
    for asked, width in ((24, 24), (4, 16)):  # wide anyway, two levels down
        settings = NetworkSettings(width=4, depth=3, stride=4, head_width=asked)
        assert UNet(3, settings).head.in_channels == width


def test_every_weight_is_used():
    network = UNet(3, NetworkSettings(width=4, depth=3, stride=2, head_width=8))
    network(torch.randn(2, 1, 32, 32)).square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_coordinates_tell_one_place_from_another():
    picture = torch.zeros(1, 1, 64, 64)
    torch.manual_seed(0)
    knowing, blind = (
        UNet(2, NetworkSettings(width=4, depth=2, stride=1, head_width=8, coordinates=given)).eval()(picture).detach()
        for given in (True, False)
    )
    middle = (..., slice(24, 40), slice(24, 40))  # away from the padding at the border
    assert float(blind[middle].std(dim=(2, 3)).max()) < 1e-6
    assert float(knowing[middle].std(dim=(2, 3)).max()) > 1e-4


def test_coordinates_of_a_body_take_the_place_of_its_own():
    torch.manual_seed(0)
    layers = torch.randn(1, 3, 32, 32)
    knowing, blind = (
        UNet(2, NetworkSettings(width=4, depth=2, stride=1, head_width=8, coordinates=given)).eval()
        for given in (True, False)
    )
    elsewhere = layers + torch.tensor([0.0, 1.0, -1.0])[None, :, None, None]
    assert float((knowing(layers) - knowing(elsewhere)).detach().abs().max()) > 1e-3
    assert torch.equal(blind(layers), blind(elsewhere))


def test_normalisation_is_a_choice():
    def norms(normalise):
        network = UNet(2, NetworkSettings(width=4, depth=2, normalise=normalise))
        return [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]

    assert len(norms(normalise=True)) > 0
    assert norms(normalise=False) == []
