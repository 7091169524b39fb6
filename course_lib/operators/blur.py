"""Blur: A = convolution with a known kernel."""

import torch
from torch.nn import functional as F

from .. import _checks
from .base import Operator
from .guard import single
from .parameters import as_numbers


def transfer(kernel, size):
    """The transfer function K of a centred kernel (…, h, w) on a periodic image of `size` (H, W).

    (1 or B, 1 or C, H, W//2 + 1); the kernel's centre is at (h//2, w//2).
    """
    h, w = kernel.shape[-2:]
    if h > size[0] or w > size[1]:
        raise ValueError(f"kernel {h, w} is larger than the image {tuple(size)}; crop the kernel.")
    kernel = single(kernel.reshape(*[1] * (4 - kernel.ndim), *kernel.shape))
    padded = F.pad(kernel, (0, size[1] - w, 0, size[0] - h))
    return torch.fft.rfft2(padded.roll((-(h // 2), -(w // 2)), (-2, -1)))


class Blur(Operator):
    """(Ax)_i = Σ_j k_j x_{i − j + c}, c = (h//2, w//2) the kernel's centre: F⁻¹(K · Fx), K = Fk.

    Adjoint: F⁻¹(K̄ · Fy), correlation with k, of the padded y. With periodic borders pinv inverts
    the frequencies with |K| > tolerance·max|K| and drops the others, which is the exact A† of a
    kernel whose other frequencies vanish; otherwise it is conjugate gradient with that tolerance.
    The transform of one kernel for all images is kept until the kernel or the image's size changes.
    Raises ValueError for another border or number of axes and for a kernel larger than the image.

    Arguments:
        kernel: k, (h, w); or (B, h, w), one per image; or (B, C, h, w), one per image and channel,
            B or C being 1 where one serves all
        border: what lies outside of the image.
            "periodic"  the opposite side
            "zero"      black; x is padded before the transforms, and y cropped
            "valid"     nothing is assumed: y is smaller, (H − h + 1, W − w + 1), the pixels that
                        only see the image, as a camera's do

    Example:
        >>> x = torch.eye(4)[None, None]
        >>> for border in ("periodic", "zero", "valid"):
        ...     y = operators.Blur(torch.ones(1, 3), border)(x)
        ...     y.shape[3], y[0, 0, 0].round().int().tolist()
        (4, [1, 1, 0, 1])
        (4, [1, 1, 0, 0])
        (2, [1, 0])
    """

    tolerance = 1e-3
    _kept = (None, None, None)  # of the last transform on a CPU: the grid, the kernel, K

    def __init__(self, kernel: torch.Tensor, border: str = "periodic"):
        super().__init__()
        kernel = as_numbers(kernel, "kernel")
        kernel = kernel[:, None] if kernel.ndim == 3 else kernel
        shape = tuple(kernel.shape)
        if len(shape) not in (2, 4) or not kernel.flatten(-2).any(-1).all():
            raise ValueError(f"kernel has shape {shape}; use a non-zero (h, w), or (B, h, w).")
        self.border = _checks.choice(border, "border", "periodic", "zero", "valid")
        self.register_buffer("kernel", kernel.reshape(*[1] * (4 - kernel.ndim), *kernel.shape))
        channels = self.kernel.shape[1]
        self.takes = self.gives = (channels if channels > 1 else "C", "H", "W")

    def forward(self, x):
        (H, W), (h, w) = x.shape[-2:], self.kernel.shape[-2:]
        grid = self._grid(H, W)
        y = torch.fft.irfft2(self._transfer(grid) * torch.fft.rfft2(x, s=grid), s=grid)
        if self.border == "valid":
            top, left = h - 1 - h // 2, w - 1 - w // 2
            return y[..., top : top + H - h + 1, left : left + W - w + 1]
        return y[..., :H, :W]

    def adjoint(self, y):
        h, w = self.kernel.shape[-2:]
        if self.border == "valid":
            y = F.pad(y, (w - 1 - w // 2, w // 2, h - 1 - h // 2, h // 2))
        H, W = y.shape[-2:]
        grid = self._grid(H, W)
        x = torch.fft.irfft2(self._transfer(grid).conj() * torch.fft.rfft2(y, s=grid), s=grid)
        return x[..., :H, :W]

    def pinv(self, y, iterations=50, tolerance=None):
        if self.border != "periodic":
            return super().pinv(y, iterations, tolerance)
        K = self._transfer(y.shape[-2:])
        least = self.tolerance if tolerance is None else tolerance
        kept = K.abs() > least * K.abs().amax((-2, -1), keepdim=True)
        inverse = torch.where(kept, 1 / torch.where(kept, K, 1), 0)
        return torch.fft.irfft2(inverse * torch.fft.rfft2(y), s=y.shape[-2:])

    def _grid(self, H, W):
        """The periodic grid for an image of H×W: with room for zeros, where the border is black."""
        h, w = self.kernel.shape[-2:]
        return (H + h - 1, W + w - 1) if self.border == "zero" else (H, W)

    def _transfer(self, grid):
        """K on this grid: as kept if it is of the same numbers, which a CPU compares fast."""
        kernel, (size, same, K) = self.kernel, self._kept
        if len(kernel) > 1 or kernel.requires_grad or kernel.device.type != "cpu":
            return transfer(kernel, grid)
        if size != grid or same.dtype != kernel.dtype or not torch.equal(same, kernel):
            K = transfer(kernel, grid)
            if not K.is_inference():
                self._kept = (grid, kernel.clone(), K)
        return K

    def __getstate__(self):
        return {**self.__dict__, "_kept": (None, None, None)}
