"""Decimation: A keeps one pixel in each cell of s × s."""

import torch
from torch.nn import functional as F

from .. import _checks
from .base import Operator
from .parameters import as_pairs


class Decimation(Operator):
    """y_ij = x_{si + a, sj + b}: the pixel (a, b) of each cell of s×s, y (B, C, H/s, W/s).

    AAᵀ = I, so A† = Aᵀ puts zeros between the pixels. A camera with pixels s times as large is
    Decimation(s) @ Blur(k), k the box of s×s, whatever s. Raises ValueError for a phase outside the
    cell and for x that does not divide into cells.

    Arguments:
        factor: s, a whole number
        phase: (a, b), or (B, 2) for one per image; None for the middle of the cell, a = b =
            (s − 1)//2. Other programs keep x[::s, ::s]: that is (0, 0), for s = 2 the default

    Example:
        >>> A = operators.Decimation(3)
        >>> A(torch.arange(36.0).view(1, 1, 6, 6)).tolist()
        [[[[7.0, 10.0], [25.0, 28.0]]]]
    """

    selects = "pixels"
    takes = gives = ("C", "H", "W")

    def __init__(self, factor: int, phase: "tuple | torch.Tensor | None" = None):
        super().__init__()
        self.factor = s = _checks.whole(factor, "factor")
        phase = as_pairs(((s - 1) // 2,) * 2 if phase is None else phase, "phase")
        if ((phase < 0) | (phase >= s)).any():
            raise ValueError(f"phase is {phase.tolist()}; it must lie in 0 … {s - 1}, the cell.")
        cell = F.one_hot(s * phase[:, 0] + phase[:, 1], s * s).float()
        self.phase = tuple(phase[0].tolist()) if (phase == phase[0]).all() else None  # of all
        self.register_buffer("cell", cell.view(-1, 1, 1, s, 1, s))

    def forward(self, x):
        s, size, batch = self.factor, tuple(x.shape[2:]), max(len(x), self.count)
        if size[0] % s or size[1] % s:
            raise ValueError(f"x is {size} pixels; crop it, it does not divide into {s}×{s} cells.")
        if self.phase is None:
            return (self.cell * x.unflatten(3, (-1, s)).unflatten(2, (-1, s))).sum((3, 5))
        a, b = self.phase
        return x[:, :, a::s, b::s].expand(batch, -1, -1, -1)  # a view of x

    def adjoint(self, y):
        (batch, channels, h, w), s = y.shape, self.factor
        if self.phase is None:
            return (self.cell * y[:, :, :, None, :, None]).flatten(4, 5).flatten(2, 3)
        x = y.new_zeros(max(batch, self.count), channels, h * s, w * s)
        x[:, :, self.phase[0] :: s, self.phase[1] :: s] = y
        return x
