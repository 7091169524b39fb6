"""Rotations of space: random ones, and those of RELION's Euler angles."""

import math

import torch

from .. import _checks
from .._random import normal_like


def random_rotations(n, generator=None):
    """n rotations (n, 3, 3), uniform over SO(3), from unit quaternions. float64."""
    like = torch.empty(_checks.whole(n, "n"), 4, dtype=torch.float64)
    q = normal_like(like, generator)
    w, x, y, z = (q / q.norm(dim=1, keepdim=True)).T
    rows = [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
            2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
            2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]  # fmt: skip
    return torch.stack(rows, 1).reshape(n, 3, 3)


def euler_rotations(rot, tilt, psi):
    """RELION's Euler angles in degrees, numbers or (B,), as rotations (1 or B, 3, 3). float64.

    R = Z(ψ) Y(θ) Z(φ) of rot φ, tilt θ and psi ψ, with Z(a) = [[cos a, sin a, 0], [−sin a, cos a,
    0], [0, 0, 1]] and Y(a) = [[cos a, 0, −sin a], [0, 1, 0], [sin a, 0, cos a]]. Of EMAN2's
    (az, alt, phi): rot = az − 90, tilt = alt, psi = phi + 90. Of cryoSPARC's pose, a rotation
    vector p with the cross-product matrix [p]: R = torch.linalg.matrix_exp(−[p]).
    Raises ValueError for NaN and for numbers that are no degrees.
    """
    angles = {"rot": rot, "tilt": tilt, "psi": psi}
    for name, a in angles.items():
        a = _checks.between(a, name, -720, 720, "it is an angle in degrees")
        angles[name] = _checks.per_image(a.double(), name) * math.pi / 180
    _checks.same_batch(**angles)
    a, b, c = torch.broadcast_tensors(*angles.values())
    (ca, cb, cc), (sa, sb, sc) = ([f(t) for t in (a, b, c)] for f in (torch.cos, torch.sin))
    rows = [cc * cb * ca - sc * sa, cc * cb * sa + sc * ca, -cc * sb,
            -sc * cb * ca - cc * sa, -sc * cb * sa + cc * ca, sc * sb,
            sb * ca, sb * sa, cb]  # fmt: skip
    return torch.stack(rows, 1).reshape(-1, 3, 3)
