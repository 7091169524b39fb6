"""Exercises of lesson 2.6: the right answer passes, each likely mistake is named."""

import torch


def second(y):
    return y.T @ y / len(y)


def inverse(y):
    return torch.linalg.inv(second(y))


def eye(y):
    return torch.eye(y.shape[1], dtype=y.dtype)


def error(d):
    return d.std() / len(d) ** 0.5


RIGHT = {
    "2.6.c": lambda n2n, r2r, sure, s, a: (n2n - s**2, r2r - s**2 / a, sure),
    "2.6.d": lambda a, best: ((a - best).mean(), error(a - best)),
    "2.6.a": lambda y, s: eye(y) - s**2 * inverse(y),
    "2.6.b": lambda mmse, s, n, excess: n + 1 + (mmse + s**2) * n / excess,
}

WRONG = [
    ("2.6.c", lambda n2n, r2r, sure, s, a: (n2n, r2r, sure), "the losses themselves"),
    ("2.6.c", lambda n2n, r2r, sure, s, a: (n2n - s, r2r - s / a, sure), "σ², not σ"),
    ("2.6.c", lambda n2n, r2r, sure, s, a: (n2n + s**2, r2r + s**2 / a, sure), "do not add"),
    ("2.6.c", lambda n2n, r2r, sure, s, a: (n2n - s**2, r2r - s**2, sure), "α differs"),
    ("2.6.c", lambda n2n, r2r, sure, s, a: (n2n - s**2, r2r - s**2 / (1 - a), sure), "of y1"),
    ("2.6.c", lambda n2n, r2r, sure, s, a: (n2n - s**2, r2r - s**2 * a, sure), "divide σ² by α"),
    (
        "2.6.c",
        lambda n2n, r2r, sure, s, a: (n2n - s**2, r2r - s**2 / a, sure - s**2),
        "offset is 0",
    ),
    ("2.6.c", lambda *v: (0.0, 0.0, 0.0), "not 0, 0, 0"),
    ("2.6.c", lambda *v: 1.0, "three numbers"),
    ("2.6.d", lambda a, best: ((best - a).mean(), error(a - best)), "the sign"),
    ("2.6.d", lambda a, b: ((a - b).mean(), (error(a) ** 2 + error(b) ** 2) ** 0.5), "cancels"),
    ("2.6.d", lambda a, best: ((a - best).mean(), (a - best).std()), "divide by √n"),
    ("2.6.d", lambda a, best: ((a - best).mean(), (a - best).std() / len(a)), "not by n"),
    ("2.6.d", lambda a, best: ((a - best).mean(), error(a - best) ** 2), "square"),
    (
        "2.6.d",
        lambda a, best: ((a - best).mean(), (a - best).std(correction=0) / len(a) ** 0.5),
        "n − 1",
    ),
    ("2.6.d", lambda a, best: (9.0, 9.0), "not 9, 9"),
    ("2.6.d", lambda a, best: a - best, "two numbers"),
    ("2.6.a", lambda y, s: eye(y) - s * inverse(y), "σ², not σ"),
    ("2.6.a", lambda y, s: s**2 * inverse(y), "subtract it from I"),
    ("2.6.a", lambda y, s: eye(y) - s**2 * second(y), "inverse of K̂ is missing"),
    ("2.6.a", lambda y, s: eye(y) - s**2 * inverse(y) / len(y), "divide by N"),
    ("2.6.a", lambda y, s: eye(y) - s**2 * torch.linalg.inv(torch.cov(y.T)), "subtract the mean"),
    (
        "2.6.a",
        lambda y, s: eye(y) - s**2 * torch.linalg.inv(torch.cov(y.T, correction=0)),
        "subtract the mean",
    ),
    ("2.6.a", lambda y, s: eye(y) + s**2 * inverse(y), "not added"),
    ("2.6.a", lambda y, s: y, "has shape"),
    ("2.6.a", lambda y, s: eye(y), "the gradient"),
    ("2.6.b", lambda mmse, s, n, e: n + 1 + mmse * n / e, "for supervised"),
    ("2.6.b", lambda mmse, s, n, e: n + 1 + (mmse + s) * n / e, "not σ"),
    ("2.6.b", lambda mmse, s, n, e: n + 1 + (mmse + s**2) * n // e, "round up"),
    ("2.6.b", lambda mmse, s, n, e: (mmse + s**2) * n / e, "n + 1 is missing"),
    ("2.6.b", lambda mmse, s, n, e: n + (mmse + s**2) * n / e, "the 1 is missing"),
    ("2.6.b", lambda mmse, s, n, e: n + 1 + (mmse + s**2) / e, "pixels n is missing"),
    ("2.6.b", lambda mmse, s, n, e: n + 1 + s**2 * n / e, "left the MMSE out"),
    ("2.6.b", lambda mmse, s, n, e: 3.0, "not 3."),
    ("2.6.b", lambda mmse, s, n, e: (1, 2), "one number"),
]
