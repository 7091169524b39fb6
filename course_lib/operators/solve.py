"""Conjugate gradient, for the pseudo-inverse and for the data step of unrolled networks."""

import warnings

import torch

from .guard import single


def conjugate_gradient(H, b, iterations=50, tolerance=1e-6):
    """x with Hx = b, H symmetric and positive semi-definite, from x = 0: Hestenes, Stiefel (1952).

    H: a function of x (B, C, H, W). x stays in the range of H, so that for H = AᵀA, b = Aᵀy it goes
    to A†y. Each image is in units of its largest |b|, and is left alone when it is done: when its
    residual has fallen by `tolerance`, or when it and the next direction are but rounding, beyond
    which the iteration would leave that range and diverge. What becomes of an image does not depend
    on the others of its batch. Warns of images whose residual does not fall at all. In float32 at
    least. Differentiable in b and in what H holds.
    """
    b = single(b)
    unit, eps = largest(b), torch.finfo(b.dtype).eps
    x, r, p = torch.zeros_like(b), b / unit, b / unit
    first = rr = dot(r, r)
    stop = max(tolerance, 8 * eps) ** 2 * first
    going, top = rr > stop, torch.zeros_like(rr)
    for _ in range(1 if b.is_meta else iterations):  # where there are no numbers, shapes will do
        if not (b.is_meta or going.any()):
            break
        q = H(p)
        pq, pp = dot(p, q), dot(p, p).detach()
        eigenvalue = pq.detach() / pp  # between the least and the largest one of H
        top = top.maximum(eigenvalue)
        going = going & (eigenvalue > eps * top)
        step = torch.where(going, rr / torch.where(going, pq, 1), 0)
        x, r = x + step * p, r - step * q
        before, rr = rr, dot(r, r)
        p = r + torch.where(going, rr / torch.where(going, before, 1), 0) * p
        going = going & (rr > stop)
    failed = ~((rr < first) | (first <= stop))
    if not b.is_meta and failed.any():
        warnings.warn(
            f"the residual of {int(failed.sum())} of {len(b)} images did not fall in conjugate "
            "gradient: see that b is finite and that `adjoint` is the exact adjoint of `forward`.",
            stacklevel=2,
        )
    return unit * x


def dot(a, b):
    """⟨a, b⟩ per image, shaped to broadcast; summed by rows, so that no other image changes it."""
    product = (a * b).contiguous()
    while product.ndim > 1:
        product = product.sum(-1)
    return product.view(-1, *[1] * (a.ndim - 1))


def largest(a):
    """max |a| per image, 1 for a black one, NaN for one that holds NaN, shaped to broadcast;
    without gradient."""
    most = a.detach().flatten(1).abs().amax(1).view(-1, *[1] * (a.ndim - 1))
    return torch.where(most == 0, 1, most)
