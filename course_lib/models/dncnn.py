"""The DnCNN (Zhang et al. 2017), without batch normalisation."""

from itertools import pairwise

from torch import Tensor, nn

from .. import _checks


class DnCNN(nn.Module):
    """x̂ = y + N(y), N a chain of 3×3 convolutions with ReLU between.

    y and x̂: (B, C, H, W), any size. Batch normalisation is left out: it would let the images of a
    batch influence each other.
    Raises ValueError for other channels, and for a depth below 2.

    Arguments:
        channels: C, of y and x̂.
        depth: how many convolutions; a pixel of x̂ depends on y at most that far away.
        width: channels between them.
        bias: False makes it homogeneous, f(cy) = c f(y) for c > 0.

    Example:
        >>> net = models.DnCNN(depth=3, width=8, bias=False)
        >>> y = torch.rand(1, 1, 9, 9)
        >>> torch.allclose(net(2 * y), 2 * net(y))
        True
    """

    def __init__(self, channels: int = 1, depth: int = 7, width: int = 32, bias: bool = True):
        super().__init__()
        if depth < 2:
            raise ValueError(f"depth is {depth}; a DnCNN has at least 2 convolutions.")
        self.channels = channels
        layers = []
        for a, b in pairwise([channels, *[width] * (depth - 1), channels]):
            layers += [nn.Conv2d(a, b, 3, padding=1, bias=bias), nn.ReLU()]
        self.net = nn.Sequential(*layers[:-1])

    def forward(self, y: Tensor) -> Tensor:
        return y + self.net(_checks.suits(self, y))
