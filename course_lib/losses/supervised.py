"""The supervised loss: the only one that sees x."""

import torch

from .. import _checks
from .base import Loss, apply


class Supervised(Loss):
    """L(f; y, x) = (1/n) ‖f(y, A) − x‖², n counting all entries of x.

    Assumes ground truth x for every y. Its minimiser is E[x | y] and its minimum the MMSE. For
    A = I it is the risk itself: the offset is 0. `entries` are those of x. Raises ValueError when
    f(y, A) and x differ in shape. Source: the standard definition, e.g. Tachella (2025), Part 1.

    Example:
        >>> loss, x = losses.Supervised(), torch.ones(1, 1, 4, 4)
        >>> float(loss(lambda y, A: 0.5 * y, x, operators.Identity(), x))
        0.25
    """

    needs_x, judges, excess = True, True, 0

    def forward(self, f, y, A, x=None, noise=None, generator=None):
        return self.entries(f, y, A, x).mean()

    def entries(self, f, y, A, x=None):
        if not torch.is_tensor(x):
            raise TypeError("Supervised needs the ground truth x; give data.Pairs(x, A, noise).")
        x_hat = apply(f, y, A)
        _checks.same_shape(x_hat, _checks.floats(x, "x"), "f(y, A)", "x")
        return (x_hat - x).square()
