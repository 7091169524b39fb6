"""Noise2Void: predict pixels that the input does not contain."""

from .. import _checks
from . import masking
from .base import Loss, misfit


class Noise2Void(Loss):
    """L(f; y) = (1/|J|) ‖(A f(ỹ, A) − y)_J‖², J one pixel in each cell of period×period.

    Assumes noise independent from pixel to pixel given x, and E[y | x] = Ax; nothing else about
    it. In ỹ each pixel of J has the value of another pixel, within `radius` and not in J. So ỹ and
    y_J are independent given x, and J holds every pixel equally often:
        E L = (1/m) Σ_i E[(A f(ỹ, A) − Ax)_i² | i ∈ J] + (1/m) E‖y − Ax‖²,
    the risk of f where it does not see y_i, plus the variance. At test time f(y, A), one
    evaluation, which sees all of y; the median asks for a network without a residual connection
    (`models.Direct`), as it is easily told from a noisy value. The published code lets the draw
    return y_i itself or another pixel of J: then the identity fails. y: images (B, C, H, W), all
    channels of a pixel hidden together. Raises ValueError for a period below 2 and for sizes that
    it does not divide.
    Source: Krull et al. (2019); Höck et al. (2022) for the median.

    Arguments:
        period: one pixel is hidden in each cell of period×period, whole, at least 2.
        radius: how far away its new value is taken from, in pixels.
        replace: "uniform" draws that value at random, "median" takes the median (Noise2Void 2).

    Example:
        >>> loss, y = losses.Noise2Void(period=4), torch.arange(64.0).view(1, 1, 8, 8)
        >>> y_tilde, J = loss.hide(y)
        >>> int(J.sum()), bool((y_tilde[J] != y[J]).all())  # one in each cell, replaced
        (4, True)
    """

    excess, assumes = 1, ("white",)

    def __init__(self, period: int = 8, radius: int = 5, replace: str = "uniform"):
        super().__init__()
        self.period, self.radius = _checks.whole(period, "period"), _checks.whole(radius, "radius")
        if self.period < 2:
            raise ValueError("period is 1, which hides every pixel; use at least 2.")
        self.replace = _checks.choice(replace, "replace", "uniform", "median")

    def hide(self, y, generator=None):
        """(ỹ, J): the input, and the mask of the pixels replaced in it."""
        hidden = masking.stratified(y, self.period, generator)
        if self.replace == "median":
            return masking.median(y, hidden, self.radius), hidden
        return masking.resample(y, hidden, self.radius, generator), hidden

    def entries(self, f, y, A, noise=None, generator=None):
        y_tilde, J = self.hide(y, generator)
        return self.period**2 * J * misfit(f, y_tilde, y, A)
