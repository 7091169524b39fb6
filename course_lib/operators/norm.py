"""The norm of an operator, and operators of norm 1."""

import torch

from .._random import normal_like
from .base import Operator, zero
from .parameters import as_numbers
from .solve import dot, largest


class Scaled(Operator):
    """(cA)x = c Ax, with adjoint cAᵀ and pseudo-inverse A†/c.

    Arguments:
        A: an operator
        factor: c, a number other than 0, or one per image, (B, 1, 1, 1)

    Example:
        >>> A = operators.Scaled(operators.Identity(), 2.0)
        >>> A(torch.ones(1, 1, 1, 1)).item(), A.pinv(torch.ones(1, 1, 1, 1)).item()
        (2.0, 0.5)
    """

    def __init__(self, A: Operator, factor: "float | torch.Tensor"):
        super().__init__()
        factor = as_numbers(factor, "factor")
        if (factor == 0).any() or factor.ndim not in (0, 4):
            raise ValueError("factor must be a number other than 0, or a tensor (B, 1, 1, 1).")
        self.A = A
        self.register_buffer("factor", factor.reshape(-1, 1, 1, 1))

    def forward(self, x):
        return self.factor * self.A(x)

    def adjoint(self, y):
        return self.factor * self.A.adjoint(y)

    def pinv(self, y, iterations=50, tolerance=None):
        return self.A.pinv(y / self.factor, iterations, tolerance)

    def filtered_backprojection(self, y):
        """That of a CT operator, divided by c."""
        return self.A.filtered_backprojection(y / self.factor)

    def measured(self, within=None):
        return self.A.measured(within)


def norm(A: Operator, shape: tuple, iterations: int = 200, tolerance: float = 1e-6) -> torch.Tensor:
    """‖A‖, the largest singular value, by power iteration on AᵀA from a random image.

    Returns (1, 1, 1, 1), or (B, 1, 1, 1) for a batch of B operators. Each estimate rises towards
    ‖A‖ and never exceeds it. Raises ValueError for A = 0.

    Arguments:
        A: an operator
        shape: (C, H, W) of the images
        iterations: at most so many
        tolerance: an estimate stops when it has changed by less, relatively, whatever the others do

    Example:
        >>> A = operators.Scaled(operators.Decimation(2), 3.0)
        >>> round(operators.norm(A, (1, 8, 8)).item(), 3)
        3.0
    """
    x = normal_like(zero(A).expand(1, *shape), torch.Generator().manual_seed(0))
    value, done = zero(A), torch.zeros((), dtype=torch.bool, device=x.device)
    for _ in range(iterations):
        x = x / largest(x)
        x = A.adjoint(A(x / dot(x, x).sqrt()))
        u = x / largest(x)
        size = dot(u, u).sqrt() * largest(x)  # x was of norm 1: → ‖A‖²
        if not size.all():
            raise ValueError(f"{type(A).__name__} maps images to 0; it cannot be scaled to norm 1.")
        previous, value = value, torch.where(done, value, size.sqrt())
        done = (value - previous).abs() <= tolerance * value
        if done.all():
            break
    return value


def unit(A: Operator, shape: tuple, iterations: int = 200) -> Scaled:
    """A/‖A‖ for images of `shape` (C, H, W): the operator of norm 1.

    Arguments:
        A: an operator
        shape: (C, H, W) of the images
        iterations: of `norm`

    Example:
        >>> A = operators.unit(operators.Radon([0.0, 60.0, 120.0], 8), (1, 8, 8))
        >>> round(operators.norm(A, (1, 8, 8)).item(), 3)
        1.0
    """
    return Scaled(A, 1 / norm(A, shape, iterations))
