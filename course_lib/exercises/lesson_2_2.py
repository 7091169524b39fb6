"""The checks of lesson 2.2: SURE of a linear filter, its divergence, Tweedie, Robbins."""

import torch

from .. import priors
from .answers import close, shown_by


def _numbers(g, *ranges):
    """One random number per (low, high)."""
    return [low + (high - low) * float(torch.rand((), generator=g)) for low, high in ranges]


def a(sure_linear):
    """Exercise 2.2.a: ‖Hy − y‖²/n + 2σ² tr(H)/n − σ²."""
    g = torch.Generator().manual_seed(221)
    for _ in range(4):
        n = int(torch.randint(5, 12, (1,), generator=g))
        H = torch.randn(n, n, generator=g).double() / n
        y = torch.randn(n, generator=g).double()
        (sigma,) = _numbers(g, (0.3, 0.8))
        answer = torch.as_tensor(sure_linear(H, y, sigma)).double()
        if answer.numel() != 1:
            return "the answer must be one number, the estimate of the risk per pixel."
        misfit, trace, v = (H @ y - y).square().mean(), torch.trace(H) / n, sigma**2
        right = misfit + 2 * v * trace - v
        if close(answer, right):
            continue
        mistakes = {
            "biased by −σ² tr(H)/n: did you drop the factor 2?": right - v * trace,
            "biased by −4σ² tr(H)/n: the sign of the divergence is flipped.": right - 4 * v * trace,
            "biased by +σ²: subtract the variance of the noise.": right + v,
            "it has σ where the formula has σ².": misfit + 2 * sigma * trace - sigma,
            "the divergence is multiplied by σ; it should be σ².": misfit + 2 * sigma * trace - v,
            "the sum of n pixels was returned: divide every term by n.": n * right,
            "the misfit is a mean and the trace is not: divide tr(H) by n.": (
                misfit + 2 * v * n * trace - v
            ),
            "the misfit is a sum: divide ‖Hy − y‖² by n.": n * misfit + 2 * v * trace - v,
            "the divergence of Hy is tr(H), not ‖H‖².": misfit + 2 * v * H.square().sum() / n - v,
            "the divergence of Hy is the trace of H, not the sum of all its entries.": (
                misfit + 2 * v * H.sum() / n - v
            ),
            "without the divergence this is the misfit: it is smallest for f(y) = y.": misfit - v,
        }
        return shown_by(answer, mistakes) or (
            f"for n = {n} and σ = {sigma:.2f} the estimate is {right:.4f}, not {answer:.4f}."
        )
    return None


def b(mc_divergence):
    """Exercise 2.2.b: bᵀ(f(y + τb) − f(y))/τ."""
    g = torch.Generator().manual_seed(222)
    for shape in ((5,), (2, 1, 4, 4), (3, 1, 2, 6)):
        weight = torch.randn(shape, generator=g).double()

        def f(y, weight=weight):
            return torch.tanh(y * (1 + weight)) + 0.2 * y

        y, probe = torch.randn(2, *shape, generator=g).double()
        (tau,) = _numbers(g, (0.02, 0.2))
        answer = torch.as_tensor(mc_divergence(f, y, probe, tau)).double()
        moved, n = f(y + tau * probe) - f(y), y.numel()
        right = (probe * moved).sum() / tau
        if answer.numel() != 1:
            return "the answer must be one number: the divergence is a sum over all pixels."
        if close(answer, right):
            continue
        mistakes = {
            "this is minus the divergence, as on the slide: f(y + τb) comes first.": -right,
            "divide by τ: a slope is a difference divided by the step.": right * tau,
            "divide by τ once, not by τ²: b is not multiplied by τ.": right / tau,
            "this is the mean over the pixels; the divergence is their sum.": right / n,
            "multiply the difference by b, entry by entry, before the sum.": moved.sum() / tau,
            "move y by τb, not by b.": (probe * (f(y + probe) - f(y))).sum() / tau,
            "subtract f(y), not y.": (probe * (f(y + tau * probe) - y)).sum() / tau,
            "subtract f(y): without it the spread is that of R2R.": (
                (probe * f(y + tau * probe)).sum() / tau
            ),
        }
        return shown_by(answer, mistakes) or (
            f"for y of shape {shape} the estimate is {right:.4f}, not {answer:.4f}."
        )
    return None


def c(mixture_mean):
    """Exercise 2.2.c: y + σ² ∇log p(y) for a mixture of Gaussians."""
    g = torch.Generator().manual_seed(223)
    for components in (2, 3, 4):
        weights = torch.rand(components, generator=g).double() + 0.1
        weights = weights / weights.sum()
        means = torch.randn(components, generator=g).double()
        t, sigma = _numbers(g, (0.1, 0.4), (0.3, 0.7))
        y = 1.5 * torch.randn(7, generator=g).double()
        answer = torch.as_tensor(mixture_mean(y, weights, means, t, sigma)).double()
        if answer.shape != y.shape:
            return f"the answer has shape {tuple(answer.shape)}; y has {tuple(y.shape)}."
        deviation = y[:, None] - means

        def score(variance, w, deviation=deviation):
            r = torch.softmax(w.log() - deviation**2 / (2 * variance), dim=-1)
            return -(r * deviation).sum(-1) / variance

        v = t**2 + sigma**2
        s = score(v, weights)
        if close(answer, y + sigma**2 * s):
            continue
        mistakes = {
            "the sign of the score is flipped: it points to where p(y) grows.": y - sigma**2 * s,
            "the score is multiplied by σ; it should be σ².": y + sigma * s,
            "this is the score itself: Tweedie's formula is y + σ² times the score.": s,
            "this is σ² times the score, the estimated noise with its sign changed: add y.": (
                sigma**2 * s
            ),
            "p is the density of y, of variance t² + σ²; you used t², the density of x.": (
                y + sigma**2 * score(t**2, weights)
            ),
            "p is the density of y, of variance t² + σ²; you used σ².": (
                y + sigma**2 * score(sigma**2, weights)
            ),
            "variances add, standard deviations do not: use t² + σ², not (t + σ)².": (
                y + sigma**2 * score((t + sigma) ** 2, weights)
            ),
            "the weights of the components are missing from r_k(y).": (
                y + sigma**2 * score(v, torch.ones_like(weights))
            ),
            "multiply the score by σ², the variance of the noise, not by t² + σ².": y + v * s,
        }
        return shown_by(answer, mistakes) or (
            f"with {components} components it is not y + σ² times the score of y."
        )
    return None


def d(robbins):
    """Exercise 2.2.d: (y + γ) p(y + γ)/p(y)."""
    g = torch.Generator().manual_seed(224)
    for _ in range(4):
        shape, scale, gain = _numbers(g, (1.5, 5.0), (0.2, 0.8), (0.05, 0.5))
        prior = priors.GammaPoisson(shape, scale, gain)
        y = gain * torch.arange(1, 9, dtype=torch.float64)
        answer = torch.as_tensor(robbins(y, prior.log_prob, gain)).double()
        if answer.shape != y.shape:
            return f"the answer has shape {tuple(answer.shape)}; y has {tuple(y.shape)}."
        now, more, less = (prior.log_prob(y + k * gain) for k in (0, 1, -1))
        ratio = (more - now).exp()
        if close(answer, (y + gain) * ratio):
            continue
        mistakes = {
            "the factor is y + γ, one photon more, not y.": y * ratio,
            "the quotient is upside down: p(y + γ) comes first.": (y + gain) / ratio,
            "log_p gives logarithms: take the exponential of their difference.": (
                (y + gain) * (more - now)
            ),
            "a quotient of probabilities, not of their logarithms.": (y + gain) * more / now,
            "this is the quotient alone: multiply it by y + γ.": ratio,
            "the step is one photon, γ in the units of y, not 1.": (
                (y + 1) * (prior.log_prob(y + 1) - now).exp()
            ),
            "add γ inside log_p and in the factor: the step is γ in both.": ((y + 1) * ratio),
            "one photon more, not one less: p(y + γ)/p(y).": (y + gain) * (now - less).exp(),
            "this is in photons: multiply by γ.": (y / gain + 1) * ratio,
            "this is the measurement itself: the quotient is missing.": y + gain,
        }
        return shown_by(answer, mistakes) or (
            f"for γ = {gain:.2f} and y = {y[2]:.2f} it is {((y + gain) * ratio)[2]:.4f}, "
            f"not {answer[2]:.4f}."
        )
    return None
