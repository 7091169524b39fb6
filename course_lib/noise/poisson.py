"""Photon counting, without and with read-out noise."""

import torch
from torch import Generator, Tensor

from .. import _checks
from .._random import binomial, normal_like, on_generator
from . import counts, divergence
from .base import Noise
from .divisible import Divisible


class Poisson(Divisible):
    """y = γz, z ~ Poisson(Ax/γ): Var(y | x) = γ Ax. Ax ≥ 0.

    split: w | z ~ Binomial(z, α), y1 = γ(z − w)/(1−α), y2 = γw/α (Monroy et al. 2025).
    stein: E f(y)ᵀ(y − Ax) = E Σ_i y_i (f_i(y) − f_i(y − γe_i)) (Hudson 1978); to first order in γ
    it is E Σ_i γy_i ∂f_i/∂y_i (Luisier et al. 2011), which "mc" and "hutchinson" estimate.
    Raises ValueError when y is not a multiple of γ, for more than 4·10⁹ counts a pixel, and for
    half precision. Warns once when all counts share a divisor, as they do when the true gain is a
    multiple of γ: no other check can tell.

    Arguments:
        gain: γ, what one count adds to y, in the units of y; a number above 0.

    Example:
        >>> law = noise.Poisson(gain=0.5)
        >>> y = law(torch.full((1, 1, 2, 2), 10.0))
        >>> torch.equal(law.variance(y), 0.5 * y), torch.equal(y, (2 * y).round() / 2)
        (True, True)
    """

    identities = ("variance", "split", "stein", "tweedie")

    def __init__(self, gain: float):
        super().__init__()
        self.gain = _checks.positive(gain, "gain")

    def forward(self, Ax: Tensor, generator: Generator | None = None) -> Tensor:
        Ax = _checks.within(_checks.single(Ax, "Ax"), 0, _checks.INF, "Ax, the Poisson rate,")
        counts.drawable(Ax / self.gain, self.gain)
        return self.gain * on_generator(torch.poisson, Ax / self.gain, generator=generator)

    def counts(self, y):
        """z = y/γ as whole numbers."""
        return counts.whole(
            self, y, self.gain, f"the gain {self.gain:g}",
            lambda k: f"the gain is probably {k * self.gain:g}",
        )  # fmt: skip

    def power(self, Ax):
        return self.gain * Ax.clamp_min(self.gain / 100)  # its root is ever steeper towards 0

    def variance(self, y: Tensor) -> Tensor:
        return self.gain * self.gain * self.counts(y)

    def share(self, y, alpha, rest=1.0, generator=None):
        """γw, w | z ~ Binomial(z, α), of y = γz; any `rest` of a Poisson y is Poisson again."""
        return self.gain * binomial(self.counts(y), alpha, generator)

    def spread(self, y: Tensor) -> Tensor:
        return self.gain * (y.clamp_min(0) + 2 * self.gain)  # two counts more: steady where y = 0

    def tweedie(self, y: Tensor, score: Tensor, slope: Tensor | None = None) -> Tensor:
        """E[x | y] = (y + γ) p(y + γ)/p(y) ≈ (y + γ) exp(γs + γ²s'/2) (Robbins 1956).

        Without the slope s', (y + γ/2) exp(γs) (Kim and Ye 2021). To first order both are
        y + γ + γys in the mean. See `bounded_exp` for a score that is wrong.
        """
        gain = self.gain
        if slope is None:
            return (y + gain / 2) * bounded_exp(gain * score, gain, gain * y)
        return (y + gain) * bounded_exp(gain * score + gain**2 * slope / 2, gain, gain * y)

    def stein_exact(self, f, y, fy):
        return (y * (fy - divergence.finite(f, y, -self.gain))).sum()


def bounded_exp(steps, gain, v):
    """exp(steps) for p(y + γ)/p(y), at most (1 + 2.4 γ/√(v + γ²))², v the variance of the noise.

    E[x | y] then stays below an x that makes so dark a y once in 10⁵ pixels: a score that is wrong
    by much, at a dark pixel above all, would make it infinite.
    """
    return torch.minimum(steps.exp(), (1 + 2.4 * gain / (v + gain**2).sqrt()).square())


class PoissonGaussian(Noise):
    """y = γz + σw, z ~ Poisson(Ax/γ), w ~ N(0, I): Var(y | x) = γ Ax + σ².

    stein: E Σ_i y_i (f_i(y) − f_i(y − γe_i)) + σ² ∂_i f_i(y − γe_i) (Le Montagner et al. 2014);
    to first order in γ it is E Σ_i (γy_i + σ²) ∂f_i/∂y_i. There is no independent split.

    Arguments:
        gain: γ, what one count adds to y, in the units of y; a number above 0.
        sigma: σ of the read-out noise, in the units of y; a number above 0.

    Example:
        >>> law = noise.PoissonGaussian(gain=0.5, sigma=2.0)
        >>> law.variance(torch.tensor([0.0, 10.0]))
        tensor([4., 9.])
    """

    identities = ("variance", "stein", "tweedie")

    def __init__(self, gain: float, sigma: float):
        super().__init__()
        self.poisson = Poisson(gain)
        self.gain, self.sigma = self.poisson.gain, _checks.positive(sigma, "sigma")

    def forward(self, Ax: Tensor, generator: Generator | None = None) -> Tensor:
        z = self.poisson(Ax, generator)
        return z + self.sigma * normal_like(z, generator)

    def power(self, Ax):
        return self.poisson.power(Ax) + self.sigma**2

    def variance(self, y: Tensor) -> Tensor:
        return self.gain * _checks.single(y) + self.sigma**2

    def spread(self, y: Tensor) -> Tensor:
        return self.poisson.spread(y) + self.sigma**2

    def tweedie(self, y: Tensor, score: Tensor, slope: Tensor | None = None) -> Tensor:
        """E[x | y] = (y + γ + σ² s(y + γ)) p(y + γ)/p(y), expanded about y as for `Poisson`."""
        gain = self.gain
        if slope is None:
            slope = -1 / (gain * (y.clamp_min(0) + gain / 2) + self.sigma**2)
        steps = gain * score + gain**2 * slope / 2
        ratio = bounded_exp(steps, gain, gain * y.clamp_min(0) + self.sigma**2)
        return (y + gain + self.sigma**2 * (score + gain * slope)) * ratio

    def stein_exact(self, f, y, fy):
        shifted = divergence.finite(f, y, -self.gain)
        slopes = divergence.partials(f, y, change=-self.gain)
        return (y * (fy - shifted) + self.sigma**2 * slopes).sum()
