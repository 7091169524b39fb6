"""Cryo-electron microscopy: A turns a density, projects it, shifts it and blurs it by the CTF."""

import math
from itertools import product

import torch
from torch.nn import functional as F

from .base import Operator
from .ctf import LIMITS as OPTICS
from .ctf import formula
from .parameters import Numbers, as_numbers, limited

LIMITS = {
    **OPTICS,
    "shift": ((2,), -1e5, 1e5, "it is in pixels"),
    "pixel": ((), 1e-3, 1e4, "it is the pixel's side in Å"),
    "origin": (None, 0, 1e5, "it is a coordinate in voxels"),
}


class CryoEM(Operator):
    """y = F⁻¹(H · F P R x): a density x (B, N, N, N) seen through the microscope, y (B, 1, N, N).

    The axes of x after the batch are z (along the beam), y and x, so the depth takes the place of
    the channels. (Rx)(r) = x(Rᵀ(r − c) + c), by trilinear interpolation, 0 outside; P sums over z;
    H = e^{−2πi k·t} CTF(k), with periodic borders. The adjoint is exact. PR is the Fourier slice of
    x exactly when R maps the grid to itself, otherwise up to the interpolation, an error of 1 to
    3 % (in norm) for the densities of `data.load("densities")`.

    RELION and cryoSPARC turn about c = N//2; their offsets move a particle back to the centre, so
    that t = −(OriginXAngst, OriginYAngst)/pixel and −alignments3D/shift; for the rotations see
    `euler_rotations` (cryoDRGN's matrices are R), for the optics and the contrast `ctf`.
    Raises ValueError for a rotation that is not orthogonal or mirrors, for numbers that are NaN or
    in other units, for parameters of different B, and for x that is not a cube.

    Arguments:
        rotation: R, (3, 3) or (B, 3, 3), a rotation without a mirror, acting on vectors (x, y, z)
        shift: t in pixels, (2,) or (B, 2) as (x, y); the image moves by +t
        defocus: in Å, a number or (B,); None for H without CTF
        pixel: its side in Å, a number or (B,)
        voltage, aberration, contrast, phase, decay, astigmatism, angle: as for `ctf`, numbers or
            (B,) for one an image
        origin: the coordinate c of the centre of rotation, the same on all axes; None for the
            middle of the cube, (N − 1)/2

    Example:
        >>> A = operators.CryoEM(operators.random_rotations(3).float(), defocus=15e3, pixel=2.0)
        >>> A(torch.rand(1, 8, 8, 8)).shape
        torch.Size([3, 1, 8, 8])
    """

    takes, gives = ("N", "N", "N"), (1, "N", "N")
    otherwise = "a batch of densities is (B, N, N, N), a cube each"

    def __init__(self, rotation: torch.Tensor, shift: Numbers = (0.0, 0.0),
                 defocus: "float | torch.Tensor | None" = None, pixel: Numbers = 1.0,
                 voltage: Numbers = 300e3, aberration: Numbers = 2.7e7, contrast: Numbers = 0.1,
                 phase: Numbers = 0.0, decay: Numbers = 0.0, astigmatism: Numbers = 0.0,
                 angle: Numbers = 0.0, origin: "float | None" = None):  # fmt: skip
        super().__init__()
        rotation = as_numbers(rotation, "rotation", (3, 3))
        gap = (rotation @ rotation.mT - torch.eye(3).to(rotation)).abs().max()
        if gap > 1e-4:
            raise ValueError(f"rotation is not orthogonal, R Rᵀ − I reaches {gap:g}; normalise it.")
        if (torch.linalg.det(rotation) < 0).any():
            raise ValueError("rotation is a reflection, det R = −1; change the sign of one axis.")
        self.optics = defocus is not None
        self.origin = None if origin is None else limited(LIMITS, origin=origin)["origin"]
        self.register_buffer("rotation", rotation)
        numbers = limited(
            LIMITS, shift=shift, pixel=pixel, defocus=defocus if self.optics else 0.0,
            voltage=voltage, aberration=aberration, contrast=contrast, phase=phase, decay=decay,
            astigmatism=astigmatism, angle=angle,
        )  # fmt: skip
        for name, value in numbers.items():
            self.register_buffer(name, value.to(rotation))

    def transfer(self, size: int) -> torch.Tensor:
        """H (1 or B, 1, N, N//2 + 1) for images of N = `size` pixels."""
        like = self.rotation
        ky = torch.fft.fftfreq(size, dtype=like.dtype, device=like.device)[:, None]
        kx = torch.fft.rfftfreq(size, dtype=like.dtype, device=like.device)
        H = _delay(kx, self.shift[:, 0, None, None]) * _delay(ky, self.shift[:, 1, None, None])
        if self.optics:
            k = (kx**2 + ky**2).sqrt() / self.pixel[:, None, None]
            optics = {name: getattr(self, name)[:, None, None] for name in OPTICS}
            H = H * formula(k, torch.atan2(ky, kx), **optics)
        return H[:, None]

    def forward(self, x):
        size, batch, y = x.shape[-1], max(len(x), self.count), 0
        x = F.pad(x, [1] * 6).flatten(1).expand(batch, -1)
        for place, weight in self._corners(size):
            y = y + weight * x.gather(1, place.expand(batch, -1))
        y = y.unflatten(1, (size, size, size)).sum(1, keepdim=True)
        return torch.fft.irfft2(self.transfer(size) * torch.fft.rfft2(y), s=(size, size))

    def adjoint(self, y):
        size = y.shape[-1]
        y = torch.fft.irfft2(self.transfer(size).conj() * torch.fft.rfft2(y), s=(size, size))
        y = y.expand(-1, size, -1, -1).flatten(1)
        batch, cube = max(len(y), self.count), (size + 2,) * 3
        x = y.new_zeros(batch, math.prod(cube))
        for place, weight in self._corners(size):
            x = x.scatter_add(1, place.expand(batch, -1), (weight * y).expand(batch, -1))
        return x.unflatten(1, cube)[:, 1:-1, 1:-1, 1:-1]

    def _corners(self, size):
        """The eight voxels around Rᵀ(r − c) + c for every voxel r, and their weights: (1 or B, N³).

        The places are those in the density with a border of zeros, (N + 2)³.
        """
        centre = (size - 1) / 2 if self.origin is None else self.origin
        if not 0 <= centre <= size - 1:
            raise ValueError(f"origin is {centre:g}; it must lie in 0 … {size - 1}, in the cube.")
        axis = torch.arange(size, device=self.rotation.device).to(self.rotation) - centre
        z, y, x = torch.meshgrid(axis, axis, axis, indexing="ij")
        r = torch.stack([x, y, z]).flatten(1)
        source = (self.rotation.mT @ r + centre).clamp(-1, size)  # (1 or B, 3, N³)
        corner = source.floor().clamp(max=size - 1)
        after = source - corner
        across, up = size + 2, (size + 2) ** 2  # one step in y, in z
        i, j, k = (corner.long() + 1).unbind(1)
        first = i + j * across + k * up
        sides = [(1 - a, a) for a in after.unbind(1)]
        for bits in product((0, 1), repeat=3):
            weight = math.prod(side[bit] for side, bit in zip(sides, bits, strict=True))
            yield first + bits[0] + bits[1] * across + bits[2] * up, weight


def _delay(k, t):
    """e^{−2πikt}, and cos πt at the Nyquist frequency, so that a real signal stays real."""
    angle = 2 * math.pi * k * t
    return torch.complex(angle.cos(), torch.where(k.abs() == 0.5, 0.0, -angle.sin()))
