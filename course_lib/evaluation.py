"""A trained f on a whole data set: its loss, its images, without a graph, in batches."""

import torch

from . import _checks
from ._random import stream
from ._scope import alone
from .data.protocol import batch_of, items


@torch.no_grad()
def evaluate(f, loss, data, seed=0, batch=64):
    """The mean loss of f on `data`, in evaluation mode, with the randomness of `seed`.

    `batch` items at a time, without a graph: memory is that of one batch.
    """
    total, generator = 0.0, stream(seed, "evaluate")
    with alone(f, loss, training=False, seed=seed, name="evaluate"):
        for indices in torch.arange(items(data)).split(_checks.whole(batch, "batch")):
            value = loss(f, *batch_of(data, indices, generator), generator=generator)
            total += value.item() * len(indices)
    return total / len(data)


@torch.no_grad()
def reconstruct(f, loss, data, seed=0, batch=64):
    """x̂ of all items of `data`, in their order: the loss's own estimator, `loss.reconstruct`.

    In evaluation mode, with the randomness of `seed`, `batch` items at a time, without a graph. For
    images that f does not take whole, or that are too large for one evaluation: `models.Tiled`.
    """
    x_hat, generator = [], stream(seed, "reconstruct")
    with alone(f, loss, training=False, seed=seed, name="reconstruct"):
        for indices in torch.arange(items(data)).split(_checks.whole(batch, "batch")):
            y, A, *rest = batch_of(data, indices, generator)
            law = next((part for part in rest if not torch.is_tensor(part)), None)  # no x of Pairs
            x_hat.append(loss.reconstruct(f, y, A, noise=law, generator=generator))
    return torch.cat(x_hat)
