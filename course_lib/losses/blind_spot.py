"""Two losses for a network that never sees the pixel it predicts; one estimator at test time."""

import math

import torch

from .. import _checks
from ..noise import CorrelatedGaussian, Gaussian, Noise
from .base import Loss, apply


class BlindSpotSURE(Loss):
    """L(f; y) = (1/m) Σ_i [(1 − a_i)² (y_i − μ_i)² + 2 a_i v_i(y) − v_i(y)], a = 1/(1 + e^−κ).

    Assumes noise that is independent from pixel to pixel given x, of any law, v = noise.variance
    (E[v_i(y) | x] = Var(y_i | x), v_i a function of y_i alone), A = I, and a blind-spot network
    f(y, A) = (μ, κ), stacked on the channels, (B, 2C, H, W), neither of which sees y_i
    (`models.BlindSpot(spread=True)`). The reconstruction puts the pixel back,
        x̂_i = a_i y_i + (1 − a_i) μ_i.
    E L = (1/m) E‖x̂ − x‖², offset 0: ∂x̂_i/∂y_i = a_i and, as a_i and v_i(y) are independent given
    x, E x̂_i (y_i − x_i) = E a_i v_i(y), so SURE needs neither a probe nor a second evaluation.
    The best network has μ_i = E[x_i | y_j, j ≠ i] and κ = log(s²/σ²), s² the variance of x_i and
    σ² that of y_i about x_i, given the other pixels: a = s²/(s² + σ²), the Gaussian posterior
    mean. Raises ValueError for correlated noise or A ≠ I.
    Source: Cha and Moon (2019), for Gaussian noise; Laine et al. (2019), the posterior mean.

    Arguments:
        noise: the law of y, with a variance, independent from pixel to pixel.

    Example:
        >>> loss, A = losses.BlindSpotSURE(noise.Gaussian(0.1)), operators.Identity()
        >>> y = 0.1 * torch.randn(8, 1, 64, 64)
        >>> f = lambda y, A: torch.cat([0 * y, 0 * y], 1)  # μ = x = 0, κ = 0: x̂ = y/2
        >>> round(float(loss(f, y, A)), 3), round(float(loss.reconstruct(f, y, A).var()), 4)
        (0.003, 0.0025)
    """

    needs_identity, judges, excess = True, True, 0

    def __init__(self, noise: Noise):
        super().__init__()
        if isinstance(_checks.law(noise, type(self).__name__), CorrelatedGaussian):
            remedy = (
                "give noise.Gaussian(sigma), and a network in models.PixelShuffle of such a stride"
            )
            raise ValueError(
                f"CorrelatedGaussian noise reaches the neighbours of a pixel; {remedy}."
            )
        noise.needs("variance")
        self.noise = noise

    def entries(self, f, y, A, noise=None, generator=None):
        mu, kappa = _parts(f, y, A)
        a, v = kappa.sigmoid(), self.law(noise).variance(y)
        return (1 - a).square() * (y - mu).square() + 2 * a * v - v

    def reconstruct(self, f, y, A, noise=None, generator=None):
        """The posterior mean x̂ = a y + (1 − a) μ = (s² y + σ² μ)/(s² + σ²)."""
        mu, kappa = _parts(f, y, A)
        return torch.lerp(mu, y, kappa.sigmoid())


class BlindSpotLikelihood(BlindSpotSURE):
    """L(f; y) = −(1/m) Σ_i log N(y_i; μ_i, s_i² + σ²), s² = σ² e^κ, in nats.

    Assumes white Gaussian noise of known σ, A = I and a blind-spot network f(y, A) = (μ, κ) as
    `BlindSpotSURE` does, with the same best network, the true mean and variance of y_i given the
    other pixels (if that law is Gaussian, L is then the negative log-pseudolikelihood of y), and
    the same posterior mean (s² y + σ² μ)/(s² + σ²) at test time. It is no risk: `offset` raises
    NotImplementedError; `BlindSpotSURE` of the same network is the risk. Raises ValueError for
    other noise. Source: Laine et al. (2019), with a diagonal covariance of the channels.

    Arguments:
        noise: the law of y, `noise.Gaussian(sigma)`.

    Example:
        >>> loss, y = losses.BlindSpotLikelihood(noise.Gaussian(1.0)), torch.zeros(1, 1, 4, 4)
        >>> f = lambda y, A: torch.cat([y, y - 100], 1)  # no spread: N(y; 0, 1) at y = 0
        >>> round(float(loss(f, y, operators.Identity())), 4)
        0.9189
    """

    judges, excess = False, None

    def __init__(self, noise: Noise):
        super().__init__(noise)
        if not isinstance(noise, Gaussian):
            name = type(noise).__name__
            raise ValueError(f"a likelihood of Gaussian noise, not {name}; use BlindSpotSURE.")

    def entries(self, f, y, A, noise=None, generator=None):
        mu, kappa = _parts(f, y, A)
        V = self.law(noise).variance(y) * (1 + kappa.exp())
        return ((y - mu).square() / V + V.log() + math.log(2 * math.pi)) / 2


def _parts(f, y, A):
    """(μ, κ), the two halves of f(y, A)'s channels."""
    both = apply(f, y, A)
    if both.shape != (len(y), 2 * y.shape[1], *y.shape[2:]):
        shapes = f"{tuple(both.shape)} for y {tuple(y.shape)}"
        remedy = "give the mean and the spread of each pixel, as models.BlindSpot(spread=True) does"
        raise ValueError(f"f(y, A) has shape {shapes}; {remedy}.")
    return torch.chunk(both, 2, dim=1)
