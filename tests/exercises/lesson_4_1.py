"""Exercises of lesson 4.1: the right answer passes, each likely mistake is named."""

import torch

d = torch.cdist


def gram(A, T):
    return ((A @ T).mT @ (A @ T)).mean(0)


def rank(m, blocks):
    return sum(s * min(c, m * s) for c, s in blocks)


def ei(f, A, T, y):
    return torch.stack([(f(A @ u) - u).square().mean() for u in T @ f(y)]).mean()


def target(f, A, T, y, kind):
    """EI with another target, made of x̂ and T_g."""
    x_hat = f(y)
    values = [(f(A @ t @ x_hat) - kind(t, x_hat)).square().mean() for t in T]
    return torch.stack(values).mean()


def energy(z, w, distance=d):
    return 2 * distance(z, w).mean() - distance(z, z).mean() - distance(w, w).mean()


RIGHT = {"4.1.a": gram, "4.1.b": rank, "4.1.c": ei, "4.1.d": energy}

WRONG = [
    ("4.1.a", lambda A, T: gram(A, T.mT), "wrong side"),
    ("4.1.a", lambda A, T: gram(A, T) * len(T), "sum over g"),
    ("4.1.a", lambda A, T: (A @ T).mean(0).T @ (A @ T).mean(0), "before them"),
    ("4.1.a", lambda A, T: A.T @ A, "of A alone"),
    ("4.1.a", lambda A, T: (A @ T @ (A @ T).mT).mean(0), "M acts on images"),
    ("4.1.a", lambda A, T: (A.T @ A @ T).mean(0), "missing on the left"),
    ("4.1.a", lambda A, T: (T.mT @ A.T @ A).mean(0), "missing on the right"),
    ("4.1.a", lambda A, T: gram(A, T) * len(T) / len(A), "not by m"),
    ("4.1.a", lambda A, T: A @ T, "one matrix"),
    ("4.1.a", lambda A, T: gram(A, T) + 1, "differs by up to 1"),
    ("4.1.b", lambda m, blocks: sum(min(c, m * s) for c, s in blocks), "multiply by s_j"),
    ("4.1.b", lambda m, blocks: sum(s * min(c, m) for c, s in blocks), "not one"),
    ("4.1.b", lambda m, blocks: sum(m * s**2 for c, s in blocks), "at most c_j"),
    ("4.1.b", lambda m, blocks: sum(c * s for c, s in blocks), "this is n"),
    ("4.1.b", lambda m, blocks: rank(m, [(s, c) for c, s in blocks]), "exchanged"),
    ("4.1.b", lambda m, blocks: max(-(-c // s) for c, s in blocks), "the least m"),
    ("4.1.b", lambda m, blocks: rank(m, blocks[:1]), "one of them"),
    ("4.1.b", lambda m, blocks: rank(m, blocks) + 0.5, "with enough rows"),
    ("4.1.c", lambda f, A, T, y: target(f, A, T, y, lambda t, x: x), "not with x̂."),
    ("4.1.c", lambda f, A, T, y: (f(A @ f(y)) - f(y)).square().mean(), "without T_g"),
    ("4.1.c", lambda f, A, T, y: ei(f, A, T, y) * A.shape[1], "divide by n"),
    ("4.1.c", lambda f, A, T, y: ei(f, A, T, y) * len(T), "sum over g"),
    ("4.1.c", lambda f, A, T, y: ei(f, A, T, y) * len(T) * A.shape[1], "of both"),
    ("4.1.c", lambda f, A, T, y: ei(f, A, T, y) * A.shape[1] / len(A), "not by m"),
    ("4.1.c", lambda f, A, T, y: target(f, A, T, y, lambda t, x: t.T @ x), "other way"),
    (
        "4.1.c",
        lambda f, A, T, y: torch.stack(
            [(A @ (f(A @ u) - u)).square().mean() for u in T @ f(y)]
        ).mean(),
        "compare images",
    ),
    ("4.1.c", lambda f, A, T, y: ei(f, A, T @ torch.linalg.pinv(A) @ A, y), "it is "),
    (
        "4.1.c",
        lambda f, A, T, y: torch.stack(
            [(f(A @ u) - u).square().mean() for u in T @ torch.linalg.pinv(A) @ y]
        ).mean(),
        "reconstruct y first",
    ),
    (
        "4.1.c",
        lambda f, A, T, y: torch.stack([(f(A @ u) - u).abs().mean() for u in T @ f(y)]).mean(),
        "absolute values",
    ),
    ("4.1.c", lambda f, A, T, y: (A @ f(y) - y).square().mean(), "measurement consistency"),
    ("4.1.c", lambda f, A, T, y: f(y), "one number"),
    ("4.1.d", lambda z, w: d(z, w).mean() - d(z, z).mean() - d(w, w).mean(), "counts twice"),
    ("4.1.d", lambda z, w: 2 * d(z, w).mean(), "within each half"),
    ("4.1.d", lambda z, w: d(z, w).mean(), "within each half"),
    ("4.1.d", lambda z, w: energy(z, w, lambda a, b: d(a, b).square()), "not their squares"),
    ("4.1.d", lambda z, w: -energy(z, w), "sign is flipped"),
    ("4.1.d", lambda z, w: energy(z, w).sqrt(), "leave out the root"),
    (
        "4.1.d",
        lambda z, w: energy(z, w, lambda a, b: d(a, b) * (len(a) / (len(a) - 1) if a is b else 1)),
        "with itself",
    ),
    ("4.1.d", lambda z, w: 2 * d(z, w).sum() - d(z, z).sum() - d(w, w).sum(), "sums"),
    ("4.1.d", lambda z, w: (z.mean(0) - w.mean(0)).norm(), "mean of the distances"),
    ("4.1.d", lambda z, w: 2 * energy(z, w), "twice D"),
    ("4.1.d", lambda z, w: d(z, w), "one number"),
    ("4.1.d", lambda z, w: energy(z, w) + 1, "of equal halves"),
]
