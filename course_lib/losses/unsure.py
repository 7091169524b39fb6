"""SURE without the noise level."""

import torch

from .. import _checks
from .._random import normal_like
from ..noise.divergence import antithetic
from .base import Loss, measured


class UNSURE(Loss):
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
    In evaluation mode η stays. eta: the start; rate ρ; momentum μ in [0, 1); tau: the step of the
    antithetic divergence (see SURE), in units of √η. Source: Tachella et al. (2025); their code
    ascends √η.
    """

    train_evals = 2

    def __init__(self, eta=2.5e-3, rate=0.02, momentum=0.9, tau=0.2):
        super().__init__()
        self.rate, self.tau = _checks.positive(rate, "rate"), _checks.positive(tau, "tau")
        if not 0 <= momentum < 1:
            raise ValueError(f"momentum is {momentum:g}; it must lie in [0, 1).")
        self.momentum = float(momentum)
        self.register_buffer("eta", torch.tensor(_checks.positive(eta, "eta")))
        self.register_buffer("velocity", torch.tensor(0.0))

    def forward(self, f, y, A, generator=None):
        eta, b = self.eta.clone(), normal_like(_checks.floats(y), generator)
        step = self.tau * float(eta) ** 0.5
        twins = y + step * b, y - step * b, b / (2 * step)
        fit, div = antithetic(lambda u: measured(f, u, A), y, *twins)
        if self.training:
            self.ascend(div.detach() / y.numel())
        return (fit + 2 * eta * div) / y.numel()

    def ascend(self, div):
        """One step of the multiplier, for a divergence per entry `div`."""
        self.velocity.mul_(self.momentum).add_((1 - self.momentum) * div)
        self.eta.mul_(torch.exp(self.rate * self.velocity))

    def offset(self, noise, y):
        return noise.variance(y).mean()
