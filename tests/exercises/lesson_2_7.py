"""Exercises of lesson 2.7: the right answer passes, each likely mistake is named."""

import torch


def product(z, lag):
    return z[..., lag:] * z[..., :-lag]


def level(y):
    return y - y.mean()


def gains(P):
    return 1 - 1 / ((1 / P).mean() * P)


def part(h, N):
    return (h.square() * N).mean() / N.mean()


def autocorrelation(y, lag):
    return product(level(y), lag).mean() / level(y).square().mean()


def each(y, lag):
    z = y - y.mean((1, 2, 3), keepdim=True)
    return product(z, lag).mean() / z.square().mean()


RIGHT = {
    "2.7.a": autocorrelation,
    "2.7.b": lambda P, N: part(gains(P), N),
    "2.7.c": lambda F: (2 * F / (1 + F)) ** 0.5,
    "2.7.d": lambda one, raw: torch.where(raw > 0, one / raw.sqrt(), torch.nan),
}

WRONG = [
    ("2.7.a", lambda y, n: product(y, n).mean() / y.square().mean(), "subtract the mean of the"),
    ("2.7.a", lambda y, n: (level(y) * level(y).roll(n, -1)).mean() / y.var(correction=0), "roll"),
    ("2.7.a", lambda y, n: autocorrelation(y.mT, n), "down the columns"),
    ("2.7.a", lambda y, n: product(level(y), n).mean(), "covariance"),
    (
        "2.7.a",
        lambda y, n: product(level(y), n).mean() / y.std(correction=0),
        "not by the standard",
    ),
    ("2.7.a", lambda y, n: product(level(y), n).sum() / level(y).square().sum(), "means, not sums"),
    ("2.7.a", each, "one mean for all"),
    ("2.7.a", lambda y, n: product(level(y), n).mean((1, 2, 3)), "one number"),
    ("2.7.a", lambda y, n: 0.0, "not 0."),
    ("2.7.b", lambda P, N: (gains(P) * N).mean() / N.mean(), "not by h"),
    ("2.7.b", lambda P, N: (gains(P).square() * N).mean(), "divide it by its variance"),
    ("2.7.b", lambda P, N: (gains(P).square() * N).mean() / P.mean(), "not by the power of y"),
    ("2.7.b", lambda P, N: part(gains(P), P), "what passes of y"),
    ("2.7.b", lambda P, N: part(1 - P.mean() / P, N), "arithmetic"),
    ("2.7.b", lambda P, N: gains(P).square().mean(), "weigh each frequency"),
    ("2.7.b", lambda P, N: part(1 - gains(P), N), "removes"),
    ("2.7.b", lambda P, N: part(1 - 1 / ((1 / N).mean() * P), N), "does not know N"),
    ("2.7.b", lambda P, N: gains(P), "one number"),
    ("2.7.b", lambda P, N: 2.0, "not 2."),
    ("2.7.c", lambda F: 2 * F / (1 + F), "take the root"),
    ("2.7.c", lambda F: F**0.5, "half the noise"),
    ("2.7.c", lambda F: F, "FRC itself"),
    ("2.7.c", lambda F: (4 * F / (1 + 3 * F)) ** 0.5, "not quartered"),
    ("2.7.c", lambda F: (F / (2 - F)) ** 0.5, "not more"),
    ("2.7.c", lambda F: 2 * F / (1 - F), "SNR of both"),
    ("2.7.c", lambda F: F / (1 - F), "SNR of one half"),
    ("2.7.c", lambda F: torch.ones(2), "one number"),
    ("2.7.c", lambda F: 7.0, "not 7."),
    ("2.7.d", lambda one, raw: one / raw.sqrt(), "also where it is 0"),
    ("2.7.d", lambda one, raw: one / raw.clamp_min(1e-3).sqrt(), "return nan"),
    ("2.7.d", lambda one, raw: one / raw, "root of raw"),
    ("2.7.d", lambda one, raw: one * raw.sqrt(), "do not multiply"),
    ("2.7.d", lambda one, raw: one**2 / raw, "this is ρ²"),
    ("2.7.d", lambda one, raw: raw / one.sqrt(), "swapped"),
    ("2.7.d", lambda one, raw: (one / raw).sqrt(), "only raw"),
    ("2.7.d", lambda one, raw: one[:2], "one number a ring"),
    ("2.7.d", lambda one, raw: one, "differs by"),
]
