"""A fixed number of yes-or-no trials per pixel."""

import math

import numpy as np
import torch

from .. import _checks
from .._random import binomial, place
from . import counts
from .base import Noise


class Binomial(Noise):
    """y = z/ℓ, z ~ Binomial(ℓ, Ax): Var(y | x) = Ax(1 − Ax)/ℓ. Trials ℓ ≥ 2, Ax in [0, 1].

    split: w | z hypergeometric (the successes among αℓ of the ℓ trials), y1 = (z − w)/((1−α)ℓ),
    y2 = w/(αℓ) (Monroy et al. 2025); αℓ must be a whole number.
    stein: none can exist. E[x h(z)] is a polynomial of degree ℓ + 1 in x, and the mean of a
    statistic of ℓ trials has degree ℓ at most.
    Raises ValueError when y is not a multiple of 1/ℓ in [0, 1], for 10⁹ trials or more, and for
    half precision. Warns once when all counts share a divisor of ℓ, as they do for fewer trials.
    """

    remaining = "R2R or Noise2Noise"

    def __init__(self, trials):
        super().__init__()
        self.trials = _checks.whole(trials, "trials")
        if self.trials < 2:
            raise ValueError("trials is 1; the variance and the split need at least 2.")
        if self.trials >= 1e9:
            raise ValueError(f"trials is {self.trials}; at most 999999999 can be drawn.")

    def forward(self, Ax, generator=None):
        Ax = _checks.within(_checks.single(Ax, "Ax"), 0, 1, "Ax, the rate of success,")
        return binomial(torch.full_like(Ax, self.trials), Ax, generator) / self.trials

    def counts(self, y):
        """z = ℓy as whole numbers."""
        z = (_checks.single(y) * self.trials).round()
        if (z / self.trials - y).abs().max() > 1e-3 / self.trials or ((z < 0) | (y > 1)).any():
            raise ValueError(f"y is not a multiple of 1/{self.trials}; give the true trials.")
        shared = math.gcd(counts.divisor(z), self.trials)
        if shared > 1:
            counts.tell_once(
                self,
                f"All counts of {self.trials} trials share the divisor {shared}: probably there "
                f"were {self.trials // shared}, and the variance is larger than computed here.",
            )
        return z

    def power(self, Ax):
        return Ax * (1 - Ax) / self.trials

    def variance(self, y):
        self.counts(y)
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
        z = self.counts(y)
        seed = torch.randint(2**62, (1,), generator=generator, device=place(generator)).item()
        successes = z.cpu().numpy().astype(np.int64)
        w = np.random.default_rng(seed).hypergeometric(
            successes, self.trials - successes, round(drawn)
        )
        w = torch.as_tensor(w, dtype=y.dtype, device=y.device)
        return (z - w) / (self.trials - drawn), w / drawn
