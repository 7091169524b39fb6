"""Checks at the boundary: one clear sentence that names the value and the remedy."""

import contextlib
import contextvars

import torch

INF = float("inf")
_unread = contextvars.ContextVar("unread", default=False)


class NotFinite(ValueError):
    """A tensor holds NaN or infinite values: in training, a step that was too large."""


@contextlib.contextmanager
def unread(on=True):
    """Within it types and shapes are checked, values are not, so that a GPU is not waited for."""
    token = _unread.set(on)
    try:
        yield
    finally:
        _unread.reset(token)


def reads(y):
    """Whether the values of y may be looked at: see `unread`; a meta tensor has none."""
    return not (y.is_meta or _unread.get())


def real(y, name="y"):
    """Refuse what is not a tensor of real floating-point numbers."""
    if not torch.is_tensor(y):
        raise TypeError(f"{name} is a {type(y).__name__}; make it a tensor with torch.as_tensor.")
    if y.is_floating_point():
        return y
    if y.is_complex():
        remedy = f"make it real channels with operators.fourier.to_channels({name})"
    else:
        most = 1 if y.dtype == torch.bool else torch.iinfo(y.dtype).max
        remedy = f"scale it first, e.g. {name}.float() / {most}"
    raise ValueError(f"{name} holds {y.dtype} values; {remedy}.")


def floats(y, name="y"):
    """Refuse what is not a finite floating-point tensor."""
    if not reads(real(y, name)):
        return y
    if not torch.isfinite(y.sum()) and (bad := int((~torch.isfinite(y)).sum())):  # one pass
        raise NotFinite(f"{name} holds {bad} NaN or infinite values; replace or drop them first.")
    return y


def single(y, name="y"):
    """Refuse what is not a tensor of finite floats of at least 32 bits, as noise laws need."""
    if floats(y, name).dtype.itemsize < 4:
        raise ValueError(
            f"{name} holds {y.dtype} values, too coarse for a noise law; give {name}.float()."
        )
    return y


def axes(x, name="x"):
    """Refuse what does not have the four axes of an image batch, or holds nothing."""
    shape = tuple(x.shape)
    if 0 in shape:
        raise ValueError(f"{name} has shape {shape}, no image at all; give at least one.")
    if len(shape) != 4:
        raise ValueError(
            f"{name} has shape {shape}; images are (B, C, H, W), e.g. {name}[None, None] for one "
            f"gray image, {name}.flatten(0, 1) for several frames an image."
        )
    return x


def image(x, name="x"):
    """Refuse what is not an image batch (B, C, H, W) of finite floats."""
    return axes(floats(x, name), name)


def suits(net, y):
    """Refuse images y that a network can't take: see its `channels`, `multiple` and `least`."""
    name, size = type(net).__name__, tuple(image(y, "y").shape[-2:])
    channels, multiple = getattr(net, "channels", y.shape[1]), getattr(net, "multiple", 1)
    least = max(multiple, getattr(net, "least", 1))
    if y.shape[1] != channels:
        raise ValueError(
            f"y has {y.shape[1]} channels; this {name} was made for {channels}: make one with "
            f"channels={y.shape[1]}."
        )
    if min(size) < least or any(side % multiple for side in size):
        raise ValueError(
            f"y is {size} pixels; crop or pad it to multiples of {multiple}, at least {least}, for "
            f"this {name}, or give it to models.Tiled(net), which pads."
        )
    return y


def operator(A):
    """Refuse what is no operator."""
    if not hasattr(A, "adjoint"):
        raise TypeError(
            f"A is a {type(A).__name__}, not an operator; give one of course_lib.operators, "
            "operators.Identity() for denoising."
        )
    return A


def law(noise, needed_by=None):
    """Refuse what is neither a law nor None, saying what was probably meant; needed_by: a name,
    of what can't do without one."""
    if hasattr(noise, "variance") or (noise is None and needed_by is None):
        return noise
    meant = "give one of course_lib.noise, such as noise.Gaussian(0.1)"
    if noise is None:
        raise TypeError(f"{needed_by} needs the law of y; {meant}.")
    if isinstance(noise, torch.Generator):
        meant = "pass the generator by its name, generator=g"
    elif torch.is_tensor(noise):
        meant = "a loss never sees x: only losses.Supervised takes it, with data.Pairs"
    raise TypeError(f"noise is a {type(noise).__name__}, not a law; {meant}.")


def number(value, name, many="give one number", low=-INF, high=INF, must="be a finite number"):
    """The value as a float in (low, high); refuse what is not one, and say what is for `many`."""
    try:
        found = float(value)
    except (TypeError, ValueError, RuntimeError) as error:
        if hasattr(value, "shape"):
            raise ValueError(f"{name} has shape {tuple(value.shape)}; {many}.") from error
        raise TypeError(f"{name} is {value!r}; {many}.") from error
    if not low < found < high:
        raise ValueError(f"{name} is {found:g}; it must {must}.")
    return found


def positive(value, name, many="it must be one positive number"):
    """Refuse what is not a finite number above zero."""
    return number(value, name, many, low=0, must="be a positive number")


def fraction(value, name):
    """Refuse what is not strictly between 0 and 1."""
    return number(value, name, low=0, high=1, must="lie strictly between 0 and 1")


def choice(value, name, *choices):
    """Refuse what is none of the choices."""
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; use {' or '.join(map(repr, choices))}.")
    return value


def whole(value, name):
    """Refuse what is not a whole number of at least 1."""
    must = "a whole number of at least 1"
    found = number(value, name, f"it must be one {must[2:]}", low=0, must=f"be {must}")
    if found != int(found):
        raise ValueError(f"{name} is {value}; it must be {must}.")
    return int(value)


def size(value, name="size"):
    """(H, W), or one number for both."""
    pair = list(value) if isinstance(value, (tuple, list)) else [value, value]
    if len(pair) != 2:
        raise ValueError(f"{name} is {value}; use (H, W), or one number for a square.")
    return whole(pair[0], name), whole(pair[1], name)


def between(value, name, low, high, meant, least=0.0):
    """Numbers in [low, high], 0 or at least `least` in size, as floats; say what was `meant`."""
    try:
        values = value if torch.is_tensor(value) else torch.as_tensor(value, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} is {value!r}; {meant}.") from error
    values = values if values.is_floating_point() else values.double()
    if not reads(values):
        return values
    good = (values >= low) & (values <= high) & ((values == 0) | (values.abs() >= least))
    if not good.all():
        bad, verb = values[~good].flatten()[0], "is" if values.numel() == 1 else "holds"
        raise ValueError(f"{name} {verb} {bad:g}; {meant}.")
    return values


def within(values, low, high, name):
    """Refuse values outside [low, high]; move what lies outside by rounding alone onto the edge."""
    slack = 1e-5 * values.abs().max() if values.numel() else 0.0
    between(values, name, low - slack, high + slack, f"it must stay in [{low}, {high}]")
    return values.clamp(low, high)


def density(value):
    """π, the probability that each entry is measured, as float64 (1 or B, 1 or C, 1 or H, W)."""
    pi = torch.as_tensor(value, dtype=torch.float64)
    never = "an entry that is never measured can't be learnt: it must be in (0, 1]"
    between(pi, "density", 1e-300, 1, never)
    return pi.reshape(*[1] * (4 - pi.ndim), *pi.shape)


def per_image(values, name, shape=()):
    """A parameter (*shape) of all images, or (B, *shape) of each: a copy, (1 or B, *shape).

    A size in `shape` that is a letter may be any of at least 1.
    """
    own = values if values.ndim > len(shape) else values[None]
    right = own.ndim == len(shape) + 1 and 0 not in own.shape
    sizes = zip(own.shape[1:], shape, strict=False)
    if not right or any(a != b for a, b in sizes if not isinstance(b, str)):
        alone, many = (str((*first, *shape)).replace("'", "") for first in ((), ("B",)))
        raise ValueError(
            f"{name} has shape {tuple(values.shape)}; use {alone if shape else 'a number'} or "
            f"{many}."
        )
    return own.clone()


def same_batch(**parameters):
    """Refuse parameters for different numbers of images, where 1 serves all."""
    counts = {name: len(value) for name, value in parameters.items() if len(value) > 1}
    if len(set(counts.values())) > 1:
        told = " and ".join(f"{name} for {count}" for name, count in counts.items())
        raise ValueError(f"{told} images were given; give as many of each, or one for all.")


def same_shape(a, b, name_a, name_b):
    """Refuse two tensors of different shapes."""
    if a.shape != b.shape:
        raise ValueError(
            f"{name_a} has shape {tuple(a.shape)} and {name_b} {tuple(b.shape)}; they must agree."
        )


def broadcasts(value, y, name):
    """Refuse a tensor of a shape that does not broadcast to y's."""
    sizes = zip(value.shape[::-1], y.shape[::-1], strict=False)
    if value.ndim > y.ndim or any(a not in (1, b) for a, b in sizes):
        raise ValueError(
            f"{name} has shape {tuple(value.shape)}, which does not broadcast to y's "
            f"{tuple(y.shape)}; make it for these measurements."
        )


def fits(f, y):
    """Refuse a network whose parameters lie on another device than y, or have another dtype."""
    own = next(f.parameters(), y) if isinstance(f, torch.nn.Module) else y
    if (own.device, own.dtype) != (y.device, y.dtype):
        raise ValueError(
            f"y is on {y.device} in {y.dtype} and the network on {own.device} in {own.dtype}; "
            "move one of them, e.g. y.to(next(f.parameters()))."
        )
