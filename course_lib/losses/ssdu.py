"""Splitting as the field names it: SSDU, weighted SSDU, Noise2Inverse, robust SSDU."""

import torch
from torch import Tensor

from .. import _checks
from ..noise import Noise
from .antithetic import stein
from .base import apply, misfit
from .splitting import Splitting


def columns(width: int, hidden: float = 0.4, centre: int = 4, std: float = 0.25) -> Tensor:
    """p for `Splitting` that hides whole columns of k-space: (1, 1, 1, W), p_k = 0 in the centre.

    p_k ∝ e^{−k²/(2 std² W²)}, k the distance from the middle, W//2, cut to at most 0.9.
    Source: Yaman et al. (2020), who draw points; whole columns are what an undersampled scan lacks.

    Arguments:
        width: W, the columns.
        hidden: the mean of p over the columns outside the centre, before it is cut.
        centre: how many middle columns are never hidden. Protect those that every mask measures:
            hidden, they hold most of the loss, and f learns little else.
        std: of the bell, in units of W; inf hides all others alike.

    Example:
        >>> losses.columns(8, centre=2, std=float("inf")).flatten()
        tensor([0.4000, 0.4000, 0.4000, 0.0000, 0.0000, 0.4000, 0.4000, 0.4000],
               dtype=torch.float64)
    """
    width, hidden = _checks.whole(width, "width"), _checks.fraction(hidden, "hidden")
    if not (0 <= centre < width and std > 0):
        needs = "centre in [0, width) and std above 0, or inf for all columns alike"
        raise ValueError(f"centre is {centre} and std {std:g} of {width} columns; use {needs}.")
    k = (torch.arange(width) - width // 2).double()
    weight = torch.exp(-(k.square()) / (2 * (std * width) ** 2))
    weight[width // 2 - centre // 2 : width // 2 - centre // 2 + centre] = 0
    p = hidden * (width - centre) / weight.sum() * weight
    return p.clamp_max(0.9).reshape(1, 1, 1, width)


class SSDU(Splitting):
    """Self-supervision via data undersampling: `Splitting` of k-space, then f(y, A) at test time.

    L(f; y) = (1/m) Σ_i (h_i/p_i) (A f(y_a, A_a) − y)_i², h_i ~ Bernoulli(p_i), drawn afresh.
    The risk that L estimates is that of f(y_a, A_a); x̂ = f(y, A) uses all measurements and relies
    on f to do as well with more of them. Yaman et al. (2020) draw one split per scan and divide the
    ℓ¹ and ℓ² residuals by the norms of y; here the split is new at every step and the loss is the
    mean square. Source: Yaman et al. (2020).

    Arguments:
        hidden: p, e.g. `columns(W)`; see `Splitting`.

    Example:
        >>> loss = losses.SSDU(losses.columns(32))
        >>> A = operators.MRI(operators.masks.random((32, 32), acceleration=2))
        >>> y = A(torch.randn(1, 2, 32, 32))
        >>> loss(lambda y, A: A.adjoint(y), y, A) > 0, loss.test_evals
        (tensor(True), 1)
    """

    def __init__(self, hidden: float | Tensor):
        super().__init__(hidden, fill="zero", test="plain")


class WeightedSSDU(SSDU):
    """SSDU that weights each hidden entry by how seldom it is a target when f does not see it:
    L(f; y) = (1/m) Σ_i h_i (1 − K_i)⁻¹ (A f(y_a, A_a) − y)_i², K_i = (1 − π_i)/(1 − π_i(1 − p_i)).

    π_i is the probability that entry i is measured; f sees it with probability π_i(1 − p_i). Of the
    times that f does not, a share 1 − K_i has it as target.
    So for masks independent of x and from entry to entry (or column to column), and without noise,
        E L = (1/m) Σ_i P(f does not see i) E[(F f(y_a, A_a) − Fx)_i² | f does not see i],
    a sum over p_i > 0, F the full transform whose entries A measures: the supervised risk on all
    that f lacks, also where nothing was measured. For masks of a fixed number of columns, as those
    of `operators.masks`, this holds approximately. Noise adds the offset Σ_i (1 − π_i(1 − p_i))
    v_i/(π_i m) over the measured i with p_i > 0. Raises ValueError for a density outside (0, 1] or
    of another shape than y.
    Source: Millard and Chiew (2023), who write (1 − K)^(−1/2) ∘ residual.

    Arguments:
        hidden: p; see `Splitting`.
        density: π, a number or a tensor that broadcasts to y.

    Example:
        >>> loss = losses.WeightedSSDU(hidden=0.5, density=0.5)
        >>> float(loss.weight(torch.ones(1, 1, 1, 1)))  # (1 − π(1 − p))/(πp)
        3.0
    """

    def __init__(self, hidden: float | Tensor, density: float | Tensor):
        super().__init__(hidden)
        self.register_buffer("density", _checks.density(density))

    def weight(self, h):
        _checks.broadcasts(self.density, h, "density")
        p, pi = self.p, self.density
        return h * (1 - pi * (1 - p)) / (pi * p).clamp_min(1e-12)

    @property
    def excess(self):
        return (self.p > 0) * (1 - self.density * (1 - self.p)) / self.density


class Noise2Inverse(Splitting):
    """Splitting with the average over splits at test time: x̂ = (1/N) Σ_t f(y_{a,t}, A_{a,t}).

    L is that of `SSDU`; f is used as it was trained, on a part of the measurements, `draws` times
    (for A = I only where it was hidden). Where A selects pixels or Fourier coefficients,
    `Splitting` takes each measured one from the splits that hid it, which is safer.
    Hendriksen et al. (2020) compare images, f(A_a† y_a) with A_b† y_b, which is right for complete,
    noisy tomography; here measurements are compared, so that incomplete ones are allowed.
    Source: Hendriksen, Pelt and Batenburg (2020).

    Arguments:
        hidden: p, alike for all entries in the paper; see `Splitting`.
        draws: N, evaluations of f at test time.

    Example:
        >>> loss, y = losses.Noise2Inverse(hidden=0.5, draws=4), torch.randn(1, 1, 8, 8)
        >>> loss.reconstruct(lambda y, A: A.adjoint(y), y, operators.Identity()).shape
        torch.Size([1, 1, 8, 8])
    """

    def __init__(self, hidden: float | Tensor, draws: int = 10):
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
    and on kept entries, at the noise level of y1 or y⁺, where `Splitting` has the first alone. In
    evaluation mode ½ Σ_± (f^± − y)² is the misfit at y, as in `SURE`.
    Source: Millard and Chiew (2024) for α, Tachella (2025), "What happens if we have noisy data?".

    Arguments:
        noise: the law of y.
        hidden: p; see `Splitting`.
        kept: "r2r" or "sure" (two evaluations of f).
        alpha: α of the split, for "r2r"; see `R2R`.
        tau: τ, the step for "sure", in noise standard deviations; see `SURE`.

    Example:
        >>> loss, y = losses.RobustSSDU(noise.Gaussian(0.1), 0.5), 0.1 * torch.randn(8, 1, 64, 64)
        >>> value = loss(lambda y, A: 0 * y, y, operators.Identity())  # x̂ = x = 0
        >>> round(float(value), 2), round(float(loss.offset(loss.noise, y)), 2)
        (0.03, 0.03)
    """

    def __init__(self, noise: Noise, hidden: float | Tensor, kept: str = "r2r", alpha: float = 0.2,
                 tau: float = 0.3):  # fmt: skip
        super().__init__(hidden)
        self.noise, self.kept = noise, _checks.choice(kept, "kept", "r2r", "sure")
        self.train_evals = 1 if kept == "r2r" else 2
        self.alpha, self.tau = _checks.fraction(alpha, "alpha"), _checks.positive(tau, "tau")

    def entries(self, f, y, A, noise=None, generator=None):
        _, A_a, h = self.split(y, A, self.uniforms(y, generator))
        hidden, k, noise = self.weight(h).to(y.dtype), (~h).to(y.dtype), self.law(noise)

        def masked(u, _):
            return apply(f, k * u, A_a)

        if self.kept == "r2r":
            y1, y2 = noise.split(y, self.alpha, generator)
            return (hidden + k) * misfit(masked, y1, torch.where(h, y, y2), A)
        fit, s = stein(masked, y, A, noise, self.tau, self.training, generator)
        return (hidden + k) * fit + k * s

    @property
    def excess(self):
        return (self.p > 0) + ((1 - self.p) / self.alpha if self.kept == "r2r" else 0)
