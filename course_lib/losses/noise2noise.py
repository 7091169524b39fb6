"""Two independent noisy copies."""

from .base import Loss, misfit


class Noise2Noise(Loss):
    """L(f; y_a, y_b) = (1/m) ‖A f(y_a, A) − y_b‖², y the pair (y_a, y_b).

    Assumes y_a and y_b independent given x and E[y_b | x] = Ax; nothing else about the noise.
    E L = (1/m) E‖A f(y_a) − Ax‖² + (1/m) E‖y_b − Ax‖²: the risk at y_a's noise level plus the
    variance of y_b. At test time f(y, A) of a single y, or f(y_a, A) of a pair. Raises ValueError
    unless y is a pair of equal shapes.
    Source: Lehtinen et al. (2018); Mallows (1973).

    Example:
        >>> loss, y = losses.Noise2Noise(), (torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4))
        >>> float(loss(lambda y, A: y + 0.5, y, operators.Identity()))
        0.25
    """

    copies, excess, judges = 2, 1, True

    def entries(self, f, y, A, noise=None, generator=None):
        return misfit(f, *y, A)  # y = (y_a, y_b)
