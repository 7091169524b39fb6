"""The blind-spot network (Laine et al. 2019): x̂_i is a function of every pixel but y_i."""

import torch
from torch import Tensor, nn

from .. import _checks
from .scales import Scales


class Up(nn.Module):
    """A 3×3 convolution that looks up: output row i sees the input rows i − 2, i − 1 and i."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=(2, 1))

    def forward(self, u):
        return self.conv(u)[..., :-2, :]


def shift(u):
    """u moved down by one row: row i holds what row i − 1 held, row 0 is zero."""
    return nn.functional.pad(u, (0, 0, 1, 0))[..., :-1, :]


def pool(u):
    """2×2 means of the shifted u: once enlarged again, row i has seen no row below i."""
    return nn.functional.avg_pool2d(shift(u), 2)


def near(y):
    """The weighted mean of a pixel's eight neighbours, reflected at the border, without itself."""
    weights = y.new_tensor([[1, 2, 1], [2, 0, 2], [1, 2, 1]]).div(12).expand(y.shape[1], 1, 3, 3)
    around = nn.functional.pad(y, (1, 1, 1, 1), mode="reflect")
    return nn.functional.conv2d(around, weights, groups=y.shape[1])


def _block(inputs, outputs):
    return nn.Sequential(Up(inputs, outputs), nn.ReLU())


class BlindSpot(Scales):
    """x̂_i = μ(y_j, j ≠ i): ∂x̂_i/∂y_i is exactly zero, and x̂_i may use any other pixel.

    A U-Net whose convolutions look up only and whose output is moved down by one row sees the rows
    above a pixel. It runs on the image in its four rotations; 1×1 convolutions join the four half
    planes, turned back, whose union is all but the pixel itself, and correct the mean of the eight
    neighbours. No normalisation, so that the images of a batch do not influence each other.
    y: (B, C, H, W), H and W multiples of 2^(scales − 1) and at least 2. Returns the mean μ,
    (B, C, H, W), or with its spread (B, 2C, H, W): μ and κ = log(s²/σ²), the log of the variance of
    x_i given the other pixels in units of the noise's, see `losses.BlindSpotLikelihood`.
    Raises ValueError for other channels, and for a size that it can't halve.
    Source: Laine et al. (2019), with one convolution where they have two.

    Arguments:
        channels: C, of y.
        widths: channels per scale, one number for each.
        hidden: channels of the 1×1 convolutions.
        spread: whether κ is returned beside μ, as the likelihood needs it.

    Example:
        >>> net, y = models.BlindSpot(widths=(4, 8)), torch.rand(1, 1, 8, 8)
        >>> other = y.clone()
        >>> other[..., 3, 3] = 9.0
        >>> bool(net(y)[..., 3, 3] == net(other)[..., 3, 3])
        True
    """

    def __init__(
        self,
        channels: int = 1,
        widths: tuple = (12, 24, 48),
        hidden: int = 32,
        spread: bool = False,
    ):
        super().__init__(channels, widths, _block)
        self.least = max(2, self.multiple)  # pixels on a side
        self.join = nn.Sequential(
            nn.Conv2d(4 * widths[0], hidden, 1),
            nn.ReLU(),
            nn.Conv2d(hidden, hidden, 1),
            nn.ReLU(),
            nn.Conv2d(hidden, channels * (2 if spread else 1), 1),
        )
        self.to(memory_format=torch.channels_last)

    def above(self, y: Tensor) -> Tensor:
        """Features at each pixel, of the rows above it."""
        return shift(self.features(y, pool))

    def forward(self, y: Tensor) -> Tensor:
        _checks.suits(self, y)
        views = []
        for turns in ((0, 2), (1, 3)):  # two stacks, since a turned image may have another shape
            turned = torch.cat([y.rot90(k, (2, 3)) for k in turns])
            parts = self.above(turned).chunk(2)
            views += [u.rot90(-k, (2, 3)) for k, u in zip(turns, parts, strict=True)]
        correction = self.join(torch.cat(views, dim=1))
        mu = near(y) + correction[:, : self.channels]
        return torch.cat([mu, correction[:, self.channels :]], dim=1)
