"""Networks that begin from what is cheap: filtered backprojection, or y itself."""

import torch

from ..operators import Compose, Inpainting, Operator, Radon, Scaled, Transmission


class FilteredBackProjection(torch.nn.Module):
    """f(y, A) = net(B y), B the filtered backprojection of a CT operator (Jin et al. 2017).

    In place of A†, whose conjugate gradient costs fifty times as much for `Radon`. A may be scaled,
    masked by splitting (`Inpainting(…) @ A`) or turned (A @ T_g, T_g orthogonal), and may be a
    `Transmission`.

    Arguments:
        net: a network on images, e.g. `UNet`.

    Example:
        >>> f = models.FilteredBackProjection(models.UNet(widths=(4, 8)))
        >>> A = operators.Radon(torch.arange(0.0, 180, 6), 16)
        >>> f(A(torch.rand(2, 1, 16, 16)), A).shape
        torch.Size([2, 1, 16, 16])
    """

    def __init__(self, net: torch.nn.Module):
        super().__init__()
        self.net = net

    def forward(self, y, A):
        return self.net(backprojection(A, y))


def backprojection(A: Operator, y: torch.Tensor) -> torch.Tensor:
    """B y of a CT operator, scaled, masked or turned; a mask's share of the views is made up for.

    Arguments:
        A: `Radon`, `Transmission`, or either within `Scaled` and `Compose`.
        y: its measurements.

    Example:
        >>> A = operators.Radon(torch.arange(0.0, 180, 6), 16)
        >>> x = torch.ones(1, 1, 16, 16)
        >>> (models.backprojection(A, A(x)) - x)[..., 6:10, 6:10].abs().max() < 0.05
        tensor(True)

    Raises TypeError for an operator that is none of these.
    """
    if isinstance(A, Compose) and A.inner.isometry:
        return A.inner.adjoint(backprojection(A.outer, y))
    if isinstance(A, Compose) and isinstance(A.outer, Inpainting):
        kept = A.outer.mask.flatten(1).mean(1).view(-1, 1, 1, 1)
        return backprojection(A.inner, y / kept)  # fewer views stand for more
    if isinstance(A, Transmission):
        return A.pinv(y)
    if not isinstance(A.A if isinstance(A, Scaled) else A, Radon):
        raise TypeError(f"A is a {type(A).__name__} and no CT operator; use BackProjection.")
    return A.filtered_backprojection(y)


class Measured(torch.nn.Module):
    """f(y, A) = net(y): for A whose y are images, as a blur's, where A† would only add noise.

    Arguments:
        net: a network on images, e.g. `UNet`.

    Example:
        >>> f = models.Measured(models.UNet(widths=(4, 8)))
        >>> f(torch.rand(1, 1, 8, 8), operators.Blur(torch.ones(3, 3) / 9)).shape
        torch.Size([1, 1, 8, 8])
    """

    def __init__(self, net: torch.nn.Module):
        super().__init__()
        self.net = net

    def forward(self, y, A):
        return self.net(y)
