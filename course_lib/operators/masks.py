"""Cartesian sampling masks of MRI: which columns of k-space are measured.

Each function returns `count` masks (count, 1, H, W) of zeros and ones, constant down the columns.
Of the W columns exactly round(W/acceleration) are measured, and of these the middle ones always.
Raises ValueError when no column is left, or fewer than `centre`, or when a middle one was not
acquired.
"""

import torch

from .. import _checks
from .._random import choose, place

Whole, Generator, Lines = "int | None", "torch.Generator | None", "torch.Tensor | None"


def random(size: tuple, acceleration: float = 4, centre: Whole = None, count: int = 1,
           generator: Generator = None, acquired: Lines = None):  # fmt: skip
    """Masks whose other columns are measured at random, all equally likely.

    Arguments:
        size: (H, W) of k-space, or one number
        acceleration: W over the number of columns measured
        centre: how many in the middle always are; None for a third (8 % of k-space at acceleration
            4, 4 % at 8, as in fastMRI)
        count: how many masks
        generator: a torch.Generator; None for torch's own
        acquired: which columns were measured at all, (W,) or (H, W), as in `data.Scan`; the others
            are never in a mask, and W counts the acquired ones. None for all

    Example:
        >>> m = operators.masks.random((8, 32), acceleration=4, count=5)
        >>> m.shape, m[:, 0, 0].sum(1).tolist()
        (torch.Size([5, 1, 8, 32]), [8.0, 8.0, 8.0, 8.0, 8.0])
    """
    columns = _columns(size, acceleration, centre, acquired)
    return _drawn(columns, torch.ones(len(columns[2])), count, generator)


def gaussian(size: tuple, acceleration: float = 4, centre: Whole = None, std: float = 0.2,
             count: int = 1, generator: Generator = None, acquired: Lines = None):  # fmt: skip
    """Masks whose other columns are random, column k with weight e^{−(k − W//2)²/(2 std² W²)}.

    Arguments:
        size, acceleration, centre, count, generator, acquired: as for `random`
        std: in units of W; at 0.2 a column at the edge is 20 times less likely than one in the
            middle

    Example:
        >>> m = operators.masks.gaussian((1, 32), acceleration=4, centre=0, count=1000)
        >>> bool(m[..., 16].mean() > 5 * m[..., 0].mean())  # the middle and the edge
        True
    """
    columns, width = _columns(size, acceleration, centre, acquired), _checks.size(size)[1]
    far = (columns[2] - width // 2) / (_checks.positive(std, "std") * width)
    return _drawn(columns, torch.exp(-(far**2) / 2).clamp_min(1e-6), count, generator)


def equispaced(size: tuple, acceleration: float = 4, centre: Whole = None, count: int = 1,
               generator: Generator = None, acquired: Lines = None):  # fmt: skip
    """Masks whose other columns are evenly spaced among themselves, from a random start.

    Arguments:
        size, acceleration, centre, count, generator, acquired: as for `random`

    Example:
        >>> operators.masks.equispaced((1, 8), acceleration=2, centre=0).sum().item()
        4.0
    """
    empty, middle, others, rest = _columns(size, acceleration, centre, acquired)
    start = torch.rand(_checks.whole(count, "count"), 1, generator=generator,
                       device=place(generator)).cpu()  # fmt: skip
    spaced = ((torch.arange(rest) + start) * len(others) / max(rest, 1)).long()
    return _lines(empty, middle, others[spaced.clamp_max(len(others) - 1)])


def _drawn(columns, weights, count, generator):
    empty, middle, others, rest = columns
    weights = weights.expand(_checks.whole(count, "count"), -1)
    drawn = choose(weights, rest, generator) if rest else torch.zeros(count, 0, dtype=torch.long)
    return _lines(empty, middle, others[drawn])


def _lines(empty, middle, others):
    mask = empty.repeat(len(others), 1, 1, 1)
    mask[:, :, :, middle] = 1
    return mask.scatter(3, others[:, None, None].expand(-1, 1, mask.shape[2], -1), 1.0)


def _columns(size, acceleration, centre, acquired):
    """(an empty mask, the protected columns, the others, how many of the others to measure)."""
    height, width = _checks.size(size)
    there = _acquired(acquired, height, width)
    total = int(there.sum())
    lines = round(total / _checks.positive(acceleration, "acceleration"))
    if not 1 <= lines <= total:
        told = f"which measures {lines} of {total} columns; choose it from 1 to {total}"
        raise ValueError(f"acceleration is {acceleration:g}, {told}.")
    third = round(0.32 * total / acceleration)
    centre = third if centre is None else _checks.number(centre, "centre")
    if not 0 <= centre <= lines or centre != int(centre):
        told = f"choose a whole number from 0 to {lines}, all that are measured"
        raise ValueError(f"centre is {centre:g} columns; {told}, or a lower acceleration.")
    k, first = torch.arange(width), width // 2 - int(centre) // 2
    inside = (k >= first) & (k < first + centre)
    if not there[inside].all():
        told = f"only {int(there[inside].sum())} of these middle columns were acquired"
        raise ValueError(f"centre is {centre:g}, but {told}; choose fewer.")
    return torch.zeros(1, 1, height, width), k[inside], k[~inside & there], lines - int(centre)


def _acquired(acquired, height, width):
    """Which columns were acquired, (W,) booleans."""
    rows = torch.ones(width) if acquired is None else torch.as_tensor(acquired).cpu()
    there = rows.flatten()[:width].bool()
    if rows.shape not in ((width,), (height, width)) or (rows != there).any() or not there.any():
        told = f"give zeros and ones, not all 0, the same down each column, for {height} x {width}"
        raise ValueError(f"acquired has shape {tuple(rows.shape)}; {told}: (W,) or (H, W).")
    return there
