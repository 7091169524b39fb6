"""The noise of measurements that come without a law: σ, gain and autocorrelation from y alone.

All look at the second differences of y in rows and columns, which leave nothing of an image that
is smooth over 3×3 pixels. What they leave of edges and texture only adds, so that every estimate
is a little too large for photographs with little noise; medians keep it small. Start a loss from
these numbers, or look at them; SURE needs a better σ where they are biased.
"""

import numpy as np
import torch
from torch import Tensor

from .. import _checks

MEDIAN = 0.6745  # of |N(0, 1)|
SIDE = 8  # pixels of a block
BLOCK = 0.955  # the median over blocks of the mean square of white Gaussian details, over its mean
ENOUGH = 50  # blocks whose medians are worth something
LEAST = 9  # values


def details(y: Tensor) -> Tensor:
    """d, the second difference of y along rows and columns over 6: (B, C, H − 2, W − 2).

    For white noise Var(d) = σ², and it correlates as the mask (1, −2, 1)ᵀ(1, −2, 1) does.

    Arguments:
        y: (B, C, H, W).

    Example:
        >>> ramp = torch.arange(8.0).expand(1, 1, 8, 8)
        >>> bool(noise.estimate.details(ramp).any())
        False
    """
    return _checks.image(y, "y").diff(n=2, dim=-1).diff(n=2, dim=-2) / 6


def pooled(u: Tensor) -> Tensor:
    """The means of u over its blocks of 8×8 pixels.

    Arguments:
        u: (B, C, H, W).

    Example:
        >>> noise.estimate.pooled(torch.ones(1, 1, 20, 16)).shape
        torch.Size([1, 1, 2, 2])
    """
    return torch.nn.functional.avg_pool2d(u, SIDE)


def blocks(y: Tensor) -> int:
    """How many whole blocks of 8×8 pixels the details of y have.

    Arguments:
        y: (B, C, H, W).

    Example:
        >>> noise.estimate.blocks(torch.zeros(2, 1, 18, 10))
        4
    """
    H, W = y.shape[-2:]
    return y[..., 0, 0].numel() * max(0, (H - 2) // SIDE) * max(0, (W - 2) // SIDE)


def sigma(y: Tensor, measured: Tensor | None = None) -> Tensor:
    """The noise level of each image or measurement of y, (B, 1, 1, 1): median |d|/0.6745.

    Assumes white Gaussian noise. d are the details of y; where too few of their nine pixels are
    measured, second differences along rows or columns alone, or else y about its median, ever more
    of which is image.
    Bias, median and 95 % point over 64×64 tiles of photographs: 1.05 to 1.34 and 2.3 σ at σ = 0.02,
    1.02 to 1.07 and 1.35 at 0.05, 1.02 and 1.12 at 0.1, 1.01 and 1.06 at 0.2. Never below
    10⁻⁴ max |y|. Raises ValueError for fewer than nine entries an image, and where y is 0.
    Source: after Immerkær (1996).

    Arguments:
        y: (B, ...), images or measurements.
        measured: where y is measured, zeros and ones that broadcast to y, as `A.measured()` gives;
            None for everywhere.

    Example:
        >>> y = torch.linspace(0, 1, 64) + 0.1 * torch.randn(1, 1, 64, 64)
        >>> round(float(noise.estimate.sigma(y)), 2)
        0.1
    """
    y = _checks.floats(y)
    if not y.any():
        raise ValueError("y is 0 everywhere; give sigma (or eta, its square), a guess.")
    u = y if measured is None else y.masked_fill(measured.expand_as(y) == 0, float("nan"))
    axes = [axis for axis in (-1, -2) if y.ndim > 1 - axis and y.shape[axis] > 2]
    for along in (axes if len(axes) > 1 else [], axes[:1], axes[1:], []):
        d = u
        for axis in along:
            d = d.diff(n=2, dim=axis) / 6**0.5
        d = d.flatten(1)
        if not along:
            d = d - d.nanmedian(dim=1, keepdim=True).values
        if d.shape[1] and int((~d.isnan()).sum(1).min()) >= LEAST:
            level = d.abs().nanmedian(dim=1).values / MEDIAN
            return level.clamp_min(1e-4 * y.abs().max()).view(-1, *[1] * (y.ndim - 1))
    raise ValueError(
        f"y has {y[0].numel()} entries an image, too few to estimate a noise level; give sigma (or "
        "eta, its square)."
    )


def gain(y: Tensor) -> tuple:
    """(γ, σ) of the Poisson-Gaussian noise of all images y, Var(y | x) = γx + σ²; two numbers.

    Assumes independent noise of one law, and blocks of 8×8 pixels that span a range of
    brightness; σ is near 0 for counts without read-out noise. In every block the mean of y and
    that of d² are noted, in bins of equal brightness the medians, and a line is fitted, weighted
    by its own values squared; γ, σ ≥ 0. Raises ValueError for fewer than 50 blocks.
    Bias, 8 photographs of 64×64: γ = 0.002 to 0.05 is found within 15 %, with σ = 0.02 or 0.1
    within 10 %; more images, less error. Source: Foi et al. (2008), with blocks for segments.

    Arguments:
        y: (B, C, H, W), with 50 blocks of 8×8 pixels at least.

    Example:
        >>> x = torch.linspace(0.1, 1, 128).expand(4, 1, 128, 128)
        >>> gain, sigma = noise.estimate.gain(noise.Poisson(0.02)(x))
        >>> round(gain, 3)
        0.02
    """
    from scipy.optimize import nnls

    if blocks(_checks.image(y, "y")) < ENOUGH:
        raise ValueError(
            f"y is {tuple(y.shape)}: {blocks(y)} blocks of {SIDE}×{SIDE} pixels; a gain needs "
            f"{ENOUGH}: give larger images, or more."
        )
    x, v = pooled(y[..., 1:-1, 1:-1]).flatten(), pooled(details(y).square()).flatten() / BLOCK
    bins = x.argsort().tensor_split(min(16, len(x) // 8))
    x, v = (np.array([float(t[i].median()) for i in bins]) for t in (x, v))
    line, fit = np.stack([x, np.ones_like(x)], 1), np.full_like(v, v.mean())
    for _ in range(20):
        (slope, level), _ = nnls(line / fit[:, None], v / fit)
        fit = np.maximum(slope * x + level, 1e-3 * v.mean())
    return float(slope), float(level) ** 0.5


def autocorrelation(y: Tensor, reach: int = 1) -> Tensor:
    """C_l, the noise's covariance at the lags l = (l_1, l_2), |l_1|, |l_2| ≤ L: (2L+1, 2L+1).

    Assumes stationary Gaussian noise without correlation beyond `reach` = L pixels, one law for
    all images y. C_0, in the middle, is σ². The covariance of d at lag k is Σ_l r(k − l) C_l, r the
    autocorrelation of the mask; it is measured by medians of |d_i ± d_{i+k}| up to k = L + 2. r is
    that of rows times that of columns, so with the matrix R_kl of one of them C = R⁺ ĉ (R⁺)ᵀ, the
    least-squares solution. Raises ValueError for images too small.
    Bias, 8 photographs of 64×64 and σ = 0.1: C_0 is up to 0.15 σ² too large at L = 1 and 0.25 at
    L = 2, its neighbours less; at σ = 0.02 about 1 and 2 σ². It errs more for larger L, and
    says little beyond 2. Source: the covariance form of Immerkær (1996).

    Arguments:
        y: (B, C, H, W), sides of at least 2L + 6 pixels.
        reach: L, in pixels.

    Example:
        >>> y = noise.CorrelatedGaussian(torch.tensor([[0.1, 0.1]]))(torch.zeros(4, 1, 64, 64))
        >>> noise.estimate.autocorrelation(y)[1].round(decimals=2)  # along a row
        tensor([0.0100, 0.0200, 0.0100])
    """
    L, d = _checks.whole(reach, "reach"), details(y)
    if min(d.shape[-2:]) < 2 * L + 4:
        raise ValueError(f"y is {tuple(y.shape[-2:])} pixels, too small for a reach of {L}.")
    lags = range(-L - 2, L + 3)
    half = torch.stack([torch.stack([_covariance(d, i, j) for j in lags]) for i in range(L + 3)])
    found = torch.cat([half[1:].flip(0, 1), half]).double()  # the lag −k as the lag k
    r = torch.tensor([1.0, -4, 6, -4, 1], dtype=torch.float64, device=y.device) / 6
    R = torch.stack([torch.nn.functional.pad(r, (k, 2 * L - k)) for k in range(2 * L + 1)], 1)
    return (torch.linalg.pinv(R) @ found @ torch.linalg.pinv(R).T).to(y.dtype)


def _covariance(d, i, j):
    """E d_p d_{p + (i, j)}, i ≥ 0, by medians."""
    H, W = d.shape[-2:]
    a = d[..., : H - i, max(0, -j) : W - max(0, j)]
    b = d[..., i:, max(0, j) : W - max(0, -j)]
    plus, minus = (u.abs().median().square() for u in (a + b, a - b))
    return (plus - minus) / (4 * MEDIAN**2)
