"""Very-long-baseline interferometry: A samples the Fourier transform of the sky along tracks."""

import math

import torch

from .. import _checks
from . import fourier
from .base import Operator, check_image
from .telescopes import EHT2017, LIGHT, M87, tracks

__all__ = ["EHT2017", "LIGHT", "M87", "MICROARCSECOND", "Interferometry", "tracks"]
MICROARCSECOND = math.pi / 180 / 3600 * 1e-6  # rad


class Interferometry(Operator):
    """V_k = Σ_ij x_ij e^{−2πi(u_k l_j + v_k m_i)}, y = (Re V, Im V) as channels: (B, 2C, 1, m).

    u, v: (m,) or (B, m) in wavelengths. x is the sky, north up and east left, l_j = ((W−1)/2 − j)Δ,
    m_i = ((H−1)/2 − i)Δ, with `size` = (H, W) or one number, and Δ = field/W, field the width in
    microarcseconds. x in Jy per pixel gives y in Jy. sigma: (m,) or (B, m), the thermal noise, kept
    as `A.sigma` (1 or B, 1, 1, m) for `noise.HeteroscedasticGaussian(A.sigma)`; where it is 0
    nothing was measured, and y = 0. The transform is exact, without gridding; the matrix is never
    stored. Raises ValueError for u, v, sigma of different shapes or with NaN, and for x of another
    size. The eht-imaging package has the conjugate of V (for its u, v give −u, −v), and V of an
    image smoothed by its `pulse`, which here is a point.
    """

    def __init__(self, u, v, size=32, field=160.0, sigma=None):
        super().__init__()
        u = _checks.between(u, "u", -1e15, 1e15, "it is in wavelengths")
        v = _checks.between(v, "v", -1e15, 1e15, "it is in wavelengths")
        sigma = torch.ones_like(u) if sigma is None else sigma
        sigma = _checks.between(sigma, "sigma", 0, 1e15, "it must be 0 or positive, in Jy")
        u, v, sigma = (
            _checks.per_image(value, name, ("m",))
            for name, value in (("u", u), ("v", v), ("sigma", sigma))
        )
        _checks.same_shape(u[0], v[0], "u", "v")
        _checks.same_shape(u[0], sigma[0], "u", "sigma")
        _checks.same_batch(u=u, v=v, sigma=sigma)
        height, width = _checks.size(size)
        field = _checks.number(field, "field")
        _checks.between(field, "field", 1e-3, 1e12, "it is in microarcseconds, above 0")
        pixel = field * MICROARCSECOND / width
        self.register_buffer("rows", _waves(v, height, pixel))
        self.register_buffer("columns", _waves(u, width, pixel))
        self.register_buffer("sigma", sigma[:, None, None].to(u))
        self.register_buffer("weight", (sigma > 0).to(u))

    @classmethod
    def eht(cls, declination=M87[1], hours=None, size=32, field=160.0, stations=EHT2017):
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
        A.weight = A.weight / torch.where(A.sigma > 0, A.sigma, 1)[:, 0, 0]
        A.sigma = (A.sigma > 0).to(A.sigma.dtype)
        return A

    def forward(self, x):
        check_image(self, x, "x", (self.count, 1, self.rows.shape[2], self.columns.shape[2]))
        rows, columns = torch.view_as_complex(self.rows), torch.view_as_complex(self.columns)
        inner = torch.matmul(rows[:, None], x.to(rows.dtype))  # over i: (B, C, m, W)
        V = self.weight[:, None] * (inner * columns[:, None]).sum(-1)
        return fourier.to_channels(V[:, :, None])

    def adjoint(self, y):
        check_image(self, y, "y", (self.count, 1, 1, self.rows.shape[1]))
        if y.shape[1] % 2:
            raise ValueError(f"y has {y.shape[1]} channels; it holds Re V and Im V, 2 for each.")
        rows, columns = torch.view_as_complex(self.rows), torch.view_as_complex(self.columns)
        V = self.weight[:, None] * fourier.to_complex(y)[:, :, 0]
        return torch.matmul(rows.mH[:, None], V[..., None] * columns.conj()[:, None]).real

    def measured(self, within=None):
        return (self.weight > 0).to(self.weight.dtype)[:, None, None]


def _waves(u, size, pixel):
    """e^{−2πi u l} for the pixels' l = ((size−1)/2 − j)·pixel, as reals: (B, m, size, 2)."""
    place = ((size - 1) / 2 - torch.arange(size, dtype=torch.float64)) * pixel
    phase = (-2 * math.pi * u.double()[..., None] * place).to(u.device)
    return torch.stack([phase.cos(), phase.sin()], -1).to(u.dtype)
