"""Exercises of lesson 3.4: the right answer passes, each likely mistake is named."""

import math

import torch


def baseline(b, delta, theta, wavelength, sign=1):
    X, Y, Z = b
    toward = X * theta.cos() - sign * Y * theta.sin()
    east = sign * X * theta.sin() + Y * theta.cos()
    return east / wavelength, (Z * delta.cos() - toward * delta.sin()) / wavelength


def beam(u, v, w, l, m, power=1, turn=2 * math.pi, wave=torch.cos):  # noqa: E741
    w = w**power
    phase = turn * (u[:, None, None] * l + v[:, None, None] * m)
    return (w[:, None, None] * wave(phase)).sum(0) / w.sum()


def unknowns(W, r, plus=1.0):
    return torch.linalg.solve(W.T @ W + plus * torch.eye(W.shape[1], dtype=W.dtype), W.T @ r)


RIGHT = {
    "3.4.a": baseline,
    "3.4.b": beam,
    "3.4.c": unknowns,
}

WRONG = [
    ("3.4.a", lambda *q: baseline(*q)[::-1], "swapped"),
    ("3.4.a", lambda b, d, t, w: baseline(b, d, t, 1.0), "in wavelengths"),
    ("3.4.a", lambda b, d, t, w: baseline(b, d, t, 1 / w), "do not multiply"),
    ("3.4.a", lambda *q: baseline(*q, sign=-1), "the other way"),
    ("3.4.a", lambda b, d, t, w: baseline(b, -d, t, w), "not plus"),
    ("3.4.a", lambda b, d, t, w: baseline(b, math.pi / 2 - d, t, w), "are swapped"),
    (
        "3.4.a",
        lambda b, d, t, w: baseline(b, d * math.pi / 180, t * math.pi / 180, w),
        "radians",
    ),
    ("3.4.a", lambda b, d, t, w: (baseline(b, d, t, w)[0], torch.zeros(())), "not 2.352e+09, 0"),
    ("3.4.b", lambda u, v, w, s, t: beam(u, v, w, s, t) * w.sum(), "this is b"),
    ("3.4.b", lambda u, v, w, s, t: beam(u, v, w, s, t) * w.mean(), "divide by b"),
    ("3.4.b", lambda *q: beam(*q, power=0), "weights are missing"),
    ("3.4.b", lambda *q: beam(*q, power=2), "do not square"),
    ("3.4.b", lambda *q: beam(*q, turn=1), "2π is missing"),
    ("3.4.b", lambda *q: beam(*q, wave=torch.sin), "not of sines"),
    ("3.4.b", lambda u, v, w, s, t: beam(u, -v, w, s, t), "with a plus"),
    ("3.4.b", lambda u, v, w, s, t: beam(v, u, w, s, t), "l goes with u"),
    ("3.4.b", lambda *q: beam(*q, wave=lambda p: torch.exp(1j * p)), "complex"),
    ("3.4.b", lambda u, v, w, s, t: beam(u, v, w, s, t)[0], "has shape"),
    ("3.4.c", lambda W, r: torch.linalg.pinv(W) @ r, "identity is missing"),
    ("3.4.c", lambda W, r: W.T @ r, "this is Wᵀ r"),
    ("3.4.c", lambda W, r: W.T @ W @ W.T @ r + W.T @ r, "by the inverse"),
    ("3.4.c", lambda W, r: torch.linalg.solve(W.T @ W + 1, W.T @ r), "torch.eye"),
    ("3.4.c", lambda W, r: unknowns(W, r, -1.0), "plus the identity"),
    ("3.4.c", lambda W, r: -unknowns(W, r), "the sign"),
    ("3.4.c", lambda W, r: W @ unknowns(W, r), "has shape"),
    ("3.4.c", lambda W, r: unknowns(W, r, 2.0), "it is"),
]
