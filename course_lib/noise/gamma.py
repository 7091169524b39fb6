"""Speckle."""

import torch
from torch import Generator, Tensor

from .. import _checks
from .._random import beta_like, gamma_like
from . import divergence
from .divisible import Divisible


class Gamma(Divisible):
    """y = Ax ∘ u, u ~ Gamma(ℓ, 1/ℓ): E u = 1, Var(y | x) = (Ax)²/ℓ. Ax > 0.

    split: w ~ Beta(ℓα, ℓ(1−α)), y1 = y∘(1−w)/(1−α), y2 = y∘w/α (Monroy et al. 2025).
    stein: E f(y)ᵀ(y − Ax) = E Σ_i y_i (f_i(y) − ∫₀¹ ℓ t^{ℓ−1} f_i(y with y_i → t y_i) dt)
    (Hudson 1978). With E(1 − t) = 1/(ℓ+1) its first order is E Σ_i y_i²/(ℓ+1) ∂f_i/∂y_i, which
    "mc" and "hutchinson" estimate. "exact" uses Gauss-Jacobi quadrature in t.
    Raises ValueError for looks that can't be drawn, and for half precision.

    Arguments:
        looks: ℓ, how many independent intensities are averaged, from 0.01 to 10¹⁰; without unit.

    Example:
        >>> law = noise.Gamma(looks=4)
        >>> y = law(torch.full((1, 1, 64, 64), 2.0))
        >>> round(float(y.mean())), round(float(y.var()))
        (2, 1)
    """

    identities = ("variance", "split", "stein", "tweedie")
    nodes = 12

    def __init__(self, looks: float):
        super().__init__()
        must = "be a positive number, from 0.01 to 1e10 looks"
        self.looks = _checks.number(looks, "looks", low=0.0099, high=1.01e10, must=must)

    def forward(self, Ax: Tensor, generator: Generator | None = None) -> Tensor:
        Ax = _checks.within(_checks.single(Ax, "Ax"), 0, _checks.INF, "Ax, the mean of speckle,")
        return Ax * gamma_like(self.looks, Ax, generator) / self.looks

    def power(self, Ax):
        return Ax.square() / self.looks

    def variance(self, y: Tensor) -> Tensor:
        return _checks.single(y).square() / (self.looks + 1)

    def share(self, y, alpha, rest=1.0, generator=None):
        """y∘w, w ~ Beta(ℓα, ℓ(1−α)), ℓ the looks of y: `rest` times those of the measurement."""
        looks = rest * self.looks
        return y * beta_like(looks * alpha, looks * (1 - alpha), _checks.single(y), generator)

    def spread(self, y: Tensor) -> Tensor:
        v = self.variance(y)
        return v.clamp_min((1e-6 * v.mean()).clamp_min(1e-30))

    def tweedie(self, y: Tensor, score: Tensor, slope: Tensor | None = None) -> Tensor:
        """E[x | y] ≈ m/(m² − V) with m = E[1/x | y] = ((ℓ − 1)/y − s)/ℓ and
        V = Var(1/x | y) = ((ℓ − 1)/y² + s')/ℓ², exact where 1/x | y has a Gamma law.

        Without the slope s', V = 0: 1/m = ℓy/(ℓ − 1 − ys), the formula of Kim and Ye (2021), which
        is 1/E[1/x | y] and so at most E[x | y]. x̂ stays below y/u, u so dark a speckle that it
        happens once in 10⁵ pixels, because a score that is a little wrong can make m or m² − V
        negative; it is 0 where y = 0.
        """
        from scipy.special import gammaincinv

        u = max(float(gammaincinv(self.looks, 1e-5)) / self.looks, 1e-30)
        a = ((self.looks - 1 - y * score) / self.looks).clamp_min(u)  # y m
        if slope is None:
            return y / a
        b = (self.looks - 1 + y.square() * slope) / self.looks**2  # y² V
        return y * a / torch.maximum(a.square() - b, u * a)

    def stein_exact(self, f, y, fy):
        from scipy.special import roots_jacobi

        if self.looks > 1000:
            raise ValueError(
                f"looks is {self.looks:g}; the exact form is for at most 1000: use method='mc', "
                "whose bias is then negligible."
            )
        u, weights = roots_jacobi(self.nodes, 0, self.looks - 1)  # weight (1 + u)^(ℓ−1) on [-1, 1]
        t, weights = (u + 1) / 2, weights / weights.sum()  # t ~ Beta(ℓ, 1)
        path = zip(t.tolist(), weights.tolist(), strict=True)
        smoothed = sum(weight * divergence.finite(f, y, (t - 1) * y) for t, weight in path)
        return (y * (fy - smoothed)).sum()
