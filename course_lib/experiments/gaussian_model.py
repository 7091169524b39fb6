"""Learning a linear denoiser from N signals of an exact Gaussian model, and its closed-form error.

x ~ N(0, C) in Rⁿ, y = x + σw, K = C + σ²I, f(y) = F y. The best is F* = C K⁻¹ with risk MMSE; a
learned F has the excess risk (1/n) tr (F − F*) K (F − F*)ᵀ, exactly. C is given by its eigenvalues
S, in whose basis C and K are diagonal: nothing depends on the basis.
"""

import torch

from .._random import normal_like
from ..priors import GaussianPrior

METHODS = ("Supervised", "SURE", "Noise2Noise", "R2R, one draw", "R2R, fresh draws")


def mmse(S, sigma):
    """(1/n) Σ S σ²/(S + σ²)."""
    return GaussianPrior(S.diag(), sigma).mmse()


def excess(F, S, sigma):
    """(1/n) tr (F − F*) K (F − F*)ᵀ for each F in (..., n, n)."""
    K = S + sigma**2
    return ((F - torch.diag(S / K)).square() * K).sum((-2, -1)) / len(S)


def learn(method, S, sigma, N, alpha, repeats, generator=None):
    """F̂ of `repeats` independent training sets of N signals each: (repeats, n, n).

    The minimiser over all matrices F of the method's loss on its training set. For R2R either one
    recorrupted pair is drawn a signal, or the loss is averaged over all recorruptions, which has a
    closed form: F̂ = I − σ²(1 + τ²)(K̂ + τ²σ²I)⁻¹, K̂ = (1/N) Σ y yᵀ, τ² = α/(1 − α).
    Raises ValueError for N < n, where many F fit the training set.
    """
    if N < len(S):
        raise ValueError(f"N is {N}; {len(S)} pixels need at least {len(S)} signals to learn from.")

    def draw(scale):
        return scale * normal_like(S.new_empty(repeats, N, len(S)), generator)

    x, noise = draw(S.sqrt()), draw(sigma)
    y, tau2 = x + noise, alpha / (1 - alpha)
    if method in ("SURE", "R2R, fresh draws"):
        tau2 = 0.0 if method == "SURE" else tau2
        eye = torch.eye(len(S), dtype=S.dtype)
        K = y.mT @ y / N
        return eye - sigma**2 * (1 + tau2) * torch.linalg.inv(K + tau2 * sigma**2 * eye)
    if method == "Supervised":
        inputs, targets = y, x
    elif method == "Noise2Noise":
        inputs, targets = y, x + draw(sigma)
    else:
        w = draw(sigma)
        inputs, targets = y + tau2**0.5 * w, y - w / tau2**0.5
    return torch.linalg.solve(inputs.mT @ inputs, inputs.mT @ targets).mT


def theory(method, S, sigma, N, alpha):
    """E excess of `learn`: exact, but for "R2R, fresh draws", which is to first order in 1/N.

    Least squares onto a target with residual covariance R, independent of Gaussian inputs of
    covariance Q, has E (F̂ − F) K (F̂ − F)ᵀ = R tr(K Q⁻¹)/(N − n − 1). So with n signals' entries
        Supervised     MMSE n/(N − n − 1)
        Noise2Noise    (MMSE + σ²) n/(N − n − 1)
        R2R, one draw  (MMSE₁ + σ²/α) tr(K K₁⁻¹)/(N − n − 1) + what F₁ loses at y,
    where K₁ = C + σ²/(1 − α) I is the covariance of y1, F₁ = C K₁⁻¹ and MMSE₁ belongs to y1.
    SURE has F̂ = I − σ² K̂⁻¹ with K̂ Wishart, so that
        SURE           (σ² − MMSE) c(N),
        c(N) = N²(N − 1)/((N − n)(N − n − 1)(N − n − 3)) − 2N/(N − n − 1) + 1 ≈ (n + 1)/N.
    Raises ValueError for N < n + 4, where these means are infinite.
    """
    n, v = len(S), sigma**2
    if n + 4 > N:
        raise ValueError(f"N is {N}; the mean error is finite from n + 4 = {n + 4} signals on.")
    K, best, tau2 = S + v, mmse(S, sigma), alpha / (1 - alpha)
    K1 = K + tau2 * v
    inverse = 1 / (N - n - 1)
    if method == "Supervised":
        return best * n * inverse
    if method == "Noise2Noise":
        return (best + v) * n * inverse
    if method == "SURE":
        second = N**2 * (N - 1) / ((N - n) * (N - n - 1) * (N - n - 3))
        return (v - best) * (second - 2 * N * inverse + 1)
    lost = float(((S / K1 - S / K).square() * K).mean())  # F₁ in place of F*, at y
    if method == "R2R, one draw":
        residual = float((S * (K1 - S) / K1).mean()) + v / alpha
        return lost + residual * float((K / K1).sum()) * inverse
    # F̂ − F₁ = c (Δ' − Δ' K̂Δ') with Δ' = K₁⁻¹(K̂ − K)K₁⁻¹: its variance, and its bias times F₁ − F*
    c, M = v * (1 + tau2), K / K1.square()
    variance = c**2 * float((K / K1.square() * (K * M + (K * M).sum())).mean()) / N
    bias = -c * K * (K / K1 + (K / K1).sum()) / K1.square() / N
    return lost + variance + 2 * float(((S / K1 - S / K) * K * bias).mean())
