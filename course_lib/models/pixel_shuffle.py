"""A network on every s-th pixel, for noise that neighbours share."""

from torch import Tensor, nn

from .. import _checks


class PixelShuffle(nn.Module):
    """x̂ = S⁻¹ net(S y): S cuts y into the s² images made of every s-th pixel, S⁻¹ joins them.

    Assumes noise that is independent between pixels at least s apart. Then each of the s² images
    has white noise, and a blind-spot net works on them as if y had. A large s splits the scene
    apart as well: neighbours that resemble each other are lost. A smaller stride at test time,
    PixelShuffle(trained.net, 1), gets some of them back at the price of some noise; that is another
    estimator, and a loss for white noise, which it breaks, does not score it. Raises ValueError
    when H or W does not fit.
    Source: Zhou et al. (2020), pixel-shuffle downsampling; Lee et al. (2022), asymmetric strides.

    Arguments:
        net: any network on images; it receives (B s², C, H/s, W/s) and may change the number of
            channels.
        stride: s, in pixels: how far noise is correlated, and one more.

    Example:
        >>> net = models.PixelShuffle(models.BlindSpot(widths=(4, 8)), stride=2)
        >>> net(torch.rand(1, 1, 16, 16)).shape, net.multiple
        (torch.Size([1, 1, 16, 16]), 4)
    """

    def __init__(self, net: nn.Module, stride: int):
        super().__init__()
        self.net, self.stride = net, _checks.whole(stride, "stride")
        self.multiple = self.stride * getattr(net, "multiple", 1)  # of which H and W must be
        self.least = self.stride * getattr(net, "least", 1)

    def forward(self, y: Tensor) -> Tensor:
        return join(self.net(cut(_checks.suits(self, y), self.stride)), self.stride)


def cut(y, s):
    """(B, C, H, W) → (B s², C, H/s, W/s), every s-th pixel from each of the s² starts."""
    B, C, H, W = y.shape
    parts = y.reshape(B, C, H // s, s, W // s, s).permute(0, 3, 5, 1, 2, 4)
    return parts.reshape(B * s * s, C, H // s, W // s)


def join(parts, s):
    """The inverse of `cut`."""
    n, C, h, w = parts.shape
    y = parts.reshape(n // s**2, s, s, C, h, w).permute(0, 3, 4, 1, 5, 2)
    return y.reshape(n // s**2, C, h * s, w * s).contiguous()
