"""Cartesian sampling masks of MRI: which columns of k-space are measured.

Each function returns `count` masks (count, 1, H, W) of zeros and ones, constant down the columns,
for images of `size` (H, W). Of the W columns exactly round(W/acceleration) are measured. Of these
the `centre` middle ones always are, by default a third (8 % of k-space at acceleration 4, 4 % at
8, as in fastMRI). acquired: which columns were measured at all, (W,) or (H, W), as in `data.Scan`;
the others are never in a mask, and W counts the acquired ones. Raises ValueError when no column is
left, or fewer than `centre`, or when a middle one was not acquired.
"""

import torch

from .. import _checks
from .._random import choose, place


def random(size, acceleration=4, centre=None, count=1, generator=None, acquired=None):
    """The other columns at random, all equally likely."""
    columns = _columns(size, acceleration, centre, acquired)
    return _drawn(lambda k: torch.ones(len(k)), size, columns, count, generator)


def gaussian(size, acceleration=4, centre=None, std=0.2, count=1, generator=None, acquired=None):
    """The other columns at random, column k with weight e^{−(k − W//2)²/(2 std² W²)}.

    std: in units of W; at 0.2 a column at the edge is 20 times less likely than one in the middle.
    """
    columns = _columns(size, acceleration, centre, acquired)
    width = size[1]
    scale = _checks.positive(std, "std") * width

    def weights(k):
        return torch.exp(-(((k - width // 2) / scale) ** 2) / 2).clamp_min(1e-6)

    return _drawn(weights, size, columns, count, generator)


def equispaced(size, acceleration=4, centre=None, count=1, generator=None, acquired=None):
    """The other columns evenly spaced among themselves, from a random start."""
    middle, others, rest = _columns(size, acceleration, centre, acquired)
    device = place(generator)
    start = torch.rand(_checks.whole(count, "count"), 1, generator=generator, device=device).cpu()
    spaced = ((torch.arange(rest) + start) * len(others) / max(rest, 1)).long()
    return _lines(size, middle, others[spaced.clamp_max(len(others) - 1)])


def _drawn(weights, size, columns, count, generator):
    middle, others, rest = columns
    weights = weights(others).expand(_checks.whole(count, "count"), -1)
    if rest == 0:
        return _lines(size, middle, others[:0].expand(count, -1))
    drawn = choose(weights, rest, generator)
    return _lines(size, middle, others[drawn])


def _columns(size, acceleration, centre, acquired):
    """(the protected columns, the others, how many of the others to measure)."""
    if not isinstance(size, (tuple, list)):
        raise ValueError(f"size is {size}; give (H, W), the size of the image.")
    height, width = _checks.size(size)
    there = _acquired(acquired, height, width)
    total = int(there.sum())
    lines = round(total / _checks.positive(acceleration, "acceleration"))
    if not 1 <= lines <= total:
        raise ValueError(
            f"acceleration is {acceleration:g}, which measures {lines} of {total} columns; choose "
            f"it from 1 to {total}."
        )
    centre = (
        round(0.32 * total / acceleration) if centre is None else _checks.number(centre, "centre")
    )
    if not 0 <= centre <= lines or centre != int(centre):
        raise ValueError(
            f"centre is {centre:g} columns and acceleration {acceleration:g} measures {lines}; "
            "choose a whole number of columns, at most as many, or a lower acceleration."
        )
    first = width // 2 - int(centre) // 2
    k = torch.arange(width)
    inside = (k >= first) & (k < first + centre)
    if not there[inside].all():
        raise ValueError(
            f"centre is {centre:g}, but only {int(there[inside].sum())} of these middle columns "
            "were acquired; choose fewer."
        )
    return k[inside], k[~inside & there], lines - int(centre)


def _acquired(acquired, height, width):
    """Which columns were acquired, (W,) booleans."""
    if acquired is None:
        return torch.ones(width, dtype=torch.bool)
    rows = torch.as_tensor(acquired).cpu()
    if rows.shape not in ((width,), (height, width)) or (rows != rows.reshape(-1, width)[0]).any():
        raise ValueError(
            f"acquired has shape {tuple(rows.shape)}; give (W,) or (H, W) for {height} x {width}, "
            "the same down each column."
        )
    if not ((rows == 0) | (rows == 1)).all() or not rows.any():
        raise ValueError("acquired must hold zeros and ones, and some ones; give acquired != 0.")
    return rows.reshape(-1, width)[0].bool()


def _lines(size, middle, others):
    mask = torch.zeros(len(others), 1, *size)
    mask[:, :, :, middle] = 1
    return mask.scatter(3, others[:, None, None].expand(-1, 1, size[0], -1), 1.0)
