"""Exercises of lesson 1.2: the right answer passes, each likely mistake is named."""

import torch


def wiener(y, C, sigma):
    return torch.linalg.solve(C + sigma**2 * torch.eye(len(C), dtype=C.dtype), y.T).T @ C


def inverse(C, noise):
    return torch.linalg.inv(C + noise * torch.eye(len(C), dtype=C.dtype))


def squared(y, signals):
    return (y - signals).square().sum(1)


def average(exponents, signals):
    return torch.softmax(exponents, 0) @ signals


def median(values, weights):
    order = values.argsort()
    return values[order][(weights[order].cumsum(0) < 0.5).sum()]


RIGHT = {
    "1.2.a": wiener,
    "1.2.b": lambda y, s, sigma: average(-squared(y, s) / (2 * sigma**2), s),
    "1.2.c": median,
}

WRONG = [
    ("1.2.a", lambda y, C, sigma: y @ C @ inverse(C, sigma), "added σ to"),
    ("1.2.a", lambda y, C, sigma: sigma**2 * y @ inverse(C, sigma**2), "estimate of the noise"),
    ("1.2.a", lambda y, C, sigma: y @ inverse(C, sigma**2), "multiplied by C"),
    ("1.2.a", lambda y, C, s: y @ (C @ torch.linalg.inv(C + s**2)).T, "every entry"),
    ("1.2.a", lambda y, C, s: y * C.diagonal() / (C.diagonal() + s**2), "its own variance"),
    ("1.2.a", lambda y, C, sigma: C @ inverse(C, sigma**2) @ y, "for columns"),
    ("1.2.a", lambda y, C, sigma: y, "σ has not been used"),
    ("1.2.a", lambda y, C, sigma: y.T, "shape"),
    ("1.2.a", lambda y, C, sigma: 0 * y, "differs by"),
    ("1.2.b", lambda y, s, sigma: average(-squared(y, s) / sigma**2, s), "factor 1/2"),
    ("1.2.b", lambda y, s, sigma: average(-squared(y, s) / (2 * sigma), s), "divided by 2σ;"),
    ("1.2.b", lambda y, s, t: average(-squared(y, s).sqrt() / (2 * t**2), s), "not squared"),
    ("1.2.b", lambda y, s, sigma: average(squared(y, s) / (2 * sigma**2), s), "sign"),
    ("1.2.b", lambda y, s, sigma: s[squared(y, s).argmin()], "nearest"),
    ("1.2.b", lambda y, s, sigma: s.mean(0), "plain mean"),
    ("1.2.b", lambda y, s, t: torch.exp(-squared(y, s) / (2 * t**2)) @ s, "sum to 1"),
    ("1.2.b", lambda y, s, sigma: s, "shape"),
    ("1.2.b", lambda y, s, sigma: y, "differs by"),
    ("1.2.c", lambda v, w: (v * w).sum(), "this is the mean"),
    ("1.2.c", lambda v, w: v[w.argmax()], "most probable"),
    ("1.2.c", lambda v, w: v.median(), "without their weights"),
    ("1.2.c", lambda v, w: v[(w.cumsum(0) < 0.5).sum()], "without sorting"),
    ("1.2.c", lambda v, w: v, "one number"),
    ("1.2.c", lambda v, w: v.min() - 1, "costs"),
]
