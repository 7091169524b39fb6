"""X-ray computed tomography: A integrates the image along parallel strips."""

import math

import numpy as np
import torch

from .. import _checks
from .base import Operator
from .guard import guarded
from .parameters import as_numbers
from .sparse import SparseMatrix


class Radon(Operator):
    """y_ad = ∫∫ x over strip d of angle θ_a, parallel-beam CT: x (B, C, N, N), N = `size`, to
    y (B, C, angles, D).

    x is constant on each pixel, a square of side 1. Strip d holds the points r, to the right and up
    from the image's centre, with |r·(cos θ_a, sin θ_a) − d + (D − 1)/2| < ½: what a detector of
    width 1 sees. The integrals are exact, so that each view of what the detectors cover sums to
    Σ x. A and Aᵀ are stored as sparse matrices, together 37 bytes per pixel and angle. pinv:
    conjugate gradient; see also `filtered_backprojection`. `unit` divides by ‖A‖. Raises ValueError
    for no angles, another number of dimensions, and x of another size.

    Arguments:
        angles: θ in degrees, (n,), or (B, n) for one set per image; a tensor's dtype becomes A's
        size: N, in pixels
        detectors: D; None for enough to see the corners at every angle. D = N sees the disc
            inscribed in the image only, as scikit-image's `radon` does, from which A then differs
            (for odd N) by the latter's interpolation

    Example:
        >>> A = operators.Radon([0.0, 90.0], size=2, detectors=2)
        >>> A(torch.tensor([[1.0, 2.0], [3.0, 4.0]])[None, None]).tolist()  # columns, then rows
        [[[[4.0, 6.0], [7.0, 3.0]]]]
    """

    def __init__(self, angles: "list | torch.Tensor", size: int, detectors: "int | None" = None):
        super().__init__()
        self.register_buffer("angles", as_numbers(angles, "angles", ("n",)))
        self.size = size = _checks.whole(size, "size")
        if detectors is None:
            detectors = math.ceil(math.sqrt(2) * size)
            detectors += (detectors - size) % 2  # then pixels and detectors line up at 0 degrees
        self.detectors = _checks.whole(detectors, "detectors")
        self.takes = ("C", size, size)
        self.gives = ("C", self.angles.shape[1], self.detectors)
        theta = np.deg2rad(self.angles.detach().cpu().double().numpy())
        matrices = [_views(row, size, self.detectors) for row in theta]
        self.matrix = SparseMatrix(matrices, self.angles.dtype).to(self.angles.device)

    def forward(self, x):
        return self.matrix(x.flatten(2)).unflatten(2, (-1, self.detectors))

    def adjoint(self, y):
        return self.matrix.adjoint(y.flatten(2)).unflatten(2, (self.size, self.size))

    @guarded("y")
    def filtered_backprojection(self, y: torch.Tensor, weights: "torch.Tensor | None" = None):
        """Aᵀ(w ∘ (h ∗ y)), h the ramp filter: inverts A for n → ∞ angles over 180°.

        h is |k| cut off at the detectors' Nyquist frequency, sampled in space: h_0 = 1/4,
        h_d = −1/(πd)² for odd d and 0 for the other d. weights: w, the angle that each view stands
        for, in radians, (n,) or (B, n); by default half the way to its two neighbours modulo 180°,
        which is π/n for even angles, as other programs take for all, and sums to π for any. It is
        not A†: few angles leave streaks, and Aᵀ blurs by a pixel. Source: Kak and Slaney (1988),
        eq. 3.61.
        """
        n = 2 * self.detectors
        d = torch.arange(n, dtype=y.dtype, device=y.device)
        d = torch.minimum(d, n - d)
        h = torch.where(d % 2 == 1, -1 / (math.pi * d.clamp_min(1)).square(), 0.25 * (d == 0))
        filtered = torch.fft.irfft(torch.fft.rfft(h).real * torch.fft.rfft(y, n=n), n=n)
        w = self._gaps()
        if weights is not None:
            w = as_numbers(weights, "weights", y.shape[2:3]).to(y)
            _checks.same_batch(weights=w, y=y)
        return self.adjoint(w[:, None, :, None] * filtered[..., : self.detectors])

    def _gaps(self):
        """Half the way from each angle to its neighbours on both sides, modulo 180°, in radians."""
        place, order = (self.angles % 180).sort()
        after = torch.cat([place[:, 1:], place[:, :1] + 180], 1) - place
        return torch.zeros_like(place).scatter(1, order, (after + after.roll(1, 1)) * math.pi / 360)


def _views(angles, size, detectors):
    """The matrix of all views of one image."""
    from scipy import sparse  # here, as it takes a third of a second and few need it

    return sparse.vstack([sparse.csr_array(*_strips(t, size, detectors)) for t in angles])


def _strips(theta, size, detectors):
    """The integrals over the strips of one angle: entries and shape (detectors, size²).

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
    return (area[kept], (strip[kept].astype(int), pixel[kept])), (detectors, size**2)
