"""Gaussian noise of known, different strength in every measurement."""

import torch

from .. import _checks
from .._random import normal_like
from . import divergence
from .base import Noise
from .gaussian import Gaussian


class HeteroscedasticGaussian(Gaussian):
    """y_i = (Ax)_i + σ_i w_i, w ~ N(0, I): the thermal noise of an interferometer's baselines.

    sigma: σ in the units of y, of a shape that broadcasts to y, e.g. (1, 1, 1, m); 0 where nothing
    is measured and y_i = 0. split: as for one σ, y1 = y + √(α/(1−α)) σ∘w.
    stein: E f(y)ᵀ(y − Ax) = E Σ_i σ_i² ∂f_i/∂y_i. With a σ for each image, (N, 1, 1, 1) or
    (N, C, H, W), it is the law of these N images: `law[indices]` is that of some, and travels with
    them in `data.Measurements(y, A, noise=law)`.
    Raises ValueError for a negative σ_i, for σ = 0 and for y of another shape.
    """

    def __init__(self, sigma):
        Noise.__init__(self)
        sigma = _checks.floats(torch.as_tensor(sigma), "sigma")
        if (sigma < 0).any() or not sigma.any():
            raise ValueError(
                f"sigma lies in [{sigma.min():g}, {sigma.max():g}]; it must be 0 or positive, and "
                "positive somewhere."
            )
        self.register_buffer("sigma", sigma.reshape(*[1] * (4 - sigma.ndim), *sigma.shape).clone())

    @property
    def maps(self):
        return self.sigma.shape[-2:] != (1, 1)

    def cut(self, size, window):
        if not self.maps:
            return self
        part = self[:]
        part.sigma = window(self.sigma.expand(-1, -1, *size))
        return part

    def _sigma(self, y):
        try:
            return self.sigma.to(_checks.single(y)).expand_as(y)
        except RuntimeError as error:
            raise ValueError(
                f"sigma has shape {tuple(self.sigma.shape)}, which does not broadcast to y's "
                f"{tuple(y.shape)}; make the noise for these measurements."
            ) from error

    def draw(self, y, generator=None):
        return self._sigma(y) * normal_like(y, generator)

    def variance(self, y):
        return self._sigma(y).square()

    def spread(self, y):
        """v(y), and the smallest positive variance where nothing is measured."""
        return self.variance(y).clamp_min(float(self.sigma[self.sigma > 0].min()) ** 2)

    def tweedie(self, y, score, slope=None):
        """E[x | y] = y + σ²∘s."""
        return y + self.variance(y) * score

    def stein_exact(self, f, y, fy):
        return (self.variance(y) * divergence.partials(f, y)).sum()
