"""Exact signal models: a prior and a noise law with a closed-form posterior mean and MMSE.

Each model has `noise`, `sample(shape, generator)`, `posterior_mean(y)` = E[x | y], `mmse()` =
(1/n) E‖x − E[x | y]‖² and `score(y)` = ∇ log p(y) (`log_prob` where y is discrete). They are the
floor under every learned estimator. `Chains` has the posterior mean alone, for several laws.
"""

import math

import torch
from torch import Tensor

from . import _checks, noise
from ._random import gamma_like, normal_like, place
from ._repr import Called


class GaussianPrior:
    """x ~ N(0, C) in R^n and y = x + σw: E[x | y] = C(C + σ²I)⁻¹ y, the Wiener filter.

    Signals are (B, 1, 1, n). Raises ValueError for a matrix that is no covariance.

    Arguments:
        covariance: C, (n, n), symmetric and positive semi-definite, in the units of x squared.
        sigma: σ of the noise, in the units of x.

    Example:
        >>> model = priors.GaussianPrior(torch.eye(4), sigma=1.0)
        >>> model.posterior_mean(torch.ones(1, 1, 1, 4)), model.mmse()
        (tensor([[[[0.5000, 0.5000, 0.5000, 0.5000]]]]), 0.5)
    """

    __repr__ = Called.__repr__

    def __init__(self, covariance: Tensor, sigma: float):
        C = _checks.floats(covariance, "covariance").double()
        if C.ndim != 2 or not torch.allclose(C, C.T, atol=1e-6 * float(C.abs().max())):
            raise ValueError(f"covariance {tuple(C.shape)} is not symmetric; use C = (C + Cᵀ)/2.")
        values, self.vectors = torch.linalg.eigh(C)
        if values.min() < -1e-6 * values.max():
            raise ValueError(f"covariance has the negative eigenvalue {values.min():g}.")
        self.values, self.noise = values.clamp_min(0), noise.Gaussian(sigma)
        self.covariance, self.sigma = C, self.noise.sigma

    def _filter(self, y, gains):
        return ((y.double() @ self.vectors) * gains @ self.vectors.T).to(y.dtype)

    def sample(self, batch, generator=None):
        w = normal_like(torch.empty(batch, 1, 1, len(self.values)), generator)
        return self._filter(w, self.values.sqrt())

    def posterior_mean(self, y):
        return self._filter(y, self.values / (self.values + self.sigma**2))

    def score(self, y):
        return self._filter(y, -1 / (self.values + self.sigma**2))

    def mmse(self):
        return float((self.values * self.sigma**2 / (self.values + self.sigma**2)).mean())


class GaussianMixture:
    """Pixels x_i i.i.d. ~ Σ_k w_k N(μ_k, t²) and y = x + σw: a non-linear E[x | y].

    E[x | y] = Σ_k r_k(y) (μ_k + t²/(t² + σ²) (y − μ_k)), r_k(y) ∝ w_k N(y; μ_k, t² + σ²).
    Signals have any shape. The MMSE is a one-dimensional integral, by quadrature. Raises
    ValueError for weights that are no probabilities.

    Arguments:
        weights: the w_k, which sum to 1.
        means: the μ_k, as many, in the units of x.
        std: t, of every component, in the units of x.
        sigma: σ of the noise, in the units of x.

    Example:
        >>> model = priors.GaussianMixture([0.5, 0.5], [-1.0, 1.0], std=0.1, sigma=0.5)
        >>> model.posterior_mean(torch.tensor([-1.0, 0.0, 1.0])).round(decimals=2)
        tensor([-1.,  0.,  1.])
        >>> round(model.mmse(), 3)
        0.079
    """

    __repr__ = Called.__repr__

    def __init__(self, weights: list, means: list, std: float, sigma: float):
        self.weights = torch.as_tensor(weights, dtype=torch.float64)
        self.means = torch.as_tensor(means, dtype=torch.float64)
        if abs(float(self.weights.sum()) - 1) > 1e-6 or self.weights.min() < 0:
            raise ValueError(f"weights {self.weights.tolist()} must be positive and sum to 1.")
        self.std, self.noise = _checks.positive(std, "std"), noise.Gaussian(sigma)
        self.sigma, self.v = self.noise.sigma, self.std**2 + self.noise.sigma**2

    def sample(self, shape, generator=None):
        device, count = place(generator), math.prod(shape)
        weights, means = (u.float().to(device) for u in (self.weights, self.means))
        k = torch.multinomial(weights, count, replacement=True, generator=generator)
        return means[k].view(shape) + self.std * normal_like(means[k].view(shape), generator)

    def _responsibilities(self, y):
        """r_k(y), on a last axis, and y − μ_k."""
        deviation = y[..., None] - self.means.to(y)
        log_r = self.weights.to(y).log() - deviation.square() / (2 * self.v)
        return torch.softmax(log_r, dim=-1), deviation

    def posterior_mean(self, y):
        r, deviation = self._responsibilities(y)
        return (r * (self.means.to(y) + self.std**2 / self.v * deviation)).sum(-1)

    def score(self, y):
        r, deviation = self._responsibilities(y)
        return -(r * deviation).sum(-1) / self.v

    def mmse(self):
        """E[x²] − E[E[x | y]²], the second by the trapezoidal rule (exact to rounding)."""
        reach = 12 * self.v**0.5
        ends = float(self.means.min()) - reach, float(self.means.max()) + reach
        y = torch.linspace(*ends, 20001, dtype=torch.float64)
        bells = torch.exp(-(y[:, None] - self.means).square() / (2 * self.v))
        p = bells @ self.weights / (2 * math.pi * self.v) ** 0.5
        second = (self.weights * (self.means.square() + self.std**2)).sum()
        return float(second - torch.trapezoid(p * self.posterior_mean(y) ** 2, y))


class GammaPoisson:
    """Pixels x ~ Gamma(shape k, scale θ) and y = γz, z ~ Poisson(x/γ): E[x | y] is affine in y.

    E[x | y] = (k + y/γ)/(1/θ + 1/γ) = (y + γ) p(y + γ)/p(y), the second form being Robbins'.

    Arguments:
        shape: k, of the Gamma prior, a number above 0.
        scale: θ, in the units of x; E x = kθ.
        gain: γ, what one count adds to y, in the units of x.

    Example:
        >>> model = priors.GammaPoisson(shape=3.0, scale=0.5, gain=0.5)
        >>> model.posterior_mean(torch.tensor([0.0, 1.0])), model.mmse()
        (tensor([0.7500, 1.2500]), 0.375)
    """

    __repr__ = Called.__repr__

    def __init__(self, shape: float, scale: float, gain: float):
        self.shape, self.scale = _checks.positive(shape, "shape"), _checks.positive(scale, "scale")
        self.noise = noise.Poisson(gain)
        self.gain, self.rate = self.noise.gain, 1 / self.scale + 1 / self.noise.gain

    def sample(self, shape, generator=None):
        return self.scale * gamma_like(self.shape, torch.empty(shape), generator)

    def posterior_mean(self, y):
        return (self.shape + y / self.gain) / self.rate

    def log_prob(self, y):
        """log P(y): z = y/γ is negative binomial."""
        z, k, q = y / self.gain, self.shape, self.scale / (self.scale + self.gain)
        combinations = torch.lgamma(z + k) - torch.lgamma(z + 1) - math.lgamma(k)
        return combinations + k * math.log(1 - q) + z * math.log(q)

    def mmse(self):
        mean_counts = self.shape * self.scale / self.gain
        return (self.shape + mean_counts) / self.rate**2


class InverseGammaGamma:
    """Pixels x ~ InverseGamma(a, b) and y = xu, u ~ Gamma(ℓ, 1/ℓ): E[x | y] = (b + ℓy)/(a + ℓ − 1).

    The MMSE is b²/((a−1)(a−2)(a+ℓ−1)). Raises ValueError for a ≤ 2, where it is infinite.

    Arguments:
        a: the shape of the prior, above 2.
        b: its scale, in the units of x; E x = b/(a − 1).
        looks: ℓ, of the speckle.

    Example:
        >>> model = priors.InverseGammaGamma(a=3.0, b=2.0, looks=4)
        >>> model.posterior_mean(torch.tensor([0.0, 1.0])), round(model.mmse(), 3)
        (tensor([0.3333, 1.0000]), 0.333)
    """

    __repr__ = Called.__repr__

    def __init__(self, a: float, b: float, looks: float):
        self.a, self.b = _checks.number(a, "a", low=2, must="be above 2"), _checks.positive(b, "b")
        self.noise = noise.Gamma(looks)
        self.looks = self.noise.looks

    def sample(self, shape, generator=None):
        return self.b / gamma_like(self.a, torch.empty(shape), generator)

    def posterior_mean(self, y):
        return (self.b + self.looks * y) / (self.a + self.looks - 1)

    def score(self, y):
        a, b, looks = self.a, self.b, self.looks
        return (looks - 1) / y - looks * (a + looks) / (b + looks * y)

    def mmse(self):
        return self.b**2 / ((self.a - 1) * (self.a - 2) * (self.a + self.looks - 1))


class Chains:
    """Images whose rows are two-level Markov chains, and their noise: E[x | y] is exact.

    A row is stationary and keeps its level from one pixel to the next with probability `stay`; rows
    are independent. log p(y) by the forward algorithm (Baum et al. 1970); its derivative with
    respect to the log-likelihoods of a pixel is P(x_i | y), and divided by p(y_i | x_i), for noise
    that is independent from pixel to pixel, P(x_i | y_j, j ≠ i).

    Arguments:
        law: `noise.Gaussian`, `noise.Poisson` or `noise.RowCorrelated`.
        levels: the two values, above 0 for Poisson noise; in the units of y.
        stay: the probability that the next pixel has the same value, in (0, 1).

    Example:
        >>> model = priors.Chains(noise.Gaussian(0.1))
        >>> x = model.sample((4, 1, 16, 32))
        >>> y = model.noise(x)
        >>> bool((model.posterior_mean(y) - x).square().mean() < 0.5 * (y - x).square().mean())
        True
    """

    __repr__ = Called.__repr__

    def __init__(self, law: noise.Noise, levels: tuple = (0.4, 0.6), stay: float = 0.9):
        self.law = self.noise = law
        self.levels, self.stay = torch.tensor(levels), _checks.fraction(stay, "stay")

    def sample(self, shape, generator=None):
        """x of shape (B, 1, H, W)."""
        change = torch.rand(shape, generator=generator) > self.stay
        change[..., 0] = torch.rand(shape[:-1], generator=generator) < 0.5
        return self.levels[change.cumsum(-1) % 2]

    def log_likelihood(self, y):
        """log p(y_t | x_t = k, x_{t−1} = j, y_{t−1}) up to a constant: (..., T, 2, 2)."""
        values = self.levels.to(y)
        if isinstance(self.noise, noise.Poisson):
            e = self.noise.counts(y)[..., None] * values.log() - values / self.noise.gain
            return e[..., None, :].expand(*e.shape, 2)
        phi, residual = getattr(self.noise, "phi", 0.0), y[..., None] - values
        before = torch.nn.functional.pad(residual[..., :-1, :], (0, 0, 1, 0))
        innovation = residual[..., None, :] - phi * before[..., :, None]
        share = torch.full_like(y, 1 - phi**2)
        share[..., 0] = 1
        return -innovation.square() / (2 * self.noise.sigma**2 * share[..., None, None])

    def probabilities(self, y):
        """(P(x_i = upper | y), P(x_i = upper | y_j, j ≠ i)), shaped like y."""
        log_e = self.log_likelihood(y.detach().double().flatten(0, -2)).requires_grad_()
        step = torch.tensor([[self.stay, 1 - self.stay], [1 - self.stay, self.stay]]).double().log()
        with torch.enable_grad():
            forward = log_e[:, 0, 0]
            for e in log_e.unbind(1)[1:]:
                forward = (forward[:, :, None] + step + e).logsumexp(1)
            full = torch.autograd.grad(forward.logsumexp(1).sum(), log_e)[0].sum(2)
        blind = (full.log() - log_e.detach()[:, :, 0]).softmax(-1)
        return full[..., 1].view(y.shape), blind[..., 1].view(y.shape)

    def posterior_mean(self, y):
        """E[x | y]."""
        return self._mean(self.probabilities(y)[0]).to(y.dtype)

    def blind_mean(self, y):
        """E[x_i | y_j, j ≠ i], the best that a blind-spot network can do."""
        return self._mean(self.probabilities(y)[1]).to(y.dtype)

    def _mean(self, p):
        low, high = self.levels.double()
        return low + (high - low) * p
