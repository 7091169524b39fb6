"""Exercises of lesson 4.5: the right answer passes, each likely mistake is named."""

import math

import torch


def error(f, A, T, x, e):
    return T.T @ f(A @ T @ x + e) - x


def expected(W, A, T, C, s, noise=None):
    R = (W @ A - torch.eye(A.shape[1])) @ T
    return (R @ C @ R.mT).diagonal(dim1=1, dim2=2).sum(1).mean() + (
        s**2 * W.square().sum() if noise is None else noise
    )


def size(e):
    return e.square().mean(2).sqrt()


def kth(rho, rmse, level, shift=-1):
    ratio = (rmse / rho).sort().values
    return ratio[math.ceil((len(rho) + 1) * level - 1e-9) + shift]


def identity(W, A, T, C, s):
    return torch.eye(A.shape[1]).double()[None]


def without_identity(W, A, T, C, s):
    B = W @ A @ T
    return (B @ C @ B.mT).diagonal(dim1=1, dim2=2).sum(1).mean() + s**2 * W.square().sum()


RIGHT = {
    "4.5.a": error,
    "4.5.b": expected,
    "4.5.c": lambda e, level: size(e).quantile(level, dim=0),
    "4.5.d": kth,
}

WRONG = [
    ("4.5.a", lambda f, A, T, x, e: f(A @ T @ x + e) - T @ x, "the turned frame"),
    ("4.5.a", lambda f, A, T, x, e: f(A @ T @ x + e) - x, "before x̂ is taken away"),
    ("4.5.a", lambda f, A, T, x, e: T @ f(A @ T @ x + e) - x, "not with T."),
    ("4.5.a", lambda f, A, T, x, e: f(A @ x + e) - x, "without T"),
    ("4.5.a", lambda f, A, T, x, e: T.T @ f(A @ x + e) - x, "without T"),
    ("4.5.a", lambda f, A, T, x, e: error(f, A, T.T, x, e), "not by Tᵀ"),
    ("4.5.a", lambda f, A, T, x, e: error(f, A, T, x, 0 * e), "ε is missing"),
    ("4.5.a", lambda f, A, T, x, e: -error(f, A, T, x, e), "the sign"),
    ("4.5.a", lambda f, A, T, x, e: error(f, A, T, x, e) + x, "this is x̂_b"),
    ("4.5.a", lambda f, A, T, x, e: error(f, A, T, x, 0 * e) + e.sum(), "to the measurement"),
    ("4.5.a", lambda f, A, T, x, e: error(f, A, T, x, e) + 1, "differs by up to 1"),
    ("4.5.b", lambda W, A, T, C, s: expected(W, A, identity(W, A, T, C, s), C, s), "without the"),
    ("4.5.b", lambda W, A, T, C, s: expected(W, A, T, C, 0), "noise is missing"),
    ("4.5.b", lambda W, A, T, C, s: expected(W, A, T, C, s**0.5), "not σ."),
    ("4.5.b", lambda W, A, T, C, s: s**2 * W.square().sum(), "the noise alone"),
    (
        "4.5.b",
        lambda W, A, T, C, s: len(T) * expected(W, A, T, C, 0) + s**2 * W.square().sum(),
        "take the mean",
    ),
    ("4.5.b", lambda W, A, T, C, s: expected(W, A, T, C, s) / len(C), "divide by nothing"),
    ("4.5.b", lambda W, A, T, C, s: expected(W, A, T.mT, C, s), "exchanged"),
    ("4.5.b", without_identity, "identity is missing"),
    ("4.5.b", lambda W, A, T, C, s: expected(W, A, T, C, s, s**2 * len(A)), "passes W"),
    ("4.5.b", lambda W, A, T, C, s: expected(W, A, T, C, s, s**2 * W.norm()), "sum of the squares"),
    ("4.5.b", lambda W, A, T, C, s: C, "one number"),
    ("4.5.c", lambda e, v: size(e).quantile(v, dim=0) * e.shape[2] ** 0.5, "divide by √n"),
    ("4.5.c", lambda e, v: size(e).quantile(v, dim=0).square(), "take the root"),
    ("4.5.c", lambda e, v: size(e).mean(0), "the mean over"),
    ("4.5.c", lambda e, v: size(e).amax(0), "the largest"),
    ("4.5.c", lambda e, v: size(e).quantile(1 - v, dim=0), "1 − level"),
    ("4.5.c", lambda e, v: e.abs().quantile(v, dim=0).square().mean(1).sqrt(), "first the size"),
    ("4.5.c", lambda e, v: e.abs().mean(2).quantile(v, dim=0), "mean absolute"),
    ("4.5.c", lambda e, v: size(e).quantile(v), "over b alone"),
    ("4.5.c", lambda e, v: size(e).quantile(v, dim=0) + 1, "it is "),
    ("4.5.d", lambda r, t, v: kth(r, t, v, -2), "the one before"),
    ("4.5.d", lambda r, t, v: kth(r, t, v, 0), "the one after"),
    ("4.5.d", lambda r, t, v: kth(t, r, v), "upside down"),
    ("4.5.d", lambda r, t, v: -kth(r, -t, v), "from the smallest"),
    ("4.5.d", lambda r, t, v: kth(torch.ones(len(r)), t, v), "divide by ρ first"),
    ("4.5.d", lambda r, t, v: math.ceil((len(r) + 1) * v - 1e-9), "this is k"),
    ("4.5.d", lambda r, t, v: (t / r).mean(), "this is the mean"),
    ("4.5.d", lambda r, t, v: (t / r).quantile(v), "no interpolation"),
    ("4.5.d", lambda r, t, v: kth(r, t, v) + 1, "it is "),
]
