"""Conjugate gradient, for the pseudo-inverse and for the data step of unrolled networks."""

import torch


def conjugate_gradient(H, b, iterations=50, tolerance=1e-6):
    """x with Hx = b, H symmetric and positive semi-definite, from x = 0: Hestenes, Stiefel (1952).

    H: a function of x (B, C, H, W). x stays in the range of H, so that for H = AᵀA, b = Aᵀy it goes
    to A†y. Stops when every image's residual has fallen by `tolerance`, or to rounding, beyond
    which the iteration would leave that range and diverge. Differentiable in b and in what H holds.
    """
    x, r, p = torch.zeros_like(b), b, b
    rr = dot(r, r)
    tiny = torch.finfo(b.dtype).tiny
    stop = max(tolerance, 8 * torch.finfo(b.dtype).eps) ** 2 * rr
    for _ in range(iterations):
        if (rr <= stop).all():
            break
        q = H(p)
        step = rr / dot(p, q).clamp_min(tiny)
        x, r = x + step * p, r - step * q
        previous, rr = rr, dot(r, r)
        p = r + rr / previous.clamp_min(tiny) * p
    return x


def dot(a, b):
    """⟨a, b⟩ per image, shaped to broadcast."""
    return (a * b).flatten(1).sum(1).view(-1, *[1] * (a.ndim - 1))
