"""The telescopes of very-long-baseline interferometry, and the tracks of their baselines."""

import math

import torch

from .. import _checks
from .parameters import Numbers, limited

LIGHT = 299_792_458.0  # m/s
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


LIMITS = {
    "declination": ((), -90, 90, "it is in degrees, in [-90, 90]"),
    "hours": (("T",), -1e6, 1e6, "it is in hours of sidereal time"),
    "frequency": (None, 1e6, 1e15, "it is in Hz: 230 GHz are 230e9"),
    "elevation": (None, -90, 90, "it is in degrees, in [-90, 90]"),
    "bandwidth": (None, 1e3, 1e13, "it is in Hz: 4 GHz are 4e9"),
    "integration": (None, 1e-6, 1e6, "it is in seconds, above 0"),
}


def tracks(declination: Numbers, hours: torch.Tensor, stations: dict = EHT2017,
           frequency: float = 230e9, elevation: float = 10.0, bandwidth: float = 4e9,
           integration: float = 60.0) -> tuple:  # fmt: skip
    """What the array measures of a source while the earth turns: (u, v) and the thermal noise.

    s = (cos δ, 0, sin δ) points at the source, e_u = z × s/|z × s| east and e_v = s × e_u north;
    the stations r_i turn by θ = 15° · hours about z, and a baseline gives
        (u, v) = ((r_i − r_j)·e_u, (r_i − r_j)·e_v) / λ,
        σ = (1/0.88) √(SEFD_i SEFD_j / (2 · bandwidth · integration)) Jy, for Re and for Im,
    while both stations see the source (over a spherical earth). A night of fewer visibilities than
    the longest is filled up with u = v = 0, sigma = 0. Returns u, v, sigma, all (G, m), float64.
    Raises ValueError when a night has no visibility, and for NaN or numbers in other units (GHz,
    km, radians). Source: Thompson, Moran and Swenson (2017); stations and formulas as in the
    eht-imaging package (Chael et al. 2018).

    Arguments:
        declination: δ in degrees, one or (G,)
        hours: sidereal time at Greenwich minus right ascension, in hours, (T,) or (G, T)
        stations: {name: (x, y, z, SEFD)}, in m from the earth's centre, and in Jy
        frequency: in Hz
        elevation: above how many degrees a station sees the source
        bandwidth: in Hz
        integration: in s

    Example:
        >>> u, v, sigma = operators.tracks(12.4, [0.0, 2.0])
        >>> u.shape, f"{(u**2 + v**2).sqrt().max():.2g} wavelengths"
        (torch.Size([1, 13]), '6.5e+09 wavelengths')
    """
    d, theta, *_ = limited(
        LIMITS, declination=declination, hours=hours, frequency=frequency, elevation=elevation,
        bandwidth=bandwidth, integration=integration,
    ).values()  # fmt: skip
    d, theta = d.double() * math.pi / 180, theta.double() * math.pi / 12
    d, theta = torch.broadcast_tensors(d[:, None], theta)  # (G, T)
    x, y, z, sefd = table = _table(stations)[:, :, None, None]  # (stations, 1, 1) each
    toward, east = x * theta.cos() - y * theta.sin(), x * theta.sin() + y * theta.cos()
    north = z * d.cos() - toward * d.sin()
    height = (toward * d.cos() + z * d.sin()) / (x * x + y * y + z * z).sqrt()
    up = height > math.sin(elevation * math.pi / 180)
    i, j = torch.triu_indices(table.shape[1], table.shape[1], 1)
    seen = (up[i] & up[j]).permute(1, 2, 0).flatten(1)
    noise = (sefd[i] * sefd[j] / (2 * bandwidth * integration)).sqrt() / EFFICIENCY
    values = ((east[i] - east[j]) * frequency / LIGHT, (north[i] - north[j]) * frequency / LIGHT)
    values = [a.permute(1, 2, 0).flatten(1) for a in (*values, noise.expand(-1, *d.shape))]
    count = seen.sum(1)
    if not count.all():
        told = f"night {int(count.argmin())} sees the source above {elevation:g} degrees"
        raise ValueError(f"no baseline of {told}; choose other hours, stations or declination.")
    first = seen.to(torch.uint8).argsort(dim=1, descending=True, stable=True)[:, : count.max()]
    return tuple((a * seen).gather(1, first) for a in values)


def _table(stations):
    """x, y, z and the flux density of the stations, (4, stations), checked."""
    meant = "a station is (x, y, z, SEFD): metres from the earth's centre, and Jy above 0"
    rows = list(stations.values()) if hasattr(stations, "values") else stations
    table = _checks.between(rows, "stations", -1e12, 1e12, meant)
    if table.ndim != 2 or table.shape[1] != 4 or len(table) < 2:
        raise ValueError(f"stations has shape {tuple(table.shape)}; give two or more, and {meant}.")
    x, y, z, sefd = table = table.T.double()
    _checks.between((x * x + y * y + z * z).sqrt(), "the radius of stations", 1e6, 1e12, meant)
    _checks.between(sefd, "the SEFD of stations", 1e-9, 1e12, meant)
    return table
