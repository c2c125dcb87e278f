"""Folded networks compute the same planes."""

import numpy as np
import pytest
import torch
from torch import nn

from landvote.networks.folding import folded
from landvote.networks.settings import NetworkSettings
from landvote.networks.unet import UNet


def network(**changes):
    """Return a network whose normalisations do something, as after training."""
    torch.manual_seed(0)
    made = UNet(6, NetworkSettings(width=4, depth=2, stride=2, head_width=8, **changes))
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            for values in (module.weight, module.running_var):
                nn.init.uniform_(values, 0.5, 2.0)
            for values in (module.bias, module.running_mean):
                nn.init.normal_(values)
    return made.eval()


@pytest.mark.parametrize("normalise", [True, False])
def test_a_folded_network_computes_the_same_and_leaves_the_other_alone(normalise):
    one, pictures = network(normalise=normalise), torch.randn(2, 1, 24, 32)
    before = {name: values.clone() for name, values in one.state_dict().items()}
    with torch.inference_mode():
        quick, expected = folded(one, torch.float32), one(pictures)
        np.testing.assert_allclose(quick(pictures), expected, atol=1e-4 * float(expected.abs().max()))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in quick.modules())
    assert all(torch.equal(values, before[name]) for name, values in one.state_dict().items())


def test_the_weights_of_blocks_are_kept_in_the_precision_asked_for_and_those_of_the_head_are_not():
    quick = folded(network(), torch.bfloat16)
    assert {values.dtype for values in [*quick.down.parameters(), *quick.up.parameters()]} == {torch.bfloat16}
    assert {values.dtype for values in quick.head.parameters()} == {torch.float32}
