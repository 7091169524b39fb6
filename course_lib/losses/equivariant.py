"""Equivariant imaging: a group of transforms stands for the operators that one does not have."""

from .. import _checks
from ..groups import Group
from ..noise import Noise
from .base import Loss, apply, observed
from .virtual import Virtual, others


class EI(Virtual):
    """L(f; y, A) = (1/n) ‖f(A x̃ + ε′, A) − x̃‖², x̃ = T_g x̂, x̂ = f(y, A), g drawn from a group.

    Assumes that T_g x is as likely an image as x. The term that `MeasurementConsistency() +
    EI(group)` adds; with noise, robust equivariant imaging is `SURE(noise) + EI(group, noise)`, or
    `R2R(noise) + EI(group, noise)`. If f recovers every image, L = 0; what A hides of x̂ it shows of
    T_g x̂, unless A commutes with T_g: then EI says nothing, and `fit` warns. `entries` are those of
    x̃. For linear f with A f A = A, P = fA, T_g orthogonal and C = E x xᵀ invariant,
        E L = (1/n) E‖x − Px‖² + bias,
        bias = (1/n) E‖(I − P) T_g (I − P) x‖² − (2/n) E⟨(I − P) T_g x, (I − P) T_g (I − P) x⟩,
    which is small where P is far from equivariant and minus the first term where it is equivariant.
    L is in the unit of x squared and a data term in that of y: give A the norm 1 (`operators.unit`)
    and the two weights 1, or the data term more where y shows detail weakly, as a sinogram does.
    The slides write the first term of REI as ‖f(y) − x‖²; SURE estimates ‖A f(y) − Ax‖².

    Arguments:
        group: a `groups.Group`, whose T_g need not be orthogonal (`Scale` is not).
        noise: the law of y, by which ε′ is drawn (see `Noise.smooth`); None, the default, for none.
        stop: hold x̂ fixed, as scale-EI does; default False, as published for shifts and rotations.
        transforms: how many g for each image and step, each one evaluation of f; default 1.

    Example:
        >>> A = operators.Inpainting(torch.rand(1, 1, 8, 8) < 0.5)
        >>> loss = losses.MeasurementConsistency() + losses.EI(groups.Shift())
        >>> float(loss(lambda y, A: A.pinv(y), A(torch.rand(2, 1, 8, 8)), A)) > 0
        True

    Source: Chen, Tachella and Davies (2021) without noise, (2022) with noise.
    """

    def __init__(
        self,
        group: Group,
        noise: Noise | None = None,
        stop: bool = False,
        transforms: int = 1,
    ):
        super().__init__(noise, stop, _checks.whole(transforms, "transforms"))
        self.group = group

    def image(self, x_hat, generator):
        return self.group.draw(x_hat, generator)(x_hat)


class MOEI(EI):
    """L(f; y, A) = (1/n) ‖f(A′x̃ + ε′, A′) − x̃‖², x̃ = T_g x̂, A′ the operator of another image.

    `MOI` and `EI` in one: what A hides of x̂, A′ shows of T_g x̂. Assumes what both assume. Raises
    ValueError for a single image or a shared operator.

    Arguments:
        group: a `groups.Group`.
        noise: the law of y, by which ε′ is drawn; None, the default, for none.
        stop: hold x̂ fixed; default False.
        transforms: how many g for each image and step; default 1.

    Example:
        >>> A = operators.Inpainting(torch.rand(2, 1, 8, 8) < 0.5)
        >>> float(losses.MOEI(groups.Shift())(lambda y, A: 0 * y, A(torch.rand(2, 1, 8, 8)), A))
        0.0

    Source: Tachella, Chen and Davies (2023).
    """

    def order(self, A, batch, generator):
        return others(A, batch, generator)


class ReducedResolution(Loss):
    """L(f; y, A) = (1/n) ‖f(A y + ε′, A) − y‖²: learn to undo A on y, taken for an image.

    The baseline for deblurring and super-resolution: assumes that y, which A has already smoothed,
    looks as images do, which holds for no image with detail at one size alone. Needs an A whose y
    are images.

    Arguments:
        noise: the law of y, by which ε′ is drawn; None, the default, for none.

    Example:
        >>> A = operators.Blur(torch.ones(3, 3) / 9)
        >>> float(losses.ReducedResolution()(lambda y, A: y, A(torch.ones(1, 1, 8, 8)), A))
        0.0

    Source: Shocher, Cohen and Irani (2018); as a baseline, Scanvic et al. (2026).
    """

    def __init__(self, noise: Noise | None = None):
        super().__init__()
        self.noise = noise

    def entries(self, f, y, A, noise=None, generator=None):
        y_tilde = A(_checks.image(y, "y"))
        if self.noise is not None:
            y_tilde = observed(self.law(noise).smooth(y_tilde, generator), A)
        y_hat = apply(f, y_tilde, A)
        _checks.same_shape(y_hat, y, "f(A y, A)", "y")
        return (y_hat - y).square()
