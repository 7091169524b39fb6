"""The cases of lesson 4.5: an error of the bootstrap, its expectation, the radius, the factor."""

import math

import torch

from .case import Case, Draw


def one_error():
    """one_error(f, A, T, x_hat, eps): e = Tᵀf(A T x̂ + ε) − x̂."""
    draw = Draw(451)
    for m, n in ((3, 5), (4, 6)):
        A, W = draw.normal(m, n), draw.normal(n, m)
        T = torch.linalg.qr(draw.normal(n, n))[0]
        x_hat, eps = draw.normal(n), draw.normal(m)

        def f(y, W=W):
            return torch.tanh(W.to(y.dtype) @ y)

        again = f(A @ T @ x_hat + eps)
        right = T.T @ again - x_hat
        plain = f(A @ x_hat + eps)
        mistakes = {
            "turn back: this is the error in the turned frame, T e.": again - T @ x_hat,
            "turn back what f returns, by Tᵀ, before x̂ is taken away.": again - x_hat,
            "turn back with Tᵀ, not with T.": T @ again - x_hat,
            "this is without T: the parametric bootstrap.": [plain - x_hat, T.T @ plain - x_hat],
            "x̂ is turned by T before it is measured, not by Tᵀ.": [
                T @ f(A @ T.T @ x_hat + eps) - x_hat,
                T.T @ f(A @ T.T @ x_hat + eps) - x_hat,
            ],
            "the noise ε is missing.": T.T @ f(A @ T @ x_hat) - x_hat,
            "the sign: what was found again minus x̂.": -right,
            "this is x̂_b; its error is x̂_b − x̂.": T.T @ again,
            "ε is added to the measurement, not to what f returns.": T.T @ f(A @ T @ x_hat)
            - x_hat + eps.sum(),
        }  # fmt: skip
        yield Case((f, A, T, x_hat, eps), right, mistakes, "one error, (n,)")


def expected():
    """expected(W, A, T, C_hat, sigma): mean_g tr R T_g Ĉ T_gᵀRᵀ + σ² tr WWᵀ, R = WA − I."""
    draw = Draw(452)
    for G, m, n in ((3, 3, 5), (4, 2, 4)):
        A, W, root = draw.normal(m, n), draw.normal(n, m), draw.normal(n, n)
        T = torch.linalg.qr(draw.normal(G, n, n))[0]
        C, sigma = root @ root.T, draw.number(0.3, 0.8)
        R, noise = W @ A - torch.eye(n).double(), sigma**2 * W.square().sum()
        each = torch.einsum("gij,jk,gik->g", R @ T, C, R @ T)
        right, alone = each.mean() + noise, torch.einsum("ij,jk,ik->", R, C, R)
        back = torch.einsum("gij,jk,gik->g", R @ T.mT, C, R @ T.mT).mean()
        kept = torch.einsum("gij,jk,gik->g", W @ A @ T, C, W @ A @ T).mean()
        mistakes = {
            "this is without the group: the parametric bootstrap.": alone + noise,
            "the noise is missing: σ² tr WWᵀ.": each.mean(),
            "the noise has σ², not σ.": each.mean() + noise / sigma,
            "this is the noise alone.": noise,
            "this is a sum over g: take the mean.": each.sum() + noise,
            "divide by nothing: it is a sum over the pixels.": right / n,
            "T_gᵀ and T_g are exchanged.": back + noise,
            "R = WA − I: the identity is missing.": kept + noise,
            "the noise passes W: σ² tr WWᵀ, not σ² times a number of entries.": [
                each.mean() + sigma**2 * m, each.mean() + sigma**2 * n,
            ],
            "tr WWᵀ is the sum of the squares of W, not the trace of W or its norm.": each.mean()
            + sigma**2 * W.norm(),
        }  # fmt: skip
        yield Case((W, A, T, C, sigma), right, mistakes, "one number")


def radius():
    """radius(errors, level): of errors (draws, B, n) the quantile of ‖e_b‖/√n for each image."""
    draw = Draw(453)
    for draws, B, n, level in ((21, 3, 6, 0.9), (11, 4, 5, 0.7)):
        errors = draw.normal(draws, B, n) * draw.uniform(draws, B, 1, low=0.2, high=2)
        size = errors.square().mean(2).sqrt()
        right = size.quantile(level, dim=0)
        mistakes = {
            "divide by √n: ρ is an RMSE.": right * n**0.5,
            "this is ρ²: take the root.": right.square(),
            "this is the mean over the draws; take their quantile.": [
                size.mean(0), size.square().mean(0).sqrt(),
            ],
            "this is the largest of the draws.": size.amax(0),
            "the quantile of 1 − level leaves that much inside.": size.quantile(1 - level, dim=0),
            "first the size of each error, then the quantile over b.": errors.abs()
            .quantile(level, dim=0).square().mean(1).sqrt(),
            "this is the mean absolute error; take the root of the mean square.": errors.abs()
            .mean(2).quantile(level, dim=0),
            "one ρ for each image: the quantile is over b alone.": [
                size.quantile(level), size.quantile(level).expand(B),
            ],
        }  # fmt: skip
        yield Case((errors, level), right, mistakes, f"({B},) numbers, one an image")


def factor():
    """factor(rho, rmse, level): the ⌈(N + 1) level⌉-th smallest of rmse/ρ."""
    draw = Draw(454)
    for N, level in ((20, 0.9), (12, 0.5), (30, 0.8)):
        rho, rmse = draw.uniform(N, low=0.5, high=2), draw.uniform(N, low=0.5, high=2)
        ratio = (rmse / rho).sort().values
        k = math.ceil((N + 1) * level - 1e-9)
        mistakes = {
            "this is the one before: the list starts at 0.": ratio[k - 2],
            "this is the one after: the k-th smallest has index k − 1.": ratio[min(k, N - 1)],
            "the ratio is upside down: rmse over ρ.": (rho / rmse).sort().values[k - 1],
            "sort from the smallest on.": ratio.flip(0)[k - 1],
            "this is the quantile of the rmse alone: divide by ρ first.": rmse.sort().values[k - 1],
            "this is k, not the k-th ratio.": k,
            "this is the mean; asked is a quantile.": ratio.mean(),
            "no interpolation: the k-th smallest itself.": ratio.quantile(level),
        }
        yield Case((rho, rmse, level), ratio[k - 1], mistakes, "one number, κ")


EXERCISES = {"a": one_error, "b": expected, "c": radius, "d": factor}
