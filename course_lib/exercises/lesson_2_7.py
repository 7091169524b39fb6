"""The cases of lesson 2.7: autocorrelation, the noise that passes, FRC and the truth."""

import torch

from .case import Case, Draw


def autocorrelation():
    """autocorrelation(y, lag): with the pixel `lag` further along the row."""
    draw = Draw(271)
    for lag in (1, 2, 3):
        y = 2 + draw.normal(3, 1, 7, 9)
        y = y + 0.7 * y.roll(1, -1) + 0.3 * y.roll(1, -2)

        def product(z, lag=lag):
            return z[..., lag:] * z[..., :-lag]

        z, own = y - y.mean(), y - y[..., :-lag].mean()
        each = y - y.mean((1, 2, 3), keepdim=True)
        power, cycle = z.square().mean(), z * z.roll(lag, -1)
        right = product(z).mean() / power
        mistakes = {
            "subtract the mean of the image first.": product(y).mean() / y.square().mean(),
            "roll joins the left border to the right one: use slices.": cycle.mean() / power,
            "this goes down the columns; the last axis is the row.": product(z.mT).mean() / power,
            "this is the covariance: divide by the variance.": product(z).mean(),
            "divide by the variance, not by the standard deviation.": right * z.std(correction=0),
            "take means, not sums: fewer have a partner.": product(z).sum() / z.square().sum(),
            "subtract one mean for all, not for each.": product(each).mean() / each.square().mean(),
        }
        also = [  # the mean square of the pixels with a partner only
            product(a).mean() / b.square().mean()
            for a, b in ((z, z[..., :-lag]), (z, z[..., lag:]), (own, own[..., :-lag]))
        ]
        wanted = "one number: the means run over images and pixels"
        yield Case((y, lag), right, mistakes, wanted, also=also)


def noise_passed():
    """noise_passed(P, N): mean(h² N)/mean(N), h = 1 − η*/P."""
    draw = Draw(272)
    for shape in ((4, 6), (5, 5)):
        N = draw.uniform(*shape, low=0.2, high=1.2)
        P = N + 2 * draw.uniform(*shape) ** 3

        def part(h, N=N):
            return (h.square() * N).mean() / N.mean()

        h = 1 - 1 / ((1 / P).mean() * P)
        mistakes = {
            "a power is multiplied by h², not by h.": (h * N).mean() / N.mean(),
            "this is the noise that is left: divide it by its variance.": (h.square() * N).mean(),
            "divide by the noise, not by the power of y.": (h.square() * N).mean() / P.mean(),
            "this is what passes of y; multiply h² by N, not by P.": part(h, P),
            "η* is the harmonic mean of P; you used the arithmetic mean.": part(1 - P.mean() / P),
            "weigh each frequency by its noise: the mean of h² N, not of h².": h.square().mean(),
            "this is what the filter removes, η*/P: the gain is 1 minus it.": part(1 - h),
            "η* comes from P: the filter does not know N.": part(1 - 1 / ((1 / N).mean() * P)),
        }
        yield Case((P, N), part(h), mistakes, "one number, a part of the variance")


def truth_correlation():
    """truth_correlation(F): √(2F/(1 + F))."""
    draw = Draw(273)
    for _ in range(3):
        F = draw.uniform(low=0.05, high=0.95)
        right = (2 * F / (1 + F)).sqrt()
        mistakes = {
            "this is ρ²: take the root.": right.square(),
            "this is ρ of one half; the mean of both has half the noise.": F.sqrt(),
            "this is the FRC itself: it is ρ² of one half.": F,
            "the noise power is halved, not quartered: 2F/(1 − F).": (4 * F / (1 + 3 * F)).sqrt(),
            "the mean of both has less noise than a half, not more.": (F / (2 - F)).sqrt(),
            "this is the SNR of both together: ρ² = SNR/(1 + SNR).": 2 * F / (1 - F),
            "this is the SNR of one half.": F / (1 - F),
        }
        yield Case((F,), right, mistakes)


def correlation_with_truth():
    """correlation_with_truth(one, raw): one/√raw, nan where raw is not positive."""
    draw = Draw(274)
    raw = draw.uniform(5, low=0.1, high=0.9)
    one = raw.sqrt() * draw.uniform(5, low=0.1, high=0.9)
    mistakes = {
        "divide by the root of raw: this is the gain over the raw half, not ρ.": one / raw,
        "divide by √raw, do not multiply by it.": one * raw.sqrt(),
        "this is ρ²: ρ enters (2.7.5) once.": one.square() / raw,
        "the roles are swapped: ρ is one/√raw.": raw / one.sqrt(),
        "only raw stands under the root.": (one / raw).sqrt(),
    }
    wanted = "one number a ring"
    yield Case((one, raw), one / raw.sqrt(), mistakes, wanted)
    raw = torch.tensor([0.5, -0.05, 0.0])
    right = torch.tensor([0.3 / 0.5**0.5, torch.nan, torch.nan])
    recall = "where raw is not positive return nan, also where it is 0"
    yield Case((torch.tensor([0.3, 0.1, 0.1]), raw), right, {}, wanted, recall)


ALL = autocorrelation, noise_passed, truth_correlation, correlation_with_truth
EXERCISES = dict(zip("abcd", ALL, strict=True))
