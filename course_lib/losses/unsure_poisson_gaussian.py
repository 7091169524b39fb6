"""UNSURE for photon noise of unknown gain with read-out noise of unknown level."""

import torch

from .._random import normal_like
from ..noise import estimate
from .multipliers import START, Multipliers, first_power, start

LEAST = 0.05  # the least share of γ E y and of η in the mean variance that a start may have


class UNSUREPoissonGaussian(Multipliers):
    """L(f; y) = (1/m) Σ_i [½ Σ_± (f^± − y)_i² + (1/τ) (v_i/v̄) p_i (f⁺ − f⁻)_i], v = γy + η,
    f^± = A f(y ± τp, A), p ~ N(0, v̄I), v̄ = mean v: minimised over f, maximised over the
    multipliers η and γ, the buffers `eta` and `gain`.

    Assumes Poisson-Gaussian noise of unknown gain and σ, the same for all images, to first order in
    the gain, and a mean of y above zero. L estimates (1/m) ‖A f(y) − y‖² + (2/m) Σ_i v_i ∂_i f_i,
    ∂_i f_i = ∂(A f)_i/∂y_i. The saddle point is the best f with E Σ ∂_i f_i = 0 and
    E Σ y_i ∂_i f_i = 0. For A = I it is f*(y) = y + γ + (γy + η) ∘ s(y), s = ∇ log p, where per
    pixel
        η E s² + γ E[y s²] = 1,    η E[y s²] + γ (E[y² s²] − 1) = E y,
    if both are positive; otherwise one tends to 0 and its constraint becomes an inequality. There
    E L = risk + mean noise variance, the offset.
    In training each call ascends the logarithms, which keeps both positive in any unit of y,
        v ← μ v + (1 − μ) (mean ∂_i f_i, mean y_i ∂_i f_i / mean y),   (log η, log γ) += ρ v.
    In evaluation mode both stay, and the misfit is that at y, (A f(y, A) − y)².
    Raises ValueError when the mean of y is not above zero. Source: Tachella et al. (2025), section
    3.4; the optimum, in this form, by parts.

    Arguments:
        eta: the start of η, in the unit of y squared.
        gain: the start of γ, in the unit of y. None for either: a quarter of what
            `noise.estimate.gain` finds in the y of the first call.
        rate: ρ > 0, of the ascent of the logarithms.
        momentum: μ in [0, 1).
        tau: τ, the step of the divergence, in units of √v̄.

    Example:
        >>> loss = losses.UNSUREPoissonGaussian(eta=0.01, gain=0.1)
        >>> y = noise.PoissonGaussian(0.1, 0.1)(torch.full((8, 1, 32, 32), 2.0))
        >>> value = loss(lambda y, A: 0.5 * y, y, operators.Identity())
        >>> bool(loss.eta > 0.01 and loss.gain > 0.1)  # as E Σ ∂_i f_i > 0
        True
    """

    assumes = ("white",)

    def __init__(self, eta: float | None = None, gain: float | None = None, rate: float = 0.02,
                 momentum: float = 0.9, tau: float = 0.2):  # fmt: skip
        super().__init__(2, rate, momentum, tau)
        self.register_buffer("eta", start(eta, "eta"))
        self.register_buffer("gain", start(gain, "gain"))

    def begin(self, y, A):
        """γ and σ² in the ratio estimated; half of the variance each for small y or gaps."""
        if (mean := y.mean()) <= 0:
            raise ValueError(f"y has the mean {mean:g}; photon noise needs one above zero.")
        if self.eta and self.gain:
            return
        total, share = first_power(y, A), y.new_tensor(0.5)
        if A.measured() is None and estimate.blocks(y) >= estimate.ENOUGH:
            gain, sigma = estimate.gain(y.detach())
            total = START * (gain * mean + sigma**2)
            share = (START * gain * mean / total).clamp(LEAST, 1 - LEAST)
        self.eta.copy_(self.eta if self.eta else (1 - share) * total)
        self.gain.copy_(self.gain if self.gain else share * total / mean)

    def probes(self, y, generator=None):
        mean, v = self.power(y), self.gain * y + self.eta
        p = mean.sqrt() * normal_like(y, generator)
        return p, v / mean * p

    def power(self, y):
        return (self.gain * y + self.eta).mean()

    def slope(self, p, Jp, y):
        """The means of ∂_i f_i and of y_i ∂_i f_i / mean y, from E p_i (Jp)_i = v̄ ∂_i f_i."""
        diagonal = p * Jp / self.power(y)
        return torch.stack([diagonal.mean(), (y * diagonal).mean() / y.mean()])

    def ascend(self, slope):
        """One step of the multipliers."""
        step = torch.exp(self.rate * self.accelerate(slope))
        self.eta.mul_(step[0])
        self.gain.mul_(step[1])
