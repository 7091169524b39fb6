"""Stein's unbiased risk estimate."""

from .. import _checks
from ..noise import Noise
from .antithetic import stein
from .base import Loss, measured, observed, variance


class SURE(Loss):
    """L(f; y) = (1/m) Σ_i [½ Σ_± (f^± − y)_i² + 2 q_i (f⁺ − f⁻)_i − v_i(y)], f^± = A f(y^±, A).

    Assumes a noise law with a Stein identity and a weakly differentiable f; v(y) is the variance,
    (y^±, q) = `noise.twins(y, τ)`. For Gaussian noise y^± = y ± τp with p ~ N(0, σ²I), q = p/(2τ),
    and L estimates (1/m) ‖A f(y) − y‖² + (2σ²/m) Σ_i ∂(A f)_i/∂y_i − σ².
    E L = (1/m) E‖A f(y⁺) − Ax‖², offset 0: the risk of f at y⁺, of variance (1 + τ²) Var(y),
    without bias at every τ, for Gaussian, Poisson and Gamma noise. In evaluation mode it is the
    risk of f at y itself, for three evaluations: (A f(y, A) − y)² for the misfit, the second term
    from a step of at most 0.1.
    For Gaussian noise training equals R2R of α = τ²/(1 + τ²) averaged over ±p, less a known
    constant. The other methods are the textbook's,
        L(f; y) = (1/m) ‖A f(y, A) − y‖² + (2/m) S − (1/m) Σ_i v_i(y), S = noise.stein(A f, y),
    of which S is one number, the same in all `entries`. For Poisson and Gamma noise "mc" and
    "hutchinson" are of first order in the gain, resp. 1/ℓ; Poisson-Gaussian noise has no split, so
    that there "antithetic" is of first order too. "exact" is unbiased for all.
    The slides print f(y) − f(y + τb) in the divergence: that is minus the divergence.
    Source: Stein (1981), Hudson (1978), Ramani et al. (2008), Monroy et al. (2025).

    Arguments:
        noise: the law of y.
        method: "antithetic" (two evaluations of f), the one to train with, as its gradient is the
            least noisy; "mc" (two, at y and y + τp), "hutchinson" (τ → 0, by jvp), "exact" (one a
            pixel, for small images).
        tau: τ, the step of "antithetic" and "mc", in noise standard deviations: 0.3 adds 9 % to
            the variance that f is trained at.

    Example:
        >>> loss, y = losses.SURE(noise.Gaussian(0.1)), 0.1 * torch.randn(8, 1, 64, 64)  # x = 0
        >>> f, A = (lambda y, A: 0.5 * y), operators.Identity()
        >>> round(float(loss(f, y, A)), 3), round(float(f(y, A).square().mean()), 3)
        (0.003, 0.003)
    """

    train_evals, excess, judges = 2, 0, True

    def __init__(self, noise: Noise, method: str = "antithetic", tau: float = 0.3):
        super().__init__()
        _checks.choice(method, "method", "antithetic", "mc", "hutchinson", "exact")
        self.noise, self.method, self.tau = noise, method, _checks.positive(tau, "tau")
        self.at_y = method != "antithetic"

    def entries(self, f, y, A, noise=None, generator=None):
        noise = self.law(noise)
        if self.method == "antithetic":
            return sum(stein(f, y, A, noise, self.tau, self.training, generator))
        Af = measured(f, y, A)
        S = noise.stein(lambda u: A(f(u, A)), y, Af, self.method, self.tau, generator)
        return (Af - observed(y, A)).square() + 2 * S / y.numel() - variance(noise, y, A)
