"""The DnCNN (Zhang et al. 2017), without batch normalisation."""

from itertools import pairwise

from torch import nn

from .. import _checks


class DnCNN(nn.Module):
    """x̂ = y + N(y), N a chain of `depth` 3×3 convolutions of `width` channels with ReLU between.

    y and x̂: (B, C, H, W), any size. Batch normalisation is left out: it would let the images of a
    batch influence each other. bias=False makes it homogeneous.
    """

    def __init__(self, channels=1, depth=7, width=32, bias=True):
        super().__init__()
        if depth < 2:
            raise ValueError(f"depth is {depth}; a DnCNN has at least 2 convolutions.")
        self.channels = channels
        widths = [channels, *[width] * (depth - 1), channels]
        layers = []
        for a, b in pairwise(widths):
            layers += [nn.Conv2d(a, b, 3, padding=1, bias=bias), nn.ReLU()]
        self.net = nn.Sequential(*layers[:-1])

    def forward(self, y):
        _checks.image(y, "y")
        if y.shape[1] != self.channels:
            raise ValueError(
                f"y has {y.shape[1]} channels; this DnCNN was made for {self.channels}: make one "
                f"with channels={y.shape[1]}."
            )
        return y + self.net(y)
