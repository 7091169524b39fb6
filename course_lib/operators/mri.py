"""Magnetic resonance imaging: A samples the Fourier transform of a complex image."""

import torch

from . import fourier
from .base import Operator
from .parameters import as_mask, as_numbers


class MRI(Operator):
    """y = M F x, k-space on the mask: F is the centred orthonormal `fourier.fft`.

    x: a complex image as two real channels (B, 2, H, W). y: (B, 2, H, W), with zeros where nothing
    was measured. F is unitary, so A† = Aᵀ = Fᴴ M and ‖A‖ = 1. Raises ValueError for other values, a
    mask without a line, and x that is real or of another size.

    Arguments:
        mask: M, zeros and ones (or booleans), (H, W) or (B, 1, H, W), zero frequency at
            (H//2, W//2); `masks` makes Cartesian ones

    Example:
        >>> A = operators.MRI(operators.masks.random((8, 8), acceleration=2))
        >>> y = A(torch.rand(1, 2, 8, 8))
        >>> y.shape, int((y[0, 0] != 0).sum())
        (torch.Size([1, 2, 8, 8]), 32)
    """

    selects = "coefficients"
    otherwise = "make the mask for its size, and of a real image torch.cat([x, 0 * x], 1)"

    def __init__(self, mask: torch.Tensor):
        super().__init__()
        mask = as_mask(mask, "line of k-space")
        if mask.shape[1] != 1:
            raise ValueError(f"mask has {mask.shape[1]} channels; use (H, W) or (B, 1, H, W).")
        self.register_buffer("mask", mask)
        self.takes = self.gives = (2, *mask.shape[2:])

    def forward(self, x):
        return fourier.fft(x, self.mask)

    def adjoint(self, y):
        return fourier.ifft(y, self.mask)

    def measured(self, within=None):
        return self.mask


class MultiCoilMRI(MRI):
    """y_c = M F(S_c ∘ x) for the coils c = 1 … C, each sensitive to a part of the image.

    x: (B, 2, H, W). y: (B, 2C, H, W), channels Re y₁, Im y₁, Re y₂, … Aᵀy = Σ_c S̄_c ∘ FᴴM y_c.
    ‖A‖² ≤ max Σ_c |S_c|², which is 1 for both makers in `coils`; `unit` divides by ‖A‖. pinv:
    conjugate gradient. Raises ValueError as `MRI` does, and for coil maps that are not complex or
    of another size than the mask.

    Arguments:
        mask: as for `MRI`, the same for all coils
        coil_maps: S, complex, (C, H, W) or (B, C, H, W), given or from `coils.estimate`

    Example:
        >>> S = operators.coils.birdcage(4, 8)
        >>> A = operators.MultiCoilMRI(operators.masks.random((8, 8), acceleration=2), S)
        >>> A(torch.rand(1, 2, 8, 8)).shape
        torch.Size([1, 8, 8, 8])
    """

    selects = None

    def __init__(self, mask: torch.Tensor, coil_maps: torch.Tensor):
        super().__init__(mask)
        maps = as_numbers(coil_maps, "coil_maps", ("C", "H", "W"))
        if not maps.is_complex() or maps.shape[2:] != self.mask.shape[2:]:
            own, size = tuple(maps.shape[2:]), tuple(self.mask.shape[2:])
            raise ValueError(f"coil_maps is {maps.dtype} of {own} pixels; use complex of {size}.")
        self.register_buffer("maps", fourier.to_channels(maps))
        self.gives = (self.maps.shape[1], *self.mask.shape[2:])

    @property
    def coil_maps(self):
        """S, complex (1 or B, C, H, W)."""
        return fourier.to_complex(self.maps)

    def forward(self, x):
        coils = self.coil_maps * fourier.to_complex(x)
        return fourier.fft(fourier.to_channels(coils), self.mask)

    def adjoint(self, y):
        coils = fourier.to_complex(fourier.ifft(y, self.mask))
        return fourier.to_channels((self.coil_maps.conj() * coils).sum(1, keepdim=True))
