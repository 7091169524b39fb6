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
    """Structural similarity per image, for images in [0, 1] (Wang et al. 2004, eq. 13).

    Means, variances and covariance under an 11×11 Gaussian window of standard deviation 1.5, at
    the pixels where the window fits; C1 = 0.01², C2 = 0.03². x_hat, x: (B, C, H, W). Returns (B,).
    Raises ValueError for images smaller than the window.
    """
    _checks.same_shape(_checks.image(x_hat, "x_hat"), _checks.image(x), "x_hat", "x")
    if min(x.shape[-2:]) < 11:
        raise ValueError(f"x is {tuple(x.shape[-2:])} pixels; ssim needs at least 11 on a side.")
    t = torch.arange(-5, 6, dtype=x.dtype, device=x.device)
    g = torch.exp(-t.square() / (2 * 1.5**2))
    window = (g[:, None] * g / g.sum() ** 2)[None, None]
    a, b = (image.flatten(0, 1)[:, None] for image in (x_hat, x))
    moments = torch.cat([a, b, a * a, b * b, a * b])
    mean_a, mean_b, aa, bb, ab = torch.nn.functional.conv2d(moments, window).chunk(5)
    luminance = (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
    variances = aa - mean_a**2 + bb - mean_b**2
    structure = (2 * (ab - mean_a * mean_b) + 9e-4) / (variances + 9e-4)
    return (luminance * structure).reshape(len(x), -1).mean(1)


def interval(values):
    """(mean, half-width of the 95 % t interval) of independent values; half-width nan for one."""
    from scipy.stats import t

    values = torch.as_tensor(values, dtype=torch.float64).flatten()
    n = len(values)
    if n < 2:
        return float(values.mean()), float("nan")
    half = float(t.ppf(0.975, n - 1) * values.std() / n**0.5)
    return float(values.mean()), half
