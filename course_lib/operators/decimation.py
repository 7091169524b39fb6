"""Decimation: A keeps one pixel in each cell of s × s."""

import torch

from .. import _checks
from .base import Operator, as_pairs, check_image


class Decimation(Operator):
    """y_ij = x_{si + a, sj + b}: the pixel (a, b) of each cell of s×s, y (B, C, H/s, W/s).

    factor: s, a whole number. phase: (a, b), or (B, 2) for one per image; by default the middle of
    the cell, a = b = (s − 1)//2, as a camera with pixels s times as large is then
    Decimation(s) @ Blur(k), k the box of s×s, whatever s. Other programs keep x[::s, ::s]: that is
    phase (0, 0), for s = 2 the default. AAᵀ = I, so A† = Aᵀ puts zeros between the pixels. Raises
    ValueError for a phase outside the cell and for x that does not divide into cells.
    """

    selects = "pixels"

    def __init__(self, factor, phase=None):
        super().__init__()
        self.factor = s = _checks.whole(factor, "factor")
        phase = as_pairs(((s - 1) // 2,) * 2 if phase is None else phase, "phase")
        if ((phase < 0) | (phase >= s)).any():
            raise ValueError(f"phase is {phase.tolist()}; it must lie in 0 … {s - 1}, the cell.")
        cell = torch.zeros(len(phase), s, s)
        cell[torch.arange(len(phase)), phase[:, 0], phase[:, 1]] = 1
        self.phase = tuple(phase[0].tolist()) if (phase == phase[0]).all() else None  # of all
        self.register_buffer("cell", cell[:, None, None, :, None, :])

    def forward(self, x):
        check_image(self, x)
        s = self.factor
        if x.shape[2] % s or x.shape[3] % s:
            raise ValueError(
                f"x is {tuple(x.shape[-2:])} pixels, which does not divide into cells of {s}×{s}; "
                "crop it."
            )
        if self.phase is None:
            return (self.cell * x.unflatten(3, (-1, s)).unflatten(2, (-1, s))).sum((3, 5))
        (a, b), batch = self.phase, max(len(x), len(self.cell))
        return x[:, :, a::s, b::s].expand(batch, -1, -1, -1)  # a view of x

    def adjoint(self, y):
        check_image(self, y, "y")
        if self.phase is None:
            return (self.cell * y[:, :, :, None, :, None]).flatten(4, 5).flatten(2, 3)
        (a, b), (batch, channels, h, w), s = self.phase, y.shape, self.factor
        x = y.new_zeros(max(batch, len(self.cell)), channels, h * s, w * s)
        x[:, :, a::s, b::s] = y
        return x

    def pinv(self, y):
        return self.adjoint(y)
