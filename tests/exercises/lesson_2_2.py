"""Exercises of lesson 2.2: the right answer passes, each likely mistake is named."""

import torch


def linear(H, y, v, misfit=1.0, factor=2.0, constant=1.0):
    return (
        misfit * (H @ y - y).square().mean() + factor * v * torch.trace(H) / len(y) - constant * v
    )


def tweedie(y, weights, means, variance, step, sign=1):
    deviation = y[:, None] - means
    r = torch.softmax(weights.log() - deviation**2 / (2 * variance), dim=-1)
    return y - sign * step * (r * deviation).sum(-1) / variance


def responsible(y, weights, means, t, sigma):
    deviation = y[:, None] - means
    return torch.softmax(weights.log() - deviation**2 / (2 * t**2 + 2 * sigma**2), -1) @ means


def ratio(y, log_p, gain):
    return torch.exp(log_p(y + gain) - log_p(y))


RIGHT = {
    "2.2.a": lambda H, y, s: linear(H, y, s**2),
    "2.2.b": lambda f, y, b, tau: (b * (f(y + tau * b) - f(y))).sum() / tau,
    "2.2.c": lambda y, w, m, t, s: tweedie(y, w, m, t**2 + s**2, s**2),
    "2.2.d": lambda y, log_p, gain: (y + gain) * ratio(y, log_p, gain),
}

WRONG = [
    ("2.2.a", lambda H, y, s: linear(H, y, s**2, factor=1), "drop the factor 2"),
    ("2.2.a", lambda H, y, s: linear(H, y, s**2, factor=-2), "sign of the divergence"),
    ("2.2.a", lambda H, y, s: linear(H, y, s**2, constant=0), "biased by +σ²"),
    ("2.2.a", lambda H, y, s: linear(H, y, s), "σ where the formula has σ²"),
    ("2.2.a", lambda H, y, s: linear(H, y, s) + s - s**2, "multiplied by σ;"),
    ("2.2.a", lambda H, y, s: len(y) * linear(H, y, s**2), "divide every term by n"),
    ("2.2.a", lambda H, y, s: linear(H, y, s**2, factor=2 * len(y)), "divide it by n"),
    ("2.2.a", lambda H, y, s: linear(H, y, s**2, misfit=len(y)), "the misfit is a sum"),
    (
        "2.2.a",
        lambda H, y, s: linear(H, y, s**2, factor=0) + 2 * s**2 * H.square().sum() / len(y),
        "not ‖H‖²",
    ),
    (
        "2.2.a",
        lambda H, y, s: linear(H, y, s**2, factor=0) + 2 * s**2 * H.sum() / len(y),
        "not a sum of all",
    ),
    ("2.2.a", lambda H, y, s: linear(H, y, s**2, factor=0), "without the divergence"),
    ("2.2.a", lambda H, y, s: H @ y, "one number"),
    ("2.2.a", lambda H, y, s: 0.0, "not 0."),
    ("2.2.b", lambda f, y, b, tau: (b * (f(y) - f(y + tau * b))).sum() / tau, "as on the slide"),
    ("2.2.b", lambda f, y, b, tau: (b * (f(y + tau * b) - f(y))).sum(), "divide by τ:"),
    ("2.2.b", lambda f, y, b, tau: (b * (f(y + tau * b) - f(y))).sum() / tau**2, "by τ once"),
    ("2.2.b", lambda f, y, b, tau: (b * (f(y + tau * b) - f(y))).mean() / tau, "their sum"),
    ("2.2.b", lambda f, y, b, tau: (f(y + tau * b) - f(y)).sum() / tau, "entry by entry"),
    ("2.2.b", lambda f, y, b, tau: (b * (f(y + b) - f(y))).sum() / tau, "not by b"),
    ("2.2.b", lambda f, y, b, tau: (b * (f(y + tau * b) - y)).sum() / tau, "not y"),
    ("2.2.b", lambda f, y, b, tau: (b * f(y + tau * b)).sum() / tau, "like R2R"),
    ("2.2.b", lambda f, y, b, tau: b * (f(y + tau * b) - f(y)) / tau, "one number"),
    ("2.2.b", lambda f, y, b, tau: 0.0, "not 0."),
    ("2.2.c", lambda y, w, m, t, s: tweedie(y, w, m, t**2 + s**2, s**2, -1), "sign"),
    ("2.2.c", lambda y, w, m, t, s: tweedie(y, w, m, t**2 + s**2, s), "should be σ²"),
    ("2.2.c", lambda y, w, m, t, s: tweedie(y, w, m, t**2 + s**2, 1) - y, "the score itself"),
    ("2.2.c", lambda y, w, m, t, s: tweedie(y, w, m, t**2 + s**2, s**2) - y, "add y"),
    ("2.2.c", lambda y, w, m, t, s: tweedie(y, w, m, t**2, s**2), "that of x"),
    ("2.2.c", lambda y, w, m, t, s: tweedie(y, w, m, s**2, s**2), "you used σ²"),
    ("2.2.c", lambda y, w, m, t, s: tweedie(y, w, m, (t + s) ** 2, s**2), "(t + σ)²"),
    ("2.2.c", lambda y, w, m, t, s: tweedie(y, w / w, m, t**2 + s**2, s**2), "weights"),
    ("2.2.c", lambda y, w, m, t, s: tweedie(y, w, m, t**2 + s**2, t**2 + s**2), "for σ²"),
    ("2.2.c", responsible, "Σ r_k μ_k"),
    ("2.2.c", lambda y, w, m, t, s: y[:, None] - m, "shape"),
    ("2.2.c", lambda y, w, m, t, s: y, "differs by"),
    ("2.2.d", lambda y, log_p, gain: y * ratio(y, log_p, gain), "y + γ, one photon more"),
    ("2.2.d", lambda y, log_p, gain: (y + gain) / ratio(y, log_p, gain), "upside down"),
    ("2.2.d", lambda y, log_p, gain: (y + gain) * (log_p(y + gain) - log_p(y)), "exponentiate"),
    ("2.2.d", lambda y, log_p, gain: (y + gain) * log_p(y + gain) / log_p(y), "not of their log"),
    ("2.2.d", lambda y, log_p, gain: ratio(y, log_p, gain), "quotient alone"),
    ("2.2.d", lambda y, log_p, gain: (y + 1) * ratio(y, log_p, 1), "not 1"),
    ("2.2.d", lambda y, log_p, gain: (y + 1) * ratio(y, log_p, gain), "γ in both"),
    ("2.2.d", lambda y, log_p, gain: (y + gain) * ratio(y - gain, log_p, gain), "not one less"),
    ("2.2.d", lambda y, log_p, gain: (y / gain + 1) * ratio(y, log_p, gain), "in photons"),
    ("2.2.d", lambda y, log_p, gain: y + gain, "quotient is missing"),
    ("2.2.d", lambda y, log_p, gain: ratio(y, log_p, gain).mean(), "shape"),
    ("2.2.d", lambda y, log_p, gain: 0 * y, "differs by"),
]
