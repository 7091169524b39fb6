"""The U-Net (Ronneberger et al. 2015), small and residual."""

from itertools import pairwise

import torch
from torch import nn

from .. import _checks


def _block(inputs, outputs, bias):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=bias),
        nn.ReLU(),
    )


class UNet(nn.Module):
    """x̂ = y + U(y), y and x̂ (B, C, H, W), H and W multiples of 2^(scales − 1).

    widths: channels per scale. Down by 2×2 means, up by transposed convolutions, skips by
    concatenation, no normalisation, so that the images of a batch do not influence each other and
    the divergence of SURE means something. bias=False makes it homogeneous, f(cy) = c f(y) for
    c > 0, and so robust to other noise levels (Mohan et al. 2020) and trained alike in every unit;
    with biases keep y of the order of 1 (`course table units`).
    """

    def __init__(self, channels=1, widths=(16, 32, 64), bias=True):
        super().__init__()
        self.channels, self.multiple = channels, 2 ** (len(widths) - 1)
        pairs = list(pairwise(widths))
        self.encode = nn.ModuleList([_block(channels, widths[0], bias)])
        self.encode += [_block(a, b, bias) for a, b in pairs]
        self.up = nn.ModuleList(
            [nn.ConvTranspose2d(b, a, 2, stride=2, bias=bias) for a, b in reversed(pairs)]
        )
        self.decode = nn.ModuleList([_block(2 * a, a, bias) for a, _ in reversed(pairs)])
        self.out = nn.Conv2d(widths[0], channels, 1, bias=bias)
        self.initialise()
        self.to(memory_format=torch.channels_last)  # about 1.4 times faster on the CPU

    def initialise(self):
        """Weights of He et al. (2015) before a ReLU, zeros at the end: training starts at x̂ = y."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)) and module.bias is not None:
                nn.init.zeros_(module.bias)
        nn.init.zeros_(self.out.weight)

    def forward(self, y):
        _checks.image(y, "y")
        if y.shape[1] != self.channels:
            raise ValueError(
                f"y has {y.shape[1]} channels; this UNet was made for {self.channels}: make one "
                f"with channels={y.shape[1]}."
            )
        if y.shape[-2] % self.multiple or y.shape[-1] % self.multiple:
            raise ValueError(
                f"y is {tuple(y.shape[-2:])} pixels; crop or pad it to multiples of "
                f"{self.multiple} for this UNet, or give it to models.Tiled(net), which pads."
            )
        u, skips = self.encode[0](y), []
        for encode in self.encode[1:]:
            skips.append(u)
            u = encode(nn.functional.avg_pool2d(u, 2))
        for up, decode in zip(self.up, self.decode, strict=True):
            u = decode(torch.cat([up(u), skips.pop()], dim=1))
        return y + self.out(u)
