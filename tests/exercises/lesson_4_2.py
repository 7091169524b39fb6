"""Exercises of lesson 4.2: the right answer passes, each likely mistake is named."""

import torch


def average(f, y, A, T):
    return torch.stack([t @ f(y, A @ t) for t in T]).mean(0)


def squares(f, A, T, y):
    x_hat = f(y)
    return [(f(A @ t @ x_hat) - t @ x_hat) ** 2 for t in T]


def disagreement(f, A, T, y):
    return torch.stack([t.T @ s for t, s in zip(T, squares(f, A, T, y), strict=True)]).mean(0)


def signed(f, A, T, y):
    x_hat = f(y)
    return torch.stack([t.T @ (f(A @ t @ x_hat) - t @ x_hat) for t in T])


def ghost(v, mask):
    return (v + v.flip(-1)) / 2 * ((mask == 0) & (mask.flip(-1) == 0))


RIGHT = {"4.2.a": average, "4.2.b": disagreement, "4.2.c": ghost}

WRONG = [
    ("4.2.a", lambda f, y, A, T: torch.stack([f(y, A @ t) for t in T]).mean(0), "turn each"),
    ("4.2.a", lambda f, y, A, T: torch.stack([t.T @ f(y, A @ t) for t in T]).mean(0), "wrong way"),
    ("4.2.a", lambda f, y, A, T: torch.stack([t @ f(y, A) for t in T]).mean(0), "A T_g, not A."),
    ("4.2.a", lambda f, y, A, T: f(y, A), "without the group"),
    (
        "4.2.a",
        lambda f, y, A, T: torch.stack([t @ f(y, A @ t.T) for t in T]).mean(0),
        "not A T_g⁻¹",
    ),
    ("4.2.a", lambda f, y, A, T: average(f, y, A, T) * len(T), "divide by |G|."),
    ("4.2.a", lambda f, y, A, T: average(f, y, A, T) * len(T) / T.shape[1], "number of pixels"),
    ("4.2.a", lambda f, y, A, T: torch.stack([t @ f(y, A @ t) for t in T]), "mean over g"),
    ("4.2.a", lambda f, y, A, T: T[0] @ f(y, A @ T[0]), "one image"),
    ("4.2.a", lambda f, y, A, T: average(f, y, A, T) + 1, "differs by up to 1"),
    ("4.2.b", lambda f, A, T, y: torch.stack(squares(f, A, T, y)).mean(0), "turn each map back"),
    (
        "4.2.b",
        lambda f, A, T, y: (T @ torch.stack(squares(f, A, T, y))[..., None])[..., 0].mean(0),
        "once more",
    ),
    ("4.2.b", lambda f, A, T, y: signed(f, A, T, y).mean(0) ** 2, "both signs"),
    ("4.2.b", lambda f, A, T, y: signed(f, A, T, y).abs().mean(0), "absolute"),
    ("4.2.b", lambda f, A, T, y: signed(f, A, T, y).mean(0), "square the differences."),
    ("4.2.b", lambda f, A, T, y: disagreement(f, A, T, y) * len(T), "sum over g"),
    ("4.2.b", lambda f, A, T, y: disagreement(f, A, T, y).mean(), "give a map"),
    ("4.2.b", lambda f, A, T, y: disagreement(f, A, T, y).sqrt(), "the root"),
    ("4.2.b", lambda f, A, T, y: signed(f, A, T, y) ** 2, "mean over g"),
    (
        "4.2.b",
        lambda f, A, T, y: torch.stack([t.T @ (f(A @ t @ f(y)) - f(y)) ** 2 for t in T]).mean(0),
        "not x̂.",
    ),
    ("4.2.b", lambda f, A, T, y: disagreement(f, A, T, y) + 1, "differs by up to 1"),
    ("4.2.c", lambda v, mask: (v + v.flip(-1)) / 2 * (1 - mask), "zero it there too"),
    ("4.2.c", lambda v, mask: v * ((mask == 0) & (mask.flip(-1) == 0)), "own mirror image"),
    ("4.2.c", lambda v, mask: v * (1 - mask), "own mirror image"),
    ("4.2.c", lambda v, mask: 2 * ghost(v, mask), "halve"),
    ("4.2.c", lambda v, mask: (v + v.flip(-1)) / 2 - ghost(v, mask), "what is seen"),
    ("4.2.c", lambda v, mask: (v + v.flip(-1)) / 2, "where the mask measures"),
    (
        "4.2.c",
        lambda v, mask: (v + v.flip(0)) / 2 * ((mask == 0) & (mask.flip(0) == 0)),
        "last axis",
    ),
    (
        "4.2.c",
        lambda v, mask: (v + v.flip(-1)) / 2 * ((mask == 0) | (mask.flip(-1) == 0)),
        "either of the two",
    ),
    ("4.2.c", lambda v, mask: 0 * v, "not the closest"),
    ("4.2.c", lambda v, mask: ghost(v, mask)[0], "a pattern"),
    ("4.2.c", lambda v, mask: ghost(v, mask) + 1, "differs by up to 1"),
]
