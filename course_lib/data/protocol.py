"""What training and validation ask of a data set."""

import torch
from torch.utils.data import Dataset, Subset, default_collate
from torch.utils.data._utils.collate import default_collate_fn_map

from .._batched import Batched

PROTOCOL = (
    "give data.Measurements(y, A), or an object with __len__ and batch(indices, generator), which "
    "returns (y, A), (y, A, law) or (y, A, x)"
)


def items(data):
    """How many items a data set has. Raises TypeError for what is none, ValueError for 0 items."""
    if not hasattr(data, "__len__") or not (hasattr(data, "batch") or hasattr(data, "__getitem__")):
        raise TypeError(f"a {type(data).__name__} is no data set; {PROTOCOL}.")
    if len(data) == 0:
        raise ValueError(f"this {type(data).__name__} has no items; give at least one.")
    return len(data)


def batch_of(data: Dataset, indices: torch.Tensor, generator: torch.Generator | None = None):
    """The batch of the items `indices` of any data set: what `fit` and `validation` call.

    `data.batch` where there is one, also behind torch's Subset and random_split; else the items
    data[i], collated as torch's DataLoader does. Raises TypeError for what is no data set.

    Arguments:
        data: `Measurements`, or any data set whose items are (y, A), (y, A, law) or (y, A, x).
        indices: the numbers of the items, a tensor of whole numbers.
        generator: where `data.batch` takes its random crops from; None is torch's own.

    Example:
        >>> measurements = data.Measurements(torch.rand(6, 1, 8, 8), operators.Identity())
        >>> half, _ = torch.utils.data.random_split(measurements, [3, 3])
        >>> y, A = data.batch_of(half, torch.tensor([0, 2]))
        >>> y.shape
        torch.Size([2, 1, 8, 8])
    """
    items(data)
    if isinstance(data, Subset):
        return batch_of(data.dataset, torch.as_tensor(data.indices)[indices], generator)
    if hasattr(data, "batch"):
        parts = data.batch(indices, generator)
    else:
        parts = default_collate([data[int(i)] for i in indices])
    if not isinstance(parts, (tuple, list)) or len(parts) not in (2, 3):
        raise TypeError(f"a batch of this {type(data).__name__} is not (y, A); {PROTOCOL}.")
    return parts


def _stack(parts, *, collate_fn_map=None):
    return Batched.stack(parts)


default_collate_fn_map[Batched] = _stack  # torch's DataLoader makes a batch of operators, of laws
