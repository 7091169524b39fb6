"""Very-long-baseline interferometry: A samples the Fourier transform of the sky along tracks."""

import math

import torch

from .. import _checks
from . import fourier
from .base import Operator
from .parameters import Numbers, limited
from .telescopes import EHT2017, LIGHT, M87, tracks

__all__ = ["EHT2017", "LIGHT", "M87", "MICROARCSECOND", "Interferometry", "tracks"]
MICROARCSECOND = math.pi / 180 / 3600 * 1e-6  # rad


LIMITS = {
    "u": (("m",), -1e15, 1e15, "it is in wavelengths"),
    "v": (("m",), -1e15, 1e15, "it is in wavelengths"),
    "sigma": (("m",), 0, 1e15, "it must be 0 or positive, in Jy"),
    "field": (None, 1e-3, 1e12, "it is in microarcseconds, above 0"),
}


class Interferometry(Operator):
    """V_k = Σ_ij x_ij e^{−2πi(u_k l_j + v_k m_i)}, y = (Re V, Im V) as channels: (B, 2C, 1, m).

    x is the sky, north up and east left, l_j = ((W−1)/2 − j)Δ, m_i = ((H−1)/2 − i)Δ, Δ = field/W. x
    in Jy per pixel gives y in Jy. The transform is exact, without gridding; the matrix is never
    stored. Raises ValueError for u, v, sigma of different shapes or with NaN, and for x of another
    size. The eht-imaging package has the conjugate of V (for its u, v give −u, −v), and V of an
    image smoothed by its `pulse`, which here is a point.

    Arguments:
        u, v: (m,) or (B, m) in wavelengths
        size: (H, W) or one number
        field: the width of the sky, in microarcseconds
        sigma: (m,) or (B, m), the thermal noise in Jy, kept as `A.sigma` (1 or B, 1, 1, m) for
            `noise.HeteroscedasticGaussian(A.sigma)`; where it is 0 nothing was measured, and y = 0.
            None for 1

    Example:
        >>> A = operators.Interferometry(torch.tensor([0.0, 3e9]), torch.tensor([0.0, 1e9]), size=8)
        >>> y = A(torch.ones(1, 1, 8, 8))  # Re and Im on two baselines; the first sees the flux
        >>> y.shape, y[0, :, 0, 0].tolist()
        (torch.Size([1, 2, 1, 2]), [64.0, 0.0])
    """

    def __init__(self, u: torch.Tensor, v: torch.Tensor, size: "int | tuple" = 32,
                 field: float = 160.0, sigma: "torch.Tensor | None" = None):  # fmt: skip
        super().__init__()
        given = {"u": u, "v": v, "field": field} | ({} if sigma is None else {"sigma": sigma})
        u, v, field, *rest = limited(LIMITS, **given).values()
        sigma = rest[0] if rest else torch.ones_like(u)
        _checks.same_shape(u[0], v[0], "u", "v")
        _checks.same_shape(u[0], sigma[0], "u", "sigma")
        height, width = _checks.size(size)
        pixel = field * MICROARCSECOND / width
        self.register_buffer("rows", _waves(v, height, pixel))
        self.register_buffer("columns", (sigma > 0)[..., None, None] * _waves(u, width, pixel))
        self.register_buffer("sigma", sigma[:, None, None].to(u))
        self.takes, self.gives = ("C", height, width), ("2C", 1, u.shape[1])

    @classmethod
    def eht(cls, declination: Numbers = M87[1], hours: "torch.Tensor | None" = None,
            size: "int | tuple" = 32, field: float = 160.0, stations: dict = EHT2017):  # fmt: skip
        """The Event Horizon Telescope of 2017 on one source or a batch of G of them, see `tracks`.

        Without arguments a full turn of the earth on M87, sampled every 12 minutes.
        """
        if hours is None:
            hours = torch.arange(0, 24, 0.2, dtype=torch.float64) - M87[0]
        u, v, sigma = tracks(declination, hours, stations)
        return cls(u, v, size, field, sigma).to(torch.get_default_dtype())

    def whitened(self):
        """diag(1/σ) A, whose noise is `noise.Gaussian(1)` on every baseline."""
        A = self[:]
        A.columns = A.columns / torch.where(A.sigma > 0, A.sigma, 1)[:, 0, 0, :, None, None]
        A.sigma = A.measured()
        return A

    def forward(self, x):
        rows, columns = torch.view_as_complex(self.rows), torch.view_as_complex(self.columns)
        inner = torch.matmul(rows[:, None], x.to(rows.dtype))  # over i: (B, C, m, W)
        return fourier.to_channels((inner * columns[:, None]).sum(-1)[:, :, None])

    def adjoint(self, y):
        rows, columns = torch.view_as_complex(self.rows), torch.view_as_complex(self.columns)
        V = fourier.to_complex(y)[:, :, 0, :, None]
        return torch.matmul(rows.mH[:, None], V * columns.conj()[:, None]).real

    def measured(self, within=None):
        return (self.sigma > 0).to(self.sigma.dtype)


def _waves(u, size, pixel):
    """e^{−2πi u l} for the pixels' l = ((size−1)/2 − j)·pixel, as reals: (B, m, size, 2)."""
    place = ((size - 1) / 2 - torch.arange(size, dtype=torch.float64)) * pixel
    phase = (-2 * math.pi * u.double()[..., None] * place).to(u.device)
    return torch.stack([phase.cos(), phase.sin()], -1).to(u.dtype)
