"""Multi-operator imaging: what one operator's reconstruction tells about another operator."""

import torch

from .._random import place
from ..noise import Noise
from .base import Loss, apply, observed


class MOI(Loss):
    """L(f; y, A) = (1/n) ‖f(A′x̂ + ε′, A′) − x̂‖², x̂ = f(y, A), A′ another operator.

    The term that `MeasurementConsistency() + MOI()` adds, or `SURE(noise) + MOI(noise)` for noisy
    measurements: f(A′x, A′) = f(Ax, A) if f recovers x. A is a batch of operators; A′ is that of
    another image of the batch, all others being equally likely. Not the risk plus a constant: its
    expectation is the mean square error of f at x̂ in the place of x. `entries` are those of x̂.
    Raises ValueError for a single image or a shared operator.
    Source: Tachella, Chen and Davies (2022), eq. 8.

    Arguments:
        noise: the law of y, by which the virtual measurement A′x̂ + ε′ is drawn (Gaussian: other
            laws do not pass on gradients); None for none.
        stop: False lets the gradient flow through x̂ in both places, as published; True holds x̂
            fixed, so that f follows x̂ and x̂ is not drawn to what is easily reconstructed.

    Example:
        >>> loss, A = losses.MOI(), operators.Inpainting(torch.eye(2).view(2, 1, 1, 2))
        >>> y = A(torch.ones(2, 1, 1, 2))
        >>> [float(loss(f, y, A)) for f in (lambda y, A: 0 * y + 1, lambda y, A: y)]
        [0.0, 0.5]
    """

    train_evals, at_y = 2, True

    def __init__(self, noise: Noise | None = None, stop: bool = False):
        super().__init__()
        self.noise, self.stop = noise, stop

    def entries(self, f, y, A, noise=None, generator=None):
        x_hat = apply(f, y, A)
        order = others(A, len(y), generator)
        A_other = A[order]
        x_hat = x_hat.detach() if self.stop else x_hat
        y_other = A_other(x_hat)
        if self.noise is not None:
            law = self.law(noise)[order]
            y_other = observed(law(y_other, generator=generator), A_other)
        return (apply(f, y_other, A_other) - x_hat).square()


def others(A, batch, generator=None):
    """The numbers of other images of the batch, one for each image, by a random rotation."""
    if batch < 2 or A.count == 1:
        remedy = "give one set of parameters per image, and 2 images or more"
        raise ValueError(f"MOI of {batch} images with one {type(A).__name__}; {remedy}.")
    step = int(torch.randint(1, batch, (1,), generator=generator, device=place(generator)))
    return torch.arange(batch).roll(step)
