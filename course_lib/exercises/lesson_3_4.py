"""The checks of lesson 3.4: a baseline, the dirty beam, another night."""

import math

import torch


def _close(answer, right):
    return torch.allclose(answer, torch.as_tensor(right).double(), rtol=1e-5, atol=1e-8)


def _named(answer, mistakes):
    """The sentence whose wrong value the answer has, or None."""
    for sentence, wrong in mistakes.items():
        if _close(answer, wrong):
            return sentence
    return None


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
        if _close(answer, right):
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
        named = _named(answer, in_degrees)
        if named:
            return named
        for i, name in enumerate("uv"):
            if not _close(answer[i], right[i]):
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
        if _close(answer, right):
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
        return _named(answer, mistakes) or (
            f"for {count} visibilities it differs by up to {(answer - right).abs().max():.3g}."
        )
    return None


def c(another_night):
    """Exercise 3.4.c: (1/n) ‖f(A_h x̂ + ε, A_h) − x̂‖², x̂ = f(y, A)."""
    g = torch.Generator().manual_seed(343)
    for batch, n, m in ((3, 6, 4), (2, 8, 5)):
        A_matrix, other_matrix = torch.randn(2, m, n, generator=g).double()

        def A(x, M=A_matrix):
            return x @ M.T

        def A_other(x, M=other_matrix):
            return x @ M.T

        def f(y, B, A=A, A_matrix=A_matrix, other_matrix=other_matrix):
            return torch.tanh(y @ (A_matrix if B is A else other_matrix)) + 0.1

        x, (e, e_y) = (
            torch.randn(batch, n, generator=g).double(),
            torch.randn(2, batch, m, generator=g).double(),
        )
        y, epsilon = A(x) + 0.3 * e_y, 0.5 * e
        answer = torch.as_tensor(another_night(f, y, A, A_other, epsilon)).double()
        if answer.numel() != 1:
            return "the answer must be one number, a mean over all pixels."
        x_hat = f(y, A)
        y_other = A_other(x_hat) + epsilon
        right = (f(y_other, A_other) - x_hat).square().mean()
        if _close(answer, right):
            continue
        mistakes = {
            "add the noise epsilon to the virtual measurement.": (
                (f(A_other(x_hat), A_other) - x_hat).square().mean()
            ),
            "you measured with the same night again: A_other both times.": (
                (f(A(x_hat) + epsilon, A) - x_hat).square().mean()
            ),
            "tell f by which night it was measured: its second argument is A_other.": (
                (f(y_other, A) - x_hat).square().mean()
            ),
            "the target is x_hat, not its measurement: compare images.": (
                (A_other(f(y_other, A_other)) - A_other(x_hat)).square().mean()
            ),
            "this compares measurements with y; compare f's second image with x_hat.": (
                (A(f(y_other, A_other)) - y).square().mean()
            ),
            "reconstruct y with A first; you used A_other for it.": (
                (f(A_other(f(y, A_other)) + epsilon, A_other) - f(y, A_other)).square().mean()
            ),
            "this is a sum: take the mean over all pixels.": right * x_hat.numel(),
            "sum over pixels, divided by the images only: divide by the pixels too.": right * n,
            "square the differences.": (f(y_other, A_other) - x_hat).mean(),
            "square the differences; you took absolute values.": (
                (f(y_other, A_other) - x_hat).abs().mean()
            ),
            "this is the root of the mean square; leave out the root.": right.sqrt(),
        }
        return _named(answer, mistakes) or f"the loss is {right:.4f}, not {float(answer):.4f}."
    return None
