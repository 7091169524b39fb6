"""Denoising: A = I."""

from .base import Operator


class Identity(Operator):
    """Ax = x. With it every loss is a denoising loss; x may have any shape.

    Example:
        >>> A = operators.Identity()
        >>> A.is_identity, A(torch.ones(1, 1, 2, 2)).sum()
        (True, tensor(4.))
    """

    is_identity = isometry = True
    selects = "pixels"

    def forward(self, x):
        return x

    adjoint = forward
