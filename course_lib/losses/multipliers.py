"""What the losses with several multipliers share: a velocity, and the offset of UNSURE."""

import torch

from .. import _checks
from .base import Loss


class Multipliers(Loss):
    """A loss that ascends multipliers of its own, as `UNSURE` does, along a smoothed slope.

    velocity: a buffer; v ← μ v + (1 − μ) slope. rate ρ, momentum μ in [0, 1), tau: the step of the
    two-sided divergence in noise standard deviations. Offset: the mean noise variance, which is
    E L − risk at any f that meets the constraints.
    """

    train_evals = 2

    def __init__(self, shape, rate, momentum, tau):
        super().__init__()
        self.rate, self.tau = _checks.fraction(rate, "rate"), _checks.positive(tau, "tau")
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum is {momentum:g}; it must lie in [0, 1).")
        self.momentum = float(momentum)
        self.register_buffer("velocity", torch.zeros(shape))

    def accelerate(self, slope):
        """The velocity after one more slope."""
        return self.velocity.mul_(self.momentum).add_((1 - self.momentum) * slope)

    def offset(self, noise, y):
        return noise.variance(y).mean()
