"""Exercises of lesson 2.3: the right answer passes, each likely mistake is named."""

import math

import torch


def squared(score):
    return score.square().sum(1)


def harmonic(P):
    return 1 / (1 / P).mean()


def decibel(quotient):
    return 10 * math.log10(quotient)


RIGHT = {
    "2.3.a": lambda score: score.shape[1] / squared(score).mean(),
    "2.3.b": lambda mmse, sigma: -decibel(1 - mmse / sigma**2),
    "2.3.c": lambda P: 1 - harmonic(P) / P,
}

WRONG = [
    ("2.3.a", lambda s: squared(s).mean() / s.shape[1], "inverse of η*"),
    ("2.3.a", lambda s: 1 / squared(s).mean(), "number of pixels n is missing"),
    ("2.3.a", lambda s: s.shape[1] / squared(s).sum(), "mean over images"),
    ("2.3.a", lambda s: s.shape[0] / squared(s).mean(), "number of images"),
    ("2.3.a", lambda s: (s.shape[1] / squared(s)).mean(), "mean of quotients"),
    ("2.3.a", lambda s: s.shape[1] / s.norm(dim=1).mean(), "must be squared"),
    ("2.3.a", lambda s: s.shape[1] / s.norm(dim=1).mean() ** 2, "before the mean"),
    ("2.3.a", lambda s: (s.shape[1] / squared(s).mean()).sqrt(), "standard deviation"),
    ("2.3.a", lambda s: 1 / s.var(), "do not subtract"),
    ("2.3.a", lambda s: s.shape[1] / squared(s), "one number"),
    ("2.3.a", lambda s: 0.0, "not 0."),
    ("2.3.b", lambda mmse, sigma: decibel(1 - mmse / sigma**2), "sign"),
    ("2.3.b", lambda mmse, sigma: -decibel(1 - mmse / sigma), "divided by σ"),
    ("2.3.b", lambda mmse, sigma: -2 * decibel(1 - mmse / sigma**2), "not 20 log10"),
    ("2.3.b", lambda mmse, sigma: -10 * math.log(1 - mmse / sigma**2), "base 10"),
    ("2.3.b", lambda mmse, sigma: -decibel(1 - mmse / sigma**2) / 10, "decibel"),
    ("2.3.b", lambda mmse, sigma: -decibel(mmse / (1 - mmse / sigma**2)), "PSNR of UNSURE"),
    ("2.3.b", lambda mmse, sigma: -decibel(mmse / sigma**2), "gain of the best"),
    ("2.3.b", lambda mmse, sigma: decibel(1 + mmse / sigma**2), "first-order"),
    ("2.3.b", lambda mmse, sigma: 1 / (1 - mmse / sigma**2), "give it in dB"),
    ("2.3.b", lambda mmse, sigma: mmse / (1 - mmse / sigma**2) - mmse, "difference"),
    ("2.3.b", lambda mmse, sigma: torch.zeros(2), "one number"),
    ("2.3.b", lambda mmse, sigma: -7.0, "not -7."),
    ("2.3.c", lambda P: 1 - P.mean() / P, "arithmetic"),
    ("2.3.c", lambda P: 1 - P.log().mean().exp() / P, "geometric"),
    ("2.3.c", lambda P: 1 - P.min() / P, "minimum"),
    ("2.3.c", lambda P: harmonic(P) / P, "the gain is 1 minus it"),
    ("2.3.c", lambda P: 1 - harmonic(P) / P**2, "not by P²"),
    ("2.3.c", lambda P: 1 - harmonic(P) / P.sqrt(), "not by √P"),
    ("2.3.c", lambda P: (1 - harmonic(P) / P).clamp_min(0), "negative gains"),
    ("2.3.c", lambda P: 1 - (1 / P).mean() / P, "left out the inverse"),
    ("2.3.c", lambda P: harmonic(P), "one gain each"),
    ("2.3.c", lambda P: P, "mean gain"),
]
