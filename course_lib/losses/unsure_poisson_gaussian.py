"""UNSURE for photon noise of unknown gain with read-out noise of unknown level."""

import torch

from .. import _checks
from .._random import normal_like
from .base import measured
from .multipliers import Multipliers


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
    eta, gain: the start. tau: the step of the two-sided divergence in units of √(mean v).
    Raises ValueError when the mean of y is not above zero. Source: Tachella et al. (2025), section
    3.4; the optimum, in this form, by parts.
    """

    def __init__(self, eta=1e-3, gain=3e-3, rate=0.02, momentum=0.9, tau=0.2):
        super().__init__(2, rate, momentum, tau)
        self.register_buffer("eta", torch.tensor(_checks.positive(eta, "eta")))
        self.register_buffer("gain", torch.tensor(_checks.positive(gain, "gain")))

    def forward(self, f, y, A, generator=None):
        mean = _checks.floats(y).mean()
        if mean <= 0:
            raise ValueError(f"y has the mean {mean:g}; photon noise needs one above zero.")
        b, v = normal_like(y, generator), self.gain * y + self.eta
        step = self.tau * v.mean().sqrt()
        plus, minus = (measured(f, y + s * b, A) for s in (step, -step))
        slope = b * (plus - minus) / (2 * step)  # its mean over b: ∂_i f_i
        fit = ((plus - y).square().sum() + (minus - y).square().sum()) / 2
        value = (fit + 2 * (v * slope).sum()) / y.numel()
        if self.training:
            self.ascend(slope.detach().mean(), (y * slope.detach()).mean() / mean)
        return value

    def ascend(self, plain, weighted):
        """One step of the multipliers, for the mean slope and the mean weighted by y."""
        v = self.accelerate(torch.stack([plain, weighted]).to(self.velocity))
        self.eta *= torch.exp(self.rate * v[0])
        self.gain *= torch.exp(self.rate * v[1])
