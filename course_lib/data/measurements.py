"""What a loss may see: measurements without x. And what only supervised training may see."""

import torch
from torch import Tensor
from torch.utils.data import Dataset

from .. import _checks
from .._random import place, stream
from ..noise import Noise
from ..operators import Operator

Law = Noise | None


class Measurements(Dataset):
    """N recorded measurements, item i being (y_i, A_i), or (y_i, A_i, law_i) where a law is given.

    Entries that A does not measure are set to 0, as they are no measurement. A law of N sets of
    parameters, one per image, replaces the loss's own: law_i travels with y_i, as A_i does.

    The protocol that `fit`, `evaluate` and `select` ask of any data set: `len(data)`, and
    `data.batch(indices, generator)` for a batch of the items `indices`, all randomness from
    `generator`; or else `data[i]`, items as torch's DataLoader takes them (see `batch_of`).
    Raises ValueError for y that A cannot have made, for another number of operators or laws than
    of images, for no image, and for a crop with another A. Measurements of images: `simulate`.

    Arguments:
        y: tensor (N, ...), copied; for Noise2Noise a pair of such tensors, y_i = (y_a, y_b).
        A: one operator for all, or a batch of N, one per image.
        noise: the law of y, by keyword, needed where it differs from image to image: one for all,
            or a law of N sets of parameters; None leaves it to the loss.
        crop: pixels; `batch` cuts a random crop×crop window out of each y (and out of its law) and
            turns and flips it at random, which for A = I and noise without a direction is again a
            measurement. None takes the whole.

    Example:
        >>> y = torch.randn(5, 1, 16, 16)
        >>> measurements = data.Measurements(y, operators.Identity(), crop=8)
        >>> batch, A = measurements.batch(torch.tensor([3, 1]))
        >>> len(measurements), batch.shape
        (5, torch.Size([2, 1, 8, 8]))
    """

    def __init__(
        self, y: Tensor | tuple, A: Operator, *, noise: Law = None, crop: int | None = None
    ):
        copies = tuple(y) if isinstance(y, (tuple, list)) else (y,)
        _checks.operator(A), _checks.law(noise)
        for copy in copies:
            _checks.same_shape(_checks.image(copy, "y"), copies[0], "a copy of y", "the first")
        if not copies:
            raise ValueError("y is an empty tuple; give at least one tensor (N, ...).")
        N = len(copies[0])
        for part, name in ((A, "operators"), (noise, "laws")):
            if part is not None and part.count not in (1, N):
                raise ValueError(f"{part.count} {name} for {N} measurements; give 1 or {N}.")
        A[:1].check(copies[0][:1])
        if crop is not None:
            _fits(crop, A, copies[0].shape[-2:])
        kept = A.measured()
        self.tensors = [c.detach().clone() if kept is None else c.detach() * kept for c in copies]
        self.A, self.noise, self.crop = A, noise, crop

    def __len__(self):
        return len(self.tensors[0])

    def __getitem__(self, i):
        y, *rest = self.batch(torch.tensor([range(len(self))[i]]))
        return (tuple(part[0] for part in y) if isinstance(y, tuple) else y[0]), *rest

    def batch(self, indices, generator=None):
        """(y, A) or (y, A, law) of the images `indices`; the crop is drawn from `generator`.

        With a generator the copies, which have one law, come in random order.
        """
        parts, law = self._draw(indices, generator)
        if len(parts) > 1 and generator is not None:
            order = torch.randperm(len(parts), generator=generator, device=generator.device)
            parts = [parts[i] for i in order.tolist()]
        y = parts[0] if len(parts) == 1 else tuple(parts)
        return (y, self.A[indices]) if law is None else (y, self.A[indices], law)

    def _draw(self, indices, generator):
        law = None if self.noise is None else self.noise[indices]
        if self.crop is None:
            return [t[indices] for t in self.tensors], law
        size = self.tensors[0].shape[-2:]
        windows = [_window(size, self.crop, generator) for _ in range(len(indices))]

        def cut(parts):
            parts = parts.expand(len(windows), -1, -1, -1)
            return torch.stack([window(p) for window, p in zip(windows, parts, strict=True)])

        return [cut(t[indices]) for t in self.tensors], None if law is None else law.cut(size, cut)

    def to(self, device):
        """Move the measurements, the operator and the law, in place."""
        self.tensors = [t.to(device) for t in self.tensors]
        self.A = self.A.to(device)
        self.noise = None if self.noise is None else self.noise.to(device)
        return self


def simulate(
    x: Tensor, A: Operator, noise: Law, seed: int = 0, copies: int = 1, crop: int | None = None
) -> Measurements:
    """`Measurements` y_i = noise(A x_i) of the images x, which are then forgotten.

    The law goes along where it differs from image to image, or from pixel to pixel of a crop.
    Raises ValueError as `Measurements` does.

    Arguments:
        x: images, (N, C, H, W).
        A: the operator, or a batch of N.
        noise: the law that y is drawn from; None makes y = Ax.
        seed: all randomness comes from it, 0 unless given.
        copies: how many independent y of each image; 2 makes the pairs of Noise2Noise.
        crop: pixels, as in `Measurements`.

    Example:
        >>> x = torch.rand(4, 1, 8, 8)
        >>> simulated = data.simulate(x, operators.Identity(), noise.Gaussian(0.1))
        >>> y, A = simulated.batch(torch.arange(4))
        >>> round((y - x).std().item(), 2)
        0.1
    """
    y = _simulated(x, A, noise, seed, copies, crop)
    varies = noise is not None and (noise.count > 1 or (crop is not None and noise.maps))
    return Measurements(y, A, noise=noise if varies else None, crop=crop)


class Pairs(Measurements):
    """The supervised data: `batch(indices)` gives (y, A, x), with the same y as `simulate`.

    Arguments:
        x: images, (N, C, H, W), kept beside the y that are simulated from them.
        A: the operator, or a batch of N.
        noise: the law that y is drawn from; None makes y = Ax.
        seed: all randomness of y comes from it, 0 unless given.
        crop: pixels, as in `Measurements`; x is cut as y is.

    Example:
        >>> pairs = data.Pairs(torch.rand(4, 1, 8, 8), operators.Identity(), None)
        >>> y, A, x = pairs.batch(torch.tensor([2, 0]))
        >>> torch.equal(y, x), x.shape
        (True, torch.Size([2, 1, 8, 8]))
    """

    def __init__(self, x: Tensor, A: Operator, noise: Law, seed: int = 0, crop: int | None = None):
        super().__init__(_simulated(x, A, noise, seed, 1, crop), A, crop=crop)
        self.tensors.append(x.detach().clone())

    def batch(self, indices, generator=None):
        """(y, A, x) of the images `indices`."""
        (y, x), _ = self._draw(indices, generator)
        return y, self.A[indices], x

    def __getitem__(self, i):
        y, A, x = super().__getitem__(i)
        return y, A, x[0]


def _simulated(x, A, noise, seed, copies, crop):
    _checks.image(x), _checks.law(noise)
    count = _checks.whole(copies, "copies")
    if crop is not None:
        _fits(crop, _checks.operator(A), x.shape[-2:])
    if noise is None and count > 1:
        raise ValueError(f"noise=None makes {count} equal copies; give a law, or recorded copies.")
    generator, Ax = stream(seed, "measurements"), A(x)
    return [Ax if noise is None else noise(Ax, generator=generator) for _ in range(count)]


def _fits(crop, A, size):
    if not A.is_identity:
        raise ValueError(f"crop = {crop} needs A = I, not {type(A).__name__}; crop x first.")
    if not 1 <= _checks.whole(crop, "crop") <= min(size):
        raise ValueError(f"crop = {crop} does not fit images of {tuple(size)}.")


def _window(size, crop, generator):
    """A random window of images of this size, turned and flipped at random, as a function."""
    top, left, turn, flip = (
        int(torch.randint(high, (1,), generator=generator, device=place(generator)))
        for high in (size[0] - crop + 1, size[1] - crop + 1, 4, 2)
    )

    def cut(t):
        part = t[:, top : top + crop, left : left + crop].rot90(turn, (1, 2))
        return part.flip(2) if flip else part

    return cut
