"""Exercises of lesson 4.3: the right answer passes, each likely mistake is named."""

import torch


def ei(f, A, T, y, noise, target=lambda u, x: u):
    x_hat = f(y)
    pairs = zip(T @ x_hat, noise, strict=True)
    values = [(f(A @ u + e) - target(u, x_hat)).square().mean() for u, e in pairs]
    return torch.stack(values).mean()


def counts(A, x, gain, sigma, w, power=0.5):
    mean = A(x)
    return mean + (gain * mean + sigma**2) ** power * w


def wiener(a, P, S, sigma, in_sure=1, in_ei=1):
    s2 = sigma**2
    return (a * P + a * S) / (a**2 * (P + in_sure * s2) + a**2 * S + in_ei * s2)


RIGHT = {
    "4.3.a": lambda f, A, T, y, w, s: ei(f, A, T, y, s * w),
    "4.3.b": counts,
    "4.3.c": wiener,
}

WRONG = [
    ("4.3.a", lambda f, A, T, y, w, s: ei(f, A, T, y, 0 * w), "noise is missing"),
    ("4.3.a", lambda f, A, T, y, w, s: ei(f, A, T, y, w), "multiply it by σ"),
    ("4.3.a", lambda f, A, T, y, w, s: ei(f, A, T, y, s**2 * w), "not by σ²"),
    ("4.3.a", lambda f, A, T, y, w, s: ei(f, A, T, y, s * w[:1].expand_as(w)), "its own row"),
    ("4.3.a", lambda f, A, T, y, w, s: ei(f, A, T, y, s * w.flip(0)), "its own row"),
    ("4.3.a", lambda f, A, T, y, w, s: ei(f, A, T, y, s * w, lambda u, x: x), "not with x̂."),
    ("4.3.a", lambda f, A, T, y, w, s: ei(f, A, T, y, s * w) * A.shape[1], "divide by n"),
    ("4.3.a", lambda f, A, T, y, w, s: ei(f, A, T, y, s * w) * len(T), "sum over g"),
    ("4.3.a", lambda f, A, T, y, w, s: ei(f, A, T, y, s * w) * len(T) * A.shape[1], "of both"),
    ("4.3.a", lambda f, A, T, y, w, s: ei(f, A, T, y, s * w) * A.shape[1] / len(A), "not by m"),
    ("4.3.a", lambda f, A, T, y, w, s: ei(f, A, T / T * torch.eye(len(T[0])), y, s * w), "T_g"),
    ("4.3.a", lambda f, A, T, y, w, s: f(y), "one number"),
    ("4.3.a", lambda f, A, T, y, w, s: ei(f, A, T, y, s * w) + 1, "it is "),
    ("4.3.b", lambda A, x, g, s, w: counts(A, x, g, s, w, 1), "root is missing"),
    ("4.3.b", lambda A, x, g, s, w: counts(A, x, g, s**0.5, w), "you added σ"),
    ("4.3.b", lambda A, x, g, s, w: A(x) + ((g * A(x)).sqrt() + s) * w, "variances add"),
    ("4.3.b", lambda A, x, g, s, w: counts(A, x, 1, s, w), "= γȳ"),
    ("4.3.b", lambda A, x, g, s, w: counts(A, x, g**2, s, w), "= γȳ"),
    ("4.3.b", lambda A, x, g, s, w: counts(A, x, g, 0, w), "read-out noise is missing"),
    ("4.3.b", lambda A, x, g, s, w: counts(A, x, 0, s, w), "noise of the counts"),
    ("4.3.b", lambda A, x, g, s, w: counts(A, x, g, s, w) - A(x), "add the mean"),
    ("4.3.b", lambda A, x, g, s, w: A(x), "the mean alone"),
    ("4.3.b", lambda A, x, g, s, w: counts(A, x, g, s, -w), "flipped"),
    ("4.3.b", lambda A, x, g, s, w: counts(A, x, g, s, w).detach(), "no gradient"),
    ("4.3.b", lambda A, x, g, s, w: A(x) + (g * A(x).detach() + s**2).sqrt() * w, "a detach"),
    ("4.3.b", lambda A, x, g, s, w: A(x).sum(), "as w"),
    ("4.3.b", lambda A, x, g, s, w: counts(A, x, g, s, w) + 1, "differs by"),
    ("4.3.c", lambda a, P, S, s: wiener(a, P, S, s, in_sure=0), "SURE's part, a²"),
    ("4.3.c", lambda a, P, S, s: wiener(a, P, S, s, in_ei=0), "forgotten"),
    ("4.3.c", lambda a, P, S, s: P / (a * (P + s**2)), "SURE alone"),
    ("4.3.c", lambda a, P, S, s: a * S / (a**2 * S + s**2), "EI alone"),
    ("4.3.c", lambda a, P, S, s: wiener(a, P, S, s) * P / (P + S), "two parts"),
    ("4.3.c", lambda a, P, S, s: wiener(a, P, S, s) * (a * P + S) / (P + S), "not a²P"),
    ("4.3.c", lambda a, P, S, s: wiener(a, P, S, s) * (a * P + S) / (a * P + a * S), "EI's part"),
    ("4.3.c", lambda a, P, S, s: wiener(a, P, S, s**0.5), "use σ²"),
    ("4.3.c", lambda a, P, S, s: 1 / a, "without any noise"),
    ("4.3.c", lambda a, P, S, s: wiener(a, P, S, s)[0], "as a"),
    ("4.3.c", lambda a, P, S, s: wiener(a, P, S, s) + 1, "differs by"),
]
