"""The cases of lesson 4.3: EI with noise, virtual counts, the filter that minimises SURE + EI."""

from functools import partial

import torch

from .case import Case, Draw


def noisy_ei():
    """noisy_ei(f, A, T, y, w, sigma): the mean over g of (f(A T_g x̂ + σ w_g) − T_g x̂)²."""
    draw = Draw(431)
    for G, m, n, sigma in ((3, 3, 5, 0.7), (5, 4, 6, 1.3)):
        A, T = draw.normal(m, n), draw.normal(G, n, n)
        W, y, w = draw.normal(n, m), draw.normal(m), draw.normal(G, m)

        def f(y, W=W):
            return torch.tanh(W.to(y.dtype) @ y)

        x_hat = f(y)
        turned = T @ x_hat

        def mean(noise, target, f=f, A=A, turned=turned):
            again = torch.stack([f(A @ u + e) for u, e in zip(turned, noise, strict=True)])
            return (again - target).square().mean()

        right = mean(sigma * w, turned)
        clean = torch.stack([f(A @ u) for u in turned])
        late = clean @ A.T + sigma * w
        mistakes = {
            "the noise is missing: add σw to the virtual measurement.": mean(0 * w, turned),
            "w has standard deviation 1: multiply it by σ.": mean(w, turned),
            "σ is a standard deviation: multiply w by σ, not by σ².": mean(sigma**2 * w, turned),
            "each g has its own row of w.": [
                mean(sigma * w[:1].expand_as(w), turned),
                mean(sigma * w.flip(0), turned),
            ],
            "the target is T_g x̂ without noise.": mean(
                sigma * w, turned + sigma * w @ torch.linalg.pinv(A).T
            ),
            "compare with T_g x̂, not with x̂.": mean(sigma * w, x_hat),
            "this is a sum over the pixels: divide by n.": right * n,
            "this is a sum over g: take the mean.": right * G,
            "this is a sum over pixels and g: take the mean of both.": right * n * G,
            "divide by the number n of pixels, not by m.": right * n / m,
            "the noise belongs into what f is given, not behind it.": (
                (late - turned @ A.T).square().mean()
            ),
            "this is without T_g: turn x̂ before it is measured again.": torch.stack(
                [(f(A @ x_hat + sigma * e) - x_hat).square().mean() for e in w]
            ).mean(),
            "square the differences; you took absolute values.": (
                (torch.stack([f(A @ u + sigma * e) for u, e in zip(turned, w, strict=True)]))
                - turned
            )
            .abs()
            .mean(),
        }
        yield Case(
            (f, A, T, y, w, sigma), right, mistakes, "one number, the mean over g and pixels"
        )


def virtual_counts():
    """virtual_counts(A, x_tilde, gain, sigma, w): ȳ + √(γȳ + σ²) w for ȳ = A(x̃), with its slope."""
    draw = Draw(432)
    for rows, n, gain, sigma in ((6, 4, 0.3, 0.5), (9, 5, 0.05, 0.2)):
        R, x, w = draw.uniform(rows, n), draw.uniform(n), draw.normal(rows)
        c = torch.tensor(0.7).double().requires_grad_()

        def A(x, R=R, c=c):
            return torch.exp(-c * (R.to(x.dtype) @ x))

        mean = A(x)
        right = mean + (gain * mean + sigma**2).sqrt() * w
        slope = torch.autograd.grad(right.sum(), c, retain_graph=True)[0]
        mistakes = {
            "the root is missing: w has to be scaled by a standard deviation.": (
                mean + (gain * mean + sigma**2) * w
            ),
            "σ² is the variance of the read-out noise; you added σ.": (
                mean + (gain * mean + sigma).sqrt() * w
            ),
            "variances add up, not standard deviations.": (
                mean + ((gain * mean).sqrt() + sigma) * w
            ),
            "the variance of γz is γ²·(ȳ/γ) = γȳ.": [
                mean + (gain**2 * mean + sigma**2).sqrt() * w,
                mean + (mean + sigma**2).sqrt() * w,
                mean + (mean / gain + sigma**2).sqrt() * w,
            ],
            "the read-out noise is missing.": mean + (gain * mean).sqrt() * w,
            "the noise of the counts is missing: the variance is γȳ + σ².": mean + sigma * w,
            "this is the noise alone: add the mean.": right - mean,
            "this is the mean alone: the noise is missing.": mean,
            "the sign of the noise is flipped: + √(…) w.": 2 * mean - right,
        }
        then = partial(_differentiable, c, slope)
        yield Case((A, x, gain, sigma, w), right, mistakes, f"({rows},) numbers, as w", then=then)


def _differentiable(c, slope, given):
    """The values are right; is their slope in c, a parameter of A?"""
    if not getattr(given, "requires_grad", False):
        return "the values are right, but no gradient passes: no detach, no NumPy, no sampling."
    total = given.real.sum()
    try:
        found = torch.autograd.grad(total, c, allow_unused=True, materialize_grads=True)[0]
    except RuntimeError:  # an argument was changed in place, which is said elsewhere
        return None
    if not torch.isclose(found, slope, rtol=1e-4):
        return "the values are right, but a detach stops the gradient of the mean or of its root."
    return None


def best_filter():
    """best_filter(a, P, S, sigma): w of least a²w²(P + σ²) − 2awP + (aw − 1)²S + σ²w²."""
    draw = Draw(433)
    for shape, sigma in (((6,), 0.6), ((3, 4), 1.4)):
        a, P, S = (0.2 + draw.normal(*shape).abs() for _ in range(3))
        s2 = sigma**2
        above, below = a * P + a * S, a**2 * (P + s2) + a**2 * S + s2
        right = above / below
        mistakes = {
            "σ² is missing in SURE's part, a²(P + σ²).": above / (below - a**2 * s2),
            "σ² is missing in EI's part: this is the noise forgotten.": above / (below - s2),
            "this is SURE alone: EI's bracket is missing.": a * P / (a**2 * (P + s2)),
            "this is EI alone: SURE's bracket is missing.": a * S / (a**2 * S + s2),
            "the numerator has two parts, aP and aS.": [a * P / below, a * S / below],
            "P is the power of Ax, so that SURE's part of the numerator is aP, not a²P.": (
                (a**2 * P + a * S) / below
            ),
            "EI's part of the numerator is aS: (aw − 1)² has the derivative 2a(aw − 1).": (
                (a * P + S) / below
            ),
            "σ is a standard deviation: use σ².": (above / (a**2 * (P + sigma) + a**2 * S + sigma)),
            "the denominator is that of w², with a².": above / (a * (P + s2) + a * S + s2),
            "each bracket has its minimum; asked is that of their sum.": (
                (P / (a * (P + s2)) + a * S / (a**2 * S + s2)) / 2
            ),
            "this is 1/a, without any noise.": 1 / a,
        }
        yield Case((a, P, S, sigma), right, mistakes, f"{tuple(shape)}, as a")


EXERCISES = {"a": noisy_ei, "b": virtual_counts, "c": best_filter}
