"""UNSURE for photon noise of unknown gain with read-out noise of unknown level."""

import torch

from .. import _checks
from .._random import normal_like
from ..noise import estimate
from .antithetic import antithetic
from .base import measured, observed
from .multipliers import START, Multipliers, first_power, start

LEAST = 0.05  # the least share of γ E y and of η in the mean variance that a start may have


class UNSUREPoissonGaussian(Multipliers):
    """L(f; y) = (1/m) ‖A f(y, A) − y‖² + (2/m) Σ_i v_i ∂(A f)_i/∂y_i, v = γy + η, to be minimised
    over f and maximised over the multipliers η and γ, the loss's buffers `eta` and `gain`.

    Assumes Poisson-Gaussian noise of unknown gain and σ, the same for all images, to first order in
    the gain, and a mean of y above zero. The saddle point is the best f with E Σ ∂_i f_i = 0 and
    E Σ y_i ∂_i f_i = 0. For A = I it is f*(y) = y + γ + (γy + η) ∘ s(y), s = ∇ log p, where per
    pixel
        η E s² + γ E[y s²] = 1,    η E[y s²] + γ (E[y² s²] − 1) = E y,
    if both are positive; otherwise one tends to 0 and its constraint becomes an inequality. There
    E L = risk + mean noise variance, the offset.
    In training each call ascends the logarithms, which keeps both positive in any unit of y,
        v ← μ v + (1 − μ) (mean ∂_i f_i, mean y_i ∂_i f_i / mean y),   (log η, log γ) += ρ v.
    eta, gain: the start; None, a quarter of what `noise.estimate.gain` finds in the y of the first
    call. tau: the step of the two-sided divergence in units of √(mean v).
    Raises ValueError when the mean of y is not above zero. Source: Tachella et al. (2025), section
    3.4; the optimum, in this form, by parts.
    """

    assumes = ("white",)

    def __init__(self, eta=None, gain=None, rate=0.02, momentum=0.9, tau=0.2):
        super().__init__(2, rate, momentum, tau)
        self.register_buffer("eta", start(eta, "eta"))
        self.register_buffer("gain", start(gain, "gain"))

    def forward(self, f, y, A, noise=None, generator=None):
        mean = _checks.floats(y).mean()
        if mean <= 0:
            raise ValueError(f"y has the mean {mean:g}; photon noise needs one above zero.")
        self.begin(y, A)
        b, v = normal_like(y, generator), self.gain * y + self.eta
        step = self.tau * v.mean().sqrt()
        fit, d = antithetic(
            lambda u: measured(f, u, A),
            y,
            observed(y, A),
            y + step * b,
            y - step * b,
            self.training,
        )
        slope = b * d / (2 * step)  # its mean over b: ∂_i f_i
        value = (fit + 2 * v * slope).mean()
        if self.training:
            self.ascend(slope.detach().mean(), (y * slope.detach()).mean() / mean)
        return value

    def begin(self, y, A):
        """γ and σ² in the ratio estimated; half of the variance each for small y or gaps."""
        if self.eta and self.gain:
            return
        total, share = first_power(y, A), y.new_tensor(0.5)
        if A.measured() is None and estimate.blocks(y) >= estimate.ENOUGH:
            gain, sigma = estimate.gain(y.detach())
            photons = START * gain * y.mean()
            total = photons + START * sigma**2
            share = (photons / total).clamp(LEAST, 1 - LEAST)
        self.eta.copy_(self.eta if self.eta else (1 - share) * total)
        self.gain.copy_(self.gain if self.gain else share * total / y.mean())

    def power(self, y):
        return (self.gain * y + self.eta).mean()

    def ascend(self, plain, weighted):
        """One step of the multipliers, for the mean slope and the mean weighted by y."""
        v = self.accelerate(torch.stack([plain, weighted]).to(self.velocity))
        self.eta *= torch.exp(self.rate * v[0])
        self.gain *= torch.exp(self.rate * v[1])
