"""A residual network without its residual connection."""

import torch


class Direct(torch.nn.Module):
    """x̂ = net(y) − y: for net(y) = y + U(y), such as `UNet` and `DnCNN`, the plain U(y).

    For losses that say nothing about pixels which the network sees (Noise2Void, Noise2Self,
    Splitting) and that use f(y) at test time: y + U(y) may return such a pixel with its noise, and
    does; U(y) has no way around its convolutions. Source: Höck et al. (2022) for Noise2Void.
    """

    def __init__(self, net):
        super().__init__()
        self.net = net

    @property
    def multiple(self):
        """What H and W must be multiples of."""
        return getattr(self.net, "multiple", 1)

    def forward(self, y):
        return self.net(y) - y
