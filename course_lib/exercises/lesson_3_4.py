"""The checks of lesson 3.4: a baseline, the dirty beam, the unknowns of a sky."""

import math

import torch

from .answers import close, shown_by


def a(baseline):
    """Exercise 3.4.a: (u, v) of a baseline, for a declination and a turn of the earth."""
    g = torch.Generator().manual_seed(341)
    for wavelength in (1.3e-3, 3.5e-3):
        b = 5e6 * torch.randn(3, generator=g).double()
        delta, theta = torch.rand(2, generator=g).double() + 0.2
        pair = baseline(b, delta, theta, wavelength)
        if len(pair) != 2:
            return "return two numbers, u and v."
        u, v = (torch.as_tensor(part).double() for part in pair)
        if u.numel() != 1 or v.numel() != 1:
            return "u and v are one number each for one baseline."
        X, Y, Z = b
        toward, east = X * theta.cos() - Y * theta.sin(), X * theta.sin() + Y * theta.cos()
        answer = torch.stack([u.reshape(()), v.reshape(())]) * wavelength / 1e6  # in 1000 km
        right = torch.stack([east, Z * delta.cos() - toward * delta.sin()]) / 1e6
        if close(answer, right):
            continue
        other = X * theta.cos() + Y * theta.sin(), Y * theta.cos() - X * theta.sin()
        in_degrees = {
            "cos and sin take radians here, as delta and theta are given: do not convert them.": (
                _uv(b, delta * math.pi / 180, theta * math.pi / 180)
            ),
            "divide by the wavelength: u and v are in wavelengths.": right * wavelength,
            "divide by the wavelength; do not multiply by it.": right * wavelength**2,
            "u and v are swapped.": right.flip(0),
            "u is right; v has Z cos δ minus the other term, not plus.": (
                torch.stack([east, Z * delta.cos() + toward * delta.sin()]) / 1e6
            ),
            "u is right; in v, cos δ and sin δ are swapped.": (
                torch.stack([east, Z * delta.sin() - toward * delta.cos()]) / 1e6
            ),
            "the earth turns the other way: check the signs of the sines of θ.": (
                torch.stack([other[1], Z * delta.cos() - other[0] * delta.sin()]) / 1e6
            ),
        }
        named = shown_by(answer, in_degrees)
        if named:
            return named
        for i, name in enumerate("uv"):
            if not close(answer[i], right[i]):
                return (
                    f"{name} is {float(right[i]) * 1e6 / wavelength:.4g} wavelengths, not "
                    f"{float(answer[i]) * 1e6 / wavelength:.4g}."
                )
    return None


def _uv(b, delta, theta):
    X, Y, Z = b
    toward, east = X * theta.cos() - Y * theta.sin(), X * theta.sin() + Y * theta.cos()
    return torch.stack([east, Z * delta.cos() - toward * delta.sin()]) / 1e6


def b(dirty_beam):
    """Exercise 3.4.b: Σ w cos 2π(ul + vm) / Σ w."""
    g = torch.Generator().manual_seed(342)
    for count, size in ((7, (4, 5)), (12, (6, 3))):
        u, v = 1e9 * torch.randn(2, count, generator=g).double()
        w = 0.2 + torch.rand(count, generator=g).double()
        l, m = 2e-10 * torch.randn(2, *size, generator=g).double()  # noqa: E741
        answer = torch.as_tensor(dirty_beam(u, v, w, l, m)).double()
        if answer.shape != l.shape:
            return f"the answer has shape {tuple(answer.shape)}; l has {tuple(l.shape)}."
        weight, turns = w[:, None, None], u[:, None, None] * l + v[:, None, None] * m
        phase, crossed = 2 * math.pi * turns, u[:, None, None] * m + v[:, None, None] * l
        right = (weight * phase.cos()).sum(0) / w.sum()
        if close(answer, right):
            continue
        mistakes = {
            "divide by b(0), the sum of the weights, not by the number of visibilities.": (
                (weight * phase.cos()).mean(0)
            ),
            "this is b: divide it by b(0), the sum of the weights.": right * w.sum(),
            "the weights are missing: each cosine counts w_k.": phase.cos().mean(0),
            "the factor 2π is missing in the phase.": (weight * turns.cos()).sum(0) / w.sum(),
            "the beam is a sum of cosines, not of sines.": (weight * phase.sin()).sum(0) / w.sum(),
            "w is the weight 1/σ² already: do not square it.": (
                (weight**2 * phase.cos()).sum(0) / w.square().sum()
            ),
            "the phase is u l + v m, with a plus.": (
                (weight * (phase - 4 * math.pi * v[:, None, None] * m).cos()).sum(0) / w.sum()
            ),
            "l goes with u, and m with v.": (
                (weight * (2 * math.pi * crossed).cos()).sum(0) / w.sum()
            ),
        }
        return shown_by(answer, mistakes) or (
            f"for {count} visibilities it differs by up to {(answer - right).abs().max():.3g}."
        )
    return None


def c(unknowns):
    """Exercise 3.4.c: z = (WᵀW + I)⁻¹ Wᵀ r."""
    g = torch.Generator().manual_seed(343)
    for m, k in ((7, 3), (4, 5)):
        W, r = torch.randn(m, k, generator=g).double(), torch.randn(m, generator=g).double()
        answer = torch.as_tensor(unknowns(W, r)).double()
        if answer.shape != (k,):
            return f"the answer has shape {tuple(answer.shape)}; use ({k},), as W has {k} columns."
        eye = torch.eye(k, dtype=torch.float64)
        right = torch.linalg.solve(W.T @ W + eye, W.T @ r)
        if close(answer, right):
            continue
        mistakes = {
            "the identity is missing: without it weakly seen unknowns are pure noise.": (
                torch.linalg.pinv(W) @ r
            ),
            "this is Wᵀ r: solve with WᵀW + I.": W.T @ r,
            "multiply by the inverse of WᵀW + I, not by WᵀW + I itself.": (
                (W.T @ W + eye) @ W.T @ r
            ),
            "add the identity matrix, torch.eye, not the number 1 to every entry.": (
                torch.linalg.solve(W.T @ W + 1 + 1e-12 * eye, W.T @ r)
            ),
            "subtract nothing: it is WᵀW plus the identity.": (
                torch.linalg.solve(W.T @ W - eye, W.T @ r)
            ),
            "the sign is turned: r is y − Aμ already.": -right,
        }
        return shown_by(answer, mistakes) or (
            f"for m = {m}, k = {k} it differs by up to {(answer - right).abs().max():.3g}."
        )
    return None
