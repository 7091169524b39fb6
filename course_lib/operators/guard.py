"""What every operator does with its input first: check it, and leave half precision behind."""

import contextlib
import functools

import torch

from .. import _checks

HALF = (torch.float16, torch.bfloat16)
ANY_AUTOCAST = getattr(torch._C, "_is_any_autocast_enabled", lambda: True)  # fast, where it is


def single(x):
    """x in float32 at least: half precision is for networks, not for linear algebra."""
    return x.float() if x.dtype in HALF else x


def without_autocast(x):
    """A context in which nothing on x's device is cast to half precision."""
    kind = x.device.type
    if x.is_meta or not (ANY_AUTOCAST() and torch.is_autocast_enabled(kind)):
        return contextlib.nullcontext()
    return torch.autocast(kind, enabled=False)


def guarded(name):
    """A decorator for a method of an operator whose argument is called `name`.

    The method then runs in float32 at least, on an input that fits the operator's parameters: real,
    on their device, and with as many images, or one. NaN is not looked for, which would be as slow
    as a mask: it stays visible in the result.
    """

    def decorator(method):
        @functools.wraps(method)
        def call(A, x, *rest, **options):
            x = _checks.real(x, name)
            if x.dtype in HALF:
                x = x.float()
            device = x.device
            for parameter, values in A._buffers.items():
                if values.device != device or (values.size(0) > 1 and A._varies(parameter)):
                    _fits(A, x, name, values)
            if not ANY_AUTOCAST():  # which is faster than to enter a context
                return method(A, x, *rest, **options)
            with without_autocast(x):
                return method(A, x, *rest, **options)

        return call

    return decorator


def _fits(A, x, name, values):
    if values.device != x.device:
        raise ValueError(
            f"{name} is on {x.device} and {type(A).__name__} on {values.device}; move one of them, "
            f"e.g. {name}.to({str(values.device)!r})."
        )
    if x.ndim == 4 and len(x) not in (1, len(values)):
        raise ValueError(
            f"{name} holds {len(x)} images and {type(A).__name__} was made for {len(values)}; "
            "take the operators of these images, A[indices]."
        )
