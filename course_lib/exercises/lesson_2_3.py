"""The cases of lesson 2.3: UNSURE's multiplier, its price in dB, its filter."""

from math import log, log10

from .case import Case, Draw


def multiplier():
    """multiplier(score): n / E‖s‖²."""
    draw = Draw(231)
    for batch, n in ((3, 5), (6, 4), (2, 9)):
        score = draw.uniform(batch, 1, low=0.5, high=1.5) * draw.normal(batch, n)
        squared, norm = score.square().sum(1), score.norm(dim=1).mean()
        right = n / squared.mean()
        mistakes = {
            "this is the inverse of η*: divide n by E‖s‖².": 1 / right,
            "the number of pixels n is missing: the norm sums over n pixels.": right / n,
            "divide by the mean over images, not by their sum.": right / batch,
            "n is the number of pixels; you used the number of images.": batch / squared.mean(),
            "take the mean of ‖s‖² first, not the mean of quotients.": (n / squared).mean(),
            "the norm must be squared.": n / norm,
            "square the norm before the mean, not after it.": n / norm**2,
            "this is √η*, a standard deviation; η* is a variance.": right.sqrt(),
            "this is the variance of the score: do not subtract the mean.": 1 / score.var(),
        }
        yield Case((score,), right, mistakes, "one number for all images")


def price():
    """price(mmse, sigma): −10 log10(1 − MMSE/σ²)."""
    draw = Draw(232)
    for _ in range(3):
        sigma, M = draw.number(0.05, 0.45), draw.number(0.05, 0.45)
        mmse, right = M * sigma**2, -10 * log10(1 - M)
        mistakes = {
            "the sign is flipped: UNSURE lies under the best, by a positive number of dB.": -right,
            "M is MMSE/σ²; you divided by σ.": -10 * log10(1 - mmse / sigma),
            "the risk is a mean square, so 10 log10, not 20 log10.": 2 * right,
            "dB take the logarithm to base 10.": -10 * log(1 - M),
            "multiply by 10: decibel.": right / 10,
            "this is the PSNR of UNSURE: how far is it from the best?": -10 * log10(mmse / (1 - M)),
            "this is the gain of the best estimator over y, not UNSURE's loss.": -10 * log10(M),
            "this uses the first-order risk MMSE + MMSE²/σ², not MMSE/(1 − M).": 10 * log10(1 + M),
            "this is the quotient of the two risks; give it in dB.": 1 / (1 - M),
            "this is the difference of the risks; dB need their quotient.": mmse / (1 - M) - mmse,
        }
        yield Case((mmse, sigma), right, mistakes)


def unsure_filter():
    """unsure_filter(P): 1 − η/P, η the harmonic mean of P."""
    draw = Draw(233)
    for shape in ((4, 6), (5, 5)):
        P = 0.1 + 3 * draw.uniform(*shape) ** 3
        eta = 1 / (1 / P).mean()
        mistakes = {
            "η is the harmonic mean of P; you used the arithmetic mean.": 1 - P.mean() / P,
            "η is the harmonic mean of P; you used the geometric one.": 1
            - P.log().mean().exp() / P,
            "η is the harmonic mean of P, not its minimum.": 1 - P.min() / P,
            "this is the part that the filter removes: the gain is 1 minus it.": eta / P,
            "P is a power already: divide by P, not by P².": 1 - eta / P**2,
            "P is a power already: divide by P, not by √P.": 1 - eta / P.sqrt(),
            "negative gains belong to f*, or their mean is not 0.": (1 - eta / P).clamp_min(0),
            "you left out the inverse: η is 1 over the mean of 1/P.": 1 - (1 / P).mean() / P,
        }
        recall = "the mean gain, the divergence per pixel, should be 0"
        yield Case((P,), 1 - eta / P, mistakes, f"shape {shape}, one gain each", recall)


EXERCISES = {"a": multiplier, "b": price, "c": unsure_filter}
