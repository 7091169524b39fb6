"""Gaussian noise, white or correlated."""

import torch

from .. import _checks
from .._random import normal_like
from ..operators.blur import transfer
from . import divergence
from .base import Noise


class Gaussian(Noise):
    """y = Ax + σw, w ~ N(0, I). σ > 0 in the units of y.

    split: y1 = y + σ√(α/(1−α)) w, y2 = (y − (1−α) y1)/α = y − σ√((1−α)/α) w (Pang et al. 2021).
    stein: E f(y)ᵀ(y − Ax) = σ² E Σ_i ∂f_i/∂y_i (Stein 1981).
    """

    remaining = "SURE, R2R or Noise2Noise"

    def __init__(self, sigma):
        super().__init__()
        many = "noise.HeteroscedasticGaussian(sigma) takes one for each image or pixel"
        self.sigma = _checks.positive(sigma, "sigma", many)

    def forward(self, Ax, generator=None):
        return _checks.single(Ax, "Ax") + self.draw(Ax, generator)

    def draw(self, y, generator=None):
        """The noise alone, of y's shape."""
        return self.sigma * normal_like(y, generator)

    def smooth(self, Ax, generator=None):
        return self(Ax, generator)

    def variance(self, y):
        return torch.full_like(_checks.single(y), self.sigma**2)

    def split(self, y, alpha, generator=None):
        alpha = _checks.fraction(alpha, "alpha")
        y1 = _checks.single(y) + (alpha / (1 - alpha)) ** 0.5 * self.draw(y, generator)
        return y1, (y - (1 - alpha) * y1) / alpha

    def probes(self, y, generator=None):
        p = self.draw(y, generator)
        return p, p

    def tweedie(self, y, score, slope=None):
        """E[x | y] = y + σ² s (Robbins 1956, Efron 2011)."""
        return y + self.sigma**2 * score

    def stein_exact(self, f, y, fy):
        return self.sigma**2 * divergence.partials(f, y).sum()


class CorrelatedGaussian(Gaussian):
    """y = Ax + k ∗ w, w ~ N(0, I), with periodic borders: covariance Σ = K Kᵀ.

    kernel: (h, w) in the units of y, so that Var(y | x) = Σ_j k_j² in every pixel. `split` and
    `stein` are those of white noise with w ~ N(0, Σ) and tr(Σ ∂f/∂y). `stein` has no per-pixel
    "exact" form here: method="hutchinson" is unbiased.
    """

    shared = ("kernel",)

    def __init__(self, kernel):
        kernel = _checks.floats(torch.as_tensor(kernel), "kernel")
        if kernel.ndim != 2:
            raise ValueError(f"kernel has shape {tuple(kernel.shape)}; use (h, w).")
        super().__init__(sigma=kernel.square().sum().sqrt())
        self.register_buffer("kernel", kernel.clone())

    def draw(self, y, generator=None):
        w = torch.fft.rfft2(normal_like(y, generator))
        K = transfer(self.kernel.to(y), y.shape[-2:])
        return torch.fft.irfft2(K * w, s=y.shape[-2:])

    def tweedie(self, y, score, slope=None):
        """E[x | y] = y + Σs, Σ = K Kᵀ."""
        K = transfer(self.kernel.to(y), y.shape[-2:])
        return y + torch.fft.irfft2(K.abs().square() * torch.fft.rfft2(score), s=y.shape[-2:])

    def stein_exact(self, f, y, fy):
        raise NotImplementedError(
            "CorrelatedGaussian has no per-pixel form of Stein's identity; use "
            "method='hutchinson', which is unbiased, or method='mc'."
        )
