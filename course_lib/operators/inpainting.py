"""Missing pixels: A = diag(m)."""

import torch

from .base import Operator
from .parameters import as_mask


class Inpainting(Operator):
    """Ax = m ∘ x: the pixels where the mask m is 0 are not measured.

    Measurements keep the image's shape, with zeros where nothing was measured, so A is an
    orthogonal projection: Aᵀ = A = A†. Raises ValueError for other values, for a mask that hides
    every pixel, and for x of another size.

    Arguments:
        mask: m, zeros and ones (or booleans), (H, W), (C, H, W) or (B, C, H, W), where C = 1 serves
            all channels; one for all images or one for each

    Example:
        >>> A = operators.Inpainting(torch.tensor([[1, 0], [1, 1]]))
        >>> A(torch.full((1, 1, 2, 2), 5.0)).tolist()
        [[[[5.0, 0.0], [5.0, 5.0]]]]
    """

    selects = "pixels"

    def __init__(self, mask: torch.Tensor):
        super().__init__()
        self.register_buffer("mask", as_mask(mask, "pixel"))
        channels = self.mask.shape[1]
        self.takes = self.gives = (channels if channels > 1 else "C", *self.mask.shape[2:])

    def forward(self, x):
        return self._buffers["mask"] * x  # faster than self.mask

    adjoint = forward

    def measured(self, within=None):
        return self.mask if within is None else self.mask * within
