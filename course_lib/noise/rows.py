"""Gaussian noise that neighbours in a row share, as that of a scanned line."""

import torch
from torch import Tensor

from .. import _checks
from .._random import normal_like
from .gaussian import Gaussian


class RowCorrelated(Gaussian):
    """y = Ax + ε, ε stationary along each row: E ε_t ε_{t−l} = σ² φ^|l|, rows independent.

    Its identities are those of correlated Gaussian noise, with this covariance.

    Arguments:
        sigma: σ, the standard deviation of each pixel, in the units of y.
        phi: φ, the correlation of neighbours in a row, in (0, 1).

    Example:
        >>> e = noise.RowCorrelated(0.1, phi=0.4)(torch.zeros(1, 1, 256, 256))
        >>> round(float((e[..., 1:] * e[..., :-1]).mean() / e.square().mean()), 1)
        0.4
    """

    def __init__(self, sigma: float, phi: float):
        super().__init__(sigma)
        self.phi = _checks.fraction(phi, "phi")

    def draw(self, y, generator=None):
        w = self.sigma * normal_like(y, generator)
        columns = [w[..., 0]]
        for fresh in w.unbind(-1)[1:]:
            columns.append(self.phi * columns[-1] + (1 - self.phi**2) ** 0.5 * fresh)
        return torch.stack(columns, -1)

    def covariance(self, u: Tensor) -> Tensor:
        i = torch.arange(u.shape[-1], device=u.device, dtype=u.dtype)
        return self.sigma**2 * u @ self.phi ** (i[:, None] - i).abs()
