"""A fixed number of yes-or-no trials per pixel."""

import numpy as np
import torch
from torch import Generator, Tensor

from .. import _checks
from .._random import binomial, place
from . import counts
from .divisible import Divisible


class Binomial(Divisible):
    """y = z/ℓ, z ~ Binomial(ℓ, Ax): Var(y | x) = Ax(1 − Ax)/ℓ. Ax in [0, 1].

    split: w | z hypergeometric (the successes among αℓ of the ℓ trials), y1 = (z − w)/((1−α)ℓ),
    y2 = w/(αℓ) (Monroy et al. 2025); αℓ must be a whole number.
    stein: none can exist. E[x h(z)] is a polynomial of degree ℓ + 1 in x, and the mean of a
    statistic of ℓ trials has degree ℓ at most.
    Raises ValueError when y is not a multiple of 1/ℓ in [0, 1], for 10⁹ trials or more, and for
    half precision. Warns once when all counts share a divisor of ℓ, as they do for fewer trials.

    Arguments:
        trials: ℓ, a whole number from 2 to 999 999 999.

    Example:
        >>> y = noise.Binomial(trials=4)(torch.full((1, 1, 64, 64), 0.5))
        >>> y.unique()
        tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """

    identities = ("variance", "split")

    def __init__(self, trials: int):
        super().__init__()
        must = "be at least 2, for the variance and the split, and at most 999999999, to be drawn"
        self.trials = _checks.whole(trials, "trials")
        _checks.number(self.trials, "trials", low=1, high=1e9, must=must)

    def forward(self, Ax: Tensor, generator: Generator | None = None) -> Tensor:
        Ax = _checks.within(_checks.single(Ax, "Ax"), 0, 1, "Ax, the rate of success,")
        return binomial(torch.full_like(Ax, self.trials), Ax, generator) / self.trials

    def counts(self, y):
        """z = ℓy as whole numbers."""
        return counts.whole(
            self, y, 1 / self.trials, f"1/{self.trials} in [0, 1]",
            lambda k: f"probably there were {self.trials // k} trials", self.trials,
        )  # fmt: skip

    def power(self, Ax):
        return Ax * (1 - Ax) / self.trials

    def variance(self, y: Tensor) -> Tensor:
        self.counts(y)
        return y * (1 - y) / (self.trials - 1)

    def share(self, y, alpha, rest=1.0, generator=None):
        """w/ℓ, w | z hypergeometric, drawn on the CPU."""
        drawn = alpha * self.trials
        if abs(drawn - round(drawn)) > 1e-6:
            raise ValueError(
                f"alpha = {alpha:g} of {self.trials} trials is {drawn:g}; choose alpha such that "
                "alpha times trials is a whole number."
            )
        z = self.counts(y).cpu().numpy().astype(np.int64)
        seed = torch.randint(2**62, (1,), generator=generator, device=place(generator)).item()
        w = np.random.default_rng(seed).hypergeometric(z, self.trials - z, round(drawn))
        return torch.as_tensor(w / self.trials).to(y)
