"""Transforms T_g of the image plane as operators: shifts, mirror, rotations. See `groups`."""

import math

import torch

from .base import Operator, as_numbers, as_pairs, check_image


class Action(Operator):
    """T_g for one element g or one per image; orthogonal, so that T_g⁻¹ = T_gᵀ = T_g†."""

    isometry = True

    def pinv(self, y):
        return self.adjoint(y)


class Roll(Action):
    """(T_g x)_ij = x_{i − a, j − b}, periodic. shift: (a, b) in whole pixels, (2,) or (B, 2)."""

    def __init__(self, shift):
        super().__init__()
        self.register_buffer("shift", as_pairs(shift, "shift"))

    def forward(self, x):
        check_image(self, x)
        return _rolled(x, self.shift)

    def adjoint(self, y):
        check_image(self, y, "y")
        return _rolled(y, -self.shift)


def _rolled(x, shift):
    h, w = x.shape[-2:]
    i = (torch.arange(h, device=x.device) - shift[:, :1]) % h
    j = (torch.arange(w, device=x.device) - shift[:, 1:]) % w
    batch = max(len(x), len(i))
    x = x.expand(batch, -1, -1, -1)
    x = x.gather(2, i[:, None, :, None].expand(batch, x.shape[1], h, w))
    return x.gather(3, j[:, None, None, :].expand(batch, x.shape[1], h, w))


class Flip(Action):
    """T_g x = x, or x with left and right exchanged where flip is 1. flip: 0, 1 or (B,) of them."""

    def __init__(self, flip):
        super().__init__()
        self.register_buffer("flip", torch.as_tensor(flip).bool().reshape(-1, 1, 1, 1))

    def forward(self, x):
        check_image(self, x)
        return torch.where(self.flip, x.flip(-1), x)

    def adjoint(self, y):
        check_image(self, y, "y")
        return self(y)


class Rotate(Action):
    """T_g x = x turned counter-clockwise by `angle` degrees, a number or (B,), about its centre.

    The nearest quarter turn is exact; the rest, at most 45°, is three shears,
        R(θ) = X(−tan θ/2) Y(sin θ) X(−tan θ/2),
    each of which moves a line by a fraction of a pixel by a phase of its Fourier transform, so that
    T_g is orthogonal to rounding and T_g(−θ) its inverse. Borders are periodic: what leaves a side
    enters at the other; corners mix. Square images only. Angles that are no multiple of 90° compose
    up to this border and the highest frequencies. Source: Unser, Thévenaz and Yaroslavsky (1995).
    """

    def __init__(self, angle):
        super().__init__()
        self.register_buffer("angle", as_numbers(angle, "angle").reshape(-1))
        self.quarters = bool((self._turns() % 4).any())  # whether any image needs them
        self.shears = bool((self.angle % 90).any())

    def forward(self, x):
        turns, rest = self._parts(x, "x")
        return self._shears(self._quarters(x, turns), rest)

    def adjoint(self, y):
        turns, rest = self._parts(y, "y")
        return self._quarters(self._shears(y, -rest), -turns)

    def _parts(self, x, name):
        check_image(self, x, name)
        if x.shape[-1] != x.shape[-2]:
            raise ValueError(f"{name} is {tuple(x.shape[-2:])} pixels; Rotate takes square images.")
        rest = (self.angle - 90 * self._turns()).to(x.dtype) * (math.pi / 180)
        return self._turns().view(-1, 1, 1, 1), rest.view(-1, 1, 1, 1)

    def _turns(self):
        return (self.angle / 90).round()

    def _quarters(self, x, turns):
        if not self.quarters:
            return x
        x = torch.where(turns % 2 == 1, x.rot90(1, (2, 3)), x)
        return torch.where(turns % 4 >= 2, x.flip((2, 3)), x)

    def _shears(self, x, theta):
        if not self.shears:
            return x.expand(max(len(x), len(theta)), -1, -1, -1)
        n = x.shape[-1]
        line = torch.arange(n, dtype=theta.dtype, device=x.device) - (n - 1) / 2
        outer = line[:, None] * (theta / 2).tan()  # rows below the centre move to the right
        sheared = _slide(x, outer)
        sheared = _slide(sheared.mT, -line[:, None] * theta.sin()).mT
        return torch.where(theta == 0, x, _slide(sheared, outer))


def _slide(x, t):
    """Row i of x moved to the right by t_i pixels (B, 1, H, 1), periodic, orthogonal to rounding.

    The Nyquist frequency cannot move by a fraction of a pixel and moves by round(t_i) pixels.
    """
    n = x.shape[-1]
    k = torch.arange(n // 2 + 1, device=x.device)
    t = torch.where(2 * k == n, t.round(), t)
    angle = -2 * math.pi / n * k * t
    return torch.fft.irfft(torch.polar(torch.ones_like(angle), angle) * torch.fft.rfft(x), n=n)
