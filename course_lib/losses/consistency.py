"""The naive loss, the one that fails."""

from .base import Loss, measured, observed


class MeasurementConsistency(Loss):
    """L(f; y) = (1/m) ‖A f(y, A) − y‖².

    Assumes that y has no noise, or a network that cannot fit it. With ε = y − Ax,
    E L = risk − (2/m) E εᵀ(A f(y, A) − Ax) + (1/m) E‖ε‖²: the middle term depends on f, so this
    is not the risk plus a constant, and for A = I the minimiser is f(y) = y, the noise itself.
    Source: Tachella (2025), "naive loss".
    """

    at_y = True

    def forward(self, f, y, A, noise=None, generator=None):
        return (measured(f, y, A) - observed(y, A)).square().mean()
