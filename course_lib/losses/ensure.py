"""ENSURE: SURE of many operators, every entry counted alike however seldom it is measured."""

from torch import Tensor

from .. import _checks
from ..noise import Noise
from .antithetic import stein
from .base import Loss


class ENSURE(Loss):
    """L(f; y) = (1/m) Σ_i (1/π_i) [½ Σ_± (f^± − y)_i² + 2 q_i (f⁺ − f⁻)_i − v_i],
    f^± = A f(y^±, A).

    SURE with antithetic probes (y^±, q from `noise.twins(y, τ)`, see `SURE`), each entry divided by
    the probability π_i that a random operator measures it.
    E L = (1/m) Σ_i E[(F f(y⁺, A) − Fx)_i² | i is measured], for operators independent of x, F the
    full transform whose entries A measures: the error on all entries alike, each judged when it was
    measured. Of what an operator hides, L says nothing for that operator. Offset 0. In evaluation
    mode ½ Σ_± (f^± − y)² is (A f(y, A) − y)², as in `SURE`.
    Raises ValueError for a density outside (0, 1] or of another shape than y.
    Source: Aggarwal et al. (2023).

    Arguments:
        noise: the law of y, with a Stein identity.
        density: π, a number or a tensor that broadcasts to y, such as (1, 1, 1, W) for columns.
        tau: τ, the step in noise standard deviations; see `SURE`.

    Example:
        >>> loss = losses.ENSURE(noise.Gaussian(0.1), density=0.5)
        >>> A = operators.Inpainting((torch.rand(64, 1, 8, 8) < 0.5).float())
        >>> y = A(0.1 * torch.randn(64, 1, 8, 8))
        >>> f = lambda y, A: 0 * y + 0.1  # off by 0.1 where it is measured, too
        >>> round(float(loss(f, y, A)), 2)
        0.01
    """

    train_evals, excess = 2, 0

    def __init__(self, noise: Noise, density: float | Tensor, tau: float = 0.3):
        super().__init__()
        self.noise, self.tau = noise, _checks.positive(tau, "tau")
        self.register_buffer("density", _checks.density(density))

    def entries(self, f, y, A, noise=None, generator=None):
        _checks.broadcasts(self.density, y, "density")
        L = sum(stein(f, y, A, self.law(noise), self.tau, self.training, generator))
        return L / self.density.to(y.dtype)
