"""The checks of lesson 2.5: look up, the best blind filter, the posterior mean, a projection."""

import torch
from torch.nn import functional as F

from .answers import close, shown_by


def a(look_up):
    """Exercise 2.5.a: two rows of zeros at the top, none at the bottom."""
    g = torch.Generator().manual_seed(251)
    for shape, outputs in (((2, 1, 5, 7), 3), ((1, 3, 6, 4), 2)):
        u = torch.randn(shape, generator=g)
        weight = torch.randn(outputs, shape[1], 3, 3, generator=g)

        def padded(left, right, top, bottom, u=u, weight=weight):
            return F.conv2d(F.pad(u, (left, right, top, bottom)), weight)

        answer, right = torch.as_tensor(look_up(u, weight)), padded(1, 1, 2, 0)
        if close(answer, right):
            continue
        if answer.shape != right.shape:
            return (
                f"for u {shape} the answer has shape {tuple(answer.shape)}, not "
                f"{tuple(right.shape)}: two rows and two columns of zeros must be added."
            )
        mistakes = {
            "this is the ordinary convolution: row i sees row i + 1, below it.": padded(1, 1, 1, 1),
            "this looks down: the two rows of zeros belong at the top.": padded(1, 1, 0, 2),
            "this looks to the left: pad two rows, not two columns.": padded(2, 0, 1, 1),
            "this looks to the right: pad two rows, not two columns.": padded(0, 2, 1, 1),
            "columns i − 2 to i are seen, not i − 1 to i + 1: pad one column on each side.": (
                padded(2, 0, 2, 0)
            ),
            "row i itself is left out: that shift comes once, at the end of the chain.": (
                padded(1, 1, 3, 0)[..., :-1, :]
            ),
            "the kernel is flipped upside down; the padding alone decides where it looks.": (
                F.conv2d(F.pad(u, (1, 1, 2, 0)), weight.flip(2))
            ),
            "outside the image there are zeros, not the repeated border.": (
                F.conv2d(F.pad(u, (1, 1, 2, 0), mode="replicate"), weight)
            ),
        }
        return shown_by(answer, mistakes) or (
            f"it differs from the right answer by up to {(answer - right).abs().max():.3g}."
        )
    return None


def b(blind_filter):
    """Exercise 2.5.b: I − D⁻¹ P."""
    g = torch.Generator().manual_seed(252)
    for n in (3, 6):
        factor = torch.randn(n, n, generator=g)
        K = factor @ factor.T + torch.eye(n)
        P, eye = torch.linalg.inv(K), torch.eye(n)
        d = P.diagonal()
        answer, right = torch.as_tensor(blind_filter(K)).float(), eye - P / d[:, None]
        if close(answer, right):
            continue
        if answer.shape != right.shape:
            return f"the answer has shape {tuple(answer.shape)}; B is {n} × {n}."
        mistakes = {
            "the columns are divided instead of the rows: P / d[:, None].": eye - P / d,
            "this is UNSURE's filter: divide row i by its own P_ii, not by the mean.": (
                eye - P / d.mean()
            ),
            "P is the inverse of K; you used K itself.": eye - K / K.diagonal()[:, None],
            "the diagonal D is missing: row i is divided by P_ii.": eye - P,
            "row i is divided by P_ii, not multiplied by it.": eye - P * d[:, None],
            "the sign is flipped: the diagonal is zero, but B predicts −μ.": P / d[:, None] - eye,
            "the identity is missing: this has ones on its diagonal.": P / d[:, None],
            "row i is divided by P_ii, not by its root.": eye - P / d.sqrt()[:, None],
        }
        return shown_by(answer, mistakes) or (
            f"the diagonal of B should be 0 and is up to {answer.diagonal().abs().max():.3g}; B is "
            f"off by up to {(answer - right).abs().max():.3g}."
        )
    return None


def c(posterior_mean):
    """Exercise 2.5.c: (s² y + σ² μ)/(s² + σ²)."""
    g = torch.Generator().manual_seed(253)
    for _ in range(3):
        y, mu = torch.randn(2, 1, 3, 4, generator=g), torch.randn(2, 1, 3, 4, generator=g)
        s2 = 0.1 + torch.rand(2, 1, 3, 4, generator=g)
        sigma = 0.3 + float(torch.rand((), generator=g))
        v = sigma**2
        answer = torch.as_tensor(posterior_mean(y, mu, s2, sigma)).float()
        right = (s2 * y + v * mu) / (s2 + v)
        if close(answer, right):
            continue
        if answer.shape != right.shape:
            return f"the answer has shape {tuple(answer.shape)}; y has {tuple(y.shape)}."
        s = s2.sqrt()
        mistakes = {
            "the weights are swapped: an uncertain neighbourhood (large s²) leaves more to y.": (
                (v * y + s2 * mu) / (s2 + v)
            ),
            "σ is a standard deviation: its square belongs beside s².": (
                (s2 * y + sigma * mu) / (s2 + sigma)
            ),
            "s2 is a variance already: do not square it.": (s2**2 * y + v * mu) / (s2**2 + v),
            "the weights are variances; you took standard deviations.": (
                (s * y + sigma * mu) / (s + sigma)
            ),
            "the sum of the weights is missing below: divide by s² + σ².": s2 * y + v * mu,
            "this is the mean of y and μ; weigh each by the other's variance.": (y + mu) / 2,
            "this is μ alone: the pixel is still hidden.": mu,
        }
        return shown_by(answer, mistakes) or (
            f"it differs from the right answer by up to {(answer - right).abs().max():.3g}; "
            "with s² = 0 it must be μ."
        )
    return None


def d(risk_of_projection):
    """Exercise 2.5.d: misfit − σ² (1 − 2r/n)."""
    g = torch.Generator().manual_seed(254)
    for r, n in ((3, 10), (7, 9), (20, 784)):
        sigma = 0.2 + float(torch.rand((), generator=g))
        misfit = 0.5 + float(torch.rand((), generator=g))
        v, share = sigma**2, r / n
        answer = torch.as_tensor(risk_of_projection(misfit, r, n, sigma)).float()
        if answer.numel() != 1:
            return "the answer must be one number."
        answer, right = answer.reshape(()), torch.tensor(misfit - v * (1 - 2 * share))
        if close(answer, right):
            continue
        mistakes = {
            "the factor 2 is missing: the key term counts twice.": misfit - v * (1 - share),
            "this is the misfit minus σ²: right for a blind spot, whose divergence is 0, not r.": (
                misfit - v
            ),
            "σ must be squared.": misfit - sigma * (1 - 2 * share),
            "the sign is flipped: the risk is the misfit minus σ² (1 − 2r/n).": (
                misfit + v * (1 - 2 * share)
            ),
            "divide the rank r by n: all numbers are per pixel.": misfit - v * (1 - 2 * r),
            "the noise that passes counts up, not down: 1 − 2r/n, not 1 + 2r/n.": (
                misfit - v * (1 + 2 * share)
            ),
            "this is only the noise that passes, σ² r/n; the lost signal is missing.": v * share,
        }
        return shown_by(answer, mistakes) or (
            f"for misfit {misfit:.3f}, r = {r}, n = {n} and σ = {sigma:.3f} it is {right:.4f}, not "
            f"{answer:.4f}."
        )
    return None
