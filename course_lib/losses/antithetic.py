"""The two terms of Stein's identity, entry by entry, that SURE and all its kin add up."""

from .base import measured, misfit, observed, variance

STILL = 0.1  # the step of the divergence in evaluation mode, in noise standard deviations


def antithetic(f, y, A, plus, minus, training):
    """(fit, d): ½ Σ_± (f^± − y)² and f⁺ − f⁻ in every entry, f^± = A f(y^±, A).

    y^± are twins of y (`noise.twins`): for y ± τp the even terms of f cancel in d, so that it is
    less noisy than f(y + τp) − f(y) at the same cost. In evaluation mode fit is (A f(y, A) − y)²,
    the misfit at y itself, for one evaluation more.
    """
    f_plus, f_minus, target = measured(f, plus, A), measured(f, minus, A), observed(y, A)
    both = (f_plus - target).square() + (f_minus - target).square()
    return both / 2 if training else misfit(f, y, y, A), f_plus - f_minus


def stein(f, y, A, noise, tau, training, generator=None):
    """(fit, s): the misfit of `antithetic` at y^±, q = noise.twins(y, τ), and 2 q d − v(y): their
    sum is SURE. In evaluation mode τ is no more than a small step, for the risk at y."""
    plus, minus, q = noise.twins(y, tau if training else min(tau, STILL), generator)
    fit, d = antithetic(f, y, A, plus, minus, training)
    return fit, 2 * q * d - variance(noise, y, A)
