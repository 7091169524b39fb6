"""Measurement splitting: random masks of the measurement, the loss on what they hide."""

import torch
from torch import Tensor

from .. import _checks
from ..operators import Inpainting
from . import masking
from .base import Loss, apply, misfit, observed


class Splitting(Loss):
    """L(f; y) = (1/m) Σ_i (h_i/p_i) (A f(y_a, A_a) − y)_i², h_i ~ Bernoulli(p_i), drawn afresh,
    y_a = (1 − h) ∘ y, A_a = diag(1 − h) A.

    Assumes noise independent from entry to entry given x, and E[y | x] = Ax; nothing else about
    it. y_a is independent of the hidden y_i, so
        E L = (1/m) Σ_i E[(A f(y_a, A_a) − Ax)_i² | h_i = 1] + (1/m) E‖y − Ax‖²,
    sums over the entries with p_i > 0: the risk on hidden entries plus the variance.
    At test time, with x_t = f(y_{a,t}, A_{a,t}) over N = `draws` masks, f as it was trained,
        x̂ = x̄ + Aᵀ(ȳ − A x̄),  x̄ = (1/N) Σ_t x_t,  ȳ = (Σ_t diag(h_t))⁻¹ Σ_t diag(h_t) A x_t,
    where A selects pixels (A = I, inpainting, decimation, demosaicing) or Fourier coefficients (MRI
    of one coil): each measured one comes from the masks that hid it, for A = I x̂ = ȳ, the others
    from all masks. For other A x̂ = x̄. The masks share the law of h and together hide each entry
    ⌊N p_i⌋ or ⌈N p_i⌉ times. Then no measured ȳ_i has seen y_i, so that in evaluation mode, where
    all p_i > 0, L = (1/m) ‖A x̂ − y‖² is the risk of x̂ itself, plus the same offset.
    Raises ValueError for masks that would hide everything or nothing and for draws · p < 1.
    Source: Efron (2004), Yaman et al. (2020), Tachella (2025); the slides divide by N and by
    Σ_t h_t, and leave out the diag(h_t) in the sum.

    Arguments:
        hidden: p, a number or a tensor that broadcasts to y; axes of size 1 are hidden together, as
            the columns of k-space with p of shape (1, 1, 1, W), and p_i = 0 keeps an entry always.
        fill: "interpolate": for A = I, f gets y_a with the hidden pixels filled from kept
            neighbours, and A. Else, or for another A, it gets zeros and A_a = Inpainting(1 − h) A.
        target: "hidden", or "all" for every entry in the loss, (1/m) ‖A f(y_a, A_a) − y‖²: right
            without noise; with noise its minimiser repeats the kept entries, E L is not the risk
            plus a constant.
        test: "average", x̂ as above; "mean", x̄, for A = I x̂; "one", f(y_a, A_a) of one split;
            "plain", f(y, A). These two want a network that treats kept and hidden pixels alike,
            such as `models.Direct`.
        draws: N, evaluations of f at test time.

    Example:
        >>> loss, y = losses.Splitting(hidden=0.5, draws=4), torch.randn(1, 1, 8, 8)
        >>> x_hat = loss.reconstruct(lambda y, A: y, y, operators.Identity())
        >>> bool((x_hat != y).all()), loss.test_evals  # no pixel is predicted from itself
        (True, 4)
    """

    assumes = ("white",)

    def __init__(self, hidden: float | Tensor = 0.2, fill: str = "interpolate",
                 target: str = "hidden", test: str = "average", draws: int = 20):  # fmt: skip
        super().__init__()
        p = _checks.floats(torch.as_tensor(hidden, dtype=torch.float64), "hidden")
        if not ((p >= 0) & (p < 1)).all() or not p.any():
            remedy = "use probabilities in (0, 1), or 0 for entries that are always kept"
            raise ValueError(f"hidden lies in [{p.min():g}, {p.max():g}]; {remedy}.")
        self.fill = _checks.choice(fill, "fill", "interpolate", "zero")
        self.target = _checks.choice(target, "target", "hidden", "all")
        self.test = _checks.choice(test, "test", "average", "mean", "one", "plain")
        self.draws = _checks.whole(draws, "draws")
        self.test_evals = self.draws if test in ("average", "mean") else 1
        least = 1 / float(p[p > 0].min())
        if test in ("average", "mean") and self.draws < least - 1e-6:
            remedy = f"use at least 1/hidden = {least:.0f}, or test='plain'"
            raise ValueError(f"draws is {draws}: some entries would never be hidden; {remedy}.")
        self.register_buffer("p", p.reshape(*[1] * (4 - p.ndim), *p.shape))

    @property
    def hidden(self):
        return self.p

    @property
    def excess(self):
        return self.p > 0 if self.target == "hidden" else None

    def uniforms(self, y, generator=None):
        """One number u for each entry, or group of entries, that is hidden on its own."""
        _checks.broadcasts(self.p, _checks.image(y, "y"), "hidden")
        shape = self.p.shape[1:] if self.p.numel() > 1 else (1, *y.shape[2:])
        return masking.uniform(y, (len(y), *shape), generator)

    def split(self, y, A, u):
        """(y_a, A_a, h): what f is given, and the mask h = [u < p] of what is hidden from it."""
        h = (u < self.p).expand(len(y), -1, *y.shape[2:])
        if self.fill == "interpolate" and A.is_identity:
            return masking.interpolate(y, h), A, h
        kept = (~h).to(y.dtype)
        return kept * y, Inpainting(kept) @ A, h

    def entries(self, f, y, A, noise=None, generator=None):
        if not self.training and self.scores(A):
            return (A(self.average(f, y, A, generator)) - observed(y, A)).square()
        y_a, A_a, h = self.split(y, A, self.uniforms(y, generator))
        weight = 1 if self.target == "all" else self.weight(h).to(y.dtype)
        return weight * misfit(f, y_a, y, A, seen=A_a)

    def weight(self, h):
        """h_i/p_i."""
        return h / self.p.clamp_min(1e-12)

    def scores(self, A):
        own = self.test == "average" and self.target == "hidden" and bool(self.p.all())
        return own and A.selects is not None

    def reconstruct(self, f, y, A, noise=None, generator=None):
        if self.test == "plain":
            return apply(f, y, A)
        if self.test == "one":
            return apply(f, *self.split(y, A, self.uniforms(y, generator))[:2])
        return self.average(f, y, A, generator)

    def average(self, f, y, A, generator=None):
        """x̂ of test="average"."""
        own = A.selects is not None and (self.test == "average" or A.is_identity)
        if own and A.selects == "pixels" and not self.p.all():
            raise ValueError("hidden is 0 at pixels that no mask predicts then; use test='plain'.")
        u, x_hat, seen, count = self.uniforms(y, generator), 0, 0, 0
        for t in range(self.draws):
            y_a, A_a, h = self.split(y, A, (u + t / self.draws) % 1)
            x_t = apply(f, y_a, A_a)
            x_hat = x_hat + x_t / self.draws
            if own:
                seen, count = seen + h * A(x_t), count + h.to(y.dtype)
        if own:  # measured entries from the masks that hid them
            x_hat = x_hat + A.adjoint((count > 0) * (seen / count.clamp_min(1) - A(x_hat)))
        return x_hat
