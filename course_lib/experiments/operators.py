"""`course table operators`: the time of forward and adjoint, beside a plain way to compute them.

Both sides work on the same 8 images of 128×128, in one process and in turns. A row has the least
time of each, which is what other work on the machine disturbs least, and their ratio, which says
more than the times where the machine is shared.
"""

import time

import numpy as np
import torch
from torch.nn import functional as F

from .. import operators
from .._random import stream
from . import report

REPEATS = {"quick": 30, "full": 200}
IMAGES, SIZE, ANGLES = 8, 128, 60


class RotateAndSum:
    """CT as it is often written: turn the image by bilinear interpolation, then sum the columns.

    All angles in one call of `grid_sample`; the exact adjoint by differentiation.
    """

    def __init__(self, angles, size, detectors):
        self.size, self.detectors = size, detectors
        c, s = torch.deg2rad(angles).cos(), torch.deg2rad(angles).sin()
        turns = torch.stack([c, s, 0 * c, -s, c, 0 * c], 1).reshape(-1, 2, 3)
        shape = (len(angles), 1, detectors, detectors)
        grids = F.affine_grid(turns, shape, align_corners=False)
        self.grid = grids.permute(1, 0, 2, 3).reshape(1, detectors, -1, 2)  # angles side by side

    def __call__(self, x):
        border = (self.detectors - self.size) // 2
        x = F.pad(x, [border] * 4)
        turned = F.grid_sample(x, self.grid.expand(len(x), -1, -1, -1), align_corners=False)
        return turned.sum(2).unflatten(2, (-1, self.detectors))

    def both(self, x):
        """(Ax, AᵀAx)."""
        x = x.clone().requires_grad_()
        y = self(x)
        return y.detach(), torch.autograd.grad(y, x, y.detach())[0]


def radon():
    """(ours, the other): functions without arguments that return (Ax, AᵀAx)."""
    angles = torch.arange(ANGLES) * 180.0 / ANGLES
    A = operators.Radon(angles, SIZE)
    other = RotateAndSum(angles, SIZE, A.detectors)
    x = torch.rand(IMAGES, 1, SIZE, SIZE, generator=stream(0, "benchmark of operators"))
    return lambda: (y := A(x), A.adjoint(y)), lambda: other.both(x)


def mri():
    """The same for MRI ×4 and NumPy's FFT, to k-space and back, with one multiplication each."""
    mask = operators.masks.gaussian((SIZE, SIZE), 4, generator=stream(0, "mask"))
    A = operators.MRI(mask)
    x = torch.randn(IMAGES, 2, SIZE, SIZE, generator=stream(0, "benchmark of operators"))
    z, m = operators.fourier.to_complex(x).numpy(), np.fft.ifftshift(mask.numpy())

    def plain():
        y = m * np.fft.fft2(z, norm="ortho")
        return y, np.fft.ifft2(m * y, norm="ortho")

    return lambda: (y := A(x), A.adjoint(y)), plain


PROBLEMS = {
    f"Radon, {IMAGES}×1×{SIZE}×{SIZE}, {ANGLES} angles": (radon, "rotate and sum"),
    f"MRI ×4, {IMAGES}×2×{SIZE}×{SIZE}": (mri, "NumPy FFT, one multiply"),
}


def seconds(functions, repeats):
    """The least time of each function, called in turns."""
    least = [float("inf")] * len(functions)
    for _ in range(repeats):
        for i, function in enumerate(functions):
            start = time.perf_counter()
            function()
            least[i] = min(least[i], time.perf_counter() - start)
    return least


def measure(scale, seeds=None, json_path=None):
    """All rows. Returns {"meta", "rows"}."""
    began, rows = time.perf_counter(), []
    with torch.no_grad():
        for problem, (make, other) in PROBLEMS.items():
            ours, theirs = make()
            mine, reference = seconds([ours, torch.enable_grad()(theirs)], REPEATS[scale])
            rows.append({
                "problem": problem, "method": "forward and adjoint", "ms": 1e3 * mine,
                "reference": other, "reference_ms": 1e3 * reference, "ratio": mine / reference,
                "threads": torch.get_num_threads(),
            })  # fmt: skip
    return {"meta": report.meta(scale, "cpu", [0], time.perf_counter() - began), "rows": rows}
