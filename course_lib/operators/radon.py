"""X-ray computed tomography: A integrates the image along parallel strips."""

import math

import numpy as np
import scipy.sparse
import torch

from .. import _checks
from .base import Operator, check_image
from .sparse import SparseMatrix


class Radon(Operator):
    """y_ad = ∫∫ x over strip d of angle θ_a, parallel-beam CT: x (B, C, N, N), N = `size`, to
    y (B, C, angles, D).

    x is constant on each pixel, a square of side 1. Strip d holds the points r, to the right and up
    from the image's centre, with |r·(cos θ_a, sin θ_a) − d + (D − 1)/2| < ½: what a detector of
    width 1 sees. The integrals are exact, so that each view of what the detectors cover sums to
    Σ x. angles: degrees, (n,), or (B, n) for one set per image; a tensor's dtype becomes A's.
    detectors: D, by default enough to see the corners at every angle; D = N sees the disc inscribed
    in the image only, as scikit-image's `radon` does, from which A then differs (for odd N) by the
    latter's interpolation. A and Aᵀ are stored as sparse matrices, together 37 bytes per pixel and
    angle. pinv: conjugate gradient; see also `filtered_backprojection`. `unit` divides by ‖A‖.
    Raises ValueError for no angles, another number of dimensions, and x of another size.
    """

    def __init__(self, angles, size, detectors=None):
        super().__init__()
        if not (torch.is_tensor(angles) and angles.is_floating_point()):
            angles = torch.as_tensor(angles).to(torch.get_default_dtype())
        if angles.ndim not in (1, 2) or angles.numel() == 0:
            raise ValueError(
                f"angles has shape {tuple(angles.shape)}; give at least one, as (n,) or (B, n)."
            )
        _checks.floats(angles, "angles")
        self.size = size = _checks.whole(size, "size")
        if detectors is None:
            detectors = math.ceil(math.sqrt(2) * size)
            detectors += (detectors - size) % 2  # then pixels and detectors line up at 0 degrees
        self.detectors = _checks.whole(detectors, "detectors")
        self.register_buffer("angles", angles.reshape(-1, angles.shape[-1]))
        theta = np.deg2rad(self.angles.double().cpu().numpy())
        matrices = [
            scipy.sparse.vstack([_strips(angle, size, self.detectors) for angle in row])
            for row in theta
        ]
        self.matrix = SparseMatrix(matrices, angles.dtype).to(angles.device)

    def forward(self, x):
        check_image(self, x, "x", (len(self.angles), 1, self.size, self.size))
        return self.matrix(x.flatten(2)).unflatten(2, (-1, self.detectors))

    def adjoint(self, y):
        self._check(y)
        return self.matrix.adjoint(y.flatten(2)).unflatten(2, (self.size, self.size))

    def filtered_backprojection(self, y):
        """(π/n) Aᵀ(h ∗ y), h the ramp filter: inverts A for n → ∞ angles evenly over 180°.

        h is |k| cut off at the detectors' Nyquist frequency, sampled in space: h_0 = 1/4,
        h_d = −1/(πd)² for odd d and 0 for the other d. It is not A†: few angles leave streaks, and
        Aᵀ blurs by a pixel. Source: Kak and Slaney (1988), eq. 3.61.
        """
        self._check(y)
        n = 2 * self.detectors
        d = torch.arange(n, dtype=y.dtype, device=y.device)
        d = torch.minimum(d, n - d)
        h = torch.where(d % 2 == 1, -1 / (math.pi * d.clamp_min(1)).square(), 0.25 * (d == 0))
        filtered = torch.fft.irfft(torch.fft.rfft(h).real * torch.fft.rfft(y, n=n), n=n)
        return math.pi / y.shape[2] * self.adjoint(filtered[..., : self.detectors])

    def _check(self, y):
        check_image(self, y, "y", (*self.angles.shape[:1], 1, self.angles.shape[1], self.detectors))


def _strips(theta, size, detectors):
    """The integrals over the strips of one angle: SciPy sparse (detectors, size²).

    Across the strips a pixel looks like a trapezoid of area 1, whose base is |cos θ| + |sin θ| wide
    and whose top is | |cos θ| − |sin θ| |: it reaches into three strips at most, the one its centre
    is in and both neighbours, by the area of the trapezoid beyond the border between them.
    """
    place = np.arange(size) - (size - 1) / 2
    c, s = np.cos(theta), np.sin(theta)
    centre = (c * place - s * place[:, None]).ravel() + (detectors - 1) / 2
    nearest = np.rint(centre)
    short, long = sorted((abs(c), abs(s)))

    def beyond(v):
        """The area of the trapezoid beyond v ≥ ½: a triangle, and all of the top beyond v."""
        edge = np.clip((long + short) / 2 - v, 0, short)
        top = np.clip((long - short) / 2 - v, 0, None)
        return (edge**2 / (2 * max(short, 1e-300)) + top) / long

    below, above = beyond(0.5 + centre - nearest), beyond(0.5 - centre + nearest)
    area = np.stack([below, 1 - below - above, above])
    strip = nearest + np.array([[-1], [0], [1]])
    kept = (area > 1e-12) & (strip >= 0) & (strip < detectors)
    pixel = np.broadcast_to(np.arange(size**2), area.shape)
    entries = (area[kept], (strip[kept].astype(int), pixel[kept]))
    return scipy.sparse.csr_array(entries, shape=(detectors, size**2))
