"""Exercises of lesson 2.5: the right answer passes, each likely mistake is named."""

import torch
from torch.nn import functional as F


def padded(*sides, **options):
    return lambda u, weight: F.conv2d(F.pad(u, sides, **options), weight)


def inverse(K):
    P = torch.linalg.inv(K)
    return P, P.diagonal()[:, None], torch.eye(len(K))


def scaled(change):
    """I − (what `change` makes of P and its diagonal)."""
    return lambda K: inverse(K)[2] - change(*inverse(K)[:2])


RIGHT = {
    "2.5.a": padded(1, 1, 2, 0),
    "2.5.b": scaled(lambda P, d: P / d),
    "2.5.c": lambda y, mu, s2, sigma: (s2 * y + sigma**2 * mu) / (s2 + sigma**2),
    "2.5.d": lambda misfit, r, n, sigma: misfit - sigma**2 * (1 - 2 * r / n),
}

WRONG = [
    ("2.5.a", padded(1, 1, 1, 1), "ordinary convolution"),
    ("2.5.a", padded(1, 1, 0, 2), "looks down"),
    ("2.5.a", padded(2, 0, 1, 1), "to the left"),
    ("2.5.a", padded(0, 2, 1, 1), "to the right"),
    ("2.5.a", padded(2, 0, 2, 0), "pad one column on each side"),
    ("2.5.a", lambda u, w: padded(1, 1, 3, 0)(u, w)[..., :-1, :], "row i itself"),
    ("2.5.a", lambda u, w: padded(1, 1, 2, 0)(u, w.flip(2)), "upside down"),
    ("2.5.a", padded(1, 1, 2, 0, mode="replicate"), "not the repeated border"),
    ("2.5.a", lambda u, w: F.conv2d(u, w), "two rows and two columns"),
    ("2.5.a", lambda u, w: 0 * padded(1, 1, 1, 1)(u, w), "differs"),
    ("2.5.b", scaled(lambda P, d: P / d.T), "columns are divided"),
    ("2.5.b", scaled(lambda P, d: P / d.mean()), "UNSURE's filter"),
    ("2.5.b", lambda K: torch.eye(len(K)) - K / K.diagonal()[:, None], "K itself"),
    ("2.5.b", scaled(lambda P, d: P), "D is missing"),
    ("2.5.b", scaled(lambda P, d: P * d), "not multiplied"),
    ("2.5.b", lambda K: -RIGHT["2.5.b"](K), "sign is flipped"),
    ("2.5.b", lambda K: inverse(K)[0] / inverse(K)[1], "identity is missing"),
    ("2.5.b", scaled(lambda P, d: P / d.sqrt()), "not by its root"),
    ("2.5.b", lambda K: K[0], "B, 3 × 3"),
    ("2.5.b", lambda K: K, "diagonal of B"),
    ("2.5.c", lambda y, mu, s2, s: (s**2 * y + s2 * mu) / (s2 + s**2), "swapped"),
    ("2.5.c", lambda y, mu, s2, s: (s2 * y + s * mu) / (s2 + s), "its square belongs"),
    ("2.5.c", lambda y, mu, s2, s: (s2**2 * y + s**2 * mu) / (s2**2 + s**2), "do not square"),
    ("2.5.c", lambda y, mu, s2, s: (s2**0.5 * y + s * mu) / (s2**0.5 + s), "standard deviations"),
    ("2.5.c", lambda y, mu, s2, s: s2 * y + s**2 * mu, "divide by"),
    ("2.5.c", lambda y, mu, s2, s: (y + mu) / 2, "mean of y and μ"),
    ("2.5.c", lambda y, mu, s2, s: mu, "still hidden"),
    ("2.5.c", lambda y, mu, s2, s: y, "must be μ"),
    ("2.5.c", lambda y, mu, s2, s: mu[0], "the answer has shape"),
    ("2.5.d", lambda m, r, n, s: m - s**2 * (1 - r / n), "factor 2"),
    ("2.5.d", lambda m, r, n, s: m - s**2, "divergence is 0, not r"),
    ("2.5.d", lambda m, r, n, s: m - s * (1 - 2 * r / n), "must be squared"),
    ("2.5.d", lambda m, r, n, s: m + s**2 * (1 - 2 * r / n), "sign is flipped"),
    ("2.5.d", lambda m, r, n, s: m - s**2 * (1 - 2 * r), "divide the rank"),
    ("2.5.d", lambda m, r, n, s: m - s**2 * (1 + 2 * r / n), "up, not down"),
    ("2.5.d", lambda m, r, n, s: s**2 * r / n, "lost signal"),
    ("2.5.d", lambda m, r, n, s: torch.zeros(2), "one number"),
    ("2.5.d", lambda m, r, n, s: 9.0, "not 9."),
]
