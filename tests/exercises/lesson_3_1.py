"""Exercises of lesson 3.1: the right answer passes, each likely mistake is named."""

import torch


def M(A):
    return (A.mT @ A).mean(0)


def null(M, tolerance=1e-5):
    values, vectors = torch.linalg.eigh(M)
    return vectors[:, values < tolerance * values.max()]


def seen(A):
    values, vectors = torch.linalg.eigh(M(A))
    return vectors[:, values > 1e-9 * values.max()]


def mean_image(y, mask):
    return y.sum(0) / mask.sum(0).clamp_min(1)


def filled(y, mask):
    right, count = mean_image(y, mask), mask.sum(0)
    return torch.where(count > 0, right, right[count > 0].mean())


def gradient(A, x_hat, y):
    return 2 / len(y) * A.T @ (A @ x_hat - y)


RIGHT = {
    "3.1.a": M,
    "3.1.b": lambda A: null(M(A)),
    "3.1.c": mean_image,
    "3.1.d": gradient,
}

WRONG = [
    ("3.1.a", lambda A: (A @ A.mT).mean(0), "this is A_g A_gᵀ"),
    ("3.1.a", lambda A: A.mT @ A, "the answer has shape"),
    ("3.1.a", lambda A: (A.mT @ A).sum(0), "sum over g"),
    ("3.1.a", lambda A: A.mean(0).T @ A.mean(0), "not the A_g before"),
    ("3.1.a", lambda A: A[0].T @ A[0], "one operator's"),
    ("3.1.a", lambda A: (A.mT @ A).mean(0) / A.shape[1], "not by the number m"),
    ("3.1.a", lambda A: (A.mT @ A).sum(0) / A.shape[1], "not by m"),
    ("3.1.a", lambda A: torch.linalg.pinv(M(A)), "inverse of M"),
    ("3.1.a", lambda A: M(A) + 1, "differs by up to 1"),
    ("3.1.b", lambda A: null(M(A)).T, "transpose it"),
    ("3.1.b", lambda A: M(A)[0], "a vector a column"),
    ("3.1.b", lambda A: 2 * null(M(A)), "make them orthonormal"),
    ("3.1.b", lambda A: null(M(A))[:, :1], "there are 2 unseen directions, not 1"),
    ("3.1.b", lambda A: null(A[0].T @ A[0]), "A_1 does not see"),
    ("3.1.b", lambda A: null(A.mean(0).T @ A.mean(0)), "where they may cancel"),
    ("3.1.b", seen, "eigenvalue 0"),
    ("3.1.b", lambda A: torch.eye(A.shape[2]).double(), "some A_g sees"),
    ("3.1.c", lambda y, mask: y.mean(0), "not N"),
    ("3.1.c", lambda y, mask: y.sum(0), "this is the sum"),
    ("3.1.c", lambda y, mask: y.sum(0) / mask.sum(0), "0/0"),
    ("3.1.c", lambda y, mask: y.sum(0) / mask.sum(0).mean(), "mean count"),
    ("3.1.c", lambda y, mask: (y.sum() / mask.sum()).expand(y.shape[1]), "one number"),
    ("3.1.c", lambda y, mask: mask.sum(0), "how often each pixel was measured."),
    ("3.1.c", filled, "nobody measured"),
    ("3.1.c", lambda y, mask: y, "return one image"),
    ("3.1.c", lambda y, mask: 0 * y[0], "differs by up to"),
    ("3.1.d", lambda A, x, y: A @ x - y, "bring it to the image"),
    ("3.1.d", lambda A, x, y: A, "return the gradient, an image"),
    ("3.1.d", lambda A, x, y: -gradient(A, x, y), "sign is flipped"),
    ("3.1.d", lambda A, x, y: gradient(A, x, y) / 2, "factor 2 of the square?"),
    ("3.1.d", lambda A, x, y: gradient(A, x, y) * len(y), "number of measurements."),
    ("3.1.d", lambda A, x, y: 2 / len(x) * A.T @ (A @ x - y), "not by n"),
    ("3.1.d", lambda A, x, y: A.T @ (A @ x - y), "and 1/m"),
    ("3.1.d", lambda A, x, y: 2 / len(y) * torch.linalg.pinv(A) @ (A @ x - y), "has Aᵀ"),
    ("3.1.d", lambda A, x, y: 2 / len(y) * A.T @ A @ x, "−y is missing"),
    ("3.1.d", lambda A, x, y: x, "where the loss is flat"),
    ("3.1.d", lambda A, x, y: 5 * gradient(A, x, y), "differs by up to"),
]
