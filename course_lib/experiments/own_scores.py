"""How well the reader's own test files are reconstructed, with a truth and without one."""

import torch

from .._random import stream
from ..operators import fourier
from . import own, report
from .sweep import reconstruct

HIDDEN = 0.2  # of the measured columns, where there is no truth


def against(f, loss, test, where):
    """{"psnr", "ssim"} of each test image, against the target or else the image x."""
    x_hat, truth = reconstruct(f, loss, test.y, test.A, where), test.target
    if test.x is None or test.x.shape[1] == 2:  # complex
        x_hat = fourier.magnitude(x_hat)
        truth = fourier.magnitude(test.x) if truth is None else truth
        peak, x_hat = truth.max(), _middle(x_hat, truth.shape[-2:])
        x_hat, truth = x_hat / peak, truth / peak
    return report.scores(x_hat, truth)


def hidden(f, loss, test, where):
    """For each test slice, 10 log₁₀ ‖h ∘ y‖²/‖h ∘ (A x̂ − y)‖², x̂ from the columns that h leaves."""
    mask = test.A.mask.expand(len(test.y), -1, -1, -1)
    h = hide(mask)
    maps = fourier.to_complex(test.A.maps) if hasattr(test.A, "maps") else None
    seen = mask * ~h
    x_hat = reconstruct(f, loss, test.y * seen, own.operator(seen, maps), where)
    error, energy = ((h * u).square().flatten(1).sum(1) for u in (test.A(x_hat) - test.y, test.y))
    return (10 * (energy / error).log10()).tolist()


def hide(mask):
    """h, (N, 1, H, W): of each mask a fifth of the columns outside of the common middle."""
    width, count = mask.shape[-1], own.middle(mask)
    lines, first = mask[:, 0, 0] > 0, width // 2 - count // 2
    lines[:, first : first + count] = False
    if not lines.any(1).all():
        raise ValueError("a slice has no column outside of the middle ones: nothing to score with.")
    share = (HIDDEN * lines.sum(1)).round().clamp_min(1)
    order = torch.rand(lines.shape, generator=stream(0, "hidden columns")) * lines
    rank = order.argsort(1, descending=True).argsort(1)
    return ((rank < share[:, None]) & lines)[:, None, None].expand(mask.shape)


def _middle(x, size):
    first = [n // 2 - m // 2 for n, m in zip(x.shape[-2:], size, strict=True)]
    return x[..., first[0] : first[0] + size[0], first[1] : first[1] + size[1]]
