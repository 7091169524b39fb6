"""Blur: A = circular convolution with a known kernel."""

import torch

from .. import _checks
from .base import Operator, check_image


def transfer(kernel, size):
    """The transfer function K of a centred kernel on a periodic image: (1, 1, H, W//2 + 1)."""
    h, w = kernel.shape
    if h > size[0] or w > size[1]:
        raise ValueError(f"kernel {h, w} is larger than the image {tuple(size)}; crop the kernel.")
    padded = kernel.new_zeros(size)
    padded[:h, :w] = kernel
    return torch.fft.rfft2(padded.roll((-(h // 2), -(w // 2)), (0, 1)))[None, None]


class Blur(Operator):
    """Ax = k ∗ x with periodic borders, computed as F⁻¹(K · Fx) where K = Fk.

    kernel: (h, w), its centre at (h//2, w//2). Adjoint: F⁻¹(K̄ · Fy), correlation with k.
    pinv inverts the frequencies with |K| > tolerance·max|K| and drops the others, which is the
    exact A† of a kernel whose other frequencies vanish. Raises ValueError for a kernel larger
    than the image.
    """

    def __init__(self, kernel):
        super().__init__()
        kernel = _checks.floats(torch.as_tensor(kernel), "kernel")
        if kernel.ndim != 2 or not kernel.any():
            raise ValueError(f"kernel has shape {tuple(kernel.shape)}; use a non-zero (h, w) one.")
        self.register_buffer("kernel", kernel[None])

    def _transfer(self, x):
        return transfer(self.kernel[0], x.shape[-2:])

    def forward(self, x):
        check_image(self, x)
        return torch.fft.irfft2(self._transfer(x) * torch.fft.rfft2(x), s=x.shape[-2:])

    def adjoint(self, y):
        check_image(self, y, "y")
        return torch.fft.irfft2(self._transfer(y).conj() * torch.fft.rfft2(y), s=y.shape[-2:])

    def pinv(self, y, tolerance=1e-3):
        check_image(self, y, "y")
        K = self._transfer(y)
        kept = K.abs() > tolerance * K.abs().max()
        inverse = torch.where(kept, 1 / torch.where(kept, K, 1), 0)
        return torch.fft.irfft2(inverse * torch.fft.rfft2(y), s=y.shape[-2:])
