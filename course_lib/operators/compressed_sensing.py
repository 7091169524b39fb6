"""Compressed sensing: A is a random matrix."""

import torch

from .. import _checks
from .._random import place
from .base import Operator
from .parameters import as_numbers


class CompressedSensing(Operator):
    """y_k = Σ_ij Φ_kij x_ij for k = 1 … m, the same in every channel: y (B, C, 1, m).

    `gaussian` and `signs` draw Φ with independent entries of mean 0 and variance 1/m, so that
    E AᵀA = I. Raises ValueError for another number of dimensions, m = 0 and x of another size.

    Arguments:
        matrix: Φ, (m, H, W), or (B, m, H, W) for one matrix per image

    Example:
        >>> A = operators.CompressedSensing.gaussian(20, (8, 8))
        >>> A(torch.ones(1, 3, 8, 8)).shape
        torch.Size([1, 3, 1, 20])
    """

    def __init__(self, matrix: torch.Tensor):
        super().__init__()
        self.register_buffer("matrix", as_numbers(matrix, "matrix", ("m", "H", "W")))
        _, m, height, width = self.matrix.shape
        self.takes, self.gives = ("C", height, width), ("C", 1, m)

    @classmethod
    def gaussian(cls, m: int, size: tuple, batch: int = 1, generator=None):
        """Φ_kij ~ N(0, 1/m) for images of `size` (H, W), with `batch` independent matrices."""
        shape = (_checks.whole(batch, "batch"), _checks.whole(m, "m"), *_checks.size(size))
        return cls(torch.randn(shape, generator=generator, device=place(generator)) / m**0.5)

    @classmethod
    def signs(cls, m: int, size: tuple, batch: int = 1, generator=None):
        """Φ_kij = ±1/√m, both equally likely."""
        return cls(cls.gaussian(m, size, batch, generator).matrix.sign() / m**0.5)

    def forward(self, x):
        return torch.matmul(x.flatten(2), self.matrix.flatten(2).mT)[:, :, None]

    def adjoint(self, y):
        x = torch.matmul(y[:, :, 0], self.matrix.flatten(2))
        return x.unflatten(2, self.takes[1:])
