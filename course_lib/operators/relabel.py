"""Transforms T_g that no motion of the image makes: pixels exchanged, grey values scaled."""

import torch

from .. import _checks
from .actions import Action
from .base import Operator
from .parameters import as_numbers


class Permute(Action):
    """(T_g x)_i = x_{π(i)}, π a permutation of the H·W pixels: what no real image is invariant to.

    Arguments:
        order: π, whole numbers (H·W,) for all images or (B, H·W).

    Example:
        >>> operators.Permute(torch.tensor([1, 0, 2, 3]))(torch.arange(4.0).view(1, 1, 2, 2))
        tensor([[[[1., 0.],
                  [2., 3.]]]])

    Raises ValueError for what is no permutation, and for images of another number of pixels.
    """

    def __init__(self, order: torch.Tensor):
        super().__init__()
        order = torch.as_tensor(order)
        order = order.reshape(-1, order.shape[-1])
        if not torch.equal(order.sort(-1).values, torch.arange(order.shape[-1]).expand_as(order)):
            raise ValueError("order is no permutation: it must hold 0 … H·W − 1, each once.")
        self.register_buffer("order", order)

    def forward(self, x):
        return self._take(x, self.order)

    def adjoint(self, y):
        return self._take(y, self.order.argsort(-1))

    def _take(self, x, order):
        flat = x.flatten(2)
        if flat.shape[-1] != order.shape[-1]:
            raise ValueError(
                f"the image has {flat.shape[-1]} pixels and the permutation {order.shape[-1]}; "
                "draw it for images of this size."
            )
        batch = max(len(x), len(order))
        index = order[:, None].expand(batch, x.shape[1], -1)
        return flat.expand(batch, -1, -1).gather(2, index).reshape(batch, *x.shape[1:])


class Amplify(Operator):
    """T_g x = g x: a brighter or darker image. Invertible, T_g⁻¹ = 1/g, and not orthogonal.

    Arguments:
        factor: g > 0, a number or one for each image (B,).

    Example:
        >>> float(operators.Amplify(2.0)(torch.ones(1, 1, 2, 2)).sum())
        8.0

    Raises ValueError for a factor that is not positive.
    """

    takes = gives = ("C", "H", "W")

    def __init__(self, factor: "float | torch.Tensor"):
        super().__init__()
        factor = as_numbers(factor, "factor").reshape(-1, 1, 1, 1)
        _checks.positive(float(factor.min()), "factor")
        self.register_buffer("factor", factor)

    def forward(self, x):
        return self.factor.to(x.dtype) * x

    def adjoint(self, y):
        return self(y)

    def pinv(self, y, iterations=50, tolerance=None):
        return y / self.factor.to(y.dtype)
