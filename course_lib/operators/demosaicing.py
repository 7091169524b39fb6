"""Demosaicing: a colour camera measures one colour in each pixel."""

import torch

from .base import Operator


class Demosaicing(Operator):
    """y = Σ_c m_c ∘ x_c, the mosaic of a colour image x (B, 3, H, W): y (B, 1, H, W).

    One third of x is measured. AAᵀ = I, so A† = Aᵀ puts each value into its own colour's channel,
    and zeros elsewhere. Raises ValueError for another pattern and for x without three channels.

    Arguments:
        pattern: the colours of the camera's cell of 2×2 pixels, row by row, or a list of such
            strings, one per image; "RGGB" is Bayer's

    Example:
        >>> A = operators.Demosaicing("RGGB")
        >>> A(torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2)).tolist()
        [[[[1.0, 2.0], [2.0, 3.0]]]]
    """

    selects = "pixels"
    takes, gives = (3, "H", "W"), (1, "H", "W")
    otherwise = "a colour image has 3 channels, its mosaic 1"

    def __init__(self, pattern: "str | list" = "RGGB"):
        super().__init__()
        patterns = [pattern] if isinstance(pattern, str) else list(pattern)
        if not patterns or any(len(p) != 4 or set(p) - set("RGB") for p in patterns):
            raise ValueError(f"pattern is {pattern!r}; use four letters of R, G, B, as 'RGGB'.")
        cell = torch.tensor([[[float(c == k) for c in p] for k in "RGB"] for p in patterns])
        self.register_buffer("cell", cell.reshape(-1, 3, 2, 2))

    @property
    def pattern(self):
        """The colours of each image's cell, a list of strings."""
        return ["".join("RGB"[k] for k in cell.argmax(0).flatten()) for cell in self.cell]

    def masks(self, size: tuple) -> torch.Tensor:
        """m (1 or B, 3, H, W) for images of `size` (H, W)."""
        h, w = size
        return self.cell.repeat(1, 1, (h + 1) // 2, (w + 1) // 2)[..., :h, :w]

    def forward(self, x):
        return (self.masks(x.shape[2:]) * x).sum(1, keepdim=True)

    def adjoint(self, y):
        return self.masks(y.shape[2:]) * y

    def measured(self, within=None):
        return None if within is None else self(within.expand(-1, 3, -1, -1))
