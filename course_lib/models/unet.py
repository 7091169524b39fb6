"""The U-Net (Ronneberger et al. 2015), small and residual."""

from functools import partial

import torch
from torch import Tensor, nn

from .. import _checks
from .scales import Scales


def _block(inputs, outputs, bias):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=bias),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=1, bias=bias),
        nn.ReLU(),
    )


class UNet(Scales):
    """x̂ = y + U(y), y and x̂ (B, C, H, W), H and W multiples of 2^(scales − 1).

    Down by 2×2 means, up by transposed convolutions, skips by concatenation, no normalisation, so
    that the images of a batch do not influence each other and the divergence of SURE means
    something. Training starts at x̂ = y.
    Raises ValueError for other channels, and for a size that it can't halve.

    Arguments:
        channels: C, of y and x̂; 1 for gray images, 2 for complex ones.
        widths: channels per scale, one number for each; the default has 120 000 weights.
        bias: False makes it homogeneous, f(cy) = c f(y) for c > 0, and so robust to other noise
            levels (Mohan et al. 2020) and trained alike in every unit; with biases keep y of the
            order of 1 (`course table units`).

    Example:
        >>> net = models.UNet(widths=(8, 16))
        >>> y = torch.rand(2, 1, 32, 32)
        >>> torch.equal(net(y), y), net.multiple
        (True, 2)
    """

    def __init__(self, channels: int = 1, widths: tuple = (16, 32, 64), bias: bool = True):
        super().__init__(channels, widths, partial(_block, bias=bias), bias)
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

    def forward(self, y: Tensor) -> Tensor:
        u = self.features(_checks.suits(self, y), lambda u: nn.functional.avg_pool2d(u, 2))
        return y + self.out(u)
