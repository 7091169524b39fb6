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

    By scikit-image, with the window of the paper: 11×11, Gaussian of standard deviation 1.5, at the
    pixels where it fits; the mean over channels. x_hat, x: (B, C, H, W). Returns (B,).
    Raises ValueError for images smaller than the window.
    """
    from skimage.metrics import structural_similarity

    _checks.same_shape(_checks.image(x_hat, "x_hat"), _checks.image(x), "x_hat", "x")
    if min(x.shape[-2:]) < 11:
        raise ValueError(f"x is {tuple(x.shape[-2:])} pixels; ssim needs at least 11 on a side.")
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    values = [
        structural_similarity(a, b, data_range=1.0, channel_axis=0, **options)
        for a, b in zip(x_hat.detach().cpu().numpy(), x.cpu().numpy(), strict=True)
    ]
    return torch.tensor(values, dtype=x.dtype)


def interval(values):
    """(mean, half-width of the 95 % t interval) of independent values; half-width nan for one."""
    from scipy.stats import t

    values = torch.as_tensor(values, dtype=torch.float64).flatten()
    n = len(values)
    if n < 2:
        return float(values.mean()), float("nan")
    half = float(t.ppf(0.975, n - 1) * values.std() / n**0.5)
    return float(values.mean()), half
