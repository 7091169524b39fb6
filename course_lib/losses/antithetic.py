"""The two terms of Stein's identity, entry by entry, that SURE and all its kin add up."""

STILL = 0.1  # the step of the divergence in evaluation mode, in noise standard deviations


def antithetic(Af, y, target, plus, minus, training):
    """(fit, d): ½ Σ_± (f^± − y)² and f⁺ − f⁻ in every entry, f^± = Af(y^±), Af: u → A f(u, A).

    y^± are twins of y (`noise.twins`): for y ± τp the even terms of f cancel in d, so that it is
    less noisy than f(y + τp) − f(y) at the same cost. In evaluation mode fit is (Af(y) − y)², the
    misfit at y itself, for one evaluation more. target: y, 0 where A measures nothing.
    """
    f_plus, f_minus = Af(plus), Af(minus)
    if training:
        fit = ((f_plus - target).square() + (f_minus - target).square()) / 2
    else:
        fit = (Af(y) - target).square()
    return fit, f_plus - f_minus


def step(tau, training):
    """τ in training; in evaluation mode no more than a small one, for the risk at y."""
    return tau if training else min(tau, STILL)
