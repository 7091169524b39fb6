"""Exercises of lesson 1.1: the right answer passes, each likely mistake is named."""

import torch

PINV = torch.linalg.pinv

RIGHT = {
    "1.1.a": lambda A, x: x - A.pinv(A(x)),
    "1.1.b": lambda s, sigma: sigma**2 * (1 / s[s > 0] ** 2).sum(),
    "1.1.c": lambda y, A, U: U @ PINV(A @ U) @ y,
}

WRONG = [
    ("1.1.a", lambda A, x: A.pinv(A(x)), "the part that A sees"),
    ("1.1.a", lambda A, x: A.pinv(A(x)) - x, "sign"),
    ("1.1.a", lambda A, x: x - A.adjoint(A(x)), "adjoint"),
    ("1.1.a", lambda A, x: x - A(x), "x − Ax"),
    ("1.1.a", lambda A, x: x - A(A.pinv(x)), "A first"),
    ("1.1.a", lambda A, x: x.zero_(), "changes x in place"),
    ("1.1.a", lambda A, x: x[:1], "has shape"),
    ("1.1.a", lambda A, x: 2 * x, "should vanish"),
    ("1.1.b", lambda s, sigma: sigma * (1 / s[s > 0] ** 2).sum(), "square sigma"),
    ("1.1.b", lambda s, sigma: sigma**2 * (1 / s[s > 0]).sum(), "by s²"),
    ("1.1.b", lambda s, sigma: sigma**2 * (s**2).sum(), "multiplied"),
    ("1.1.b", lambda s, sigma: sigma**2 * (1 / s[s > 0] ** 2).mean(), "mean"),
    ("1.1.b", lambda s, sigma: sigma * (1 / s[s > 0] ** 2).sum().sqrt(), "square root"),
    ("1.1.b", lambda s, sigma: sigma**2 * (1 / s**2).sum(), "infinite"),
    ("1.1.b", lambda s, sigma: s, "one number"),
    ("1.1.b", lambda s, sigma: 1.0, "not 1."),
    ("1.1.c", lambda y, A, U: PINV(A @ U) @ y, "coefficients"),
    ("1.1.c", lambda y, A, U: PINV(A) @ y, "does not use the subspace"),
    ("1.1.c", lambda y, A, U: U @ PINV(U) @ PINV(A) @ y, "no longer agrees"),
    ("1.1.c", lambda y, A, U: U @ U.T @ PINV(A) @ y, "UUᵀA†y"),
    ("1.1.c", lambda y, A, U: U @ (A @ U).T @ y, "transpose"),
    ("1.1.c", lambda y, A, U: y, "shape"),
    ("1.1.c", lambda y, A, U: U.sum(1), "differs by"),
]
