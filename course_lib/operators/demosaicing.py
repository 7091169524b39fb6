"""Demosaicing: a colour camera measures one colour in each pixel."""

import torch

from .base import Operator, check_image


class Demosaicing(Operator):
    """y = Σ_c m_c ∘ x_c, the mosaic of a colour image x (B, 3, H, W): y (B, 1, H, W).

    pattern: the colours of the camera's cell of 2×2 pixels, row by row, as "RGGB" (Bayer), or a
    list of such strings, one per image. One third of x is measured. AAᵀ = I, so A† = Aᵀ puts each
    value into its own colour's channel, and zeros elsewhere. Raises ValueError for another pattern
    and for x without three channels.
    """

    selects = "pixels"

    def __init__(self, pattern="RGGB"):
        super().__init__()
        patterns = [pattern] if isinstance(pattern, str) else list(pattern)
        if not patterns or any(len(p) != 4 or set(p) - set("RGB") for p in patterns):
            raise ValueError(f"pattern is {pattern!r}; use four letters of R, G, B, as 'RGGB'.")
        cell = torch.tensor([[[float(c == k) for c in p] for k in "RGB"] for p in patterns])
        self.register_buffer("cell", cell.reshape(-1, 3, 2, 2))

    def masks(self, size):
        """m (1 or B, 3, H, W) for images of `size` (H, W)."""
        h, w = size
        return self.cell.repeat(1, 1, (h + 1) // 2, (w + 1) // 2)[..., :h, :w]

    def forward(self, x):
        check_image(self, x)
        if x.shape[1] != 3:
            raise ValueError(f"x has {x.shape[1]} channels; Demosaicing takes colour images, 3.")
        return (self.masks(x.shape[-2:]) * x).sum(1, keepdim=True)

    def adjoint(self, y):
        check_image(self, y, "y")
        if y.shape[1] != 1:
            raise ValueError(f"y has {y.shape[1]} channels; a mosaic has 1.")
        return self.masks(y.shape[-2:]) * y

    def pinv(self, y):
        return self.adjoint(y)
