"""Gaussian noise of known, different strength in every measurement."""

import torch
from torch import Tensor

from .. import _checks
from .base import Noise
from .gaussian import Gaussian


class HeteroscedasticGaussian(Gaussian):
    """y_i = (Ax)_i + σ_i w_i, w ~ N(0, I): the thermal noise of an interferometer's baselines.

    split: as for one σ, y1 = y + √(α/(1−α)) σ∘w. stein: E f(y)ᵀ(y − Ax) = E Σ_i σ_i² ∂f_i/∂y_i.
    tweedie: E[x | y] = y + σ²∘s. With a σ for each image it is the law of these N images:
    `law[indices]` is that of some, and travels with them in `data.Measurements(y, A, noise=law)`.
    Raises ValueError for a negative σ_i, for σ = 0 and for y of another shape.

    Arguments:
        sigma: σ in the units of y, a tensor of a shape that broadcasts to y, e.g. (1, 1, 1, m), or
            (N, 1, 1, 1) for one level an image; 0 where nothing is measured and y_i = 0.

    Example:
        >>> law = noise.HeteroscedasticGaussian(torch.tensor([0.1, 0.3]).view(2, 1, 1, 1))
        >>> law(torch.zeros(2, 1, 64, 64)).std(dim=(1, 2, 3)).round(decimals=1)
        tensor([0.1000, 0.3000])
    """

    def __init__(self, sigma: Tensor):
        Noise.__init__(self)
        sigma = _checks.floats(torch.as_tensor(sigma), "sigma")
        if (sigma < 0).any() or not sigma.any():
            raise ValueError(
                f"sigma lies in [{sigma.min():g}, {sigma.max():g}]; it must be 0 or positive, and "
                "positive somewhere."
            )
        self.register_buffer("sigma", sigma.reshape(*[1] * (4 - sigma.ndim), *sigma.shape))

    @property
    def maps(self):
        return self.sigma.shape[-2:] != (1, 1)

    def cut(self, size, window):
        part = self[:]
        part.sigma = window(self.sigma.expand(-1, -1, *size)) if self.maps else self.sigma
        return part

    def level(self, y):
        _checks.broadcasts(self.sigma, _checks.single(y), "sigma")
        return self.sigma.to(y)

    def spread(self, y: Tensor) -> Tensor:
        """v(y), and the smallest positive variance where nothing is measured."""
        return self.variance(y).clamp_min(float(self.sigma[self.sigma > 0].min()) ** 2)
