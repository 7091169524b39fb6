"""Missing pixels: A = diag(m)."""

import torch

from .base import Operator, check_image


class Inpainting(Operator):
    """Ax = m ∘ x: the pixels where the mask m is 0 are not measured.

    mask: zeros and ones (or booleans), (H, W), (C, H, W) or (B, C, H, W); one for all images or
    one per image. Measurements keep the image's shape, with zeros where nothing was measured, so
    A is an orthogonal projection: Aᵀ = A = A†. Raises ValueError for other values, for a mask
    that hides every pixel, and for x of another size.
    """

    def __init__(self, mask):
        super().__init__()
        mask = torch.as_tensor(mask)
        if not ((mask == 0) | (mask == 1)).all():
            raise ValueError("mask holds values other than 0 and 1; threshold it first.")
        if not 2 <= mask.ndim <= 4:
            raise ValueError(f"mask has shape {tuple(mask.shape)}; use (H, W) or (B, C, H, W).")
        mask = mask.to(torch.get_default_dtype() if not mask.is_floating_point() else mask.dtype)
        mask = mask.reshape(*[1] * (4 - mask.ndim), *mask.shape)
        if not mask.flatten(1).any(1).all():
            raise ValueError("mask hides every pixel of an image; keep at least one.")
        self.register_buffer("mask", mask)

    def forward(self, x):
        check_image(self, x, "x", self.mask)
        return self.mask * x

    def adjoint(self, y):
        check_image(self, y, "y", self.mask)
        return self.mask * y

    def pinv(self, y):
        return self.adjoint(y)
