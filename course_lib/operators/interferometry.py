"""Very-long-baseline interferometry: A samples the Fourier transform of the sky along tracks."""

import math
from typing import NamedTuple

import torch

from .. import _checks
from . import fourier
from .base import Operator, check_image

LIGHT = 299_792_458.0  # m/s
MICROARCSECOND = math.pi / 180 / 3600 * 1e-6  # rad
EFFICIENCY = 0.88  # of two-bit sampling
M87 = (12.5137, 12.391)  # right ascension in hours, declination in degrees
EHT2017 = {  # geocentric x, y, z in m, and the system equivalent flux density in Jy
    "PV": (5088967.9, -301681.6, 3825015.8, 1400.0),
    "SMT": (-1828796.2, -5054406.8, 3427865.2, 5000.0),
    "SMA": (-5464523.4, -2493147.08, 2150611.75, 4900.0),
    "LMT": (-768713.9637, -5988541.7982, 2063275.9472, 600.0),
    "ALMA": (2225061.164, -5440057.37, -2481681.15, 90.0),
    "SPT": (0.01, 0.01, -6359609.7, 5000.0),
    "APEX": (2225039.53, -5441197.63, -2479303.36, 3500.0),
    "JCMT": (-5464584.68, -2493001.17, 2150653.98, 6000.0),
}


class Tracks(NamedTuple):
    """G nights of m visibilities each, all (G, m): see `tracks`."""

    u: torch.Tensor
    v: torch.Tensor
    sigma: torch.Tensor


def tracks(declination, hours, stations=EHT2017, frequency=230e9, elevation=10.0, bandwidth=4e9,
           integration=60.0):  # fmt: skip
    """What the array measures of a source while the earth turns: (u, v) and the thermal noise.

    s = (cos δ, 0, sin δ) points at the source, e_u = z × s/|z × s| east and e_v = s × e_u north;
    the stations r_i turn by θ = 15° · hours about z, and a baseline gives
        (u, v) = ((r_i − r_j)·e_u, (r_i − r_j)·e_v) / λ,
        σ = (1/0.88) √(SEFD_i SEFD_j / (2 · bandwidth · integration)) Jy, for Re and for Im,
    while both stations see the source above `elevation` degrees (over a spherical earth).
    declination: degrees, one or (G,). hours: sidereal time at Greenwich minus right ascension, in
    hours, (T,) or (G, T). frequency and bandwidth in Hz, integration in s. A night of fewer
    visibilities than the longest is filled up with u = v = 0, sigma = 0. float64.
    Raises ValueError when a night has no visibility. Source: Thompson, Moran and Swenson (2017);
    stations and formulas as in the eht-imaging package (Chael et al. 2018).
    """
    d = torch.as_tensor(declination, dtype=torch.float64).reshape(-1, 1) * math.pi / 180
    theta = torch.as_tensor(hours, dtype=torch.float64) * math.pi / 12
    if theta.ndim not in (1, 2) or theta.numel() == 0 or len(stations) < 2:
        raise ValueError("tracks needs at least one hour, (T,) or (G, T), and two stations.")
    d, theta = torch.broadcast_tensors(d, theta.reshape(-1, theta.shape[-1]))  # (G, T)
    if d.abs().max() > math.pi / 2:
        raise ValueError("declination lies outside [-90, 90]; give it in degrees.")
    table = torch.tensor(list(stations.values()), dtype=torch.float64)
    x, y, z, sefd = table.T[:, :, None, None]  # (stations, 1, 1)
    toward, east = x * theta.cos() - y * theta.sin(), x * theta.sin() + y * theta.cos()
    north = z * d.cos() - toward * d.sin()
    height = (toward * d.cos() + z * d.sin()) / (x * x + y * y + z * z).sqrt()
    up = height > math.sin(elevation * math.pi / 180)
    i, j = torch.triu_indices(len(table), len(table), 1)
    seen = (up[i] & up[j]).permute(1, 2, 0).flatten(1)
    noise = (sefd[i] * sefd[j] / (2 * bandwidth * integration)).sqrt() / EFFICIENCY
    values = ((east[i] - east[j]) * frequency / LIGHT, (north[i] - north[j]) * frequency / LIGHT)
    values = [a.permute(1, 2, 0).flatten(1) for a in (*values, noise.expand(-1, *d.shape))]
    count = seen.sum(1)
    if not count.all():
        night = int((count == 0).nonzero()[0])
        raise ValueError(
            f"no baseline of night {night} sees the source above {elevation:g} degrees; choose "
            "other hours, stations or declination."
        )
    first = seen.to(torch.uint8).argsort(dim=1, descending=True, stable=True)[:, : count.max()]
    return Tracks(*((a * seen).gather(1, first) for a in values))


class Interferometry(Operator):
    """V_k = Σ_ij x_ij e^{−2πi(u_k l_j + v_k m_i)}, y = (Re V, Im V) as channels: (B, 2C, 1, m).

    u, v: (m,) or (B, m) in wavelengths. x is the sky, north up and east left, l_j = ((W−1)/2 − j)Δ,
    m_i = ((H−1)/2 − i)Δ, with `size` = (H, W) or one number, and Δ = field/W, field the width in
    microarcseconds. x in Jy per pixel gives y in Jy. sigma: (m,) or (B, m), the thermal noise, kept
    as `A.sigma` (1 or B, 1, 1, m) for `noise.HeteroscedasticGaussian(A.sigma)`; where it is 0
    nothing was measured, and y = 0. The transform is exact, without gridding; the matrix is never
    stored. Raises ValueError for u, v, sigma of different shapes and for x of another size.
    The eht-imaging package has the conjugate of V.
    """

    def __init__(self, u, v, size=32, field=160.0, sigma=None):
        super().__init__()
        u, v = (_checks.floats(torch.as_tensor(a), n) for a, n in ((u, "u"), (v, "v")))
        sigma = torch.ones_like(u) if sigma is None else _checks.floats(sigma, "sigma")
        _checks.same_shape(u, v, "u", "v")
        _checks.same_shape(u, sigma, "u", "sigma")
        if u.ndim not in (1, 2) or u.numel() == 0:
            raise ValueError(f"u has shape {tuple(u.shape)}; use (m,) or (B, m), m at least 1.")
        if (sigma < 0).any():
            raise ValueError(f"sigma holds {sigma.min():g}; it must be 0 or positive.")
        height, width = size if isinstance(size, tuple) else (size, size)
        pixel = _checks.positive(field, "field") * MICROARCSECOND / width
        u, v, sigma = (a.reshape(-1, a.shape[-1]) for a in (u, v, sigma))
        self.register_buffer("rows", _waves(v, height, pixel))
        self.register_buffer("columns", _waves(u, width, pixel))
        self.register_buffer("sigma", sigma[:, None, None])
        self.register_buffer("weight", (sigma > 0).to(u.dtype))

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
        check_image(self, x, "x", (len(self.rows), 1, self.rows.shape[2], self.columns.shape[2]))
        rows, columns = torch.view_as_complex(self.rows), torch.view_as_complex(self.columns)
        inner = torch.matmul(rows[:, None], x.to(rows.dtype))  # over i: (B, C, m, W)
        V = self.weight[:, None] * (inner * columns[:, None]).sum(-1)
        return fourier.to_channels(V[:, :, None])

    def adjoint(self, y):
        check_image(self, y, "y", (len(self.rows), 1, 1, self.rows.shape[1]))
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
