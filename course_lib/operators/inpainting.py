"""Missing pixels: A = diag(m)."""

from .base import Operator, as_mask, check_image


class Inpainting(Operator):
    """Ax = m ∘ x: the pixels where the mask m is 0 are not measured.

    mask: zeros and ones (or booleans), (H, W), (C, H, W) or (B, C, H, W); one for all images or
    one per image. Measurements keep the image's shape, with zeros where nothing was measured, so
    A is an orthogonal projection: Aᵀ = A = A†. Raises ValueError for other values, for a mask
    that hides every pixel, and for x of another size.
    """

    selects = "pixels"

    def __init__(self, mask):
        super().__init__()
        empty = "mask hides every pixel of an image; keep at least one."
        self.register_buffer("mask", as_mask(mask, empty))

    def forward(self, x):
        mask = self._buffers["mask"]  # faster than self.mask
        check_image(self, x, "x", mask)
        return mask * x

    def adjoint(self, y):
        mask = self._buffers["mask"]
        check_image(self, y, "y", mask)
        return mask * y

    def pinv(self, y):
        return self.adjoint(y)

    def measured(self, within=None):
        return self.mask if within is None else self.mask * within
