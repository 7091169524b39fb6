"""Cryo-electron microscopy: A turns a density, projects it, shifts it and blurs it by the CTF."""

import math
from itertools import product

import torch
from torch.nn import functional as F

from .. import _checks
from .base import Operator, check_image
from .ctf import ctf


def random_rotations(n, generator=None):
    """n rotations (n, 3, 3), uniform over SO(3), from unit quaternions. float64."""
    q = torch.randn(n, 4, generator=generator, dtype=torch.float64)
    w, x, y, z = (q / q.norm(dim=1, keepdim=True)).T
    rows = [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
            2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
            2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]  # fmt: skip
    return torch.stack(rows, 1).reshape(n, 3, 3)


class CryoEM(Operator):
    """y = F⁻¹(H · F P R x): a density x (B, N, N, N) seen through the microscope, y (B, 1, N, N).

    The axes of x after the batch are z (along the beam), y and x, so the depth takes the place of
    the channels. (Rx)(r) = x(Rᵀr), by trilinear interpolation about the centre (N−1)/2, 0 outside;
    P sums over z; H = e^{−2πi k·t} CTF(k), with t the shift in pixels and periodic borders.
    rotation: (3, 3) or (B, 3, 3), orthogonal, acting on vectors (x, y, z). shift: (2,) or (B, 2) as
    (x, y). defocus: in Å, a number or (B,), or None for H without CTF. pixel: in Å, a number or
    (B,). The remaining arguments are those of `ctf`. The adjoint is exact. PR is the Fourier slice
    of x exactly when R maps the grid to itself, otherwise up to the interpolation, an error of 1 to
    3 % (in norm) for the densities of `data.load("densities")`.
    Raises ValueError for a rotation that is not orthogonal and for x that is not a cube.
    """

    def __init__(self, rotation, shift=(0.0, 0.0), defocus=None, pixel=1.0, voltage=300e3,
                 aberration=2.7e7, contrast=0.1, phase=0.0, decay=0.0):  # fmt: skip
        super().__init__()
        rotation = _checks.floats(torch.as_tensor(rotation), "rotation")
        if rotation.ndim not in (2, 3) or rotation.shape[-2:] != (3, 3):
            raise ValueError(f"rotation has shape {tuple(rotation.shape)}; use (3, 3), (B, 3, 3).")
        rotation = rotation.reshape(-1, 3, 3)
        gap = (rotation @ rotation.mT - torch.eye(3).to(rotation)).abs().max()
        if gap > 1e-4:
            raise ValueError(f"rotation is not orthogonal, R Rᵀ − I reaches {gap:g}; normalise it.")
        optics = (voltage, aberration, contrast, phase, decay)
        self.optics = None if defocus is None else optics
        pixel = torch.as_tensor(pixel).to(rotation).reshape(-1, 1, 1)
        _checks.positive(pixel.min(), "pixel")
        self.register_buffer("rotation", rotation)
        self.register_buffer("shift", torch.as_tensor(shift).to(rotation).reshape(-1, 2))
        defocus = torch.as_tensor(0.0 if defocus is None else defocus)
        self.register_buffer("defocus", defocus.to(rotation).reshape(-1, 1, 1))
        self.register_buffer("pixel", pixel)

    def transfer(self, size):
        """H (1 or B, 1, N, N//2 + 1) for images of N = `size` pixels."""
        like = self.rotation
        ky = torch.fft.fftfreq(size, dtype=like.dtype, device=like.device)[:, None]
        kx = torch.fft.rfftfreq(size, dtype=like.dtype, device=like.device)
        H = _delay(kx, self.shift[:, 0, None, None]) * _delay(ky, self.shift[:, 1, None, None])
        if self.optics is not None:
            H = H * ctf((kx**2 + ky**2).sqrt() / self.pixel, self.defocus, *self.optics)
        return H[:, None]

    def forward(self, x):
        size = _checks.image(x).shape[-1]
        if x.shape[1:] != (size, size, size):
            raise ValueError(
                f"x has shape {tuple(x.shape)}; a batch of densities is (B, N, N, N), a cube each."
            )
        check_image(self, x, "x", (self._batch(), 1, size, size))
        batch, y = max(len(x), self._batch()), 0
        x = F.pad(x, [1] * 6).flatten(1).expand(batch, -1)
        for place, weight in self._corners(size):
            y = y + weight * x.gather(1, place.expand(batch, -1))
        y = y.unflatten(1, (size, size, size)).sum(1, keepdim=True)
        return torch.fft.irfft2(self.transfer(size) * torch.fft.rfft2(y), s=(size, size))

    def adjoint(self, y):
        size = _checks.image(y, "y").shape[-1]
        check_image(self, y, "y", (self._batch(), 1, size, size))
        y = torch.fft.irfft2(self.transfer(size).conj() * torch.fft.rfft2(y), s=(size, size))
        y = y.expand(-1, size, -1, -1).flatten(1)
        batch, cube = max(len(y), self._batch()), (size + 2,) * 3
        x = y.new_zeros(batch, math.prod(cube))
        for place, weight in self._corners(size):
            x = x.scatter_add(1, place.expand(batch, -1), (weight * y).expand(batch, -1))
        return x.unflatten(1, cube)[:, 1:-1, 1:-1, 1:-1]

    def _batch(self):
        return max(len(self.rotation), len(self.shift), len(self.defocus), len(self.pixel))

    def _corners(self, size):
        """The eight voxels around Rᵀr for every voxel r, and their weights: (1 or B, N³) each.

        The places are those in the density with a border of zeros, (N + 2)³.
        """
        axis = torch.arange(size).to(self.rotation) - (size - 1) / 2
        z, y, x = torch.meshgrid(axis, axis, axis, indexing="ij")
        r = torch.stack([x, y, z]).flatten(1)
        source = (self.rotation.mT @ r + (size - 1) / 2).clamp(-1, size)  # (1 or B, 3, N³)
        corner = source.floor().clamp(max=size - 1)
        after = source - corner
        strides = torch.tensor([1, size + 2, (size + 2) ** 2], device=r.device)
        first = ((corner.long() + 1) * strides[:, None]).sum(1)
        sides = [(1 - a, a) for a in after.unbind(1)]
        for bits in product((0, 1), repeat=3):
            weight = math.prod(side[bit] for side, bit in zip(sides, bits, strict=True))
            yield first + int((torch.tensor(bits) * strides.cpu()).sum()), weight


def _delay(k, t):
    """e^{−2πikt}, and cos πt at the Nyquist frequency, so that a real signal stays real."""
    angle = 2 * math.pi * k * t
    return torch.complex(angle.cos(), torch.where(k.abs() == 0.5, 0.0, -angle.sin()))
