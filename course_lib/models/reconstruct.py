"""From a network on images to a reconstructor f(y, A)."""

import torch

from .. import _checks


class BackProjection(torch.nn.Module):
    """f(y, A) = net(A†y): a network that repairs the pseudo-inverse (Jin et al. 2017).

    Raises ValueError when y lies on another device than the network.
    """

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, y, A):
        _checks.fits(self.net, y)
        return self.net(A.pinv(y))
