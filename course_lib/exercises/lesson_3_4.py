"""The cases of lesson 3.4: a baseline, the dirty beam, the unknowns of a sky."""

from math import pi

import torch

from .case import Case, Draw


def baseline():
    """baseline(b, delta, theta, wavelength): (u, v) for a declination and a turn of the earth."""
    draw = Draw(341)
    for wavelength in (1.3e-3, 3.5e-3):
        b, (delta, theta) = 5e6 * draw.normal(3), draw.uniform(2, low=0.2, high=1.2)

        def uv(delta, theta, b=b, wavelength=wavelength):
            X, Y, Z = b
            u = X * theta.sin() + Y * theta.cos()
            v = Z * delta.cos() - (X * theta.cos() - Y * theta.sin()) * delta.sin()
            return torch.stack([u, v]) / wavelength

        right, converted = uv(delta, theta), (delta * pi / 180, theta * pi / 180)
        mistakes = {
            "delta and theta are in radians: do not convert them.": uv(*converted),
            "divide by the wavelength: u and v are in wavelengths.": right * wavelength,
            "divide by the wavelength; do not multiply by it.": right * wavelength**2,
            "u and v are swapped.": right.flip(0),
            "u is right; v has Z cos δ minus the other term, not plus.": uv(-delta, theta),
            "u is right; in v, cos δ and sin δ are swapped.": uv(pi / 2 - delta, theta),
            "the earth turns the other way: check the signs of sin θ.": uv(delta, -theta),
        }
        yield Case((b, delta, theta, wavelength), right, mistakes, "two numbers, u and v")


def dirty_beam():
    """dirty_beam(u, v, w, l, m): Σ w cos 2π(ul + vm) / Σ w."""
    draw = Draw(342)
    for count, size in ((7, (4, 5)), (12, (6, 3))):
        (u, v), w = 1e9 * draw.normal(2, count), draw.uniform(count, low=0.2, high=1.2)
        l, m = 2e-10 * draw.normal(2, *size)  # noqa: E741

        def beam(u, v, turn=2 * pi, w=w, wave=torch.cos, l=l, m=m):  # noqa: E741
            phase = turn * (u[:, None, None] * l + v[:, None, None] * m)
            return (w[:, None, None] * wave(phase)).sum(0) / w.sum()

        right = beam(u, v)
        mistakes = {
            "divide by b(0), the sum of the weights, not by their number.": right * w.mean(),
            "this is b: divide it by b(0), the sum of the weights.": right * w.sum(),
            "the weights are missing: each cosine counts w_k.": beam(u, v, w=torch.ones_like(w)),
            "the factor 2π is missing in the phase.": beam(u, v, 1),
            "the beam is a sum of cosines, not of sines.": beam(u, v, wave=torch.sin),
            "w is the weight 1/σ² already: do not square it.": beam(u, v, w=w**2),
            "the phase is u l + v m, with a plus.": beam(u, -v),
            "l goes with u, and m with v.": beam(v, u),
        }
        yield Case((u, v, w, l, m), right, mistakes)


def unknowns():
    """unknowns(W, r): z = (WᵀW + I)⁻¹ Wᵀ r."""
    draw = Draw(343)
    for m, k in ((7, 3), (4, 5)):
        W, r, eye, solve = draw.normal(m, k), draw.normal(m), torch.eye(k), torch.linalg.solve
        M, back = W.T @ W, W.T @ r
        right = solve(M + eye, back)
        mistakes = {
            "the identity is missing: weakly seen unknowns are noise.": torch.linalg.pinv(W) @ r,
            "this is Wᵀ r: solve with WᵀW + I.": back,
            "multiply by the inverse of WᵀW + I, not by WᵀW + I itself.": (M + eye) @ back,
            "add the identity, torch.eye, not 1 to every entry.": solve(M + 1 + 1e-12 * eye, back),
            "subtract nothing: it is WᵀW plus the identity.": solve(M - eye, back),
            "the sign is turned: r is y − Aμ already.": -right,
        }
        yield Case((W, r), right, mistakes, f"({k},), as W has {k} columns")


EXERCISES = {"a": baseline, "b": dirty_beam, "c": unknowns}
