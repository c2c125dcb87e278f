"""The U-Net: average pooling, up-sampling instead of up-convolution (section 3.1 of the paper), no pre-training."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from landvote.networks.settings import NetworkSettings

_LAYERS = 3  # of a picture with coordinates


class UNet(nn.Module):
    """``planes`` for a picture, at a fraction of its resolution.

    Offsets are sub-pixel by themselves, so planes need not be as fine as the picture: with ``stride`` 4 the decoder
    stops two levels below the top. The last layer before the head is at least ``head_width`` wide: many planes are
    made from it.
    """

    def __init__(self, planes: int, settings: NetworkSettings) -> None:
        super().__init__()
        width, depth, normalise = settings.width, settings.depth, settings.normalise
        channels = [min(width * 2**level, settings.widest) for level in range(depth + 1)]
        self.depth, self.coordinates = depth, settings.coordinates
        self.top = settings.stride.bit_length() - 1  # the level whose resolution the planes have
        self.down = nn.ModuleList(
            [_block(3 if settings.coordinates else 1, channels[0], normalise=normalise)]
            + [_block(a, b, normalise=normalise) for a, b in pairwise(channels)]
        )
        up, below = [], channels[-1]
        for level in range(depth - 1, self.top - 1, -1):
            out = max(channels[level], settings.head_width) if level == self.top else channels[level]
            up.append(_block(below + channels[level], out, normalise=normalise))
            below = out
        self.up = nn.ModuleList(up)
        self.head = Head(below, planes, 1)

    def forward(self, picture: Tensor) -> Tensor:
        """Map layers of views to planes of (batch, planes, height / stride, width / stride), fp32 out of the head.

        Layers are (batch, 1 or 3, height, width), see :meth:`View.layers`. Height and width must be multiples
        of ``2 ** depth``.
        """
        x = _with_coordinates(picture) if self.coordinates else picture[:, :1]
        skipped: list[Tensor] = []
        for level, block in enumerate(self.down):
            x = block(x if level == 0 else F.avg_pool2d(x, 2))
            skipped.append(x)
        for level, block in zip(range(self.depth - 1, self.top - 1, -1), self.up, strict=True):
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = block(torch.cat([x, skipped[level]], dim=1))
        with torch.autocast(x.device.type, enabled=False):  # bf16 steps are half a pixel for offsets of 64 and more
            out: Tensor = self.head(x.float())
        return out


class Head(nn.Conv2d):
    """A convolution of 1 x 1 that is computed as a product of matrices.

    With one thread on a CPU, torch takes twice as long for the convolution and its gradients. The planes lie one after
    another in memory, as losses and votes read them.
    """

    bias: Tensor

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to (batch, planes, height, width)."""
        # channels last, as networks are kept: the gradient then has the strides that several processes add up
        weight = self.weight.permute(0, 2, 3, 1).flatten(1).expand(len(x), -1, -1)
        return torch.baddbmm(self.bias[:, None], weight, x.flatten(2)).view(len(x), -1, *x.shape[2:])


def _block(before: int, after: int, *, normalise: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for source in (before, after):
        layers.append(nn.Conv2d(source, after, 3, padding=1, bias=not normalise))
        if normalise:
            layers.append(nn.BatchNorm2d(after))
        layers.append(nn.ReLU(inplace=True))
    return nn.Sequential(*layers)


def _with_coordinates(picture: Tensor) -> Tensor:
    if picture.shape[1] == _LAYERS:
        return picture
    y, x = (torch.linspace(-1, 1, n, device=picture.device, dtype=picture.dtype) for n in picture.shape[2:])
    return torch.cat([picture, x.expand_as(picture), y[:, None].expand_as(picture)], dim=1)
