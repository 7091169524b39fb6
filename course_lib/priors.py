"""Exact signal models: a prior and a noise law with a closed-form posterior mean and MMSE.

Each model has `noise`, `sample(shape, generator)`, `posterior_mean(y)` = E[x | y], `mmse()` =
(1/n) E‖x − E[x | y]‖² and `score(y)` = ∇ log p(y) (`log_prob` where y is discrete). They are the
floor under every learned estimator.
"""

import math

import torch

from . import _checks, noise
from ._random import gamma_like, normal_like, place


class GaussianPrior:
    """x ~ N(0, C) in R^n and y = x + σw: E[x | y] = C(C + σ²I)⁻¹ y, the Wiener filter.

    covariance: (n, n), positive semi-definite. Signals are (B, 1, 1, n).
    """

    def __init__(self, covariance, sigma):
        C = _checks.floats(covariance, "covariance").double()
        if C.ndim != 2 or not torch.allclose(C, C.T, atol=1e-6 * float(C.abs().max())):
            raise ValueError(f"covariance {tuple(C.shape)} is not symmetric; use C = (C + Cᵀ)/2.")
        values, self.vectors = torch.linalg.eigh(C)
        if values.min() < -1e-6 * values.max():
            raise ValueError(f"covariance has the negative eigenvalue {values.min():g}.")
        self.values = values.clamp_min(0)
        self.noise = noise.Gaussian(sigma)

    def _filter(self, y, gains):
        return ((y.double() @ self.vectors) * gains @ self.vectors.T).to(y.dtype)

    def sample(self, batch, generator=None):
        w = normal_like(torch.empty(batch, 1, 1, len(self.values)), generator)
        return self._filter(w, self.values.sqrt())

    def posterior_mean(self, y):
        return self._filter(y, self.values / (self.values + self.noise.sigma**2))

    def score(self, y):
        return self._filter(y, -1 / (self.values + self.noise.sigma**2))

    def mmse(self):
        variance = self.noise.sigma**2
        return float((self.values * variance / (self.values + variance)).mean())


class GaussianMixture:
    """Pixels x_i i.i.d. ~ Σ_k w_k N(μ_k, t²) and y = x + σw: a non-linear E[x | y].

    E[x | y] = Σ_k r_k(y) (μ_k + t²/(t² + σ²) (y − μ_k)), r_k(y) ∝ w_k N(y; μ_k, t² + σ²).
    Signals have any shape. The MMSE is a one-dimensional integral, by quadrature.
    """

    def __init__(self, weights, means, std, sigma):
        self.weights = torch.as_tensor(weights, dtype=torch.float64)
        self.means = torch.as_tensor(means, dtype=torch.float64)
        if abs(float(self.weights.sum()) - 1) > 1e-6 or self.weights.min() < 0:
            raise ValueError(f"weights {self.weights.tolist()} must be positive and sum to 1.")
        self.std, self.noise = _checks.positive(std, "std"), noise.Gaussian(sigma)

    def sample(self, shape, generator=None):
        like = torch.empty(shape)
        device = place(generator)
        k = torch.multinomial(
            self.weights.float().to(device), like.numel(), replacement=True, generator=generator
        )
        means = self.means.float().to(device)[k].view(shape)
        return means + self.std * normal_like(means, generator)

    def _responsibilities(self, y):
        """r_k(y) (on a last axis) and y − μ_k."""
        v = self.std**2 + self.noise.sigma**2
        deviation = y[..., None] - self.means.to(y)
        r = torch.softmax(self.weights.to(y).log() - deviation.square() / (2 * v), dim=-1)
        return r, deviation, v

    def posterior_mean(self, y):
        r, deviation, v = self._responsibilities(y)
        return (r * (self.means.to(y) + self.std**2 / v * deviation)).sum(-1)

    def score(self, y):
        r, deviation, v = self._responsibilities(y)
        return -(r * deviation).sum(-1) / v

    def mmse(self):
        """E[x²] − E[E[x | y]²], the second by the trapezoidal rule (exact to rounding)."""
        v = self.std**2 + self.noise.sigma**2
        reach = 12 * v**0.5
        y = torch.linspace(
            float(self.means.min()) - reach, float(self.means.max()) + reach, 20001
        ).double()
        p = torch.exp(-(y[:, None] - self.means).square() / (2 * v)) / (2 * math.pi * v) ** 0.5
        second = (self.weights * (self.means.square() + self.std**2)).sum()
        return float(second - torch.trapezoid(p @ self.weights * self.posterior_mean(y) ** 2, y))


class GammaPoisson:
    """Pixels x ~ Gamma(shape k, scale θ) and y = γz, z ~ Poisson(x/γ): E[x | y] is affine in y.

    E[x | y] = (k + y/γ)/(1/θ + 1/γ) = (y + γ) p(y + γ)/p(y), the second form being Robbins'.
    """

    def __init__(self, shape, scale, gain):
        self.shape, self.scale = _checks.positive(shape, "shape"), _checks.positive(scale, "scale")
        self.noise = noise.Poisson(gain)
        self.rate = 1 / self.scale + 1 / self.noise.gain

    def sample(self, shape, generator=None):
        return self.scale * gamma_like(self.shape, torch.empty(shape), generator)

    def posterior_mean(self, y):
        return (self.shape + y / self.noise.gain) / self.rate

    def log_prob(self, y):
        """log P(y): z = y/γ is negative binomial."""
        z, k, q = y / self.noise.gain, self.shape, self.scale / (self.scale + self.noise.gain)
        combinations = torch.lgamma(z + k) - torch.lgamma(z + 1) - math.lgamma(k)
        return combinations + k * math.log(1 - q) + z * math.log(q)

    def mmse(self):
        mean_counts = self.shape * self.scale / self.noise.gain
        return (self.shape + mean_counts) / self.rate**2


class InverseGammaGamma:
    """Pixels x ~ InverseGamma(a, b) and y = xu, u ~ Gamma(ℓ, 1/ℓ): E[x | y] = (b + ℓy)/(a + ℓ − 1).

    a > 2, so that the MMSE b²/((a−1)(a−2)(a+ℓ−1)) is finite.
    """

    def __init__(self, a, b, looks):
        self.a, self.b = _checks.positive(a, "a"), _checks.positive(b, "b")
        if self.a <= 2:
            raise ValueError(f"a is {self.a:g}; the MMSE is infinite unless a > 2.")
        self.noise = noise.Gamma(looks)

    def sample(self, shape, generator=None):
        return self.b / gamma_like(self.a, torch.empty(shape), generator)

    def posterior_mean(self, y):
        return (self.b + self.noise.looks * y) / (self.a + self.noise.looks - 1)

    def score(self, y):
        a, b, looks = self.a, self.b, self.noise.looks
        return (looks - 1) / y - looks * (a + looks) / (b + looks * y)

    def mmse(self):
        second = self.b**2 / ((self.a - 1) * (self.a - 2))
        return second / (self.a + self.noise.looks - 1)
