"""What a noise model knows: sampling, its variance, the R2R pair, and Stein's identity."""

import torch
from torch import Generator, Tensor

from .. import _checks
from .._batched import Batched
from .._random import normal_like
from . import divergence

NEEDED = {"stein": "SURE", "split": "R2R"}  # the identity that a loss rests on
LACKS = {
    "variance": "estimate of its variance",
    "split": "independent split, so R2R does not apply",
    "stein": "Stein identity, so SURE does not apply",
    "tweedie": "posterior mean in terms of the score, so Noise2Score does not apply",
}


class Noise(Batched):
    """The law of y given the clean measurements Ax, with E[y | x] = Ax and independent pixels.

    noise(Ax, generator=g)   a sample y
    noise.variance(y)        v(y) with E[v(y) | x] = Var(y | x), entry by entry
    noise.split(y, alpha)    the GR2R pair (y1, y2), independent given x, E y1 = E y2 = Ax
    noise.twins(y, tau)      two recorrupted copies of y, as opposed as the law permits
    noise.stein(f, y)        an estimate of E f(y)ᵀ(y − Ax), without Ax
    noise.tweedie(y, score)  E[x | y] from the score ∇ log p(y)

    noise.identities         which of "variance", "split", "stein" (twins too), "tweedie" it has
    law[indices]             the laws of some images, where each image has its own parameters

    y and Ax are float32 or float64: half precision is refused, its rounding is another noise.
    A law of your own is a subclass with `forward`, and with `identities` and their methods; from
    "variance" alone follow the first orders of `twins` and `stein`.
    Raises NotImplementedError for an identity that the law lacks, with the losses that remain.

    Example:
        >>> law = noise.PoissonGaussian(gain=0.1, sigma=0.05)
        >>> law.identities, law.remaining
        (('variance', 'stein', 'tweedie'), 'SURE or Noise2Noise')
    """

    identities = ()
    maps = False  # whether a parameter differs from pixel to pixel

    @property
    def remaining(self) -> str:
        """The losses that this law has the identities for."""
        named = [loss for identity, loss in NEEDED.items() if identity in self.identities]
        return " or ".join([", ".join(named), "Noise2Noise"] if named else ["Noise2Noise"])

    def needs(self, identity: str) -> None:
        """Refuse, with the losses that remain, where this law lacks an identity."""
        if identity not in self.identities:
            self._lacks(identity)

    def _lacks(self, identity):
        name = type(self).__name__
        raise NotImplementedError(f"{name} has no {LACKS[identity]}; use {self.remaining}.")

    def cut(self, size, window):
        """The law of the windows that `window` cuts out of (B, C, *size) images of this law."""
        return self

    def forward(self, Ax: Tensor, generator: Generator | None = None) -> Tensor:
        """Sample y given Ax."""
        raise NotImplementedError(f"{type(self).__name__} has no sampler; write its `forward`.")

    def power(self, Ax):
        """Var(y | x) in every entry, as a function of Ax."""
        raise NotImplementedError(
            f"{type(self).__name__} has no variance in terms of Ax, so no virtual measurement is "
            "drawn by it; use a loss without one, or noise=None."
        )

    def smooth(self, Ax, generator=None):
        """A virtual measurement that passes on gradients: Ax + √Var(y | x) w, w ~ N(0, I).

        The law of y itself where that is Gaussian; mean and variance of y for the other laws, whose
        samples are counts or products and have no slope in Ax.
        """
        v = self.power(Ax).clamp_min(torch.finfo(Ax.dtype).tiny)  # √ has no slope at 0
        return Ax + v.sqrt() * normal_like(Ax, generator)

    def variance(self, y: Tensor) -> Tensor:
        """v(y), an unbiased estimate of Var(y | x) in every entry; same shape as y."""
        return self._lacks("variance")

    def split(self, y: Tensor, alpha: float, generator: Generator | None = None):
        """The pair (y1, y2) of generalised Recorrupted2Recorrupted; alpha in (0, 1).

        y = (1 − α) y1 + α y2, with Var(y1) = Var(y)/(1 − α) and Var(y2) = Var(y)/α.
        """
        return self._lacks("split")

    def twins(self, y: Tensor, tau: float, generator: Generator | None = None):
        """(y⁺, y⁻, q): two copies recorrupted by τ noise standard deviations, and a weight.

        E qᵀ(f(y⁺) − f(y⁻)) = E f(y⁺)ᵀ(y − Ax), the term that SURE needs, for f at y⁺. Here
        y^± = y ± τp and q is the probe over 2τ, the first order in τ and in the noise; laws with
        an independent split do better, see `Divisible`.
        """
        self.needs("stein")
        p, q = self.probes(_checks.single(y), generator)
        tau = _checks.positive(tau, "tau")
        return y + tau * p, y - tau * p, q / (2 * tau)

    def spread(self, y: Tensor) -> Tensor:
        """v(y) at any y, measured or not, and above 0: the scale of the score, s ~ 1/√v."""
        return self.variance(y)

    def tweedie(self, y: Tensor, score: Tensor, slope: Tensor | None = None) -> Tensor:
        """E[x | y] from score = ∇ log p(y), shaped like y; slope_i = ∂score_i/∂y_i if known.

        For Gaussian noise y + σ²s, exactly. For the other laws the exact formula compares p at
        two points, and is expanded about y; without the slope it is that of a well-known x, where
        s_i has the slope −1/v_i.
        """
        return self._lacks("tweedie")

    def stein(self, f, y: Tensor, fy=None, method: str = "mc", tau: float = 0.1, generator=None):
        """An estimate of E f(y)ᵀ(y − Ax) that never sees Ax: a sum over all entries of y.

        f: y → f(y), of y's shape (for a reconstructor, y → A f(y, A)); fy = f(y) if known.
        method="mc"          qᵀ(f(y + τp) − f(y))/τ with a probe p drawn like the noise itself,
                             so τ is in units of the noise's standard deviation
        method="hutchinson"  its limit τ → 0, by forward-mode differentiation
        method="exact"       the model's exact identity, one evaluation of f per pixel
        Unbiased for Gaussian noise by every method (mc: up to smoothing by τ); for the other
        models "exact" is unbiased and the two others are its first-order expansion.
        """
        self.needs("stein")
        _checks.single(y), _checks.choice(method, "method", "mc", "hutchinson", "exact")
        if method == "hutchinson":
            return divergence.hutchinson(f, y, *self.probes(y, generator))
        fy = f(y) if fy is None else fy
        if method == "exact":
            return self.stein_exact(f, y, fy)
        tau = _checks.positive(tau, "tau")
        return divergence.monte_carlo(f, y, fy, *self.probes(y, generator), tau)

    def probes(self, y, generator=None):
        """(p, q) with E[q pᵀ] = diag(v(y)): p = √|v| b, q = sign(v) p, b ~ N(0, I)."""
        v = self.variance(y)
        p = v.abs().sqrt() * normal_like(y, generator)
        return p, v.sign() * p

    def stein_exact(self, f, y, fy):
        """The exact identity behind `stein`; f is evaluated once per pixel."""
        return self._lacks("stein")
