"""Monte Carlo with a standard error: the evidence behind every statement about an expectation."""

from typing import NamedTuple

import torch


class Estimate(NamedTuple):
    """A sample mean and its standard error."""

    mean: float
    error: float

    def z(self, truth=0.0):
        """How many standard errors the mean lies above `truth`."""
        return (self.mean - truth) / max(self.error, 1e-12)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def summary(values):
    """The Estimate of independent values; paired samples go in as their differences."""
    values = torch.as_tensor(values, dtype=torch.float64).flatten()
    return Estimate(float(values.mean()), float(values.std() / len(values) ** 0.5))


def estimate(draw, repeats=32, seed=0):
    """The Estimate of E draw(g), one independent scalar for each of `repeats` calls."""
    g = generator(seed)
    return summary([float(draw(g)) for _ in range(repeats)])


def correlations(a, b):
    """z-scores of the correlations between every row of a and every row of b: (p, q)."""
    a, b = ((m - m.mean(1, keepdim=True)) / m.std(1, keepdim=True) for m in (a, b))
    return a @ b.T / a.shape[1] ** 0.5
