"""Error bars without ground truth: the reconstruction, turned, is measured and rebuilt."""

import math
from collections.abc import Callable

import torch

from . import _checks, groups
from .losses.base import apply, observed
from .noise import Noise
from .operators import Operator


@torch.no_grad()
def bootstrap(
    f: Callable,
    y: torch.Tensor,
    A: Operator,
    group: "groups.Group | None",
    noise: Noise | None = None,
    draws: int = 50,
    generator: "torch.Generator | None" = None,
) -> torch.Tensor:
    """The errors e_b = T_g⁻¹ f(A T_g x̂ + ε_b) − x̂, b = 1 … draws, that stand for x̂ − x.

    Assumes that images are invariant to the group and that f errs on A T_g x̂ as it does on y. What
    A hides of T_g x̂ is not what it hides of x̂, so that e_b shows errors in the null space, which
    the parametric bootstrap, without a group, cannot: f rebuilds what it put there itself, and the
    error bars are too short. Where A commutes with the group both are the same.

    Arguments:
        f: a trained reconstructor f(y, A).
        y: measurements (B, ...).
        A: their operator, one or a batch.
        group: orthogonal transforms; None is the parametric bootstrap.
        noise: the law of y; None, the default, where y is without noise.
        draws: how many, each one evaluation of f; default 50, enough for a 90 % quantile.
        generator: of g and ε; None is torch's own.

    Returns e (draws, B, C, H, W), in the units of x.

    Example:
        >>> A = operators.Inpainting(torch.rand(1, 1, 8, 8) < 0.5)
        >>> y = A(torch.rand(2, 1, 8, 8))
        >>> e = uncertainty.bootstrap(lambda y, A: A.pinv(y), y, A, groups.Shift(), draws=5)
        >>> e.shape, uncertainty.bootstrap(lambda y, A: A.pinv(y), y, A, None).abs().max()
        (torch.Size([5, 2, 1, 8, 8]), tensor(0.))

    Source: Tachella and Pereyra (2024).
    """
    if group is not None:
        groups.orthogonal(group, "the equivariant bootstrap")
    x_hat, errors = apply(f, y, A), []
    for _ in range(_checks.whole(draws, "draws")):
        T = None if group is None else group.draw(x_hat, generator)
        y_b = A(x_hat if T is None else T(x_hat))
        y_b = y_b if noise is None else observed(noise(y_b, generator=generator), A)
        x_b = apply(f, y_b, A)
        errors.append((x_b if T is None else T.pinv(x_b)) - x_hat)
    return torch.stack(errors)


def radius(errors: torch.Tensor, level: float = 0.9) -> torch.Tensor:
    """ρ of the region ‖x − x̂‖/√n ≤ ρ that holds x with probability `level`: (B,), as an RMSE.

    The quantile over b of ‖e_b‖/√n, image by image.

    Arguments:
        errors: e (draws, B, C, H, W) of `bootstrap`.
        level: in (0, 1); default 0.9.

    Example:
        >>> float(uncertainty.radius(torch.full((20, 1, 1, 4, 4), 0.5)))
        0.5
    """
    _checks.fraction(level, "level")
    return errors.flatten(2).square().mean(2).sqrt().quantile(level, dim=0)


def calibrate(radius: torch.Tensor, rmse: torch.Tensor, level: float = 0.9) -> torch.Tensor:
    """κ ρ: the radii times one factor, so that of N regions a share `level` reaches its `rmse`.

    The bootstrap takes x̂ for an image, and x̂ is smoother than images are: its radii are too short,
    by a factor that is much the same for all. κ is the ⌈(N + 1) level⌉-th smallest of rmse_i/ρ_i,
    as in conformal prediction: then a further image of the same law is covered with at least this
    probability, if the rmse were the true ones. They may be estimates from measurements, SURE^½,
    where A hides nothing.

    Arguments:
        radius: ρ of `radius`, (N,).
        rmse: ‖x − x̂‖/√n of the same images, or estimates, (N,).
        level: in (0, 1); default 0.9.

    Example:
        >>> rho = torch.ones(9)
        >>> uncertainty.calibrate(rho, torch.arange(1.0, 10.0), 0.5)[0]
        tensor(5.)

    Raises ValueError for too few images. Source: Everink et al. (2025).
    """
    k = math.ceil((len(radius) + 1) * _checks.fraction(level, "level") - 1e-9)
    if k > len(radius):
        least = math.ceil(level / (1 - level) - 1e-9)
        raise ValueError(f"{len(radius)} images; level {level:g} needs {least} or more.")
    return radius * (rmse / radius).sort().values[k - 1]


def coverage(x: torch.Tensor, x_hat: torch.Tensor, radius: torch.Tensor) -> torch.Tensor:
    """Which images x lie in their region: (B,) of zeros and ones, whose mean should be the level.

    Arguments:
        x: ground truth, which only a test has.
        x_hat: reconstructions, shaped like x.
        radius: of `radius`, (B,).

    Example:
        >>> x = torch.zeros(1, 1, 4, 4)
        >>> uncertainty.coverage(x, x + 1, torch.tensor([2.0]))
        tensor([1.])
    """
    return ((x - x_hat).flatten(1).square().mean(1).sqrt() <= radius).float()
