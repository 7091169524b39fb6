"""Cartesian sampling masks of MRI: which columns of k-space are measured.

Each function returns `count` masks (count, 1, H, W) of zeros and ones, constant down the columns,
for images of `size` (H, W). Of the W columns exactly round(W/acceleration) are measured. Of these
the `centre` middle ones always are, by default a third (8 % of k-space at acceleration 4, 4 % at
8, as in fastMRI). Raises ValueError when no column is left, or fewer than `centre`.
"""

import torch

from .. import _checks


def random(size, acceleration=4, centre=None, count=1, generator=None):
    """The other columns at random, all equally likely."""
    return _drawn(torch.ones(size[1]), size, acceleration, centre, count, generator)


def gaussian(size, acceleration=4, centre=None, std=0.2, count=1, generator=None):
    """The other columns at random, column k with weight e^{−(k − W//2)²/(2 std² W²)}.

    std: in units of W; at 0.2 a column at the edge is 20 times less likely than one in the middle.
    """
    k = torch.arange(size[1]) - size[1] // 2
    weights = torch.exp(-((k / (_checks.positive(std, "std") * size[1])) ** 2) / 2)
    return _drawn(weights.clamp_min(1e-6), size, acceleration, centre, count, generator)


def equispaced(size, acceleration=4, centre=None, count=1, generator=None):
    """The other columns evenly spaced among themselves, from a random start."""
    middle, others, rest = _columns(size, acceleration, centre)
    start = torch.rand(count, 1, generator=generator)
    place = ((torch.arange(rest) + start) * len(others) / max(rest, 1)).long()
    return _lines(size, middle, others[place.clamp_max(len(others) - 1)])


def _drawn(weights, size, acceleration, centre, count, generator):
    middle, others, rest = _columns(size, acceleration, centre)
    weights = weights[others].expand(count, -1)
    if rest == 0:
        return _lines(size, middle, others[:0].expand(count, -1))
    return _lines(size, middle, others[torch.multinomial(weights, rest, generator=generator)])


def _columns(size, acceleration, centre):
    """(the protected columns, the others, how many of the others to measure)."""
    width = size[1]
    lines = round(width / _checks.positive(acceleration, "acceleration"))
    if not 1 <= lines <= width:
        raise ValueError(
            f"acceleration is {acceleration:g}, which measures {lines} of {width} columns; choose "
            f"it from 1 to {width}."
        )
    centre = round(0.32 * width / acceleration) if centre is None else centre
    if not 0 <= centre <= lines:
        raise ValueError(
            f"centre is {centre} columns and acceleration {acceleration:g} measures {lines}; "
            "choose fewer, or a lower acceleration."
        )
    first = width // 2 - centre // 2
    k = torch.arange(width)
    inside = (k >= first) & (k < first + centre)
    return k[inside], k[~inside], lines - centre


def _lines(size, middle, others):
    mask = torch.zeros(len(others), 1, *size)
    mask[:, :, :, middle] = 1
    return mask.scatter(3, others[:, None, None].expand(-1, 1, size[0], -1), 1.0)
