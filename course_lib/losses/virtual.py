"""The virtual measurement: the reconstruction is measured again, and reconstructed again."""

import torch

from .._random import place
from ..noise import Noise
from .base import Loss, apply, observed


class Virtual(Loss):
    """L(f; y, A) = (1/n) ‖f(B x̃ + ε′, B) − x̃‖²: x̃ stands for an image, B for an operator.

    `MOI`, `EI` and `MOEI` say which: x̃ = x̂ or T_g x̂, x̂ = f(y, A), and B = A or that of another
    image, A′. If f recovers x̃ from B x̃, L = 0. Not the risk plus a constant: its expectation is the
    mean square error of f at x̃ in the place of x.
    """

    train_evals = 2
    at_y = True

    def __init__(self, noise=None, stop=False, transforms=1):
        super().__init__()
        self.noise, self.stop, self.transforms = noise, stop, transforms
        self.train_evals = 1 + transforms

    def entries(self, f, y, A, noise=None, generator=None):
        x_hat = apply(f, y, A)
        x_hat = x_hat.detach() if self.stop else x_hat
        again = torch.arange(len(y)).repeat(self.transforms)  # all of them in one evaluation of f
        x_tilde = self.image(x_hat[again], generator)
        order = self.order(A, len(y), generator)[again]
        B = A[order]
        y_tilde = B(x_tilde)
        if self.noise is not None:
            y_tilde = observed(self.law(noise)[order].smooth(y_tilde, generator), B)
        return (apply(f, y_tilde, B) - x_tilde).square()

    def image(self, x_hat, generator):
        """x̃, from x̂."""
        return x_hat

    def order(self, A, batch, generator):
        """The numbers of the images whose operators are the B."""
        return torch.arange(batch)


class MOI(Virtual):
    """L(f; y, A) = (1/n) ‖f(A′x̂ + ε′, A′) − x̂‖², x̂ = f(y, A), A′ another operator.

    The term that `MeasurementConsistency() + MOI()` adds, or `SURE(noise) + MOI(noise)` for noisy
    measurements: f(A′x, A′) = f(Ax, A) if f recovers x. A is a batch of operators; A′ is that of
    another image of the batch, all others being equally likely. Not the risk plus a constant: its
    expectation is the mean square error of f at x̂ in the place of x. `entries` are those of x̂.
    Raises ValueError for a single image or a shared operator.
    Source: Tachella, Chen and Davies (2022), eq. 8.

    Arguments:
        noise: the law of y, by which the virtual measurement A′x̂ + ε′ is drawn, see
            `Noise.smooth`; None for none.
        stop: False lets the gradient flow through x̂ in both places, as published; True holds x̂
            fixed, so that f follows x̂ and x̂ is not drawn to what is easily reconstructed.

    Example:
        >>> loss, A = losses.MOI(), operators.Inpainting(torch.eye(2).view(2, 1, 1, 2))
        >>> y = A(torch.ones(2, 1, 1, 2))
        >>> [float(loss(f, y, A)) for f in (lambda y, A: 0 * y + 1, lambda y, A: y)]
        [0.0, 0.5]
    """

    def __init__(self, noise: Noise | None = None, stop: bool = False):
        super().__init__(noise, stop)

    def order(self, A, batch, generator):
        return others(A, batch, generator)


def others(A, batch, generator=None):
    """The numbers of other images of the batch, one for each image, by a random rotation."""
    if batch < 2 or A.count == 1:
        remedy = "give one set of parameters per image, and 2 images or more"
        raise ValueError(f"MOI of {batch} images with one {type(A).__name__}; {remedy}.")
    step = int(torch.randint(1, batch, (1,), generator=generator, device=place(generator)))
    return torch.arange(batch).roll(step)
