"""The naive loss, the one that fails."""

from .base import Loss, misfit


class MeasurementConsistency(Loss):
    """L(f; y) = (1/m) ‖A f(y, A) − y‖².

    Assumes that y has no noise, or a network that cannot fit it. With ε = y − Ax,
    E L = risk − (2/m) E εᵀ(A f(y, A) − Ax) + (1/m) E‖ε‖²: the middle term depends on f, so this
    is not the risk plus a constant, and for A = I the minimiser is f(y) = y, the noise itself.
    Source: Tachella (2025), "naive loss".

    Example:
        >>> loss, A = losses.MeasurementConsistency(), operators.Identity()
        >>> y = torch.ones(1, 1, 4, 4)
        >>> [float(loss(f, y, A)) for f in (lambda y, A: y, lambda y, A: 0.5 * y)]
        [0.0, 0.25]
    """

    at_y = True

    def entries(self, f, y, A, noise=None, generator=None):
        return misfit(f, y, y, A)
