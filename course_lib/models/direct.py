"""A residual network without its residual connection."""

import torch
from torch import Tensor


class Direct(torch.nn.Module):
    """x̂ = net(y) − y: for net(y) = y + U(y), such as `UNet` and `DnCNN`, the plain U(y).

    For losses that say nothing about pixels which the network sees (Noise2Void, Noise2Self,
    Splitting) and that use f(y) at test time: y + U(y) may return such a pixel with its noise, and
    does; U(y) has no way around its convolutions. Source: Höck et al. (2022) for Noise2Void.

    Arguments:
        net: a network on images with such a residual connection.

    Example:
        >>> net = models.Direct(models.UNet(widths=(8, 16)))
        >>> bool(net(torch.rand(1, 1, 8, 8)).any())  # U starts at zero
        False
    """

    def __init__(self, net: torch.nn.Module):
        super().__init__()
        self.net, self.multiple = net, getattr(net, "multiple", 1)  # of which H and W must be

    def forward(self, y: Tensor) -> Tensor:
        return self.net(y) - y
