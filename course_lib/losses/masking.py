"""Which pixels to hide, and what to write over them: the tools of the cross-validation losses.

A mask `hidden` is boolean, (B, 1, H, W): one per image, all channels of a pixel together. What
replaces a hidden value is computed from kept ones alone, so that with noise independent between
pixels the input knows nothing of the noise of any hidden pixel.
"""

import torch
from torch.nn import functional as F

from .. import _checks
from .._random import choose, place

KERNEL = [[0.5, 1.0, 0.5], [1.0, 0.0, 1.0], [0.5, 1.0, 0.5]]  # Noise2Self's weights, before / 6


def uniform(y, shape, generator=None):
    """U(0, 1) numbers of this shape on y's device, in double precision: no ties."""
    where = {"dtype": torch.float64, "device": place(generator, y)}
    return torch.rand(shape, generator=generator, **where).to(y.device)


def stratified(y, period, generator=None):
    """One pixel, uniformly drawn, in each cell of period×period pixels.

    Raises ValueError when the image does not divide into such cells.
    """
    h, w = _checks.image(y, "y").shape[-2:]
    if h % period or w % period:
        remedy = "crop it, or choose another period"
        raise ValueError(f"y is {(h, w)} pixels, not whole cells of {period}×{period}; {remedy}.")
    u = uniform(y, (len(y), 1, h, w), generator)
    return u == F.interpolate(F.max_pool2d(u, period), scale_factor=period)


def grid(y, phase, width):
    """Every pixel (i, j) with i mod width = phase // width and j mod width = phase % width.

    phase: a number, or a tensor (B, 1, 1, 1) of numbers 0 … width² − 1. Raises ValueError for an
    image smaller than one period, where some phases would hide nothing.
    """
    h, w = _checks.image(y, "y").shape[-2:]
    if min(h, w) < width:
        remedy = "use larger images or a smaller width"
        raise ValueError(f"y is {(h, w)} pixels, smaller than the mask's period {width}; {remedy}.")
    rows = torch.arange(h, device=y.device)[:, None] % width
    columns = torch.arange(w, device=y.device) % width
    phase = torch.as_tensor(phase, device=y.device)
    return ((rows * width + columns) == phase).expand(len(y), 1, h, w)


def interpolate(y, hidden):
    """y with each hidden value replaced by the weighted mean of its kept neighbours (3×3).

    A hidden pixel without a kept neighbour waits until its neighbours have been filled. Raises
    ValueError when all pixels of an image are hidden.
    """
    if hidden.flatten(1).all(1).any():
        raise ValueError("the mask hides every pixel of an image; keep at least one.")
    kernel = y.new_tensor(KERNEL).expand(y.shape[1], 1, 3, 3)
    known = (~hidden).to(y.dtype).expand_as(y)
    filled = y * known
    while True:
        weight = F.conv2d(known, kernel, padding=1, groups=y.shape[1])
        mean = F.conv2d(filled, kernel, padding=1, groups=y.shape[1]) / weight.clamp_min(0.5)
        new = (known == 0) & (weight > 0)
        filled, known = torch.where(new, mean, filled), known.masked_fill(new, 1.0)
        if known.all():
            return filled


def neighbours(y, hidden, radius):
    """(K, (2 radius + 1)²): the kept values around each of the K hidden ones, NaN for the others.

    The hidden value itself is never among them, nor that of another hidden pixel.
    """
    kept = F.pad(y.masked_fill(hidden, torch.nan), [radius] * 4, value=torch.nan)
    size = 2 * radius + 1
    windows = kept.unfold(2, size, 1).unfold(3, size, 1)
    return windows[hidden.expand_as(y)].flatten(1)


def resample(y, hidden, radius, generator=None):
    """y with each hidden value replaced by a uniformly drawn one of its kept neighbours."""
    values = neighbours(y, hidden, radius)
    drawn = choose((~values.isnan()).to(values.dtype), 1, generator)
    return y.masked_scatter(hidden, values.gather(1, drawn))


def median(y, hidden, radius):
    """y with each hidden value replaced by the median of its kept neighbours."""
    return y.masked_scatter(hidden, neighbours(y, hidden, radius).nanmedian(1).values)
