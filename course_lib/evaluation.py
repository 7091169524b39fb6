"""A trained f on a whole data set: its loss, its images, without a graph, in batches."""

import torch

from . import _checks
from ._random import stream
from ._scope import alone
from .data import Measurements
from .data.protocol import batch_of, items
from .losses import Loss


@torch.no_grad()
def evaluate(
    f: torch.nn.Module, loss: Loss, data: Measurements, seed: int = 0, batch: int = 64
) -> float:
    """The mean loss of f on `data`, in evaluation mode, without a graph.

    Arguments:
        f: a reconstructor f(y, A).
        loss: one of `losses`, or a sum of them.
        data: any data set that `fit` takes.
        seed: of noise and probes; the same seed, the same value.
        batch: items at a time; memory is that of one batch.

    Example:
        >>> recorded = data.Measurements(torch.ones(4, 1, 8, 8), operators.Identity())
        >>> training.evaluate(lambda y, A: y / 2, losses.MeasurementConsistency(), recorded)
        0.25
    """
    total, generator = 0.0, stream(seed, "evaluate")
    with alone(f, loss, training=False, seed=seed, name="evaluate"):
        for indices in torch.arange(items(data)).split(_checks.whole(batch, "batch")):
            value = loss(f, *batch_of(data, indices, generator), generator=generator)
            total += value.item() * len(indices)
    return total / len(data)


@torch.no_grad()
def reconstruct(
    f: torch.nn.Module, loss: Loss, data: Measurements, seed: int = 0, batch: int = 64
) -> torch.Tensor:
    """x̂ of all items of `data`, in their order: the loss's own estimator, `loss.reconstruct`.

    In evaluation mode, without a graph. For images that f does not take whole, or that are too
    large for one evaluation: `models.Tiled`.

    Arguments:
        f: a reconstructor f(y, A).
        loss: the one that f was trained with.
        data: any data set that `fit` takes.
        seed: of the draws that some estimators average, R2R's for one.
        batch: items at a time; memory is that of one batch.

    Example:
        >>> recorded = data.Measurements(torch.ones(4, 1, 8, 8), operators.Identity())
        >>> training.reconstruct(lambda y, A: y / 2, losses.SSDU(0.5), recorded, batch=2).shape
        torch.Size([4, 1, 8, 8])
    """
    x_hat, generator = [], stream(seed, "reconstruct")
    with alone(f, loss, training=False, seed=seed, name="reconstruct"):
        for indices in torch.arange(items(data)).split(_checks.whole(batch, "batch")):
            y, A, *rest = batch_of(data, indices, generator)
            law = next((part for part in rest if not torch.is_tensor(part)), None)  # no x of Pairs
            x_hat.append(loss.reconstruct(f, y, A, noise=law, generator=generator))
    return torch.cat(x_hat)
