"""Group actions T_g on images: a group draws random elements, an element is an operator.

`Shift().draw(x, generator)` gives T with one g per image: T(x) = T_g x, T.pinv(x) = T_g⁻¹x, and
A @ T is the operator A T_g. `orthogonal` groups have ‖T_g x‖ = ‖x‖ and T_g⁻¹ = T_gᵀ; `invertible`
ones an exact T_g⁻¹. On invariant sets, x and T_g x equally likely, equivariant imaging rests.
"""

import torch

from . import _checks
from ._random import place
from ._repr import Called
from .operators import Amplify, Flip, Operator, Permute, Roll, Rotate, Zoom


class Group:
    """A set of transforms, uniformly distributed.

    `elements(size)` holds all of them for images of `size` (H, W), as one operator with a batch of
    |G|; `draw(x, generator)` an independent one for each image of x. `a * b` draws from both. A
    subclass writes `elements`, or `draw`.

    Example:
        >>> G = groups.Rotation(90) * groups.Reflection()  # the symmetries of the square
        >>> x = torch.rand(5, 1, 8, 8)
        >>> T = G.draw(x)
        >>> G.elements((8, 8)).count, T.count, torch.equal(T.adjoint(T(x)), x)
        (8, 5, True)
    """

    orthogonal = True
    invertible = True
    count = None  # |G|, where it does not depend on the size of the image

    __repr__ = Called.__repr__

    def elements(self, size: tuple) -> Operator:
        """Every T_g, as the operators of a batch: `dense(A @ group.elements(size), shape)`."""
        raise NotImplementedError(f"{type(self).__name__} has no list of elements; use its `draw`.")

    def draw(self, x: torch.Tensor, generator: "torch.Generator | None" = None) -> Operator:
        """T with one random element for each image of x (B, C, H, W)."""
        every = self.elements(_checks.image(x).shape[-2:])
        index = torch.randint(every.count, (len(x),), generator=generator, device=place(generator))
        return every[index.cpu()].to(x.device)

    def __mul__(self, other):
        return Product(self, other)


class Product(Group):
    """T_g T_h with g of the first group and h of the second: what `first * second` makes.

    Arguments:
        first: a group, of what is done last
        second: a group, of what is done first

    Example:
        >>> G = groups.Rotation(90) * groups.Shift(1)
        >>> G, G.elements((4, 4)).count
        (Product(first=Rotation(step=90), second=Shift(limit=1)), 36)
    """

    def __init__(self, first: Group, second: Group):
        self.first, self.second = first, second
        self.orthogonal = first.orthogonal and second.orthogonal
        self.invertible = first.invertible and second.invertible
        counts = (first.count, second.count)
        self.count = None if None in counts else counts[0] * counts[1]

    def elements(self, size):
        T, S = self.first.elements(size), self.second.elements(size)
        t, s = torch.cartesian_prod(torch.arange(T.count), torch.arange(S.count)).T
        return T[t] @ S[s]

    def draw(self, x, generator=None):
        return self.first.draw(x, generator) @ self.second.draw(x, generator)


class Shift(Group):
    """Periodic shifts by whole pixels.

    Arguments:
        limit: the most pixels along each axis; None for all H·W shifts

    Example:
        >>> groups.Shift().elements((4, 6)).count, groups.Shift(limit=1).elements((4, 6)).count
        (24, 9)
    """

    def __init__(self, limit: "int | None" = None):
        self.limit = None if limit is None else _checks.whole(limit, "limit")
        self.count = None if limit is None else (2 * limit + 1) ** 2

    def elements(self, size):
        ranges = [torch.arange(n) for n in size]
        if self.limit is not None:
            ranges = [torch.arange(-self.limit, self.limit + 1)] * 2
        return Roll(torch.cartesian_prod(*ranges))


class Rotation(Group):
    """The rotations by multiples of an angle. Raises ValueError if it doesn't divide 360 degrees.

    Arguments:
        step: the angle in degrees; 90 is exact, see `operators.Rotate` for others

    Example:
        >>> groups.Rotation(90).elements((8, 8)).angle.tolist()
        [0.0, 90.0, 180.0, 270.0]
    """

    def __init__(self, step: float = 1.0):
        self.step = _checks.positive(step, "step")
        if abs(360 / self.step - round(360 / self.step)) > 1e-9:
            raise ValueError(f"step is {self.step:g}; it must divide 360 degrees.")
        self.count = round(360 / self.step)

    def elements(self, size):
        return Rotate(torch.arange(self.count) * self.step)


class Reflection(Group):
    """The identity and the exchange of left and right. Rotation(90) * Reflection() has all eight
    symmetries of the square.

    Example:
        >>> T = groups.Reflection().elements((1, 3))
        >>> T(torch.arange(3.0).view(1, 1, 1, 3)).flatten(1).tolist()
        [[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]
    """

    count = 2

    def elements(self, size):
        return Flip(torch.tensor([0, 1]))


class D4(Product):
    """The eight symmetries of the square: quarter turns and mirror images.

    Example:
        >>> groups.D4().elements((4, 4)).count
        8
    """

    def __init__(self):
        super().__init__(Rotation(90), Reflection())


class Scale(Group):
    """The image made smaller by one of `factors` about a random centre, see `operators.Zoom`.

    For deblurring and super-resolution, whose operators shifts and turns leave as they are.
    Neither orthogonal nor invertible.

    Arguments:
        factors: the s in (0, 1], equally likely; default (0.75, 0.5), as published.

    Example:
        >>> groups.Scale().draw(torch.rand(2, 1, 16, 16)).count
        2

    Raises ValueError for a factor outside (0, 1]. Source: Scanvic et al. (2026).
    """

    orthogonal = False
    invertible = False

    def __init__(self, factors: tuple = (0.75, 0.5)):
        self.factors = Zoom(torch.tensor(factors)).scale.flatten()

    def draw(self, x, generator=None):
        device, size = place(generator), torch.tensor(_checks.image(x).shape[-2:])
        index = torch.randint(len(self.factors), (len(x),), generator=generator, device=device)
        centre = torch.rand(len(x), 2, generator=generator, device=device).cpu() * (size - 1)
        return Zoom(self.factors[index.cpu()].to(x.dtype), centre.to(x.dtype)).to(x.device)


class Permutation(Group):
    """All permutations of the pixels: so large a group that no image but a flat one is invariant.

    Example:
        >>> groups.Permutation().draw(torch.rand(2, 1, 4, 4)).count
        2
    """

    def draw(self, x, generator=None):
        h, w = _checks.image(x).shape[-2:]
        keys = torch.rand(len(x), h * w, generator=generator, device=place(generator))
        return Permute(keys.argsort(-1).cpu()).to(x.device)


class Amplitude(Group):
    """Grey values times g, log g uniform in [−log `most`, log `most`]. Not orthogonal.

    Arguments:
        most: the largest factor, > 1; default 2.

    Example:
        >>> groups.Amplitude().draw(torch.rand(2, 1, 4, 4)).count
        2

    Raises ValueError where `most` is not above 1.
    """

    orthogonal = False

    def __init__(self, most: float = 2.0):
        if not most > 1:
            raise ValueError(f"most is {most:g}; it must be above 1.")
        self.most = most

    def draw(self, x, generator=None):
        power = 2 * torch.rand(len(x), generator=generator, device=place(generator)).cpu() - 1
        return Amplify(self.most ** power.to(x.dtype)).to(x.device)


def orthogonal(group: Group, what: str):
    """The group; refuses, in the name of `what`, one whose T_g have no exact inverse T_gᵀ.

    Arguments:
        group: a `Group`.
        what: who asks, for the sentence.

    Example:
        >>> groups.orthogonal(groups.D4(), "this loss").count
        8
    """
    if not (group.orthogonal and group.invertible):
        raise ValueError(
            f"{what} needs T_g⁻¹ = T_gᵀ, and {type(group).__name__} has none; use Shift, Rotation, "
            "Reflection, D4 or their products."
        )
    return group
