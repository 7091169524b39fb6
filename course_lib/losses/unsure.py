"""SURE without the noise level."""

import torch

from .. import _checks
from .._random import normal_like
from .antithetic import antithetic
from .base import measured, observed
from .multipliers import Multipliers, first_power, start


class UNSURE(Multipliers):
    """L(f; y) = (1/m) ‖A f(y, A) − y‖² + (2η/m) Σ_i ∂(A f)_i/∂y_i, to be minimised over f and
    maximised over the multiplier η, the loss's own buffer `eta`.

    Assumes white Gaussian noise of unknown σ, the same for all images. The saddle point is the
    best f with E div(A f) = 0. For A = I it is f*(y) = y + η* ∇log p(y), with
        η* = n / E‖∇log p(y)‖² = σ²/(1 − MMSE/σ²),    risk = η* − σ² = MMSE/(1 − MMSE/σ²),
    MMSE per pixel. There E L = risk + σ²: the offset is σ², which UNSURE itself does not know.
    At a fixed η this is SURE of noise variance η, whose minimiser has (1/m) div = 1 − η/η*. So in
    training mode each call, after computing L, ascends
        v ← μ v + (1 − μ) div/m,    log η ← log η + ρ v,
    which keeps η > 0 and does not depend on the unit of y; plain ascent, η ← η + ρ div/m, does.
    In evaluation mode η stays. eta: the start; None, a quarter of σ² as `noise.estimate.sigma`
    finds it in the y of the first call, which needs no unit either. rate ρ > 0; momentum μ in
    [0, 1); tau: the step of the antithetic divergence (see SURE), in units of √η. Raises ValueError
    where eta is None and the first y too small for an estimate. Source: Tachella et al. (2025);
    their code ascends √η.
    """

    assumes = ("gaussian", "white")

    def __init__(self, eta=None, rate=0.02, momentum=0.9, tau=0.2):
        super().__init__((), rate, momentum, tau)
        self.register_buffer("eta", start(eta, "eta"))

    def forward(self, f, y, A, noise=None, generator=None):
        self.begin(_checks.floats(y), A)
        eta, b = self.eta.clone(), normal_like(y, generator)
        step = self.tau * float(eta) ** 0.5
        fit, d = antithetic(
            lambda u: measured(f, u, A),
            y,
            observed(y, A),
            y + step * b,
            y - step * b,
            self.training,
        )
        div = b * d / (2 * step)
        if self.training:
            self.ascend(div.detach().mean())
        return (fit + 2 * eta * div).mean()

    def begin(self, y, A):
        if not self.eta:
            self.eta.copy_(first_power(y, A))

    def ascend(self, div):
        """One step of the multiplier, for a divergence per entry `div`."""
        self.eta.mul_(torch.exp(self.rate * self.accelerate(div)))
