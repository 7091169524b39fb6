"""Decimation: A keeps one pixel in each cell of s × s."""

import torch

from .. import _checks
from .base import Operator


class Decimation(Operator):
    """y_ij = x_{si + a, sj + b}: the pixel (a, b) of each cell of s×s, y (B, C, H/s, W/s).

    factor: s, a whole number. phase: (a, b), or (B, 2) for one per image. AAᵀ = I, so A† = Aᵀ puts
    zeros between the pixels. A camera with pixels s times as large is Decimation(s) @ Blur(k), k
    the box of s×s. Raises ValueError for a phase outside the cell and for x that does not divide
    into cells.
    """

    def __init__(self, factor, phase=(0, 0)):
        super().__init__()
        s = _checks.whole(factor, "factor")
        phase = torch.as_tensor(phase).reshape(-1, 2)
        if ((phase < 0) | (phase >= s)).any():
            raise ValueError(f"phase is {phase.tolist()}; it must lie in 0 … {s - 1}, the cell.")
        cell = torch.zeros(len(phase), s, s)
        cell[torch.arange(len(phase)), phase[:, 0], phase[:, 1]] = 1
        self.factor = s
        self.register_buffer("cell", cell[:, None, None, :, None, :])

    def forward(self, x):
        _checks.image(x)
        s = self.factor
        if x.shape[2] % s or x.shape[3] % s:
            raise ValueError(
                f"x is {tuple(x.shape[-2:])} pixels, which does not divide into cells of {s}×{s}; "
                "crop it."
            )
        return (self.cell * x.unflatten(3, (-1, s)).unflatten(2, (-1, s))).sum((3, 5))

    def adjoint(self, y):
        _checks.image(y, "y")
        return (self.cell * y[:, :, :, None, :, None]).flatten(4, 5).flatten(2, 3)

    def pinv(self, y):
        return self.adjoint(y)
