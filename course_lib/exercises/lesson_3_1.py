"""The checks of lesson 3.1: what several operators measure together, and the naive gradient."""

import torch

from .answers import close, shown_by


def a(pooled):
    """Exercise 3.1.a: M = (1/G) Σ_g A_gᵀA_g."""
    generator = torch.Generator().manual_seed(311)
    for G, m, n in ((3, 2, 5), (4, 3, 7)):
        A = torch.randn(G, m, n, generator=generator).double()
        answer = torch.as_tensor(pooled(A)).double()
        if answer.shape == (m, m):
            return f"this is A_g A_gᵀ, (m, m): M acts on images, so it is (n, n) = {(n, n)}."
        if answer.shape != (n, n):
            return f"the answer has shape {tuple(answer.shape)}; M is (n, n) = {(n, n)}."
        right = (A.mT @ A).mean(0)
        if close(answer, right):
            continue
        mistakes = {
            "this is the sum over g: M is the mean, so divide by G.": right * G,
            "average the products A_gᵀA_g, not the A_g before the product.": (
                A.mean(0).T @ A.mean(0)
            ),
            "this is one operator's AᵀA: average over all of them.": A[0].T @ A[0],
            "divide by G only, not by the number m of measurements.": right / m,
            "divide by the number G of operators, not by m.": right * G / m,
            "this is the inverse of M.": torch.linalg.pinv(right),
        }
        return shown_by(answer, mistakes) or (
            f"M differs by up to {(answer - right).abs().max():.3g} for G = {G}, n = {n}."
        )
    return None


def b(common_null):
    """Exercise 3.1.b: an orthonormal basis of the v with A_g v = 0 for every g."""
    generator = torch.Generator().manual_seed(312)
    for G, m, n, d in ((2, 2, 6, 2), (3, 2, 7, 1), (4, 2, 8, 0), (1, 2, 5, 3)):
        Q = torch.linalg.qr(torch.randn(n, n, generator=generator).double())[0]
        A = torch.randn(G, m, n - d, generator=generator).double() @ Q[:, d:].T
        answer = torch.as_tensor(common_null(A)).double()
        if answer.ndim != 2 or n not in answer.shape:
            return f"the answer has shape {tuple(answer.shape)}; give (n, d), a vector a column."
        if answer.shape[0] != n:
            return "the basis vectors are the columns of the answer, (n, d): transpose it."
        found, size = answer.shape[1], (answer.T @ answer - torch.eye(answer.shape[1])).abs()
        if found == d and (d == 0 or (A @ answer).abs().max() < 1e-6):
            if d and size.max() > 1e-6:
                return "these vectors span the right space; make them orthonormal."
            continue
        if found and (A @ answer).abs().max() < 1e-6:
            return f"all of these are unseen, but there are {d} such directions, not {found}."
        if found and (A[0] @ answer).abs().max() < 1e-6:
            return "A_1 does not see these vectors and others do: v must be unseen by every A_g."
        if found and (A.mean(0) @ answer).abs().max() < 1e-6:
            return "this is the null space of the mean of the A_g, where they may cancel; use M."
        if found == n - d:
            return "these are the directions that are seen: take those with eigenvalue 0."
        return f"some A_g sees a vector of the answer; {d} directions of {n} are unseen."
    return None


def c(mean_image):
    """Exercise 3.1.c: each pixel's mean over the images in which it was measured."""
    generator = torch.Generator().manual_seed(313)
    for N, n in ((30, 6), (50, 9)):
        mask = (torch.rand(N, n, generator=generator) < 0.4).double()
        mask[:, -1] = 0  # never measured
        y = mask * (1 + torch.randn(N, n, generator=generator).double())
        answer = torch.as_tensor(mean_image(y, mask)).double()
        if answer.shape != (n,):
            return f"the answer has shape {tuple(answer.shape)}; it is one image, ({n},)."
        if not torch.isfinite(answer).all():
            return "a pixel that was never measured gives 0/0; A† makes it 0 (clamp the count)."
        count = mask.sum(0)
        right = y.sum(0) / count.clamp_min(1)
        if close(answer, right):
            continue
        mistakes = {
            "hidden pixels count as zeros here: divide by how often each was measured, not N.": (
                y.mean(0)
            ),
            "this is the sum: divide by how often each pixel was measured.": y.sum(0),
            "divide pixel by pixel, not by the mean count.": y.sum(0) / count.mean(),
            "this is one number for all pixels: count each pixel by itself.": (
                (y.sum() / count.sum()).expand(n)
            ),
            "this is how often each pixel was measured.": count,
            "do not fill the pixel that nobody measured: A† leaves it 0.": (
                torch.where(count > 0, right, right[count > 0].mean())
            ),
        }
        return shown_by(answer, mistakes) or (
            f"the mean image differs by up to {(answer - right).abs().max():.3g}."
        )
    return None


def d(naive_gradient):
    """Exercise 3.1.d: (2/m) Aᵀ(Ax̂ − y)."""
    generator = torch.Generator().manual_seed(314)
    for m, n in ((3, 7), (4, 6)):
        A = torch.randn(m, n, generator=generator).double()
        x_hat = torch.randn(n, generator=generator).double()
        y = torch.randn(m, generator=generator).double()
        answer = torch.as_tensor(naive_gradient(A, x_hat, y)).double()
        residual = A @ x_hat - y
        right = 2 / m * A.T @ residual
        if answer.shape == (m,):
            return "this lies among the measurements, (m,): bring it to the image with Aᵀ."
        if answer.shape != (n,):
            return f"the answer has shape {tuple(answer.shape)}; the gradient is an image, ({n},)."
        if close(answer, right):
            continue
        mistakes = {
            "the sign is flipped: the residual is Ax̂ − y.": -right,
            "did you drop the factor 2 of the square?": right / 2,
            "divide by m, the number of measurements.": right * m,
            "divide by m, the number of measurements, not by n.": right * m / n,
            "did you drop the factor 2 of the square, and 1/m?": A.T @ residual,
            "this is A† of the residual: the gradient has Aᵀ.": (
                2 / m * torch.linalg.pinv(A) @ residual
            ),
            "−y is missing: the residual is Ax̂ − y.": 2 / m * A.T @ (A @ x_hat),
        }
        named = shown_by(answer, mistakes)
        if named:
            return named
        null = answer - torch.linalg.pinv(A) @ (A @ answer)
        if null.norm() > 1e-6:
            return f"it has a part of norm {null.norm():.3g} in null(A), where the loss is flat."
        return f"it differs by up to {(answer - right).abs().max():.3g}."
    return None
