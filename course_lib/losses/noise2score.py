"""Learn the score of the noisy images, then denoise by the formula of the noise law."""

from .. import _checks
from .._random import normal_like
from ..noise import Gaussian, Noise, estimate
from .base import Loss, measured


class Noise2Score(Loss):
    """L(f; y) = (1/m) ‖f(y1) − y1 + w u/(δ√v(y))‖² − (1/m) ‖w u/(δ√v(y))‖² + (1 + δ²) mean v(y),
    y1 = y + δ√v(y) u, u ~ N(0, I), w = (1 + δ²) v(y1), averaged over u and −u. A = I.

    AR-DAE: the minimiser of E ‖u/(δ√v(y)) + S_δ(y1)‖² is the score S_δ = ∇ log q of y1, here read
    from the network as S_δ(y) = (f(y) − y)/w(y), with v = noise.spread the variance of the noise.
    q is p(y) smoothed by δ noise standard deviations. Where noise dominates that divides the score
    by 1 + δ², so `score` is S = (1 + δ²) S_δ = (f(y) − y)/v(y), and x̂ = noise.tweedie(y, S).
    Assumes a law with a formula for E[x | y] in terms of the score: Gaussian, Poisson, Gamma,
    Poisson-Gaussian. Training uses the noise model for the scale v alone.
    For white Gaussian noise E L is the risk of f at y1, offset 0: L is then R2R's loss over both
    signs of u, less a constant, and so SURE's; S is f − y over σ², and x̂ = f(y). For other laws L
    is not the risk plus a constant. Correlated Gaussian noise has directions with hardly any noise,
    in which the score is large and learnt badly from white steps u: there prefer SURE. One-sided
    AR-DAE has a gradient of spread 1/δ and needs δ annealed; over both signs it does not. Raises
    NotImplementedError for a law without the formula, and ValueError for A ≠ I.
    Source: Kim and Ye (2021); Lim et al. (2020) for AR-DAE.

    Arguments:
        noise: the law of y.
        delta: δ, the step in noise standard deviations: smaller ones blur p(y) less and are noisier
            to learn from.

    Example:
        >>> loss, y = losses.Noise2Score(noise.Gaussian(0.1)), 0.1 * torch.randn(8, 1, 64, 64)
        >>> f, A = (lambda y, A: 0 * y), operators.Identity()  # x = 0: the score is −y/σ²
        >>> round(float(loss(f, y, A)), 3), float(loss.reconstruct(f, y, A).abs().max()) < 1e-6
        (0.0, True)
    """

    needs_identity, train_evals = True, 2

    def __init__(self, noise: Noise, delta: float = 0.3):
        super().__init__()
        self.noise, self.delta = noise, _checks.positive(delta, "delta")
        _checks.law(noise, "Noise2Score").needs("tweedie")
        self.excess = 0 if type(noise) is Gaussian else None

    def entries(self, f, y, A, noise=None, generator=None):
        noise, sharpen = self.law(noise), 1 + self.delta**2
        v, u = noise.spread(y), normal_like(y, generator)
        L = ar_dae(f, y, A, u, self.delta * v.sqrt(), lambda y1: sharpen * noise.spread(y1))
        return L + sharpen * v

    def score(self, f, y, A, noise=None):
        """The estimate (f(y) − y)/v(y) of ∇ log p(y)."""
        return (measured(f, y, A) - y) / self.law(noise).spread(y)

    def reconstruct(self, f, y, A, noise=None, generator=None):
        """noise.tweedie(y, score)."""
        return self.law(noise).tweedie(y, self.score(f, y, A, noise))


class BlindNoise2Score(Loss):
    """`Noise2Score` for white Gaussian noise of unknown level, which may differ between images.

    L(f; y) = (1/m) ‖f(y1) − y1 + c u/(δσ₀)‖² − (1/m) ‖c u/(δσ₀)‖², y1 = y + δσ₀u, over u and −u;
    A = I. S(y) = (f(y) − y)/c is then the score of y1. c = (1 + δ²)σ₀², and σ₀ is a rough guess of
    each image's level, right to a factor of 2 or so: `noise.estimate.sigma`, or the number `sigma`.
    At test time x̂ = y + ηS(y), image by image, with UNSURE's choice η = n/‖S(y1)‖², y1 drawn
    afresh: the x̂ of mean divergence zero, with η at most 100c, so that f(y) = y gives x̂ = y. For
    many pixels n it tends to v/(1 − M), v the noise variance of y1 and M the ratio of its MMSE and
    v: an upper estimate of the noise level. UNSURE has one η for all images; here each image has
    its own. Two evaluations at test time.
    Source: Kim and Ye (2021), who choose η by the total variation of x̂; Tachella et al. (2025).

    Arguments:
        delta: δ, the step in units of σ₀.
        sigma: σ₀, one number in the unit of y; None, `noise.estimate.sigma` of each image.

    Example:
        >>> loss, y = losses.BlindNoise2Score(sigma=0.08), 0.1 * torch.randn(8, 1, 64, 64)
        >>> f, A = (lambda y, A: 0.5 * y), operators.Identity()
        >>> eta = loss.eta(f, y, A)
        >>> eta.shape, loss.reconstruct(f, y, A).shape
        (torch.Size([8, 1, 1, 1]), torch.Size([8, 1, 64, 64]))
    """

    needs_identity, train_evals, test_evals = True, 2, 2
    assumes = ("gaussian", "white")

    def __init__(self, delta: float = 0.3, sigma: float | None = None):
        super().__init__()
        self.delta = _checks.positive(delta, "delta")
        self.sigma = None if sigma is None else _checks.positive(sigma, "sigma")

    def entries(self, f, y, A, noise=None, generator=None):
        step, c = self.scales(y)
        return ar_dae(f, y, A, normal_like(y, generator), step, lambda y1: c)

    def scales(self, y):
        """(δσ₀, c), numbers or one per image, (B, 1, 1, 1)."""
        level = estimate.sigma(y) if self.sigma is None else self.sigma
        return self.delta * level, (1 + self.delta**2) * level**2

    def score(self, f, y, A):
        """The estimate (f(y) − y)/c of the score of y1."""
        return (measured(f, y, A) - y) / self.scales(y)[1]

    def eta(self, f, y, A, generator=None):
        """η = n/‖S(y1)‖² of each image, at most 100c, shaped (B, 1, 1, 1)."""
        step, c = self.scales(y)
        y1 = y + step * normal_like(y, generator)
        power = ((measured(f, y1, A) - y1) / c).square().mean((1, 2, 3), keepdim=True)
        return 1 / power.clamp_min(0.01 / c)

    def reconstruct(self, f, y, A, noise=None, generator=None):
        """y + ηS(y)."""
        return y + self.eta(f, y, A, generator) * self.score(f, y, A)


def ar_dae(f, y, A, u, step, weight):
    """The mean over y^± = y ± step·u of (d + t)² − t² in every entry, d = f(y^±) − y^± and
    t = ± weight(y^±) u/step: minimal where d/weight is the score of y^±.
    """
    total = 0
    for u1 in (u, -u):
        y1 = y + step * u1
        d, t = measured(f, y1, A) - y1, weight(y1) * u1 / step
        total = total + d * (d + 2 * t) / 2
    return total
