"""From a network on images to a reconstructor f(y, A)."""

import torch

from .. import _checks
from ..operators import Operator


class BackProjection(torch.nn.Module):
    """f(y, A) = net(A†y): a network that repairs the pseudo-inverse (Jin et al. 2017).

    Raises ValueError when y lies on another device than the network, or has another dtype.

    Arguments:
        net: a network on images, such as `UNet`.

    Example:
        >>> f = models.BackProjection(models.UNet(widths=(8, 16)))
        >>> A = operators.Decimation(2)
        >>> f(A(torch.rand(1, 1, 16, 16)), A).shape
        torch.Size([1, 1, 16, 16])
    """

    def __init__(self, net: torch.nn.Module):
        super().__init__()
        self.net = net

    def forward(self, y: torch.Tensor, A: Operator) -> torch.Tensor:
        _checks.fits(self.net, y)
        return self.net(A.pinv(y))
