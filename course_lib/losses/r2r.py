"""One noisy copy, recorrupted into an independent pair."""

from .. import _checks
from ..noise import Noise
from .base import Loss, apply, misfit


class R2R(Loss):
    """L(f; y) = (1/m) ‖A f(y1, A) − y2‖², (y1, y2) = noise.split(y, α), drawn afresh each call.

    Assumes a noise law with an independent split: Gaussian (white or correlated), Poisson, Gamma,
    Binomial. y = (1 − α) y1 + α y2, so that y1 has variance Var(y)/(1 − α) and y2 has Var(y)/α.
    E L = (1/m) E‖A f(y1) − Ax‖² + Var(y | x)/α: the risk at y1's noise level plus a constant.
    At test time the average of N recorruptions: (1/N) Σ_i f(y1^(i), A).
    α is that of Monroy et al. (2025) and of the slides' table of their splits; on the slides' first
    page on R2R it is 1 − α, in Pang et al. (2021) √(α/(1 − α)). Raises ValueError for α outside
    (0, 1) or draws < 1.

    Arguments:
        noise: the law of y.
        alpha: α in (0, 1): f is trained at 1/(1 − α) times the variance, on targets of 1/α times.
        draws: N, evaluations of f at test time.

    Example:
        >>> loss, A = losses.R2R(noise.Gaussian(0.1), alpha=0.5), operators.Identity()
        >>> y = 0.1 * torch.randn(8, 1, 64, 64)
        >>> value = loss(lambda y, A: 0 * y, y, A)  # x̂ = x = 0
        >>> round(float(value), 3), round(float(loss.offset(loss.noise, y)), 3)
        (0.02, 0.02)
    """

    def __init__(self, noise: Noise, alpha: float = 0.2, draws: int = 20):
        super().__init__()
        self.noise, self.alpha = noise, _checks.fraction(alpha, "alpha")
        self.draws = self.test_evals = _checks.whole(draws, "draws")
        self.excess = 1 / self.alpha

    def entries(self, f, y, A, noise=None, generator=None):
        y1, y2 = self.law(noise).split(y, self.alpha, generator)
        return misfit(f, y1, y2, A)

    def reconstruct(self, f, y, A, noise=None, generator=None):
        noise = self.law(noise)
        draws = (noise.split(y, self.alpha, generator)[0] for _ in range(self.draws))
        return sum(apply(f, y1, A) for y1 in draws) / self.draws


class Noisier2Noise(R2R):
    """L(g; y) = (1/(α² m)) ‖g(y1) − y‖², y1 = y + τw, w ~ N(0, Σ), τ² = α/(1 − α), A = I.

    Assumes Gaussian noise of known covariance Σ. The network g predicts y from a noisier y1; the
    image is h(y1) = ((1 + τ²) g(y1) − y1)/τ². Since y = (1 − α) y1 + α y2, g(y1) − y equals
    α (h(y1) − y2): the loss is exactly R2R's loss of h, with E L = (1/m) E‖h(y1) − x‖² + Var(y)/α.
    At test time the average of N values of h. Raises ValueError when A is not the identity.
    Source: Moran et al. (2020), for τ = 1.

    Arguments:
        noise: the law of y.
        alpha: α in (0, 1).
        draws: N, evaluations of g at test time.

    Example:
        >>> loss, y = losses.Noisier2Noise(noise.Gaussian(0.1)), 0.1 * torch.randn(8, 1, 64, 64)
        >>> g = lambda y1, A: (1 - loss.alpha) * y1  # h = x̂ = x = 0
        >>> float(loss.reconstruct(g, y, operators.Identity()).abs().max())
        0.0
    """

    needs_identity = True

    def __init__(self, noise: Noise, alpha: float = 0.5, draws: int = 10):
        super().__init__(noise, alpha, draws)

    def entries(self, g, y, A, noise=None, generator=None):
        y1, _ = self.law(noise).split(y, self.alpha, generator)
        return misfit(g, y1, y, A) / self.alpha**2

    def reconstruct(self, g, y, A, noise=None, generator=None):
        def h(y1, A):
            return (apply(g, y1, A) - (1 - self.alpha) * y1) / self.alpha

        return super().reconstruct(h, y, A, noise, generator)
