"""What y says against its noise: clipping, too little noise, noise that neighbours share.

Each function gives a sentence, or None; `told` is who assumes it. They are made to be silent where
an image could explain what is seen.
"""

import torch

from . import estimate

CLIPPED = 0.005  # of all entries, at the extremes
FEW = 5  # that may lie there by chance
SCATTERED = 0.4  # of them without one to the left: 0.5 and more where noise is cut in the middle
MISSING = 0.6  # of the variance that the law puts into the details of y
WHITE = {1: -2 / 3, 2: 1 / 6, 3: 0.0}  # correlation of the details of white noise, by lag
OFF = 0.2  # from these


def clipping(y, v, told, known=True, below=True):
    """Entries on the extremes of their image, more than 0.5 % of all and twice those on the next
    value. v: the variance; where it is 0 (no photons, nothing measured) a value may well repeat.
    known: whether a law gave v; if not, only extremes that lie scattered count, as where noise is
    cut: black areas are of one piece; few different values are taken for counts, and neighbours of
    which most are equal for no noise. below: whether to look at the lower end too, where counts may
    well repeat.
    """
    equal = (y[..., 1:] == y[..., :-1]).float().mean()
    if not known and (equal > 0.5 or y.unique().numel() < 32):
        return None
    noisy, at = v != 0, 0
    for u in (y, -y) if below else (y,):
        end = u.flatten(1).amax(1).view(-1, *[1] * (y.ndim - 1))
        top = (u == end) & noisy
        rest = u.masked_fill(~noisy | (u == end), -torch.inf).flatten(1)
        following = ((rest == rest.amax(1, keepdim=True)) & rest.isfinite()).sum(1)
        count = top.flatten(1).sum(1)
        alone = (top[..., 1:] & ~top[..., :-1]).flatten(1).sum(1)
        spike = (following > 0) & (count > 2 * following + FEW)
        spike = spike & (known | (alone > SCATTERED * count))
        at += torch.where(spike, count - 1, 0).sum().item()
    share = at / max(1, noisy.sum().item())
    if share < CLIPPED:
        return None
    return (
        f"{share:.1%} of the entries of y lie exactly on the extremes of their image, as clipping "
        f"leaves them: its noise has no mean of zero there, as {told} assumes; give y as recorded, "
        "without clipping or saturation."
    )


def missing(y, v, told):
    """Details (`estimate.details`) of less than 0.6 of the variance that noise of variance v puts
    there, median over blocks: E d² is that, plus what the image adds. So SURE of the f that takes
    these details out is far below 0, for noise that is independent from pixel to pixel.
    """
    ratio = estimate.pooled(estimate.details(y).square()) / estimate.pooled(v[..., 1:-1, 1:-1])
    ratio = ratio[ratio.isfinite()]
    if len(ratio) < estimate.ENOUGH or ratio.median() > MISSING:
        return None
    return (
        f"the details of y hold {ratio.median():.2g} of the variance that {told} noise alone would "
        "put there, and SURE is far below 0: the noise is weaker than told, or neighbours share "
        "it; see noise.estimate.sigma and noise.estimate.autocorrelation."
    )


def correlated(y, told):
    """Details at a distance of 1, 2 or 3 pixels that correlate by other numbers than those of white
    noise, −2/3, 1/6 and 0. Asked where noise fills them, so that all blocks have about one power.
    """
    d = estimate.details(y)
    power = estimate.pooled(d.square())
    some = power[power > 0]
    if some.numel() < estimate.ENOUGH:
        return None
    low, middle, quarter, high = some.quantile(some.new_tensor([0.1, 0.5, 0.75, 0.9])).tolist()
    if low < 0.5 * middle or high > 5 * middle:
        return None  # edges and texture, or a level that varies
    kept = ((power > 0) & (power <= quarter)).to(d)
    kept = torch.nn.functional.interpolate(kept, scale_factor=estimate.SIDE)
    d = d[..., : kept.shape[-2], : kept.shape[-1]] * kept
    for axis in (-1, -2):
        n = d.shape[axis]
        for lag, null in WHITE.items():
            a, b = d.narrow(axis, lag, n - lag), d.narrow(axis, 0, n - lag)
            both = (a != 0) & (b != 0)
            found = 2 * (a * b).sum() / (both * (a.square() + b.square())).sum()
            if (found - null).abs() > OFF:
                return (
                    f"details of y that are {lag} pixels apart correlate by {found:.2f}, those of "
                    f"white noise by {null:.2f}: neighbours share their noise, against what {told} "
                    "assumes; use noise.CorrelatedGaussian, losses.UNSURECorrelated, or "
                    "models.PixelShuffle."
                )
    return None
