"""A network on images of any size: padded to what it takes, in overlapping tiles."""

import torch
from torch import Tensor, nn

from .. import _checks


class Tiled(nn.Module):
    """x̂ = Σ_t w_t ∘ net(y_t): y_t the tiles of y, w_t weights with Σ_t w_t = 1 at every pixel.

    Assumes that a pixel of net(y) depends on y near it only. y: (B, C, H, W), any size: it is
    padded by reflection to a multiple of `net.multiple` (and at least `net.least`) and cropped
    afterwards. The weights go from 1 to 0 over the middle quarter of the overlap, so that nothing
    within 3/8 overlap of a cut counts: where net sees no further than that, 24 pixels at the
    defaults, x̂ is that of the whole image, up to rounding. Without gradients memory is that of one
    tile beside y and x̂. For any f made from a network: `BackProjection(Tiled(f.net))`.
    Raises ValueError for tile or overlap that `net.multiple` does not divide, or overlap > tile/2.

    Arguments:
        net: a network on images.
        tile: pixels on a side; an image that is no larger is one tile.
        overlap: pixels that neighbouring tiles share.

    Example:
        >>> net = models.Tiled(models.UNet(widths=(8, 16)), tile=32, overlap=16)
        >>> net(torch.rand(1, 1, 45, 51)).shape
        torch.Size([1, 1, 45, 51])
    """

    def __init__(self, net: nn.Module, tile: int = 512, overlap: int = 64):
        super().__init__()
        self.net, self.tile, self.overlap = net, _checks.whole(tile, "tile"), overlap
        self.step = getattr(net, "multiple", 1)
        if tile % self.step or overlap % self.step or not 0 <= overlap <= tile / 2:
            raise ValueError(
                f"tile is {tile} and overlap {overlap}; use multiples of {self.step} for this "
                f"{type(net).__name__}, the overlap at most half a tile."
            )

    def extra_repr(self):
        return f"tile={self.tile}, overlap={self.overlap}"

    def forward(self, y: Tensor) -> Tensor:
        height, width = _checks.image(y, "y").shape[-2:]
        y = self.pad(y)
        if max(y.shape[-2:]) <= self.tile:
            return self.net(y)[..., :height, :width]
        total = None
        for rows, down in self.windows(y, -2):
            for columns, across in self.windows(y, -1):
                part = down[:, None] * across * self.net(y[..., rows, columns])
                if total is None:
                    total = part.new_zeros(*part.shape[:2], *y.shape[-2:])
                total[..., rows, columns] += part
        return total[..., :height, :width]

    def pad(self, y):
        """y, continued by reflection below and to the right."""
        least = max(self.step, getattr(self.net, "least", 1))
        for axis in (-2, -1):
            side = y.shape[axis]
            goal = self.step * -(-max(side, least) // self.step)
            i = torch.arange(goal, device=y.device) % max(2 * side - 2, 1)
            y = y.index_select(axis, torch.minimum(i, 2 * side - 2 - i))
        return y

    def windows(self, y, axis):
        """[(slice, weights)] of the tiles along an axis; the weights of each pixel have sum 1."""
        side, size = y.shape[axis], min(self.tile, y.shape[axis])
        starts = [*range(0, side - size, self.tile - self.overlap), side - size]
        r = torch.arange(size, dtype=y.dtype, device=y.device) + 0.5
        ramp = ((r - 3 * self.overlap / 8) / max(self.overlap / 4, 1)).clamp(0, 1)
        total, tiles = y.new_zeros(side), []
        for start in starts:
            weights = torch.ones_like(r)
            weights = weights if start == 0 else weights * ramp
            weights = weights if start == side - size else weights * ramp.flip(0)
            total[start : start + size] += weights
            tiles.append((slice(start, start + size), weights))
        return [(window, weights / total[window]) for window, weights in tiles]
