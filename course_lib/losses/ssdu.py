"""Splitting as the field names it: SSDU, weighted SSDU, Noise2Inverse, robust SSDU."""

import torch

from .. import _checks
from .antithetic import antithetic, step
from .base import measured, observed, variance
from .splitting import Splitting


def columns(width, hidden=0.4, centre=4, std=0.25):
    """p for `Splitting` that hides whole columns of k-space: (1, 1, 1, W), p_k = 0 in the centre.

    p_k ∝ e^{−k²/(2 std² W²)}, k the distance from the middle, W//2, scaled so that the mean of p
    over the columns outside the `centre` middle ones is `hidden`, and then cut to at most 0.9.
    Protect the columns that every mask measures: hidden, they hold most of the loss, and f learns
    little else. std=inf hides all others alike. Source: Yaman et al. (2020), who draw points; whole
    columns are what an undersampled scan lacks.
    """
    width, hidden = _checks.whole(width, "width"), _checks.fraction(hidden, "hidden")
    if not 0 <= centre < width:
        raise ValueError(f"centre is {centre} of {width} columns; protect fewer, or 0.")
    if not std > 0:
        raise ValueError(f"std is {std:g}; it must be positive, or inf for all columns alike.")
    k = (torch.arange(width) - width // 2).double()
    weight = torch.exp(-(k.square()) / (2 * (std * width) ** 2))
    weight[width // 2 - centre // 2 : width // 2 - centre // 2 + centre] = 0
    p = hidden * (width - centre) / weight.sum() * weight
    return p.clamp_max(0.9).reshape(1, 1, 1, width)


class SSDU(Splitting):
    """Self-supervision via data undersampling: `Splitting` of k-space, then f(y, A) at test time.

    L(f; y) = (1/m) Σ_i (h_i/p_i) (A f(y_a, A_a) − y)_i², h_i ~ Bernoulli(p_i), drawn afresh.
    hidden: p, e.g. `columns(W)`. The risk that L estimates is that of f(y_a, A_a); x̂ = f(y, A) uses
    all measurements and relies on f to do as well with more of them. Yaman et al. (2020) draw one
    split per scan and divide the ℓ¹ and ℓ² residuals by the norms of y; here the split is new at
    every step and the loss is the mean square. Source: Yaman et al. (2020).
    """

    def __init__(self, hidden):
        super().__init__(hidden, fill="zero", test="plain")


class WeightedSSDU(SSDU):
    """SSDU that weights each hidden entry by how seldom it is a target when f does not see it:
    L(f; y) = (1/m) Σ_i h_i (1 − K_i)⁻¹ (A f(y_a, A_a) − y)_i², K_i = (1 − π_i)/(1 − π_i(1 − p_i)).

    π_i is the probability that entry i is measured, `density`, which broadcasts to y; f sees it
    with probability π_i(1 − p_i). Of the times that f does not, a share 1 − K_i has it as target.
    So for masks independent of x and from entry to entry (or column to column), and without noise,
        E L = (1/m) Σ_i P(f does not see i) E[(F f(y_a, A_a) − Fx)_i² | f does not see i],
    a sum over p_i > 0, F the full transform whose entries A measures: the supervised risk on all
    that f lacks, also where nothing was measured. For masks of a fixed number of columns, as those
    of `operators.masks`, this holds approximately. Noise adds the offset Σ_i (1 − π_i(1 − p_i))
    v_i/(π_i m) over the measured i with p_i > 0. Raises ValueError for a density outside (0, 1] or
    of another shape than y.
    Source: Millard and Chiew (2023), who write (1 − K)^(−1/2) ∘ residual.
    """

    def __init__(self, hidden, density):
        super().__init__(hidden)
        self.register_buffer("density", _checks.density(density))

    def weight(self, h):
        _checks.broadcasts(self.density, h, "density")
        p, pi = self.p, self.density
        return h * (1 - pi * (1 - p)) / (pi * p).clamp_min(1e-12)

    def offset(self, noise, y, A=None):
        p, pi = self.p, self.density
        return ((p > 0) * (1 - pi * (1 - p)) / pi * variance(noise, y, A)).mean()


class Noise2Inverse(Splitting):
    """Splitting with the average over splits at test time: x̂ = (1/N) Σ_t f(y_{a,t}, A_{a,t}).

    L is that of `SSDU`; f is used as it was trained, on a part of the measurements, `draws` times
    (for A = I only where it was hidden). Where A selects pixels or Fourier coefficients,
    `Splitting` takes each measured one from the splits that hid it, which is safer.
    hidden: p, alike for all entries in the paper. Hendriksen et al. (2020) compare images, f(A_a†
    y_a) with A_b† y_b, which is right for complete, noisy tomography; here measurements are
    compared, so that incomplete ones are allowed. Source: Hendriksen, Pelt and Batenburg (2020).
    """

    def __init__(self, hidden, draws=10):
        super().__init__(hidden, fill="zero", test="mean", draws=draws)


class RobustSSDU(SSDU):
    """SSDU for noisy y: hidden entries as they are, kept ones by R2R or by SURE.

    kept="r2r", with (y1, y2) = noise.split(y, α) and y_a = (1 − h) ∘ y1:
        L = (1/m) Σ_i [(h_i/p_i) (A f(y_a, A_a) − y)_i² + (1 − h_i) (A f(y_a, A_a) − y2)_i²].
    kept="sure", with the twins y^± and q of `noise.twins(y, τ)` and f^± = A f((1 − h) ∘ y^±, A_a):
        L = (1/m) Σ_i [½ Σ_± ((h_i/p_i) + (1 − h_i)) (f^± − y)_i²
                       + (1 − h_i) (2 q_i (f⁺ − f⁻)_i − v_i)].
    Assumes noise independent from entry to entry, with a split (r2r) or a Stein identity (sure).
    E L = (1/m) Σ_i E[((h_i/p_i) + (1 − h_i)) (A f(y_a, A_a) − Ax)_i²] + offset: the risk on hidden
    and on kept entries, at the noise level of y1 or y⁺, where `Splitting` has the first alone.
    Source: Millard and Chiew (2024) for α, Tachella (2025), "What happens if we have noisy data?".
    """

    def __init__(self, noise, hidden, kept="r2r", alpha=0.2, tau=0.3):
        super().__init__(hidden)
        if kept not in ("r2r", "sure"):
            raise ValueError(f"kept is {kept!r}; use 'r2r' or 'sure'.")
        self.noise, self.kept = noise, kept
        self.alpha, self.tau = _checks.fraction(alpha, "alpha"), _checks.positive(tau, "tau")

    @property
    def train_evals(self):
        return 1 if self.kept == "r2r" else 2

    def forward(self, f, y, A, noise=None, generator=None):
        _, A_a, h = self.split(y, A, self.uniforms(_checks.floats(y), generator))
        hidden, k = self.weight(h).to(y.dtype), (~h).to(y.dtype)
        noise, target = self.law(noise), observed(y, A)
        if self.kept == "r2r":
            y1, y2 = noise.split(y, self.alpha, generator)
            Af = measured(f, k * y1, A_a, A)
            return (hidden * (Af - target).square() + k * (Af - observed(y2, A)).square()).mean()
        plus, minus, q = noise.twins(y, step(self.tau, self.training), generator)
        fit, d = antithetic(
            lambda u: measured(f, k * u, A_a, A), y, target, plus, minus, self.training
        )
        return ((hidden + k) * fit + k * (2 * q * d - variance(noise, y, A))).mean()

    def offset(self, noise, y, A=None):
        v = variance(noise, y, A)
        kept = (1 - self.p) / self.alpha if self.kept == "r2r" else 0
        return (((self.p > 0) + kept) * v).mean()
