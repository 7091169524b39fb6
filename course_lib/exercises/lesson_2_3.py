"""The checks of lesson 2.3: UNSURE's multiplier, its price in dB, its filter."""

import math

import torch

from .answers import close, shown_by


def a(multiplier):
    """Exercise 2.3.a: n / E‖s‖²."""
    g = torch.Generator().manual_seed(231)
    for batch, n in ((3, 5), (6, 4), (2, 9)):
        spread = 0.5 + torch.rand(batch, 1, generator=g).double()
        score = spread * torch.randn(batch, n, generator=g).double()
        answer = torch.as_tensor(multiplier(score)).double()
        if answer.numel() != 1:
            return "the answer must be one number for all images."
        squared = score.square().sum(1)
        right = n / squared.mean()
        if close(answer, right):
            continue
        mistakes = {
            "this is the inverse of η*: divide n by E‖s‖².": 1 / right,
            "the number of pixels n is missing: the norm sums over n pixels.": right / n,
            "divide by the mean over images, not by their sum.": right / batch,
            "n is the number of pixels, the second axis; you used the number of images.": (
                batch / squared.mean()
            ),
            "take the mean of ‖s‖² first and then the quotient, not the mean of quotients.": (
                (n / squared).mean()
            ),
            "the norm must be squared.": n / score.norm(dim=1).mean(),
            "square the norm before the mean, not after it.": n / score.norm(dim=1).mean() ** 2,
            "this is √η*, a standard deviation; η* is a variance.": right.sqrt(),
            "this is the variance of the score: squares, without subtracting the mean.": (
                1 / score.var()
            ),
        }
        return shown_by(answer, mistakes) or (
            f"for {batch} scores of {n} pixels it is {right:.4f}, not {answer:.4f}."
        )
    return None


def b(price):
    """Exercise 2.3.b: −10 log10(1 − MMSE/σ²)."""
    g = torch.Generator().manual_seed(232)
    for _ in range(4):
        sigma = 0.05 + 0.4 * float(torch.rand((), generator=g))
        M = 0.05 + 0.4 * float(torch.rand((), generator=g))
        mmse = M * sigma**2
        answer = torch.as_tensor(price(mmse, sigma)).double()
        if answer.numel() != 1:
            return "the answer must be one number."
        right = -10 * math.log10(1 - M)
        if close(answer, right):
            continue
        mistakes = {
            "the sign is flipped: UNSURE lies under the best, by a positive number of dB.": -right,
            "M is MMSE/σ²; you divided by σ.": -10 * math.log10(1 - mmse / sigma),
            "the risk is a mean square, so 10 log10, not 20 log10.": 2 * right,
            "dB take the logarithm to base 10.": -10 * math.log(1 - M),
            "multiply by 10: decibel.": right / 10,
            "this is the PSNR of UNSURE; subtract it from that of the best estimator.": (
                -10 * math.log10(mmse / (1 - M))
            ),
            "this is the gain of the best estimator over y; the question is UNSURE's loss.": (
                -10 * math.log10(M)
            ),
            "this uses the first-order risk MMSE + MMSE²/σ²; the exact one is MMSE/(1 − M).": (
                10 * math.log10(1 + M)
            ),
            "this is the quotient of the two risks; give it in dB.": 1 / (1 - M),
            "this is the difference of the two risks; PSNRs differ by their quotient.": (
                mmse / (1 - M) - mmse
            ),
        }
        return shown_by(answer, mistakes) or (
            f"for MMSE = {mmse:.4f} and σ = {sigma:.3f} it is {right:.3f} dB, not {answer:.3f}."
        )
    return None


def c(unsure_filter):
    """Exercise 2.3.c: 1 − η/P, η the harmonic mean of P."""
    g = torch.Generator().manual_seed(233)
    for shape in ((4, 6), (5, 5)):
        P = 0.1 + 3 * torch.rand(shape, generator=g).double() ** 3
        answer = torch.as_tensor(unsure_filter(P)).double()
        if answer.shape != P.shape:
            return f"the answer has shape {tuple(answer.shape)}; P has {shape}: one gain each."
        eta = 1 / (1 / P).mean()
        if close(answer, 1 - eta / P):
            continue
        mistakes = {
            "η is the harmonic mean of P; you used the arithmetic mean.": 1 - P.mean() / P,
            "η is the harmonic mean of P; you used the geometric mean.": (
                1 - P.log().mean().exp() / P
            ),
            "η is the harmonic mean of P, not its minimum.": 1 - P.min() / P,
            "this is the part that the filter removes: the gain is 1 minus it.": eta / P,
            "P is a power already: divide by P, not by P².": 1 - eta / P**2,
            "P is a power already: divide by P, not by √P.": 1 - eta / P.sqrt(),
            "negative gains belong to f*: without them the mean gain is not zero.": (
                (1 - eta / P).clamp_min(0)
            ),
            "the inverse of the mean of 1/P is the harmonic mean; you left out the inverse.": (
                1 - (1 / P).mean() / P
            ),
        }
        return shown_by(answer, mistakes) or (
            f"the mean gain, the divergence per pixel, should be 0; the gains given have mean "
            f"{answer.mean():.3g} and differ from 1 − η/P by up to "
            f"{(answer - 1 + eta / P).abs().max():.3g}."
        )
    return None
