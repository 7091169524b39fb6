"""Stein's unbiased risk estimate."""

from .. import _checks
from .antithetic import antithetic, step
from .base import Loss, measured, observed, variance


class SURE(Loss):
    """L(f; y) = (1/m) ‖A f(y, A) − y‖² + (2/m) S − (1/m) Σ_i v_i(y), S = noise.stein(A f, y).

    Assumes a noise law with a Stein identity and a weakly differentiable f; S estimates
    E (A f(y))ᵀ(y − Ax) and v(y) the variance. For Gaussian noise
        L = (1/m) ‖A f(y) − y‖² + (2σ²/m) Σ_i ∂(A f)_i/∂y_i − σ².
    E L = (1/m) E‖A f(y) − Ax‖²: unbiased, offset 0.
    method: "antithetic" (two evaluations of f, at the twins y^± of `noise.twins`), "mc" (two, at y
    and y + τp with a probe p drawn like the noise), "hutchinson" (τ → 0, by jvp), "exact" (one a
    pixel); tau: the step τ of the first two, in noise standard deviations.
    "antithetic" is the one to train with: it estimates the risk of f at y⁺ (of variance
    (1 + τ²) Var(y)) without bias at every τ, for Gaussian, Poisson and Gamma noise, and its
    gradient is the least noisy. In evaluation mode it is the risk of f at y itself, for three
    evaluations: the misfit at y, the divergence from a step of 0.1.
    For Gaussian noise y^± = y ± τp, and training equals R2R of α = τ²/(1 + τ²) averaged over ±p,
    less a known constant. For Poisson and Gamma noise "mc" and "hutchinson" are of first order in
    the gain, resp. 1/ℓ; Poisson-Gaussian noise has no split, so that there "antithetic" is of
    first order too. "exact" is unbiased for all.
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

    @property
    def at_y(self):
        return self.method != "antithetic"

    def forward(self, f, y, A, noise=None, generator=None):
        noise, target = self.law(noise), observed(_checks.floats(y), A)
        v = variance(noise, y, A)
        if self.method == "antithetic":
            plus, minus, q = noise.twins(y, step(self.tau, self.training), generator)
            fit, d = antithetic(
                lambda u: measured(f, u, A), y, target, plus, minus, self.training
            )
            return (fit + 2 * q * d - v).mean()
        Af = measured(f, y, A)
        S = noise.stein(lambda u: A(f(u, A)), y, Af, self.method, self.tau, generator)
        return ((Af - target).square() - v).mean() + 2 * S / y.numel()

    def scores(self, A):
        return True

    def offset(self, noise, y, A=None):
        return y.new_zeros(())
