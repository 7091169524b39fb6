"""Photon counting, without and with read-out noise."""

import torch

from .. import _checks
from .._random import binomial, normal_like, on_generator
from . import counts, divergence
from .base import Noise


class Poisson(Noise):
    """y = γz, z ~ Poisson(Ax/γ): Var(y | x) = γ Ax. Gain γ > 0 in the units of y, Ax ≥ 0.

    split: w | z ~ Binomial(z, α), y1 = γ(z − w)/(1−α), y2 = γw/α (Monroy et al. 2025).
    stein: E f(y)ᵀ(y − Ax) = E Σ_i y_i (f_i(y) − f_i(y − γe_i)) (Hudson 1978); to first order in γ
    it is E Σ_i γy_i ∂f_i/∂y_i (Luisier et al. 2011), which "mc" and "hutchinson" estimate.
    Raises ValueError when y is not a multiple of γ, for more than 4·10⁹ counts a pixel, and for
    half precision. Warns once when all counts share a divisor, as they do when the true gain is a
    multiple of γ: no other check can tell.
    """

    remaining = "SURE, R2R or Noise2Noise"

    def __init__(self, gain):
        super().__init__()
        self.gain = _checks.positive(gain, "gain")

    def forward(self, Ax, generator=None):
        Ax = _checks.within(_checks.single(Ax, "Ax"), 0, float("inf"), "Ax, the Poisson rate,")
        self._countable(float(Ax.max()) / self.gain)
        return self.gain * on_generator(torch.poisson, Ax / self.gain, generator=generator)

    def _countable(self, most):
        if most > counts.LIMIT:
            raise ValueError(
                f"the gain {self.gain:g} makes {most:.3g} counts, and at most {counts.LIMIT:g} can "
                "be drawn; give the true gain, or a Gaussian law for noise so weak."
            )

    def counts(self, y):
        """z = y/γ as whole numbers."""
        z = _checks.single(y) / self.gain
        error = ((z - z.round()).abs() - 1e-6 * z.abs()).max()  # what rounding explains
        if error > 1e-2 or (z < -0.5).any():
            raise ValueError(
                f"y is not a multiple of the gain {self.gain:g} (off by {error:.2f} counts, "
                f"minimum {y.min():g}); give the gain with which y was recorded."
            )
        z = z.round()
        self._countable(float(z.max()))
        if (shared := counts.divisor(z)) > 1:
            counts.tell_once(
                self,
                f"All counts y/{self.gain:g} share the divisor {shared}: the gain is probably "
                f"{shared * self.gain:g}, and the variance {shared} times what is computed here.",
            )
        return z

    def power(self, Ax):
        return self.gain * Ax.clamp_min(self.gain / 100)  # its root is ever steeper towards 0

    def variance(self, y):
        return self.gain * self.gain * self.counts(y)

    def split(self, y, alpha, generator=None):
        alpha = _checks.fraction(alpha, "alpha")
        s = self.share(y, alpha, 1.0, generator)
        return (y - s) / (1 - alpha), s / alpha

    def share(self, y, alpha, rest, generator=None):
        """γw, w | z ~ Binomial(z, α), of y = γz; any `rest` of a Poisson y is Poisson again."""
        return self.gain * binomial(self.counts(y), alpha, generator)

    def twins(self, y, tau, generator=None):
        return self.shared_twins(y, tau, generator)

    def spread(self, y):
        return self.gain * (y.clamp_min(0) + 2 * self.gain)  # two counts more: steady where y = 0

    def tweedie(self, y, score, slope=None):
        """E[x | y] = (y + γ) p(y + γ)/p(y) ≈ (y + γ) exp(γs + γ²s'/2) (Robbins 1956).

        Without the slope s', (y + γ/2) exp(γs) (Kim and Ye 2021). To first order both are
        y + γ + γys in the mean. See `bounded_exp` for a score that is wrong.
        """
        if slope is None:
            return (y + self.gain / 2) * self._ratio(y, self.gain * score)
        return (y + self.gain) * self._ratio(y, self.gain * score + self.gain**2 * slope / 2)

    def _ratio(self, y, steps):
        return bounded_exp(steps, self.gain, self.gain * y)

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
    """

    remaining = "SURE or Noise2Noise"

    def __init__(self, gain, sigma):
        super().__init__()
        self.poisson = Poisson(gain)
        self.gain, self.sigma = self.poisson.gain, _checks.positive(sigma, "sigma")

    def forward(self, Ax, generator=None):
        z = self.poisson(Ax, generator)
        return z + self.sigma * normal_like(z, generator)

    def power(self, Ax):
        return self.poisson.power(Ax) + self.sigma**2

    def variance(self, y):
        return self.gain * _checks.single(y) + self.sigma**2

    def spread(self, y):
        return self.poisson.spread(y) + self.sigma**2

    def tweedie(self, y, score, slope=None):
        """E[x | y] = (y + γ + σ² s(y + γ)) p(y + γ)/p(y), expanded about y as for `Poisson`."""
        gain = self.gain
        if slope is None:
            slope = -1 / (gain * (y.clamp_min(0) + gain / 2) + self.sigma**2)
        steps = gain * score + gain**2 * slope / 2
        ratio = bounded_exp(steps, gain, gain * y.clamp_min(0) + self.sigma**2)
        return (y + gain + self.sigma**2 * (score + gain * slope)) * ratio

    def stein_exact(self, f, y, fy):
        shifted = divergence.finite(f, y, -self.gain)
        slopes = sum(
            e * torch.func.jvp(f, (y - self.gain * e,), (e.expand_as(y).contiguous(),))[1]
            for e in divergence.pixels(y)
        )
        return (y * (fy - shifted) + self.sigma**2 * slopes).sum()
