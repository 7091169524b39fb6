"""What every operator does with its input first: check it, and leave half precision behind."""

import contextlib
import functools

import torch

from .. import _checks

HALF = (torch.float16, torch.bfloat16)
ANY_AUTOCAST = getattr(torch._C, "_is_any_autocast_enabled", lambda: True)  # fast, where it is
NOTHING = contextlib.nullcontext()


def single(x):
    """x in float32 at least: half precision is for networks, not for linear algebra."""
    return x.float() if x.dtype in HALF else x


def without_autocast(x):
    """A context in which nothing on x's device is cast to half precision."""
    if not ANY_AUTOCAST() or x.is_meta or not torch.is_autocast_enabled(x.device.type):
        return NOTHING
    return torch.autocast(x.device.type, enabled=False)


def guarded(name):
    """A decorator for a method of an operator whose argument is called `name`.

    The method then runs in float32 at least, on an input that fits the operator's parameters: real,
    on their device, with as many images, or one, and of the shape that `takes` says for x and
    `gives` for y. NaN is not looked for, which would be as slow as a mask: it stays visible.
    """

    def decorator(method):
        @functools.wraps(method)
        def call(A, x, *rest, **options):
            x = _checks.real(x, name)
            if x.dtype in HALF:
                x = x.float()
            device, sizes = x.device, A.takes if name == "x" else A.gives
            for parameter, values in A._buffers.items():
                if values.device != device or (values.size(0) > 1 and A._varies(parameter)):
                    _belongs(A, x, name, values)
            if sizes is not None and not _fits(x.shape, sizes):
                told = f"{type(A).__name__} was made for (B, {', '.join(map(str, sizes))})"
                shape = tuple(_checks.axes(x, name).shape)
                raise ValueError(f"{name} has shape {shape} and {told}; {A.otherwise}.")
            with without_autocast(x):
                return method(A, x, *rest, **options)

        return call

    return decorator


def _belongs(A, x, name, values):
    kind = type(A).__name__
    if values.device != x.device:
        move = f"move one of them, e.g. {name}.to({str(values.device)!r})"
        raise ValueError(f"{name} is on {x.device} and {kind} on {values.device}; {move}.")
    if x.ndim == 4 and len(x) not in (1, len(values)):
        told = f"{name} holds {len(x)} images and {kind} was made for {len(values)}"
        raise ValueError(f"{told}; take the operators of these images, A[indices].")


@functools.lru_cache  # as it would take longer than a small mask
def _fits(shape, sizes):
    """Whether an image batch has these sizes: numbers, or letters, each for one size."""
    letters = {}
    return len(shape) == 4 and 0 not in shape and all(
        have == (letters.setdefault(want, have) if isinstance(want, str) else want)
        for have, want in zip(shape[1:], sizes, strict=True)
    )  # fmt: skip
