"""The cases of lesson 3.1: what several operators measure together, and the naive gradient."""

from functools import partial

import torch

from .case import Case, Draw

pinv = torch.linalg.pinv


def pooled():
    """pooled(A): M = (1/G) Σ_g A_gᵀA_g."""
    draw = Draw(311)
    for G, m, n in ((3, 2, 5), (4, 3, 7)):
        A = draw.normal(G, m, n)
        right = (A.mT @ A).mean(0)
        mistakes = {
            "this is A_g A_gᵀ, (m, m): M acts on images, so it is (n, n).": (A @ A.mT).mean(0),
            "this is the sum over g: M is the mean, so divide by G.": right * G,
            "average the products A_gᵀA_g, not the A_g before them.": A.mean(0).T @ A.mean(0),
            "this is one operator's AᵀA: average over all of them.": A[0].T @ A[0],
            "divide by G only, not by the number m of measurements.": right / m,
            "divide by the number G of operators, not by m.": right * G / m,
            "this is the inverse of M.": pinv(right),
        }
        yield Case((A,), right, mistakes)


def common_null():
    """common_null(A): an orthonormal basis of the v with A_g v = 0 for every g."""
    draw = Draw(312)
    for G, m, n, d in ((2, 2, 6, 2), (3, 2, 7, 1), (4, 2, 8, 0), (1, 2, 5, 3)):
        Q = torch.linalg.qr(draw.normal(n, n))[0]
        A = draw.normal(G, m, n - d) @ Q[:, d:].T
        recall = f"some A_g sees a part of it; {d} directions are unseen."
        yield Case((A,), None, recall=recall, verdict=partial(_null, A, d))


def _null(A, d, V):
    """None when the columns of V are an orthonormal basis of the d unseen directions."""
    n = A.shape[2]
    if V.ndim != 2 or n not in V.shape:
        return f"the answer has shape {tuple(V.shape)}; give ({n}, d), a vector a column."
    if V.shape[0] != n:
        return "the basis vectors are the columns of the answer, (n, d): transpose it."
    V, found = V.double(), V.shape[1]

    def unseen(B):
        return (B @ V).abs().max() < 1e-4 * B.abs().max()

    if found == 0 or unseen(A):
        if found != d:
            return f"there are {d} unseen directions, not {found}; float32 rounds 0 to 1e-7."
        if (V.T @ V - torch.eye(d)).abs().sum() > 1e-4 * n:
            return "these vectors span the right space; make them orthonormal."
        return None
    if unseen(A[0]):
        return "A_1 does not see these vectors and others do: v must be unseen by every A_g."
    if unseen(A.mean(0)):
        return "this is the null space of the mean of the A_g, where they may cancel; use M."
    if d and found == n - d:
        return "these are the directions that are seen: take those with eigenvalue 0."
    return ""


def mean_image():
    """mean_image(y, mask): each pixel's mean over the images in which it was measured."""
    draw = Draw(313)
    for N, n in ((30, 6), (50, 9)):
        mask = draw.mask(N, n, share=0.4).double()
        mask[1:, 0], mask[0, 0], mask[:, -1] = 0, 1, 0  # measured once, never
        y = mask * (1 + draw.normal(N, n))
        total, count = y.sum(0), mask.sum(0)
        right = total / count.clamp_min(1)
        filled = right.where(count > 0, right[count > 0].mean())
        mistakes = {
            "a pixel that was never measured gives 0/0: clamp the count.": total / count,
            "hidden pixels count as 0 here: divide by the count of each, not N.": total / N,
            "this is the sum: divide by how often each pixel was measured.": total,
            "divide pixel by pixel, not by the mean count.": total / count.mean(),
            "this is one number for all: count each pixel.": (total.sum() / count.sum()).expand(n),
            "this is how often each pixel was measured.": count,
            "do not fill the pixel that nobody measured: A† leaves it 0.": filled,
        }
        yield Case((y, mask), right, mistakes, f"one image, ({n},)")


def naive_gradient():
    """naive_gradient(A, x_hat, y): (2/m) Aᵀ(Ax̂ − y)."""
    draw = Draw(314)
    for m, n in ((3, 7), (4, 6)):
        A, x_hat, y = draw.normal(m, n), draw.normal(n), draw.normal(m)
        residual = A @ x_hat - y
        right, lying = 2 / m * A.T @ residual, [c * residual for c in (1, 2, 2 / m)]
        mistakes = {
            "this lies among the measurements: bring it to the image with Aᵀ.": lying,
            "the sign is flipped: the residual is Ax̂ − y.": -right,
            "did you drop the factor 2 of the square?": right / 2,
            "divide by m, the number of measurements.": right * m,
            "divide by m, the number of measurements, not by n.": right * m / n,
            "did you drop the factor 2 of the square, and 1/m?": A.T @ residual,
            "this is A† of the residual: the gradient has Aᵀ.": 2 / m * pinv(A) @ residual,
            "−y is missing: the residual is Ax̂ − y.": 2 / m * A.T @ (A @ x_hat),
        }
        recall = "it has no part in null(A), where the loss is flat"
        yield Case((A, x_hat, y), right, mistakes, f"the gradient, an image ({n},)", recall)


EXERCISES = {"a": pooled, "b": common_null, "c": mean_image, "d": naive_gradient}
