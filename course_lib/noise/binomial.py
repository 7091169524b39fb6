"""A fixed number of yes-or-no trials per pixel."""

import numpy as np
import torch

from .. import _checks
from .._random import on_generator
from .base import Noise


class Binomial(Noise):
    """y = z/ℓ, z ~ Binomial(ℓ, Ax): Var(y | x) = Ax(1 − Ax)/ℓ. Trials ℓ ≥ 2, Ax in [0, 1].

    split: w | z hypergeometric (the successes among αℓ of the ℓ trials), y1 = (z − w)/((1−α)ℓ),
    y2 = w/(αℓ) (Monroy et al. 2025); αℓ must be a whole number.
    stein: none can exist. E[x h(z)] is a polynomial of degree ℓ + 1 in x, and the mean of a
    statistic of ℓ trials has degree ℓ at most.
    """

    remaining = "R2R or Noise2Noise"

    def __init__(self, trials):
        super().__init__()
        self.trials = _checks.whole(trials, "trials")
        if self.trials < 2:
            raise ValueError("trials is 1; the variance and the split need at least 2.")

    def forward(self, Ax, generator=None):
        Ax = _checks.within(_checks.floats(Ax, "Ax"), 0, 1, "Ax, the rate of success,")
        trials = torch.full_like(Ax, self.trials)
        return on_generator(torch.binomial, trials, Ax, generator=generator) / self.trials

    def variance(self, y):
        return y * (1 - y) / (self.trials - 1)

    def probes(self, y, generator=None):
        return self.stein_exact(None, y, None)

    def split(self, y, alpha, generator=None):
        drawn = _checks.fraction(alpha, "alpha") * self.trials
        if abs(drawn - round(drawn)) > 1e-6:
            raise ValueError(
                f"alpha = {alpha:g} of {self.trials} trials is {drawn:g}; choose alpha such that "
                "alpha times trials is a whole number."
            )
        z = (_checks.floats(y) * self.trials).round()
        if (z / self.trials - y).abs().max() > 1e-3 / self.trials or (z < 0).any():
            raise ValueError(f"y is not a multiple of 1/{self.trials}; give the true trials.")
        seed = torch.randint(2**62, (1,), generator=generator, device=_device(generator)).item()
        successes = z.cpu().numpy().astype(np.int64)
        w = np.random.default_rng(seed).hypergeometric(
            successes, self.trials - successes, round(drawn)
        )
        w = torch.as_tensor(w, dtype=y.dtype, device=y.device)
        return (z - w) / (self.trials - drawn), w / drawn


def _device(generator):
    return "cpu" if generator is None else generator.device
