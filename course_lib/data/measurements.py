"""What a loss may see: measurements without x. And what only supervised training may see."""

import torch

from .. import _checks
from .._random import stream
from ..operators import Identity


class Measurements(torch.utils.data.Dataset):
    """N fixed measurements y_i of images x_i through A, item i being (y_i, A_i), never x_i.

    x: (N, C, H, W), used to make y = noise(A(x)) with `seed` and then forgotten; noise=None makes
    y = A(x). A may be a batch of N operators, one per image. copies=2 makes independent pairs,
    y_i = (y_a, y_b), for Noise2Noise. `batch(indices)` gives (y, A) for a loss; with a generator
    it gives the copies, which have one law, in random order.
    crop: `batch` cuts a random crop×crop window out of each y and turns and flips it at random,
    which for A = I is again a measurement. Raises ValueError for a crop with another A, and for
    no images.
    """

    def __init__(self, x, A, noise, seed=0, copies=1, crop=None):
        if len(_checks.image(x)) == 0:
            raise ValueError(f"x has shape {tuple(x.shape)}, no image at all; give at least one.")
        if crop is not None:
            if not isinstance(A, Identity):
                raise ValueError(
                    f"crop = {crop} needs A = I, not {type(A).__name__}; crop x first."
                )
            if not 1 <= crop <= min(x.shape[-2:]):
                raise ValueError(f"crop = {crop} does not fit images of {tuple(x.shape[-2:])}.")
        generator = stream(seed, "measurements")
        Ax = A(x)
        self.tensors = [
            Ax if noise is None else noise(Ax, generator=generator) for _ in range(copies)
        ]
        self.A, self.crop = A, crop

    def __len__(self):
        return len(self.tensors[0])

    def __getitem__(self, i):
        y, A = self.batch(torch.tensor([i]))
        return (tuple(part[0] for part in y) if isinstance(y, tuple) else y[0]), A

    def batch(self, indices, generator=None):
        """(y, A) of the images `indices`; the crop is drawn from `generator`."""
        parts = self._draw(indices, generator)
        if len(parts) > 1 and generator is not None:
            parts = [parts[i] for i in torch.randperm(len(parts), generator=generator)]
        return (parts[0] if len(parts) == 1 else tuple(parts)), self.A[indices]

    def _draw(self, indices, generator):
        if self.crop is None:
            return [t[indices] for t in self.tensors]
        crops = []
        for i in indices.tolist():
            height, width = self.tensors[0].shape[-2:]
            top, left, turn, flip = (
                int(torch.randint(high, (1,), generator=generator))
                for high in (height - self.crop + 1, width - self.crop + 1, 4, 2)
            )
            window = slice(top, top + self.crop), slice(left, left + self.crop)
            parts = [t[(i, slice(None), *window)].rot90(turn, (1, 2)) for t in self.tensors]
            crops.append([p.flip(2) if flip else p for p in parts])
        return [torch.stack(parts) for parts in zip(*crops, strict=True)]

    def to(self, device):
        """Move the measurements and the operator, in place."""
        self.tensors = [t.to(device) for t in self.tensors]
        self.A = self.A.to(device)
        return self


class Pairs(Measurements):
    """The supervised data: `batch(indices)` gives (y, A, x), with the same y as Measurements."""

    def __init__(self, x, A, noise, seed=0, crop=None):
        super().__init__(x, A, noise, seed, crop=crop)
        self.tensors.append(x)

    def __getitem__(self, i):
        y, A, x = self.batch(torch.tensor([i]))
        return y[0], A, x[0]

    def batch(self, indices, generator=None):
        """(y, A, x) of the images `indices`."""
        y, x = self._draw(indices, generator)
        return y, self.A[indices], x
