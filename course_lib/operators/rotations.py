"""Rotations of space: random ones, and those of RELION's Euler angles."""

import torch

from .. import _checks
from .._random import normal_like
from .parameters import Numbers, limited

DEGREES = ((), -720, 720, "it is an angle in degrees")


def random_rotations(n: int, generator: "torch.Generator | None" = None) -> torch.Tensor:
    """Rotations (n, 3, 3), uniform over SO(3), from unit quaternions. float64.

    Arguments:
        n: how many
        generator: of the random numbers; None for torch's own

    Example:
        >>> R = operators.random_rotations(5)
        >>> R.shape, torch.allclose(R @ R.mT, torch.eye(3).double())
        (torch.Size([5, 3, 3]), True)
    """
    from scipy.spatial.transform import Rotation  # here, as it takes time and few need it

    like = torch.empty(_checks.whole(n, "n"), 4, dtype=torch.float64)
    w, *xyz = normal_like(like, generator).T
    return torch.from_numpy(Rotation.from_quat(torch.stack([*xyz, w], 1)).as_matrix())


def euler_rotations(rot: Numbers, tilt: Numbers, psi: Numbers) -> torch.Tensor:
    """RELION's Euler angles as rotations (1 or B, 3, 3). float64.

    R = Z(ψ) Y(θ) Z(φ), with Z(a) = [[cos a, sin a, 0], [−sin a, cos a, 0], [0, 0, 1]] and Y(a) =
    [[cos a, 0, −sin a], [0, 1, 0], [sin a, 0, cos a]]. Of EMAN2's (az, alt, phi): rot = az − 90,
    tilt = alt, psi = phi + 90. Of cryoSPARC's pose, a rotation vector p with the cross-product
    matrix [p]: R = torch.linalg.matrix_exp(−[p]). Raises ValueError for NaN and for numbers that
    are no degrees.

    Arguments:
        rot: φ in degrees, a number or (B,)
        tilt: θ, likewise
        psi: ψ, likewise

    Example:
        >>> operators.euler_rotations(90.0, 0.0, 0.0).round().int().tolist()
        [[[0, 1, 0], [-1, 0, 0], [0, 0, 1]]]
    """
    from scipy.spatial.transform import Rotation

    angles = limited(dict.fromkeys(("rot", "tilt", "psi"), DEGREES), rot=rot, tilt=tilt, psi=psi)
    angles = torch.stack(torch.broadcast_tensors(*angles.values()), 1).double()
    R = Rotation.from_euler("ZYZ", angles.cpu(), degrees=True).as_matrix()
    return torch.from_numpy(R).mT.contiguous()
