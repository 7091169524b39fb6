"""What the losses with multipliers of their own share: their formula, a velocity, a start."""

import torch

from .. import _checks
from ..noise import estimate
from .antithetic import antithetic
from .base import Loss

START = 0.25  # of the estimated noise: η rises while f, at first f(y) = y, has a divergence of 1


class Multipliers(Loss):
    """L(f; y) = (1/m) Σ_i [½ Σ_± (f^± − y)_i² + (1/τ) q_i (f⁺ − f⁻)_i], f^± = A f(y ± τp, A):
    minimised over f, and maximised over multipliers of its own that stand for the noise.

    p and q are probes with E[q pᵀ] = Σ, the covariance that the multipliers stand for, so that L
    estimates SURE of that covariance, plus its mean variance; in evaluation mode the misfit is that
    at y, (A f(y, A) − y)². The multipliers are buffers, 0 as long as no start is given: the first
    call then takes a quarter of the noise that it estimates in its y (`begin`), so that nothing
    depends on the unit of y, and a checkpoint keeps it. After computing L, a call in training mode
    moves them along a smoothed slope, the buffer `velocity`: v ← μ v + (1 − μ) slope.
    Offset: the mean noise variance, which is E L − risk at any f that meets the constraints.

    Arguments:
        shape: of the velocity.
        rate: ρ > 0, of the ascent.
        momentum: μ in [0, 1).
        tau: τ, the step of the two-sided divergence, in noise standard deviations.
    """

    train_evals, excess = 2, 1

    def __init__(self, shape, rate, momentum, tau):
        super().__init__()
        self.rate, self.tau = _checks.positive(rate, "rate"), _checks.positive(tau, "tau")
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum is {momentum:g}; it must lie in [0, 1).")
        self.momentum = float(momentum)
        self.register_buffer("velocity", torch.zeros(shape))

    def entries(self, f, y, A, noise=None, generator=None):
        if _checks.reads(y):  # at the first step, always
            self.begin(y, A)
        p, q = self.probes(y, generator)
        fit, d = antithetic(f, y, A, y + self.tau * p, y - self.tau * p, self.training)
        Jp = d / (2 * self.tau)
        if self.training:
            self.ascend(self.slope(p, Jp.detach(), y).to(self.velocity))
        return fit + 2 * q * Jp

    def begin(self, y, A):
        """Set the multipliers that have no start from y, at the first call."""

    def probes(self, y, generator=None):
        """(p, q) with E[q pᵀ] = Σ."""

    def slope(self, p, Jp, y):
        """By how much the mean of L rises with each multiplier, up to a factor; Jp: d/(2τ)."""

    def power(self, y):
        """The mean noise variance that the multipliers stand for."""
        return self.eta

    def accelerate(self, slope):
        """The velocity after one more slope."""
        return self.velocity.mul_(self.momentum).add_((1 - self.momentum) * slope)


def start(value, name):
    """The start of a multiplier as a buffer: 0 for one that the first y sets."""
    return torch.tensor(0.0 if value is None else _checks.positive(value, name))


def first_power(y, A):
    """START times the noise variance of y, `estimate.sigma` squared, the mean over all images."""
    return START * estimate.sigma(y.detach(), A.measured()).square().mean()
