"""One noisy copy, recorrupted into an independent pair."""

from .. import _checks
from ..operators import Identity
from .base import Loss, apply, measured, observed, variance


class R2R(Loss):
    """L(f; y) = (1/m) ‖A f(y1, A) − y2‖², (y1, y2) = noise.split(y, α), drawn afresh each call.

    Assumes a noise law with an independent split: Gaussian (white or correlated), Poisson, Gamma,
    Binomial. y = (1 − α) y1 + α y2, so that y1 has variance Var(y)/(1 − α) and y2 has Var(y)/α.
    E L = (1/m) E‖A f(y1) − Ax‖² + Var(y | x)/α: the risk at y1's noise level plus a constant.
    At test time the average of `draws` recorruptions: (1/N) Σ_i f(y1^(i), A).
    α is that of Monroy et al. (2025) and of the slides' table of their splits; on the slides' first
    page on R2R it is 1 − α, in Pang et al. (2021) √(α/(1 − α)). Raises ValueError for α outside
    (0, 1) or draws < 1.
    """

    def __init__(self, noise, alpha=0.2, draws=20):
        super().__init__()
        self.noise, self.alpha = noise, _checks.fraction(alpha, "alpha")
        self.test_evals = _checks.whole(draws, "draws")

    def forward(self, f, y, A, noise=None, generator=None):
        y1, y2 = self.law(noise).split(y, self.alpha, generator)
        return (measured(f, y1, A) - observed(y2, A)).square().mean()

    def offset(self, noise, y, A=None):
        return variance(noise, y, A).mean() / self.alpha

    def reconstruct(self, f, y, A, noise=None, generator=None):
        noise = self.law(noise)
        draws = (noise.split(y, self.alpha, generator)[0] for _ in range(self.test_evals))
        return sum(apply(f, y1, A) for y1 in draws) / self.test_evals


class Noisier2Noise(Loss):
    """L(g; y) = (1/(α² m)) ‖g(y1) − y‖², y1 = y + τw, w ~ N(0, Σ), τ² = α/(1 − α), A = I.

    Assumes Gaussian noise of known covariance Σ. The network g predicts y from a noisier y1; the
    image is h(y1) = ((1 + τ²) g(y1) − y1)/τ². Since y = (1 − α) y1 + α y2, g(y1) − y equals
    α (h(y1) − y2): the loss is exactly R2R's loss of h, with E L = (1/m) E‖h(y1) − x‖² + Var(y)/α.
    At test time the average of `draws` values of h. Raises ValueError when A is not the identity.
    Source: Moran et al. (2020), for τ = 1.
    """

    def __init__(self, noise, alpha=0.5, draws=10):
        super().__init__()
        self.noise, self.alpha = noise, _checks.fraction(alpha, "alpha")
        self.test_evals = _checks.whole(draws, "draws")

    def forward(self, g, y, A, noise=None, generator=None):
        _denoising(A)
        y1, _ = self.law(noise).split(y, self.alpha, generator)
        return (measured(g, y1, A) - y).square().mean() / self.alpha**2

    def offset(self, noise, y, A=None):
        return variance(noise, y, A).mean() / self.alpha

    def reconstruct(self, g, y, A, noise=None, generator=None):
        _denoising(A)
        total, noise = 0, self.law(noise)
        for _ in range(self.test_evals):
            y1, _ = noise.split(y, self.alpha, generator)
            total = total + (apply(g, y1, A) - (1 - self.alpha) * y1) / self.alpha
        return total / self.test_evals


def _denoising(A):
    if not isinstance(A, Identity):
        raise ValueError(f"Noisier2Noise is for A = I, not {type(A).__name__}; use R2R.")
