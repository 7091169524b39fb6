"""The physics behind CT: X-ray photons that are not absorbed are counted."""

import torch

from .. import _checks
from .base import Operator
from .norm import Scaled
from .radon import Radon


class Transmission(Operator):
    """ȳ = I₀ e^{−Ax}, the mean photon counts behind a body of attenuation x ≥ 0. Not linear.

    x is in units of 1/pixel, so that Ax has no unit. Counts are Poisson and the read-out adds
    Gaussian noise of σ counts: `noise.PoissonGaussian(1.0, sigma)`, or `noise.Poisson(1.0)`.
    `log(y)` undoes the exponential and `pinv(y)` then applies `A.filtered_backprojection`. There is
    no adjoint: the gradient of a data term comes from automatic differentiation. Raises ValueError
    as A does.

    Arguments:
        A: a `Radon` operator, or one that is `Scaled`
        photons: I₀, what y is without a body
        gain: what one photon adds to y, as of `noise.Poisson`; default 1, y in counts.

    Example:
        >>> T = operators.Transmission(operators.Radon([0.0], 2, 2), photons=1000.0)
        >>> T(torch.full((1, 1, 2, 2), 0.5)).round().tolist()  # e⁻¹ of them arrive
        [[[[368.0, 368.0]]]]
    """

    linear = False

    def __init__(self, A: Radon | Scaled, photons: float, gain: float = 1.0):
        super().__init__()
        if not isinstance(A.A if isinstance(A, Scaled) else A, Radon):
            raise TypeError(f"A is a {type(A).__name__}; give a Radon operator, or a scaled one.")
        self.A, self.photons = A, _checks.positive(photons, "photons")
        self.gain = _checks.positive(gain, "gain")

    def forward(self, x):
        return self.photons * torch.exp(-self.A(x))

    def log(self, y: torch.Tensor) -> torch.Tensor:
        """−log(y/I₀), less than a photon taken for one: about Ax, with noise of variance gain/y."""
        return -torch.log(_checks.floats(y).clamp_min(self.gain) / self.photons)

    def pinv(self, y, iterations=50, tolerance=None):
        return self.A.filtered_backprojection(self.log(y))

    def adjoint(self, y):
        raise NotImplementedError("Transmission is not linear: no adjoint; use A.adjoint(log(y)).")

    def check(self, y):
        self.A.check(y)
