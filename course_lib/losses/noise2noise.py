"""Two independent noisy copies."""

from .. import _checks
from .base import Loss, apply, measured, observed, variance


class Noise2Noise(Loss):
    """L(f; y_a, y_b) = (1/m) ‖A f(y_a, A) − y_b‖², y the pair (y_a, y_b).

    Assumes y_a and y_b independent given x and E[y_b | x] = Ax; nothing else about the noise.
    E L = (1/m) E‖A f(y_a) − Ax‖² + (1/m) E‖y_b − Ax‖²: the risk at y_a's noise level plus the
    variance of y_b. Raises ValueError unless y is a pair of equal shapes.
    Source: Lehtinen et al. (2018); Mallows (1973).
    """

    def forward(self, f, y, A, noise=None, generator=None):
        y_a, y_b = _pair(y)
        return (measured(f, y_a, A) - observed(y_b, A)).square().mean()

    def scores(self, A):
        return True

    def offset(self, noise, y, A=None):
        return variance(noise, _pair(y)[1], A).mean()

    def reconstruct(self, f, y, A, noise=None, generator=None):
        """f(y, A) for a single y, or f(y_a, A) for a pair."""
        return apply(f, _pair(y)[0] if isinstance(y, (tuple, list)) else y, A)


def _pair(y):
    if not isinstance(y, (tuple, list)) or len(y) != 2:
        raise ValueError("Noise2Noise takes y = (y_a, y_b), two noisy copies; use R2R for one.")
    _checks.same_shape(y[0], _checks.floats(y[1], "y_b"), "y_a", "y_b")
    return y
