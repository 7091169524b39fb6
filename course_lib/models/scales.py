"""Down through the scales and up again, with skips: what the U-Net and the blind spot share."""

from itertools import pairwise

import torch
from torch import nn


class Scales(nn.Module):
    """u_1 = E_1 y and u_{k+1} = E_{k+1} pool(u_k); then back up, u_k ← D_k (up(u_{k+1}), u_k).

    block(a, b) makes the convolutions E_k and D_k from a to b channels, `widths` are the channels
    of the u_k. The sides of y must be multiples of 2^(scales − 1), the attribute `multiple`.
    """

    def __init__(self, channels, widths, block, bias=True):
        super().__init__()
        self.channels, self.multiple = channels, 2 ** (len(widths) - 1)
        back = list(pairwise(widths[::-1]))
        self.encode = nn.ModuleList(block(a, b) for a, b in pairwise((channels, *widths)))
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2, bias=bias) for a, b in back)
        self.decode = nn.ModuleList(block(2 * b, b) for _, b in back)

    def features(self, y, pool):
        """u_1 on the way back, of y's size."""
        u, skips = self.encode[0](y), []
        for encode in self.encode[1:]:
            skips.append(u)
            u = encode(pool(u))
        for up, decode in zip(self.up, self.decode, strict=True):
            u = decode(torch.cat([up(u), skips.pop()], dim=1))
        return u
