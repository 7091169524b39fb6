"""UNSURE for noise of unknown correlation."""

import torch

from .. import _checks
from .._random import normal_like
from ..noise import estimate
from ..operators.blur import transfer
from .antithetic import antithetic
from .base import measured, observed
from .multipliers import START, Multipliers, first_power, start

FLOOR = 0.005  # the least power of the multipliers at any frequency, in units of their mean power


class UNSURECorrelated(Multipliers):
    """L(f; y) = (1/m) ‖A f(y, A) − y‖² + (2/m) Σ_l η_l tr(C_l J), J = ∂(A f)/∂y, C_l the shift by
    l = (l_1, l_2), |l_1|, |l_2| ≤ L; minimised over f, maximised over the buffer `eta`, η_l = η_−l.

    Assumes stationary Gaussian noise without correlation beyond `reach` = L pixels in rows or
    columns (white noise blurred by a k×k kernel: L = k − 1), the same for all images, periodic.
    The saddle point is the best f with E tr(C_l J) = 0 at all these lags. For A = I, with a the
    autocorrelation of the score per pixel and Σ_η the covariance that η stands for,
        f*(y) = y + Σ_η ∇log p(y),   Σ_l η_l a(k − l) = 1 if k = 0 and else 0,   risk = η_0 − σ²,
    σ² the noise variance of a pixel (and E L = risk + σ²), if that Σ_η is positive definite. L = 0
    is UNSURE; every further lag raises η_0 or leaves it: robustness has a price.
    In training each call ascends, t_l = tr(C_l J)/m,
        v ← μ v + (1 − μ) t,    η ← η + ρ η ∗ v / max(1, Σ|v_l|), on these lags,
    which for L = 0 is UNSURE's step and rests only where all v_l = 0; it then shrinks the lags
    l ≠ 0, if it must, until the spectrum of η stays above a floor. So η_0 > 0 and Σ_η remains a
    covariance, from which the probe is drawn. eta: the start of η_0, the others being 0; None, a
    quarter of the `noise.estimate.autocorrelation` of the first y. rate ρ in (0, 1); tau: see
    `UNSURE`.
    Raises ValueError for images smaller than 2L + 1. Source: Tachella et al. (2025), section 3.3,
    who ascend a kernel k with Σ_η = KKᵀ instead.
    """

    assumes = ("gaussian",)

    def __init__(self, reach=2, eta=None, rate=0.02, momentum=0.9, tau=0.2):
        if reach == 0:
            raise ValueError("reach is 0, which is white noise; use UNSURE.")
        size = 2 * _checks.whole(reach, "reach") + 1
        super().__init__((size, size), _checks.fraction(rate, "rate"), momentum, tau)
        self.reach = reach
        self.register_buffer("eta", torch.zeros(size, size))
        self.eta[reach, reach] = start(eta, "eta")

    def forward(self, f, y, A, noise=None, generator=None):
        size, least = tuple(_checks.image(y, "y").shape[-2:]), len(self.eta)
        if min(size) < least:
            raise ValueError(
                f"y is {size} pixels, too small for a reach of {self.reach}; it needs at least "
                f"{least} on a side, or a smaller reach."
            )
        self.begin(y, A)
        P = self.spectrum(size).to(y)
        w = torch.fft.rfft2(normal_like(y, generator))
        p, q = (torch.fft.irfft2(P**h * w, s=y.shape[-2:]) for h in (0.5, -0.5))  # E[p qᵀ] = I
        fit, d = antithetic(
            lambda u: measured(f, u, A),
            y,
            observed(y, A),
            y + self.tau * p,
            y - self.tau * p,
            self.training,
        )
        Jp = d / (2 * self.tau)
        if self.training:
            self.ascend(self.traces(Jp.detach(), q))
        return (fit + 2 * p * Jp).mean()

    def spectrum(self, size):
        """Σ_l η_l e^{−iωl} at the frequencies of an image of this size (rfft2): above 0."""
        return transfer(self.eta, size).real.clamp_min(FLOOR * self.eta[self.reach, self.reach])

    def traces(self, Jp, q):
        """t_l = tr(C_l J)/m, averaged over l and −l, from q with E[p qᵀ] = I."""
        cross = torch.fft.rfft2(Jp) * torch.fft.rfft2(q).conj()
        t = torch.fft.irfft2(cross, s=q.shape[-2:]).mean((0, 1)) / q[0, 0].numel()
        L = self.reach
        t = t.roll((L, L), (0, 1))[: 2 * L + 1, : 2 * L + 1].to(self.eta)
        return (t + t.flip(0, 1)) / 2

    def begin(self, y, A):
        """η = C, the estimated autocorrelation, made a covariance; white for small y or gaps."""
        if self.eta.any():
            return
        L, white = self.reach, first_power(y, A)
        if A.measured() is None and min(y.shape[-2:]) > 2 * L + 5:
            self.eta.copy_(START * estimate.autocorrelation(y.detach(), L))
        self.eta[L, L] = torch.maximum(self.eta[L, L], white.to(self.eta))
        self.confine()

    def power(self, y):
        return self.eta[self.reach, self.reach]

    def ascend(self, t):
        """One step of the multipliers, for traces per entry `t`."""
        v = self.accelerate(t)
        v = v / v.abs().sum().clamp_min(1)
        self.eta += self.rate * torch.nn.functional.conv2d(
            self.eta[None, None], v[None, None], padding=self.reach
        ).view_as(self.eta)
        self.confine()

    def confine(self):
        """Shrink the lags l ≠ 0 until the spectrum of η stays above its floor."""
        center = self.eta[self.reach, self.reach].clone()
        others = transfer(self.eta, (16 * len(self.eta),) * 2).real.min() - center
        if others < 0:
            self.eta *= ((1 - FLOOR) * center / -others).clamp_max(1)
        self.eta[self.reach, self.reach] = center
