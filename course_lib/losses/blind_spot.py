"""Two losses for a network that never sees the pixel it predicts; one estimator at test time."""

import math

import torch

from .. import _checks
from ..noise import CorrelatedGaussian, Gaussian, Noise
from ..operators import Identity
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
    """

    def __init__(self, noise):
        super().__init__()
        if isinstance(_checks.law(noise, type(self).__name__), CorrelatedGaussian):
            raise ValueError(
                "CorrelatedGaussian noise is seen in the neighbours of a pixel; give "
                f"{type(self).__name__} noise.Gaussian(sigma) and wrap the network in "
                "models.PixelShuffle, whose stride exceeds the range of the correlation."
            )
        if type(noise).variance is Noise.variance:
            noise.variance(None)  # says that there is none, before any training
        self.noise = noise

    def forward(self, f, y, A, noise=None, generator=None):
        mu, kappa = _parts(f, y, A)
        a, v = kappa.sigmoid(), self.law(noise).variance(y)
        return ((1 - a).square() * (y - mu).square() + 2 * a * v - v).mean()

    def scores(self, A):
        return True

    def offset(self, noise, y, A=None):
        return y.new_zeros(())

    def reconstruct(self, f, y, A, noise=None, generator=None):
        """The posterior mean x̂ = a y + (1 − a) μ = (s² y + σ² μ)/(s² + σ²)."""
        mu, kappa = _parts(f, y, A)
        a = kappa.sigmoid()
        return a * y + (1 - a) * mu


class BlindSpotLikelihood(BlindSpotSURE):
    """L(f; y) = −(1/m) Σ_i log N(y_i; μ_i, s_i² + σ²), s² = σ² e^κ, in nats.

    Assumes white Gaussian noise of known σ, A = I and a blind-spot network f(y, A) = (μ, κ) as
    `BlindSpotSURE` does, with the same best network, the true mean and variance of y_i given the
    other pixels (if that law is Gaussian, L is then the negative log-pseudolikelihood of y), and
    the same posterior mean (s² y + σ² μ)/(s² + σ²) at test time. It is no risk: `offset` raises
    NotImplementedError; `BlindSpotSURE` of the same network is the risk. Raises ValueError for
    other noise. Source: Laine et al. (2019), with a diagonal covariance of the channels.
    """

    def __init__(self, noise):
        super().__init__(noise)
        if not isinstance(noise, Gaussian):
            raise ValueError(
                f"BlindSpotLikelihood is for Gaussian noise, not {type(noise).__name__}; use "
                "BlindSpotSURE, which takes any noise independent from pixel to pixel."
            )

    def forward(self, f, y, A, noise=None, generator=None):
        mu, kappa = _parts(f, y, A)
        V = self.law(noise).variance(y) * (1 + kappa.exp())
        return ((y - mu).square() / V + V.log() + math.log(2 * math.pi)).mean() / 2

    def scores(self, A):
        return False

    def offset(self, noise, y, A=None):
        raise NotImplementedError(
            "BlindSpotLikelihood is a log-likelihood, not the risk plus a constant; BlindSpotSURE "
            "gives the risk of the same network."
        )


def _parts(f, y, A):
    """(μ, κ), the two halves of f(y, A)'s channels."""
    if not isinstance(A, Identity):
        raise ValueError(f"A blind spot is for A = I, not {type(A).__name__}; use SURE or R2R.")
    both = apply(f, y, A)
    if both.shape != (len(y), 2 * y.shape[1], *y.shape[2:]):
        raise ValueError(
            f"f(y, A) has shape {tuple(both.shape)} for y {tuple(y.shape)}; this loss needs the "
            "mean and the spread of each pixel, e.g. from models.BlindSpot(spread=True)."
        )
    return torch.chunk(both, 2, dim=1)
