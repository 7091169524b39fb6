"""The supervised loss: the only one that sees x."""

from .. import _checks
from .base import Loss


class Supervised(Loss):
    """L(f; y, x) = (1/n) ‖f(y, A) − x‖², n counting all entries of x.

    Assumes ground truth x for every y. Its minimiser is E[x | y] and its minimum the MMSE. For
    A = I it is the risk itself: the offset is 0. Raises ValueError when f(y, A) and x differ in
    shape. Source: the standard definition, e.g. Tachella (2025), Part 1.
    """

    def forward(self, f, y, A, x, generator=None):
        _checks.same_device(f, _checks.floats(y))
        x_hat = f(y, A)
        _checks.same_shape(x_hat, _checks.floats(x, "x"), "f(y, A)", "x")
        return (x_hat - x).square().mean()

    def offset(self, noise, y):
        return y.new_zeros(())
