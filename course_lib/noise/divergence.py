"""Ways to the weighted divergence Σ_i v_i ∂f_i/∂y_i(y) of a map f: y → f(y).

They need a pair of probes (p, q) with E[q pᵀ] = diag(v): then E qᵀ J p = Σ_i v_i J_ii, where
J = ∂f/∂y. For v = σ² the pair is p = q = σb with b ~ N(0, I); for noise of covariance Σ it is
p = q ~ N(0, Σ), which gives tr(ΣJ).
"""

import torch


def monte_carlo(f, y, fy, p, q, tau):
    """qᵀ (f(y + τp) − f(y)) / τ: one more evaluation of f (Ramani et al. 2008).

    Note the order: f(y + τp) comes first. Exact in expectation for linear f; for other f it is
    the divergence of f smoothed at the scale of τp. `fy` is f(y), already known.
    """
    return (q * (f(y + tau * p) - fy)).sum() / tau


def hutchinson(f, y, p, q):
    """qᵀ J p by forward-mode differentiation: the limit τ → 0 (Hutchinson 1989)."""
    _, Jp = torch.func.jvp(f, (y,), (p,))
    return (q * Jp).sum()


def pixels(y):
    """Each pixel's indicator e_i, shaped (1, ...) like one image of y: a loop over all pixels."""
    n = y[0].numel()
    if n > 4096:
        raise ValueError(
            f"y has {n} pixels an image; the exact form evaluates f once a pixel and is for at "
            "most 4096: use method='mc'."
        )
    for e in torch.eye(n, dtype=y.dtype, device=y.device):
        yield e.view(1, *y.shape[1:])


def partials(f, y, covariance=lambda e: e, change=0.0):
    """(J Σ)_ii at every entry i, shaped like y: ∂f_i/∂y_i for Σ = I; one evaluation per pixel.

    covariance: u → Σu; J is taken at y with entry i moved by `change`. The images of a batch must
    not influence each other in f (no batch normalisation).
    """
    directions = ((e, covariance(e.expand_as(y).contiguous())) for e in pixels(y))
    return sum(e * torch.func.jvp(f, (y + change * e,), (p,))[1] for e, p in directions)


def finite(f, y, change):
    """f_i(y with entry i moved by change_i) at every entry i, shaped like y."""
    return sum(e * f(y + change * e) for e in pixels(y))
