"""Transforms T_g of the image plane as operators: shifts, mirror, rotations. See `groups`."""

import math

import torch

from .base import Operator
from .parameters import as_numbers, as_pairs


class Action(Operator):
    """T_g for one element g or one per image; orthogonal, so that T_g⁻¹ = T_gᵀ = T_g†."""

    isometry = True
    selects = "pixels"
    takes = gives = ("C", "H", "W")


class Roll(Action):
    """(T_g x)_ij = x_{i − a, j − b}, periodic.

    Arguments:
        shift: (a, b) in whole pixels, down and to the right, (2,) or (B, 2) for one per image

    Example:
        >>> operators.Roll((0, 1))(torch.arange(3.0).view(1, 1, 1, 3)).flatten().tolist()
        [2.0, 0.0, 1.0]
    """

    def __init__(self, shift: "tuple | torch.Tensor"):
        super().__init__()
        self.register_buffer("shift", as_pairs(shift, "shift"))

    def forward(self, x):
        return _rolled(x, self.shift)

    def adjoint(self, y):
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
    """T_g x = x, or x with left and right exchanged.

    Arguments:
        flip: 1 (or True) to exchange them, 0 not to, or (B,) of them

    Example:
        >>> operators.Flip(1)(torch.arange(3.0).view(1, 1, 1, 3)).flatten().tolist()
        [2.0, 1.0, 0.0]
    """

    def __init__(self, flip: "int | torch.Tensor"):
        super().__init__()
        self.register_buffer("flip", torch.as_tensor(flip).bool().reshape(-1, 1, 1, 1))

    def forward(self, x):
        return torch.where(self.flip, x.flip(-1), x)

    adjoint = forward


class Rotate(Action):
    """T_g x = x turned counter-clockwise about its centre. Square images only.

    The nearest quarter turn is exact; the rest, at most 45°, is three shears,
        R(θ) = X(−tan θ/2) Y(sin θ) X(−tan θ/2),
    each of which moves a line by a fraction of a pixel by a phase of its Fourier transform, so that
    T_g is orthogonal to rounding and T_g(−θ) its inverse. Borders are periodic: what leaves a side
    enters at the other; corners mix. Angles that are no multiple of 90° compose up to this border
    and the highest frequencies. Source: Unser, Thévenaz and Yaroslavsky (1995).

    Arguments:
        angle: degrees, a number or (B,)

    Example:
        >>> x = torch.rand(1, 1, 8, 8)
        >>> T = operators.Rotate(30.0)
        >>> round(float(T(x).norm() / x.norm()), 5), torch.allclose(T.pinv(T(x)), x, atol=1e-5)
        (1.0, True)
    """

    selects = "coefficients"
    takes = gives = ("C", "N", "N")

    def __init__(self, angle: "float | torch.Tensor"):
        super().__init__()
        self.register_buffer("angle", as_numbers(angle, "angle", ()))
        self.shears = bool((self.angle % 90).any())  # whether any image needs them

    def forward(self, x):
        return self._sheared(self._turned(x, 1), 1)

    def adjoint(self, y):
        return self._turned(self._sheared(y, -1), -1)

    def _turns(self):
        return (self.angle / 90).round().view(-1, 1, 1, 1)

    def _turned(self, x, sign):
        turns = sign * self._turns()
        x = torch.where(turns % 2 == 1, x.rot90(1, (2, 3)), x)
        return torch.where(turns % 4 >= 2, x.flip((2, 3)), x)

    def _sheared(self, x, sign):
        if not self.shears:
            return x.expand(max(len(x), self.count), -1, -1, -1)
        theta = self.angle.view(-1, 1, 1, 1) - 90 * self._turns()
        theta, n = sign * theta.to(x.dtype) * (math.pi / 180), x.shape[-1]
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
