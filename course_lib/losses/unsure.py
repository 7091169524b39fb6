"""SURE without the noise level."""

import torch

from .._random import normal_like
from .multipliers import Multipliers, first_power, start


class UNSURE(Multipliers):
    """L(f; y) = (1/m) Σ_i [½ Σ_± (f^± − y)_i² + (1/τ) p_i (f⁺ − f⁻)_i], f^± = A f(y ± τp, A),
    p ~ N(0, ηI), to be minimised over f and maximised over the multiplier η, the buffer `eta`.

    Assumes white Gaussian noise of unknown σ, the same for all images. L estimates
    (1/m) ‖A f(y) − y‖² + 2η div, div = (1/m) Σ_i ∂(A f)_i/∂y_i. The saddle point is the
    best f with E div = 0. For A = I it is f*(y) = y + η* ∇log p(y), with
        η* = n / E‖∇log p(y)‖² = σ²/(1 − MMSE/σ²),    risk = η* − σ² = MMSE/(1 − MMSE/σ²),
    MMSE per pixel. There E L = risk + σ²: the offset is σ², which UNSURE itself does not know.
    At a fixed η this is SURE of noise variance η, whose minimiser has E div = 1 − η/η*. So in
    training mode each call, after computing L, ascends
        v ← μ v + (1 − μ) div,    log η ← log η + ρ v,
    which keeps η > 0 and does not depend on the unit of y; plain ascent, η ← η + ρ div, does.
    In evaluation mode η stays, and the misfit is that at y, (A f(y, A) − y)². Raises ValueError
    where eta is None and the first y too small for an estimate.
    Source: Tachella et al. (2025); their code ascends √η.

    Arguments:
        eta: the start of η, in the unit of y squared; None, a quarter of σ² as
            `noise.estimate.sigma` finds it in the y of the first call.
        rate: ρ > 0, of the ascent of log η.
        momentum: μ in [0, 1).
        tau: τ, the step of the divergence, in units of √η.

    Example:
        >>> loss, y = losses.UNSURE(), 0.1 * torch.randn(8, 1, 64, 64)
        >>> value = loss(lambda y, A: 0.5 * y, y, operators.Identity())
        >>> round(float(loss.eta), 3)  # a quarter of σ², and one step
        0.003
    """

    assumes = ("gaussian", "white")

    def __init__(self, eta: float | None = None, rate: float = 0.02, momentum: float = 0.9,
                 tau: float = 0.2):  # fmt: skip
        super().__init__((), rate, momentum, tau)
        self.register_buffer("eta", start(eta, "eta"))

    def begin(self, y, A):
        if not self.eta:
            self.eta.copy_(first_power(y, A))

    def probes(self, y, generator=None):
        p = self.eta.sqrt() * normal_like(y, generator)
        return p, p

    def slope(self, p, Jp, y):
        """div, from E p_i (Jp)_i = η J_ii."""
        return (p * Jp).mean() / self.eta

    def ascend(self, div):
        """One step of the multiplier, for a divergence per entry `div`."""
        self.eta.mul_(torch.exp(self.rate * self.accelerate(div)))
