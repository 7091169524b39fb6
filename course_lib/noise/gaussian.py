"""Gaussian noise, white or correlated."""

import torch
from torch import Generator, Tensor

from .. import _checks
from .._random import normal_like
from ..operators.blur import transfer
from . import divergence
from .base import Noise


class Gaussian(Noise):
    """y = Ax + σw, w ~ N(0, I).

    split: y1 = y + σ√(α/(1−α)) w, y2 = (y − (1−α) y1)/α = y − σ√((1−α)/α) w (Pang et al. 2021).
    stein: E f(y)ᵀ(y − Ax) = σ² E Σ_i ∂f_i/∂y_i (Stein 1981).
    tweedie: E[x | y] = y + σ² s (Robbins 1956, Efron 2011).
    Raises ValueError for σ that is not one positive number.

    Arguments:
        sigma: σ, the standard deviation in the units of y; a number above 0.

    Example:
        >>> y = noise.Gaussian(0.1)(torch.zeros(1, 1, 64, 64))
        >>> round(float(y.std()), 2)
        0.1
    """

    identities = ("variance", "split", "stein", "tweedie")

    def __init__(self, sigma: float):
        super().__init__()
        many = "noise.HeteroscedasticGaussian(sigma) takes one for each image or pixel"
        self.sigma = _checks.positive(sigma, "sigma", many)

    def forward(self, Ax: Tensor, generator: Generator | None = None) -> Tensor:
        return _checks.single(Ax, "Ax") + self.draw(Ax, generator)

    def level(self, y):
        """σ, which broadcasts to y."""
        return self.sigma

    def draw(self, y, generator=None):
        """The noise alone, of y's shape."""
        return self.level(y) * normal_like(y, generator)

    def smooth(self, Ax, generator=None):
        return self(Ax, generator)

    def covariance(self, u):
        """Σu, Σ the covariance of the noise."""
        return self.level(u) ** 2 * u

    def variance(self, y: Tensor) -> Tensor:
        return self.level(y) ** 2 * torch.ones_like(_checks.single(y))

    def split(self, y: Tensor, alpha: float, generator: Generator | None = None):
        alpha = _checks.fraction(alpha, "alpha")
        y1 = _checks.single(y) + (alpha / (1 - alpha)) ** 0.5 * self.draw(y, generator)
        return y1, (y - (1 - alpha) * y1) / alpha

    def probes(self, y, generator=None):
        p = self.draw(y, generator)
        return p, p

    def tweedie(self, y: Tensor, score: Tensor, slope: Tensor | None = None) -> Tensor:
        """E[x | y] = y + Σs."""
        return y + self.covariance(score)

    def stein_exact(self, f, y, fy):
        """tr(Σ ∂f/∂y)."""
        return divergence.partials(f, y, self.covariance).sum()


class CorrelatedGaussian(Gaussian):
    """y = Ax + k ∗ w, w ~ N(0, I), with periodic borders: covariance Σ = K Kᵀ.

    Var(y | x) = Σ_j k_j² in every pixel. `split`, `stein` and `tweedie` are those of white noise
    with w ~ N(0, Σ), tr(Σ ∂f/∂y) and y + Σs.
    Raises ValueError for a kernel of another shape, or larger than the image.

    Arguments:
        kernel: k, (h, w), in the units of y; shared by all images.

    Example:
        >>> law = noise.CorrelatedGaussian(torch.full((3, 3), 0.1))
        >>> round(float(law.sigma), 2)
        0.3
    """

    shared = ("kernel",)

    def __init__(self, kernel: Tensor):
        kernel = _checks.floats(torch.as_tensor(kernel), "kernel")
        if kernel.ndim != 2:
            raise ValueError(f"kernel has shape {tuple(kernel.shape)}; use (h, w).")
        super().__init__(sigma=kernel.square().sum().sqrt())
        self.register_buffer("kernel", kernel)

    def _filter(self, u, power):
        K = transfer(self.kernel.to(u), u.shape[-2:])
        return torch.fft.irfft2(power(K) * torch.fft.rfft2(u), s=u.shape[-2:])

    def draw(self, y, generator=None):
        return self._filter(normal_like(y, generator), lambda K: K)

    def covariance(self, u):
        return self._filter(u, lambda K: K.abs().square())
