"""Stein's unbiased risk estimate."""

from .. import _checks
from ..noise.divergence import antithetic
from .base import Loss, measured


class SURE(Loss):
    """L(f; y) = (1/m) ‖A f(y, A) − y‖² + (2/m) S − (1/m) Σ_i v_i(y), S = noise.stein(A f, y).

    Assumes a noise law with a Stein identity and a weakly differentiable f; S estimates
    E (A f(y))ᵀ(y − Ax) and v(y) the variance. For Gaussian noise
        L = (1/m) ‖A f(y) − y‖² + (2σ²/m) Σ_i ∂(A f)_i/∂y_i − σ².
    E L = (1/m) E‖A f(y) − Ax‖²: unbiased, offset 0 (for Poisson, Gamma and Poisson-Gaussian noise
    with method="exact"; the others are first-order in the gain, resp. 1/ℓ).
    method: "antithetic" (two evaluations of f, at y ± τp with a probe p drawn like the noise),
    "mc" (two, at y and y + τp), "hutchinson" (τ → 0, by jvp), "exact" (one a pixel); tau: the step
    τ of the first two, in noise standard deviations. "antithetic" is the one to train with: for
    Gaussian noise it equals R2R of α = τ²/(1 + τ²) averaged over ±p, less a known constant, so at
    every τ it is unbiased for the risk of f at y + τp, and its gradient is the least noisy.
    The slides print f(y) − f(y + τb) in the divergence: that is minus the divergence.
    Source: Stein (1981), Hudson (1978), Ramani et al. (2008), Monroy et al. (2025).
    """

    train_evals = 2

    def __init__(self, noise, method="antithetic", tau=0.3):
        super().__init__()
        if method not in ("antithetic", "mc", "hutchinson", "exact"):
            raise ValueError(
                f"method is {method!r}; use 'antithetic', 'mc', 'hutchinson' or 'exact'."
            )
        self.noise, self.method, self.tau = noise, method, _checks.positive(tau, "tau")

    def forward(self, f, y, A, generator=None):
        _checks.floats(y)
        if self.method == "antithetic":
            p, q = self.noise.probes(y, generator)
            fit, S = antithetic(lambda u: measured(f, u, A), y, p, q, self.tau)
        else:
            Af = measured(f, y, A)
            S = self.noise.stein(lambda u: A(f(u, A)), y, Af, self.method, self.tau, generator)
            fit = (Af - y).square().sum()
        return (fit + 2 * S) / y.numel() - self.noise.variance(y).mean()

    def offset(self, noise, y):
        return y.new_zeros(())
