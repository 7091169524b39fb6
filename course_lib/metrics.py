"""Image quality and intervals."""

import torch

from . import _checks


def psnr(x_hat, x):
    """10 log₁₀(1 / mean (x̂ − x)²) in dB, per image, for images in [0, 1] (not clipped).

    x_hat, x: (B, C, H, W). Returns (B,).
    """
    _checks.same_shape(x_hat, x, "x_hat", "x")
    return -10 * (x_hat - x).square().flatten(1).mean(1).log10()


def ssim(x_hat, x):
    """Structural similarity per image, for images in [0, 1] (Wang et al. 2004), by torchmetrics."""
    from torchmetrics.functional.image import structural_similarity_index_measure

    _checks.same_shape(x_hat, x, "x_hat", "x")
    return structural_similarity_index_measure(x_hat, x, data_range=1.0, reduction="none").view(-1)


def interval(values):
    """(mean, half-width of the 95 % t interval) of independent values; half-width nan for one."""
    from scipy.stats import t

    values = torch.as_tensor(values, dtype=torch.float64).flatten()
    n = len(values)
    if n < 2:
        return float(values.mean()), float("nan")
    half = float(t.ppf(0.975, n - 1) * values.std() / n**0.5)
    return float(values.mean()), half
