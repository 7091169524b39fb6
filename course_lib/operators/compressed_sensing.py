"""Compressed sensing: A is a random matrix."""

import torch

from .. import _checks
from .._random import place
from .base import Operator, as_numbers, check_image


class CompressedSensing(Operator):
    """y_k = Σ_ij Φ_kij x_ij for k = 1 … m, the same in every channel: y (B, C, 1, m).

    matrix: Φ, (m, H, W), or (B, m, H, W) for one matrix per image. `gaussian` and `signs` draw it
    with independent entries of mean 0 and variance 1/m, so that E AᵀA = I. Raises ValueError for
    another number of dimensions, m = 0 and x of another size.
    """

    def __init__(self, matrix):
        super().__init__()
        matrix = as_numbers(matrix, "matrix")
        if matrix.ndim not in (3, 4) or matrix.numel() == 0:
            raise ValueError(
                f"matrix has shape {tuple(matrix.shape)}; use (m, H, W) or (B, m, H, W), none 0."
            )
        self.register_buffer("matrix", matrix.reshape(-1, *matrix.shape[-3:]))

    @classmethod
    def gaussian(cls, m, size, batch=1, generator=None):
        """Φ_kij ~ N(0, 1/m) for images of `size` (H, W), with `batch` independent matrices."""
        return cls(torch.randn(**_drawn(m, size, batch, generator)) / m**0.5)

    @classmethod
    def signs(cls, m, size, batch=1, generator=None):
        """Φ_kij = ±1/√m, both equally likely."""
        return cls((2 * torch.randint(2, **_drawn(m, size, batch, generator)) - 1) / m**0.5)

    def forward(self, x):
        check_image(self, x, "x", self.matrix[:, :1])
        return torch.matmul(x.flatten(2), self.matrix.flatten(2).mT)[:, :, None]

    def adjoint(self, y):
        check_image(self, y, "y", (len(self.matrix), 1, 1, self.matrix.shape[1]))
        x = torch.matmul(y[:, :, 0], self.matrix.flatten(2))
        return x.unflatten(2, self.matrix.shape[-2:])


def _drawn(m, size, batch, generator):
    """Where and how many numbers are drawn: the matrix lies on the device of its generator."""
    shape = (_checks.whole(batch, "batch"), _checks.whole(m, "m"), *_checks.size(size))
    device = place(generator)
    return {"size": shape, "generator": generator, "device": device}
