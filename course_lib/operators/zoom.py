"""The image made smaller about a centre, on the same grid."""

import torch

from .base import Operator
from .parameters import as_numbers


class Zoom(Operator):
    """(T_g x)(p) = (x ∗ φ_s)(c + (p − c)/s), s ≤ 1: what lies at c + d moves to c + s d.

    φ_s is Keys' cubic kernel (a = −1/2) stretched by 1/s, the low-pass that keeps the smaller image
    from aliasing; beyond its border x is mirrored. T_g x = R x Cᵀ with matrices R (H, H) and C
    (W, W), so the adjoint is exact, sides may differ, and s = 1 is the identity to rounding. Not
    orthogonal and without inverse: the high frequencies are gone.

    Arguments:
        scale: s in (0, 1], a number or one for each image (B,).
        centre: c = (row, column) in pixels from the middle of the first one, (2,) or (B, 2); None
            is the middle of the image.

    Example:
        >>> x = torch.rand(1, 1, 8, 12)
        >>> bool((operators.Zoom(1.0)(x) - x).abs().max() < 1e-6)
        True

    Raises ValueError for a scale outside (0, 1] and for one that leaves less than a pixel.
    Source: Keys (1981); scale as the group of imaging: Scanvic et al. (2026).
    """

    takes = gives = ("C", "H", "W")

    def __init__(self, scale: "float | torch.Tensor", centre: "torch.Tensor | tuple | None" = None):
        super().__init__()
        scale = as_numbers(scale, "scale").reshape(-1, 1, 1)
        if not ((scale > 0) & (scale <= 1)).all():
            raise ValueError(f"scale is {float(scale.min()):g}; it must lie in (0, 1].")
        self.register_buffer("scale", scale)
        self.least = float(scale.min())
        if centre is not None:
            self.register_buffer("centre", as_numbers(centre, "centre").reshape(-1, 2))
        else:
            self.centre = None

    def forward(self, x):
        rows, columns = self._matrices(x)
        return rows @ x @ columns.mT

    def adjoint(self, y):
        rows, columns = self._matrices(y)
        return rows.mT @ y @ columns

    def _matrices(self, x):
        """R and C, each (B, 1, n, n)."""
        smallest = self.least * min(x.shape[-2:])
        if smallest < 1:
            raise ValueError(
                f"scale {self.least:g} leaves {smallest:.2g} pixels of "
                f"{tuple(x.shape[-2:])}; use a larger one."
            )
        sides = []
        for axis, n in enumerate(x.shape[-2:]):
            middle = (n - 1) / 2 if self.centre is None else self.centre[:, axis].view(-1, 1, 1)
            sides.append(resampling(n, self.scale.to(x.dtype), middle, self.least, x)[:, None])
        return sides


def resampling(n, scale, centre, least, like):
    """The matrix (B, n, n) of one side: row p holds the weights φ_s(c + (p − c)/s − q) at q."""
    p = torch.arange(n, dtype=like.dtype, device=like.device)
    reach = int(2 / least) + n  # pixels beyond the border that may be asked for
    q = torch.arange(-reach, n + reach, dtype=like.dtype, device=like.device)
    at = centre + (p[:, None] - centre) / scale
    weights = keys((at - q) * scale)
    weights = weights / weights.sum(-1, keepdim=True)
    inside = q.long() % (2 * n)  # the mirror images repeat after 2n pixels
    mirrored = torch.where(inside < n, inside, 2 * n - 1 - inside)
    matrix = weights.new_zeros(*weights.shape[:2], n)
    return matrix.index_add_(2, mirrored, weights)


def keys(t):
    """Keys' cubic kernel, a = −1/2: 1 at 0, 0 at all other whole numbers."""
    t = t.abs()
    near = (1.5 * t - 2.5) * t * t + 1
    far = ((-0.5 * t + 2.5) * t - 4) * t + 2
    return torch.where(t < 1, near, torch.where(t < 2, far, torch.zeros_like(t)))
