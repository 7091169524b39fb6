"""The cases of lesson 4.1: what virtual operators see, rows and irreps, EI, the energy distance."""

import torch

from .case import Case, Draw


def virtual_gram():
    """virtual_gram(A, T): M = (1/|G|) Σ_g T_gᵀAᵀA T_g."""
    draw = Draw(411)
    for G, m, n in ((3, 2, 5), (4, 3, 6)):
        A, T = draw.normal(m, n), draw.normal(G, n, n)
        B = A @ T
        right = (B.mT @ B).mean(0)
        other = A @ T.mT
        mistakes = {
            "T is on the wrong side of A: the virtual operator is A T_g, not A T_gᵀ.": (
                other.mT @ other
            ).mean(0),
            "this is the sum over g: M is the mean, so divide by |G|.": right * G,
            "average the products, not the virtual operators A T_g before them.": (
                B.mean(0).T @ B.mean(0)
            ),
            "this is AᵀA of A alone: turn it by every T_g.": A.T @ A,
            "this is (m, m): M acts on images, so it is (n, n).": (B @ B.mT).mean(0),
            "T_gᵀ is missing on the left: it is T_gᵀAᵀA T_g.": (A.T @ A @ T).mean(0),
            "T_g is missing on the right: it is T_gᵀAᵀA T_g.": (T.mT @ A.T @ A).mean(0),
            "divide by the number of elements |G|, not by m.": right * G / m,
        }
        yield Case((A, T), right, mistakes, "one matrix, (n, n)")


def random_rank():
    """random_rank(m, blocks): Σ_j s_j min(c_j, m s_j)."""
    for m, blocks in (
        (2, [(5, 2), (11, 1), (1, 3)]),
        (1, [(4, 2), (7, 3), (2, 1)]),
        (3, [(9, 2), (4, 1)]),
    ):
        n = sum(c * s for c, s in blocks)
        right = sum(s * min(c, m * s) for c, s in blocks)
        mistakes = {
            "each seen copy counts s_j dimensions: multiply by s_j.": sum(
                min(c, m * s) for c, s in blocks
            ),
            "a row sees s_j copies of block j, not one: min(c_j, m s_j).": sum(
                s * min(c, m) for c, s in blocks
            ),
            "each c_j belongs to its own s_j, and at most c_j copies can be seen.": sum(
                s * m * s for c, s in blocks
            ),
            "this is n, all of the image: m rows may see less.": n,
            "the pairs are (c_j, s_j), in this order; you have them exchanged.": sum(
                c * min(s, m * c) for c, s in blocks
            ),
            "this is the least m for rank n; asked is the rank for this m.": max(
                -(-c // s) for c, s in blocks
            ),
            "sum over the blocks: this is one of them.": [s * min(c, m * s) for c, s in blocks],
        }
        yield Case((m, blocks), right, mistakes, "one number", "with enough rows it is n")


def ei():
    """ei(f, A, T, y): the mean over g and pixels of (f(A T_g x̂) − T_g x̂)²."""
    draw = Draw(413)
    for G, m, n in ((3, 3, 5), (5, 4, 6)):
        A = draw.normal(m, n)
        T = torch.linalg.qr(draw.normal(G, n, n))[0]
        W, y = draw.normal(n, m), draw.normal(m)

        def f(y, W=W):
            return torch.tanh(W.to(y.dtype) @ y)

        x_hat, x_dagger = f(y), torch.linalg.pinv(A) @ y
        turned, by_dagger = T @ x_hat, T @ x_dagger
        again = torch.stack([f(A @ u) for u in turned])
        from_dagger = torch.stack([f(A @ u) for u in by_dagger])
        right = (again - turned).square().mean()
        mistakes = {
            "compare with T_g x̂, not with x̂.": (again - x_hat).square().mean(),
            "this is without T_g: turn x̂ before it is measured again.": (
                (f(A @ x_hat) - x_hat).square().mean()
            ),
            "this is a sum over the pixels: divide by n.": right * n,
            "this is a sum over g: take the mean.": right * G,
            "this is a sum over pixels and g: take the mean of both.": right * n * G,
            "divide by the number n of pixels, not by m.": right * n / m,
            "turn back? The target is T_g x̂; T_gᵀ turns the other way.": (
                (again - T.mT @ x_hat).square().mean()
            ),
            "compare images, not what A sees of them.": ((again - turned) @ A.T).square().mean(),
            "reconstruct y first: x̂ = f(y), not A†y.": (from_dagger - by_dagger).square().mean(),
            "square the differences; you took absolute values.": (again - turned).abs().mean(),
            "this is measurement consistency, the other term.": (A @ x_hat - y).square().mean(),
        }
        yield Case((f, A, T, y), right, mistakes, "one number, the mean over g and the pixels")


def energy():
    """energy(z, w): 2 E‖z − w‖ − E‖z − z′‖ − E‖w − w′‖."""
    draw = Draw(414)
    for N, K, d in ((6, 9, 3), (8, 5, 2)):
        z, w = draw.normal(N, d), 0.7 + 1.5 * draw.normal(K, d)
        zw, zz, ww = (torch.cdist(a, b) for a, b in ((z, w), (z, z), (w, w)))
        right = 2 * zw.mean() - zz.mean() - ww.mean()
        squared = 2 * zw.square().mean() - zz.square().mean() - ww.square().mean()
        mistakes = {
            "the distance between the halves counts twice.": zw.mean() - zz.mean() - ww.mean(),
            "the distances within each half are missing.": [2 * zw.mean(), zw.mean()],
            "use distances, not their squares: squares compare the means only.": squared,
            "the sign is flipped: between minus within.": -right,
            "leave out the root at the end.": right.sqrt(),
            "a mean over all pairs, with each row's pair with itself (distance 0).": (
                2 * zw.mean() - zz.sum() / (N * (N - 1)) - ww.sum() / (K * (K - 1))
            ),
            "these are sums: take the mean over the pairs.": 2 * zw.sum() - zz.sum() - ww.sum(),
            "this is the distance of the means: take the mean of the distances.": [
                (z.mean(0) - w.mean(0)).norm(),
                2 * (z.mean(0) - w.mean(0)).norm(),
            ],
            "this is twice D; leave out one factor 2.": 2 * right,
        }
        yield Case((z, w), right, mistakes, "one number", "of equal halves it is 0")


EXERCISES = {"a": virtual_gram, "b": random_rank, "c": ei, "d": energy}
