"""Group actions T_g on images: a group draws random elements, an element is an operator.

`Shift().draw(x, generator)` gives T with one g per image: T(x) = T_g x, T.adjoint(x) = T_g⁻¹x, and
A @ T is the operator A T_g. Every T_g here is orthogonal: ‖T_g x‖ = ‖x‖ and T_g⁻¹ = T_gᵀ.
"""

import torch

from . import _checks
from ._random import place
from .operators.actions import Flip, Roll, Rotate


class Group:
    """A set of transforms, uniformly distributed.

    `elements(size)` holds all of them for images of `size` (H, W), as one operator with a batch of
    |G|; `draw(x, generator)` an independent one for each image of x. `a * b` draws from both.
    """

    def elements(self, size):
        """Every T_g, as the operators of a batch: `dense(A @ group.elements(size), shape)`."""
        raise NotImplementedError(f"{type(self).__name__} has no elements; write its `elements`.")

    def draw(self, x, generator=None):
        """T with one random element for each image of x (B, C, H, W)."""
        every = self.elements(_checks.image(x).shape[-2:])
        index = torch.randint(every.count, (len(x),), generator=generator, device=place(generator))
        return every[index.cpu()].to(x.device)

    def __mul__(self, other):
        return Product(self, other)


class Product(Group):
    """T_g T_h with g of the first group and h of the second."""

    def __init__(self, first, second):
        self.first, self.second = first, second

    def elements(self, size):
        T, S = self.first.elements(size), self.second.elements(size)
        t, s = T.count, S.count
        return T[torch.arange(t).repeat_interleave(s)] @ S[torch.arange(s).repeat(t)]


class Shift(Group):
    """All H·W periodic shifts, or only those of at most `limit` pixels along each axis."""

    def __init__(self, limit=None):
        self.limit = None if limit is None else _checks.whole(limit, "limit")

    def elements(self, size):
        ranges = [torch.arange(n) for n in size]
        if self.limit is not None:
            ranges = [torch.arange(-self.limit, self.limit + 1)] * 2
        return Roll(torch.cartesian_prod(*ranges))


class Rotation(Group):
    """The rotations by multiples of `step` degrees; step=90 is exact, see `Rotate` for others."""

    def __init__(self, step=1.0):
        step = _checks.positive(step, "step")
        if abs(360 / step - round(360 / step)) > 1e-9:
            raise ValueError(f"step is {step:g}; it must divide 360 degrees.")
        self.count = round(360 / step)

    def elements(self, size):
        return Rotate(torch.arange(self.count) * (360 / self.count))


class Reflection(Group):
    """The identity and the exchange of left and right. Rotation(90) * Reflection() has all eight
    symmetries of the square."""

    def elements(self, size):
        return Flip(torch.tensor([0, 1]))
