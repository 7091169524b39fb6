"""Neighbor2Neighbor: two images of half the size from one."""

import torch
from torch.nn import functional as F

from .. import _checks
from . import masking
from .base import Loss, apply, measured

# The pixels of a 2×2 cell are 0 1 / 2 3; the eight ordered pairs of adjacent ones.
PAIRS = [(0, 1), (1, 0), (0, 2), (2, 0), (1, 3), (3, 1), (2, 3), (3, 2)]


class Neighbor2Neighbor(Loss):
    """L(f; y) = (4/m) (‖f(g₁y) − g₂y‖² + Λ ‖f(g₁y) − g₂y − (g₁f(y) − g₂f(y))‖²), A = I.

    Assumes noise independent from pixel to pixel given x, E[y | x] = x, and that f serves images
    of half the size as well. g₁y and g₂y take two adjacent pixels of each 2×2 cell, drawn afresh
    each call; no gradient flows through f(y). With Λ = 0
        E L = (4/m) E‖f(g₁y) − g₂x‖² + (1/m) E‖y − x‖²,
    the risk towards the neighbouring pixels g₂x: not the risk plus a constant, and its minimiser
    E[g₂x | g₁y] is biased, a blur. With the second term the minimiser, for a given f(y), is
        (1/(1+Λ)) E[g₂x | g₁y] + (Λ/(1+Λ)) E[g₂x + g₁f(y) − g₂f(y) | g₁y],
    which for f(y) = E[x | y] is E[g₁x | g₁y] in its second part: a share 1/(1+Λ) of the bias
    stays. The loss owns the count of its calls in training mode, the buffer `step`, and Λ now is
    `self.Lambda`. At test time f(y, A). `entries`: (B, C, H/2, W/2).
    y: images (B, C, H, W) with even H and W. Raises ValueError for others, and for A ≠ I.
    Source: Huang et al. (2021).

    Arguments:
        weight: Λ at last, at least 0.
        ramp: the calls in training mode over which Λ grows linearly from 0; 0, at once.

    Example:
        >>> loss = losses.Neighbor2Neighbor(ramp=0)
        >>> y = torch.arange(16.0).view(1, 1, 4, 4)  # neighbours differ, and f(y) says by what
        >>> A, g = operators.Identity(), torch.Generator().manual_seed(0)
        >>> float(loss(lambda y, A: y, y, A, generator=g)) > 0, loss.Lambda
        (True, 2.0)
    """

    needs_identity, train_evals = True, 2
    assumes = ("white",)

    def __init__(self, weight: float = 2.0, ramp: int = 1000):
        super().__init__()
        self.weight = float(weight)
        self.ramp = 0 if ramp == 0 else _checks.whole(ramp, "ramp")
        if not 0 <= self.weight < float("inf"):
            raise ValueError(f"weight is {self.weight:g}; it must be a number of at least 0.")
        self.register_buffer("step", torch.tensor(0.0))

    @property
    def Lambda(self):
        """Λ now: weight · min(1, step/ramp), and `weight` from the start for ramp = 0."""
        return self.weight * (min(1.0, float(self.step) / self.ramp) if self.ramp else 1.0)

    def entries(self, f, y, A, noise=None, generator=None):
        g1, g2 = pair(y, generator)
        fit = measured(f, take(y, g1), A) - take(y, g2)
        with torch.no_grad():
            fy = apply(f, y, A)
        regulariser = fit - (take(fy, g1) - take(fy, g2))
        L = fit.square() + self.Lambda * regulariser.square()
        self.step.add_(float(self.training))
        return L


def pair(y, generator=None):
    """(g₁, g₂): for each 2×2 cell of each image the numbers of two adjacent pixels."""
    h, w = _checks.image(y, "y").shape[-2:]
    if h % 2 or w % 2:
        raise ValueError(f"y is {(h, w)} pixels; crop it to even sizes, for cells of 2×2.")
    u = masking.uniform(y, (len(y), 1, 1, h // 2, w // 2), generator)
    chosen = torch.tensor(PAIRS, device=y.device)[(u * len(PAIRS)).long()]
    return chosen[..., 0], chosen[..., 1]


def take(y, g):
    """g y, (B, C, H/2, W/2): the pixel g of each 2×2 cell of y."""
    cells = F.pixel_unshuffle(y, 2).unflatten(1, (y.shape[1], 4))
    return cells.gather(2, g.expand(-1, y.shape[1], -1, -1, -1)).squeeze(2)
