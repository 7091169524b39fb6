"""Magnetic resonance imaging: A samples the Fourier transform of a complex image."""

from . import fourier
from .base import Operator, as_mask, as_numbers, check_image


class MRI(Operator):
    """y = M F x, k-space on the mask: F is the centred orthonormal `fourier.fft`.

    x: a complex image as two real channels (B, 2, H, W). y: (B, 2, H, W), with zeros where
    nothing was measured. mask: zeros and ones (or booleans), (H, W) or (B, 1, H, W), zero
    frequency at (H//2, W//2); `masks` makes Cartesian ones. F is unitary, so A† = Aᵀ = Fᴴ M and
    ‖A‖ = 1. Raises ValueError for other values, a mask without a line, and x that is real or of
    another size.
    """

    selects = "coefficients"

    def __init__(self, mask):
        super().__init__()
        self.register_buffer("mask", kspace_mask(mask))

    def forward(self, x):
        check_complex(self, x, "x", 1)
        return fourier.fft(x, self.mask)

    def adjoint(self, y):
        check_complex(self, y, "y", 1)
        return fourier.ifft(y, self.mask)

    def pinv(self, y):
        return self.adjoint(y)

    def measured(self, within=None):
        return self.mask


class MultiCoilMRI(Operator):
    """y_c = M F(S_c ∘ x) for the coils c = 1 … C, each sensitive to a part of the image.

    x: (B, 2, H, W). y: (B, 2C, H, W), channels Re y₁, Im y₁, Re y₂, … mask: as for `MRI`, the same
    for all coils. coil_maps: S, complex, (C, H, W) or (B, C, H, W), given or from
    `coils.estimate`. Aᵀy = Σ_c S̄_c ∘ FᴴM y_c. ‖A‖² ≤ max Σ_c |S_c|², which is 1 for both makers in
    `coils`; `unit` divides by ‖A‖. pinv: conjugate gradient. Raises ValueError as `MRI` does, and
    for coil maps that are not complex or of another size than the mask.
    """

    def __init__(self, mask, coil_maps):
        super().__init__()
        mask, maps = kspace_mask(mask), as_numbers(coil_maps, "coil_maps")
        if not maps.is_complex() or maps.ndim not in (3, 4):
            raise ValueError(
                f"coil_maps is {maps.dtype} of shape {tuple(maps.shape)}; use complex maps, "
                "(C, H, W) or (B, C, H, W)."
            )
        maps = fourier.to_channels(maps.reshape(-1, *maps.shape[-3:]))
        if maps.shape[-2:] != mask.shape[-2:]:
            raise ValueError(
                f"coil_maps are {tuple(maps.shape[-2:])} pixels and the mask "
                f"{tuple(mask.shape[-2:])}; estimate them at the mask's size."
            )
        self.register_buffer("mask", mask)
        self.register_buffer("maps", maps)

    def forward(self, x):
        check_complex(self, x, "x", 1)
        coils = fourier.to_complex(self.maps) * fourier.to_complex(x)
        return fourier.fft(fourier.to_channels(coils), self.mask)

    def adjoint(self, y):
        check_complex(self, y, "y", self.maps.shape[1] // 2)
        coils = fourier.to_complex(fourier.ifft(y, self.mask))
        combined = (fourier.to_complex(self.maps).conj() * coils).sum(1, keepdim=True)
        return fourier.to_channels(combined)

    def measured(self, within=None):
        return self.mask


def kspace_mask(mask):
    """The mask as (1 or B, 1, H, W) floats, checked."""
    mask = as_mask(mask, "mask measures no line of k-space of an image; keep at least one.")
    if mask.shape[1] != 1:
        raise ValueError(
            f"mask has {mask.shape[1]} channels; real and imaginary part are measured together: "
            "use (H, W) or (B, 1, H, W)."
        )
    return mask


def check_complex(A, x, name, coils):
    """Refuse what is not `coils` complex channels of the size of A's mask."""
    check_image(A, x, name, A.mask)
    if x.shape[1] != 2 * coils:
        raise ValueError(
            f"{name} has {x.shape[1]} channels and {type(A).__name__} takes {2 * coils}, a real "
            f"and an imaginary one for each complex; of a real image make torch.cat([x, 0 * x], 1)."
        )
