"""Unrolled networks f(y, A): the steps of an algorithm, with a network in place of the prior."""

import copy

import torch
from torch import Tensor, nn

from .. import _checks
from ..operators import Operator
from ..operators.solve import conjugate_gradient


class Unrolled(nn.Module):
    """x_{k+1} = D_k(x_k − γ_k Aᵀ(A x_k − y)), k = 0 … K − 1, x_0 = A†y: proximal gradient.

    The steps γ_k > 0 are learnt, from 1 on, which is right for ‖A‖ = 1 (`operators.unit`).
    One network serves a batch of different operators. Source: Gregor and LeCun (2010), Monga,
    Li and Eldar (2021).

    Arguments:
        net: D, a network on images such as `UNet`, which stands for the proximal map of a prior.
        iterations: K; each costs one use of D, A and Aᵀ.
        tied: one D for all k; False: K of them, of equal weights at first.

    Example:
        >>> f = models.Unrolled(models.UNet(widths=(8, 16)), iterations=2)
        >>> A = operators.Inpainting((torch.rand(1, 1, 16, 16) < 0.5).float())
        >>> y = A(torch.rand(1, 1, 16, 16))
        >>> torch.allclose(A(f(y, A)), y)  # D starts as the identity
        True
    """

    def __init__(self, net: nn.Module, iterations: int = 3, tied: bool = True):
        super().__init__()
        self.iterations = _checks.whole(iterations, "iterations")
        self.nets = _nets(net, 1 if tied else self.iterations)
        self.log_step = nn.Parameter(torch.zeros(self.iterations))

    def forward(self, y: Tensor, A: Operator) -> Tensor:
        x, b = A.pinv(y), A.adjoint(y)
        for k in range(self.iterations):
            x = self.data_step(x, b, A, self.log_step[k].exp())
            x = self.nets[k % len(self.nets)](x)
        return x

    def data_step(self, x, b, A, step):
        """x − γ(AᵀA x − Aᵀy), b = Aᵀy."""
        return x - step * (A.adjoint(A(x)) - b)


class MoDL(nn.Module):
    """x_{k+1} = argmin_x ‖Ax − y‖² + λ‖x − D(x_k)‖², k = 0 … K − 1, x_0 = A†y.

    With z = D(x_k) the step is x_{k+1} = z + d, (AᵀA + λ) d = Aᵀ(y − Az), by conjugate gradient
    through A: what A does not see of z stays as it is, however few the iterations. λ > 0 is
    learnt, one for each k; without noise it goes to 0, where A x_{k+1} = y.
    Source: Aggarwal, Mani and Jacob (2019).

    Arguments:
        net: D, a network on images such as `UNet`.
        iterations: K.
        tied: one D for all k; False: K of them, of equal weights at first.
        weight: λ at the start, in units of ‖A‖².
        cg: iterations of conjugate gradient, at most; where AᵀA is a projection, as for `MRI` and
            `Inpainting`, one is exact.

    Example:
        >>> f = models.MoDL(models.UNet(widths=(8, 16)), iterations=2, weight=1.0)
        >>> A, y = operators.Identity(), torch.rand(1, 1, 16, 16)
        >>> torch.allclose(f(y, A), y)  # D starts as the identity
        True
    """

    def __init__(
        self,
        net: nn.Module,
        iterations: int = 3,
        tied: bool = True,
        weight: float = 0.05,
        cg: int = 10,
    ):
        super().__init__()
        self.iterations = _checks.whole(iterations, "iterations")
        self.nets = _nets(net, 1 if tied else self.iterations)
        weight = _checks.positive(weight, "weight")
        self.log_weight = nn.Parameter(torch.full((self.iterations,), weight).log())
        self.cg = _checks.whole(cg, "cg")

    def forward(self, y: Tensor, A: Operator) -> Tensor:
        x, b = A.pinv(y), A.adjoint(y)
        for k in range(self.iterations):
            z = self.nets[k % len(self.nets)](x)
            x = self.data_step(z, b, A, self.log_weight[k].exp())
        return x

    def data_step(self, z, b, A, weight):
        """z + (AᵀA + λ)⁻¹(b − AᵀA z), b = Aᵀy."""
        residual = b - A.adjoint(A(z))
        return z + conjugate_gradient(
            lambda d: A.adjoint(A(d)) + weight * d, residual, self.cg, tolerance=1e-5
        )


def _nets(net, count):
    """`net` and copies of it, `count` in all."""
    return nn.ModuleList([net] + [copy.deepcopy(net) for _ in range(count - 1)])
