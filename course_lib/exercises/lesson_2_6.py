"""The cases of lesson 2.6: SURE's filter, enough data, losses on one scale, paired errors."""

from math import ceil

import torch

from .case import Case, Draw


def sure_filter():
    """sure_filter(y, sigma): I − σ² K̂⁻¹, K̂ = (1/N) Σ y yᵀ."""
    draw = Draw(261)
    for N, n in ((12, 3), (9, 4)):
        y, sigma = draw.normal(N, n) @ draw.normal(n, n) + 0.3, draw.number(0.2, 0.5)
        eye, K, v, inv = torch.eye(n).double(), y.T @ y / N, sigma**2, torch.linalg.inv
        inverse, centred = inv(K), [torch.cov(y.T, correction=c) for c in (0, 1)]
        mistakes = {
            "the noise enters as a variance: σ², not σ.": eye - sigma * inverse,
            "this is what the filter removes; subtract it from I.": v * inverse,
            "the inverse of K̂ is missing.": eye - v * K,
            "K̂ is the mean of y yᵀ over the N signals: divide by N.": eye - v * inverse / N,
            "do not subtract the mean: K̂ = (1/N) Σ y yᵀ.": [eye - v * inv(c) for c in centred],
            "the sign: noise is removed, not added.": eye + v * inverse,
        }
        recall = "at the minimum the gradient 2(F − I)K̂ + 2σ²I is 0"
        yield Case((y, sigma), eye - v * inverse, mistakes, recall=recall)


def pairs_needed():
    """pairs_needed(mmse, sigma, n, excess): N = n + 1 + (MMSE + σ²) n/excess, rounded up or not."""
    draw = Draw(262)
    for n in (8, 20, 64):
        sigma, share = draw.number(0.1, 1.1), draw.number(0.1, 0.7)
        v, mmse = sigma**2, share * sigma**2
        excess = draw.number(0.3, 0.6) * mmse
        right = n + 1 + (mmse + v) * n / excess
        mistakes = {
            "this is for supervised learning; y_b has noise, too.": n + 1 + mmse * n / excess,
            "σ² is the variance, not σ.": n + 1 + (mmse + sigma) * n / excess,
            "n + 1 is missing: the formula divides by N − n − 1.": right - n - 1,
            "the 1 is missing: the formula divides by N − n − 1.": right - 1,
            "the number of pixels n is missing in the numerator.": n + 1 + (mmse + v) / excess,
            "the residual variance is MMSE + σ²; you left the MMSE out.": n + 1 + v * n / excess,
            "fewer pairs than that stay above the excess: round up, not down.": int(right),
        }
        yield Case((mmse, sigma, n, excess), right, mistakes, also=(ceil(right),))


def risks():
    """risks(n2n, r2r, sure, sigma, alpha): the offsets are σ², σ²/α and 0."""
    draw = Draw(263)
    for _ in range(3):
        n2n, r2r, sure, sigma, alpha = draw.uniform(5, low=0.1, high=0.9).tolist()
        v = sigma**2
        n2n, r2r, of_y1 = n2n + v, r2r + v / alpha, r2r + v / alpha - v / (1 - alpha)
        mistakes = {
            "these are the losses themselves: subtract their offsets.": (n2n, r2r, sure),
            "the offset is a variance: σ², not σ.": (n2n - sigma, r2r - sigma / alpha, sure),
            "subtract the offsets, do not add them.": (n2n + v, r2r + v / alpha, sure),
            "R2R's target y2 has variance σ²/α, not σ²: α differs.": (n2n - v, r2r - v, sure),
            "σ²/(1 − α) is the variance of y1: take y2's, σ²/α.": (n2n - v, of_y1, sure),
            "divide σ² by α: less noise in y1 is more in y2.": (n2n - v, r2r - v * alpha, sure),
            "SURE subtracts σ² itself: its offset is 0.": (n2n - v, r2r - v / alpha, sure - v),
        }
        wanted = "three numbers: the risks behind Noise2Noise, R2R and SURE"
        right = n2n - v, r2r - v / alpha, sure
        yield Case((n2n, r2r, sure, sigma, alpha), right, mistakes, wanted)


def behind():
    """behind(a, best): the mean of a − best and its standard error, paired."""
    draw = Draw(264)
    for n in (8, 13):
        easy = draw.uniform(n)
        a, best = easy + 0.2 * draw.uniform(n), easy + 0.2 * draw.uniform(n)
        d = a - best
        mean, error = d.mean(), d.std() / n**0.5
        apart = ((a.var() + best.var()) / n) ** 0.5
        mistakes = {
            "the sign: candidate minus best, positive when the candidate is worse.": (-mean, error),
            "take the standard error of differences: what is hard for both cancels.": (mean, apart),
            "this is the spread of one difference; divide by √n for the mean's.": (mean, d.std()),
            "divide the standard deviation by √n, not by n.": (mean, d.std() / n),
            "this is the square of the standard error.": (mean, error**2),
            "divide by n − 1 in the variance: n is small.": (mean, d.std(correction=0) / n**0.5),
        }
        wanted = "two numbers: the mean difference and its standard error"
        yield Case((a, best), (mean, error), mistakes, wanted)


EXERCISES = {"a": sure_filter, "b": pairs_needed, "c": risks, "d": behind}
