"""UNSURE for noise of unknown correlation."""

import torch
from torch.nn import functional as F

from .. import _checks
from .._random import normal_like
from ..noise import estimate
from ..operators.blur import transfer
from .multipliers import START, Multipliers, first_power, start

FLOOR = 0.005  # the least power of the multipliers at any frequency, in units of their mean power


class UNSURECorrelated(Multipliers):
    """L(f; y) = (1/m) Σ_i [½ Σ_± (f^± − y)_i² + (1/τ) p_i (f⁺ − f⁻)_i], f^± = A f(y ± τp, A),
    p ~ N(0, Σ_η); minimised over f, maximised over the multipliers η_l = η_−l, the buffer `eta`,
    Σ_η = Σ_l η_l C_l, C_l the shift by l = (l_1, l_2), |l_1|, |l_2| ≤ L.

    Assumes stationary Gaussian noise without correlation beyond L pixels in rows or columns (white
    noise blurred by a k×k kernel: L = k − 1), the same for all images, periodic. L estimates
    (1/m) ‖A f(y) − y‖² + 2 Σ_l η_l t_l, t_l = (1/m) tr(C_l J), J = ∂(A f)/∂y.
    The saddle point is the best f with E t_l = 0 at all these lags. For A = I, with a the
    autocorrelation of the score per pixel,
        f*(y) = y + Σ_η ∇log p(y),   Σ_l η_l a(k − l) = 1 if k = 0 and else 0,   risk = η_0 − σ²,
    σ² the noise variance of a pixel (and E L = risk + σ²), if that Σ_η is positive definite. L = 0
    is UNSURE; every further lag raises η_0 or leaves it: robustness has a price.
    In training each call ascends
        v ← μ v + (1 − μ) t,    η ← η + ρ η ∗ v / max(1, Σ|v_l|), on these lags,
    which for L = 0 is UNSURE's step and rests only where all v_l = 0; it then shrinks the lags
    l ≠ 0, if it must, until the spectrum of η stays above a floor. So η_0 > 0 and Σ_η remains a
    covariance. In evaluation mode η stays, and the misfit is that at y, (A f(y, A) − y)².
    Raises ValueError for images smaller than 2L + 1. Source: Tachella et al. (2025), section 3.3,
    who ascend a kernel k with Σ_η = KKᵀ instead.

    Arguments:
        reach: L, in pixels, at least 1; for 0 use UNSURE.
        eta: the start of η_0, the others being 0, in the unit of y squared; None, a quarter of the
            `noise.estimate.autocorrelation` of the first y.
        rate: ρ in (0, 1), of the ascent.
        momentum: μ in [0, 1).
        tau: τ, the step of the divergence, in noise standard deviations.

    Example:
        >>> loss, y = losses.UNSURECorrelated(reach=1), 0.1 * torch.randn(8, 1, 64, 64)
        >>> value = loss(lambda y, A: 0.5 * y, y, operators.Identity())
        >>> loss.eta.shape, round(float(loss.eta[1, 1]), 3)  # η_0: a quarter of σ², and one step
        (torch.Size([3, 3]), 0.003)
    """

    assumes = ("gaussian",)

    def __init__(self, reach: int = 2, eta: float | None = None, rate: float = 0.02,
                 momentum: float = 0.9, tau: float = 0.2):  # fmt: skip
        size = 2 * _checks.whole(reach, "reach") + 1
        super().__init__((size, size), _checks.fraction(rate, "rate"), momentum, tau)
        self.reach = reach
        self.register_buffer("eta", torch.zeros(size, size))
        self.eta[reach, reach] = start(eta, "eta")

    def begin(self, y, A):
        """η = C, the estimated autocorrelation, made a covariance; white for small y or gaps."""
        L, size = self.reach, min(_checks.image(y, "y").shape[-2:])
        if size < 2 * L + 1:
            need = f"it needs at least {2 * L + 1} on a side, or a smaller reach"
            raise ValueError(f"y is {tuple(y.shape)}, too small for a reach of {L}; {need}.")
        if self.eta.any():
            return
        white = first_power(y, A)
        if A.measured() is None and size > 2 * L + 5:
            self.eta.copy_(START * estimate.autocorrelation(y.detach(), L))
        self.eta[L, L] = torch.maximum(self.eta[L, L], white.to(self.eta))
        self.confine()

    def probes(self, y, generator=None):
        w = self.spectrum(y).sqrt() * torch.fft.rfft2(normal_like(y, generator))
        p = torch.fft.irfft2(w, s=y.shape[-2:])
        return p, p

    def spectrum(self, y):
        """Σ_l η_l e^{−iωl} at the frequencies of y's size (rfft2): above 0."""
        least = FLOOR * self.eta[self.reach, self.reach]
        return transfer(self.eta, y.shape[-2:]).real.clamp_min(least).to(y.dtype)

    def slope(self, p, Jp, y):
        """t_l, averaged over l and −l, from E[(Jp) (Σ_η⁻¹p)ᵀ] = J."""
        L, white = self.reach, torch.fft.rfft2(p) / self.spectrum(y)
        t = torch.fft.irfft2(torch.fft.rfft2(Jp) * white.conj(), s=y.shape[-2:])
        t = t.mean((0, 1)).roll((L, L), (0, 1))[: 2 * L + 1, : 2 * L + 1] / y[0, 0].numel()
        return (t + t.flip(0, 1)) / 2

    def power(self, y):
        return self.eta[self.reach, self.reach]

    def ascend(self, t):
        """One step of the multipliers, for traces per entry `t`."""
        v = self.accelerate(t)
        v = v / v.abs().sum().clamp_min(1)
        step = F.conv2d(self.eta[None, None], v[None, None], padding=self.reach)
        self.eta += self.rate * step.view_as(self.eta)
        self.confine()

    def confine(self):
        """Shrink the lags l ≠ 0 until the spectrum of η stays above its floor."""
        center = self.power(None).clone()
        others = transfer(self.eta, (16 * len(self.eta),) * 2).real.min() - center
        least = ((1 - FLOOR) * center / -others).clamp_max(1)
        self.eta *= torch.where(others < 0, least, 1)
        self.eta[self.reach, self.reach] = center
