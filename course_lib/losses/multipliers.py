"""What the losses with multipliers of their own share: a velocity, a start, an offset."""

import torch

from .. import _checks
from ..noise import estimate
from .base import Loss, variance

START = 0.25  # of the estimated noise: η rises while f, at first f(y) = y, has a divergence of 1


class Multipliers(Loss):
    """A loss that ascends multipliers of its own, as `UNSURE` does, along a smoothed slope.

    The multipliers are buffers, 0 as long as no start is given: the first call then takes a quarter
    of the noise that it estimates in its y (`begin`), so that nothing depends on the unit of y, and
    a checkpoint keeps it.
    velocity: a buffer; v ← μ v + (1 − μ) slope. rate ρ > 0, momentum μ in [0, 1), tau: the step of
    the two-sided divergence in noise standard deviations. Offset: the mean noise variance, which
    is E L − risk at any f that meets the constraints.
    """

    train_evals = 2

    def __init__(self, shape, rate, momentum, tau):
        super().__init__()
        self.rate, self.tau = _checks.positive(rate, "rate"), _checks.positive(tau, "tau")
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum is {momentum:g}; it must lie in [0, 1).")
        self.momentum = float(momentum)
        self.register_buffer("velocity", torch.zeros(shape))

    def begin(self, y, A):
        """Set the multipliers that have no start from y, at the first call."""
        raise NotImplementedError(f"{type(self).__name__} has no `begin`; write it.")

    def power(self, y):
        """The mean noise variance that the multipliers stand for."""
        return self.eta

    def accelerate(self, slope):
        """The velocity after one more slope."""
        return self.velocity.mul_(self.momentum).add_((1 - self.momentum) * slope)

    def offset(self, noise, y, A=None):
        return variance(noise, y, A).mean()


def start(value, name):
    """The start of a multiplier as a buffer: 0 for one that the first y sets."""
    return torch.tensor(0.0 if value is None else _checks.positive(value, name))


def first_power(y, A):
    """START times the noise variance of y, `estimate.sigma` squared, the mean over all images."""
    return START * estimate.sigma(y.detach(), A.measured()).square().mean()
