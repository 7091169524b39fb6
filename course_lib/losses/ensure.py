"""ENSURE: SURE of many operators, every entry counted alike however seldom it is measured."""

from .. import _checks
from .antithetic import antithetic, step
from .base import Loss, measured, observed, variance


class ENSURE(Loss):
    """L(f; y) = (1/m) Σ_i (1/π_i) [½ Σ_± (f^± − y)_i² + 2 q_i (f⁺ − f⁻)_i − v_i],
    f^± = A f(y^±, A).

    SURE with antithetic probes (y^±, q from `noise.twins(y, τ)`, see `SURE`), each entry divided by
    the probability π_i, `density`, that a random operator measures it; π broadcasts to y.
    E L = (1/m) Σ_i E[(F f(y⁺, A) − Fx)_i² | i is measured], for operators independent of x, F the
    full transform whose entries A measures: the error on all entries alike, each judged when it was
    measured. Of what an operator hides, L says nothing for that operator. Offset 0. In evaluation
    mode f^± stand at y, as in `SURE`.
    Raises ValueError for a density outside (0, 1] or of another shape
    than y. Source: Aggarwal et al. (2023).
    """

    train_evals = 2

    def __init__(self, noise, density, tau=0.3):
        super().__init__()
        self.noise, self.tau = noise, _checks.positive(tau, "tau")
        self.register_buffer("density", _checks.density(density))

    def forward(self, f, y, A, noise=None, generator=None):
        _checks.broadcasts(self.density, y, "density")
        noise = self.law(noise)
        plus, minus, q = noise.twins(_checks.floats(y), step(self.tau, self.training), generator)
        fit, d = antithetic(
            lambda u: measured(f, u, A), y, observed(y, A), plus, minus, self.training
        )
        L = fit + 2 * q * d - variance(noise, y, A)
        return (L / self.density.to(y.dtype)).mean()

    def offset(self, noise, y, A=None):
        return y.new_zeros(())
