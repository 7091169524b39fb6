"""The supervised loss: the only one that sees x."""

import torch

from .. import _checks
from .base import Loss, apply


class Supervised(Loss):
    """L(f; y, x) = (1/n) ‖f(y, A) − x‖², n counting all entries of x.

    Assumes ground truth x for every y. Its minimiser is E[x | y] and its minimum the MMSE. For
    A = I it is the risk itself: the offset is 0. Raises ValueError when f(y, A) and x differ in
    shape. Source: the standard definition, e.g. Tachella (2025), Part 1.
    """

    def forward(self, f, y, A, x=None, noise=None, generator=None):
        if not torch.is_tensor(x):
            raise TypeError("Supervised needs the ground truth x; give data.Pairs(x, A, noise).")
        x_hat = apply(f, y, A)
        _checks.same_shape(x_hat, _checks.floats(x, "x"), "f(y, A)", "x")
        return (x_hat - x).square().mean()

    def scores(self, A):
        return True

    def offset(self, noise, y, A=None):
        return y.new_zeros(())
