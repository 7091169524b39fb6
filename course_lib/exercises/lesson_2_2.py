"""The cases of lesson 2.2: SURE of a linear filter, its divergence, Tweedie, Robbins."""

import torch

from .. import priors
from .case import Case, Draw


def sure_linear():
    """sure_linear(H, y, sigma): ‖Hy − y‖²/n + 2σ² tr(H)/n − σ²."""
    draw = Draw(221)
    for n in (5, 11):
        H, y, sigma = draw.normal(n, n) / n, draw.normal(n), draw.number(0.3, 0.8)
        misfit, trace, v = (H @ y - y).square().mean(), torch.trace(H) / n, sigma**2
        right = misfit + 2 * v * trace - v
        mistakes = {
            "biased by −σ² tr(H)/n: did you drop the factor 2?": right - v * trace,
            "biased by −4σ² tr(H)/n: the sign of the divergence is flipped.": right - 4 * v * trace,
            "biased by +σ²: subtract the variance of the noise.": right + v,
            "it has σ where the formula has σ².": misfit + 2 * sigma * trace - sigma,
            "the divergence is multiplied by σ; it should be σ².": misfit + 2 * sigma * trace - v,
            "the sum of n pixels was returned: divide every term by n.": n * right,
            "the misfit is a mean, tr(H) is not: divide it by n.": misfit + 2 * v * n * trace - v,
            "the misfit is a sum: divide ‖Hy − y‖² by n.": n * misfit + 2 * v * trace - v,
            "the divergence of Hy is tr(H), not ‖H‖².": misfit + 2 * v * H.square().sum() / n - v,
            "the divergence is tr(H), not a sum of all entries.": misfit + 2 * v * H.sum() / n - v,
            "without the divergence this is the misfit, smallest for f(y) = y.": misfit - v,
        }
        yield Case((H, y, sigma), right, mistakes, "one number, the estimate of the risk per pixel")


def mc_divergence():
    """mc_divergence(f, y, b, tau): bᵀ(f(y + τb) − f(y))/τ."""
    draw = Draw(222)
    for shape in ((5,), (2, 1, 4, 4), (3, 1, 2, 6)):
        weight, y, b = draw.normal(3, *shape)
        tau = draw.number(0.02, 0.2)

        def f(y, weight=weight):
            return torch.tanh(y * (1 + weight)) + 0.2 * y

        moved = f(y + tau * b) - f(y)
        right = (b * moved).sum() / tau
        mistakes = {
            "this is minus the divergence, as on the slide: f(y + τb) comes first.": -right,
            "divide by τ: a slope is a difference divided by the step.": right * tau,
            "divide by τ once, not by τ²: b is not multiplied by τ.": right / tau,
            "this is the mean over the pixels; the divergence is their sum.": right / y.numel(),
            "multiply the difference by b, entry by entry, before the sum.": moved.sum() / tau,
            "move y by τb, not by b.": (b * (f(y + b) - f(y))).sum() / tau,
            "subtract f(y), not y.": (b * (f(y + tau * b) - y)).sum() / tau,
            "subtract f(y): without it this spreads like R2R.": (b * f(y + tau * b)).sum() / tau,
        }
        yield Case((f, y, b, tau), right, mistakes, "one number: the sum over all pixels")


def mixture_mean():
    """mixture_mean(y, weights, means, t, sigma): y + σ² ∇log p(y) for a mixture of Gaussians."""
    draw = Draw(223)
    for components in (2, 3, 4):
        weights, means = draw.uniform(components, low=0.1, high=1.1), draw.normal(components)
        weights, y = weights / weights.sum(), 1.5 * draw.normal(7)
        t, sigma = draw.number(0.1, 0.4), draw.number(0.3, 0.7)
        deviation, v = y[:, None] - means, sigma**2

        def score(variance, w=weights, deviation=deviation):
            r = torch.softmax(w.log() - deviation**2 / (2 * variance), dim=-1)
            return -(r * deviation).sum(-1) / variance

        s = score(t**2 + v)
        mistakes = {
            "the sign of the score is flipped: it points to where p(y) grows.": y - v * s,
            "the score is multiplied by σ; it should be σ².": y + sigma * s,
            "this is the score itself: Tweedie's formula is y + σ² times the score.": s,
            "this is σ² times the score, minus the estimated noise: add y.": v * s,
            "p is the density of y, with t² + σ²; you used t², that of x.": y + v * score(t**2),
            "p is the density of y, of variance t² + σ²; you used σ².": y + v * score(v),
            "variances add: use t² + σ², not (t + σ)².": y + v * score((t + sigma) ** 2),
            "the weights are missing from r_k(y).": y + v * score(t**2 + v, weights / weights),
            "this is Σ r_k μ_k, with t² + σ² for σ²: add σ² times the score.": y + (t**2 + v) * s,
        }
        yield Case((y, weights, means, t, sigma), y + v * s, mistakes)


def robbins():
    """robbins(y, log_p, gain): (y + γ) p(y + γ)/p(y)."""
    draw = Draw(224)
    for _ in range(3):
        shape, scale, gain = draw.number(1.5, 5), draw.number(0.2, 0.8), draw.number(0.05, 0.5)
        log_p = priors.GammaPoisson(shape, scale, gain).log_prob
        y = gain * torch.arange(1, 9, dtype=torch.float64)
        now, more, less = (log_p(y + k * gain) for k in (0, 1, -1))
        ratio = (more - now).exp()
        mistakes = {
            "the factor is y + γ, one photon more, not y.": y * ratio,
            "the quotient is upside down: p(y + γ) comes first.": (y + gain) / ratio,
            "log_p gives logarithms: exponentiate their difference.": (y + gain) * (more - now),
            "a quotient of probabilities, not of their logarithms.": (y + gain) * more / now,
            "this is the quotient alone: multiply it by y + γ.": ratio,
            "the step is one photon, γ in y's units, not 1.": (y + 1) * (log_p(y + 1) - now).exp(),
            "add γ inside log_p and in the factor: the step is γ in both.": (y + 1) * ratio,
            "one photon more, not one less: p(y + γ)/p(y).": (y + gain) * (now - less).exp(),
            "this is in photons: multiply by γ.": (y / gain + 1) * ratio,
            "this is the measurement itself: the quotient is missing.": y + gain,
        }
        yield Case((y, log_p, gain), (y + gain) * ratio, mistakes)


EXERCISES = {"a": sure_linear, "b": mc_divergence, "c": mixture_mean, "d": robbins}
