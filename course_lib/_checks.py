"""Checks at the boundary: one clear sentence that names the value and the remedy."""

import torch


class NotFinite(ValueError):
    """A tensor holds NaN or infinite values: in training, a step that was too large."""


def real(y, name="y"):
    """Refuse what is not a tensor of real floating-point numbers."""
    if torch.is_tensor(y) and y.is_floating_point():
        return y
    if not torch.is_tensor(y):
        raise TypeError(f"{name} is a {type(y).__name__}; make it a tensor with torch.as_tensor.")
    if y.is_complex():
        raise ValueError(
            f"{name} is complex; make it real channels with operators.fourier.to_channels({name})."
        )
    most = 1 if y.dtype == torch.bool else torch.iinfo(y.dtype).max
    raise ValueError(
        f"{name} holds {y.dtype} values; scale it first, e.g. {name}.float() / {most}."
    )


def floats(y, name="y"):
    """Refuse what is not a finite floating-point tensor."""
    if real(y, name).is_meta:
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
    shape = x.shape
    if len(shape) == 4 and 0 not in shape:
        return x
    if 0 in shape:
        raise ValueError(f"{name} has shape {tuple(shape)}, no image at all; give at least one.")
    remedy = (
        f"e.g. {name}[None, None] for one gray image"
        if len(shape) < 4
        else f"e.g. {name}.flatten(0, 1) for several frames an image"
    )
    raise ValueError(f"{name} has shape {tuple(shape)}; images are (B, C, H, W), {remedy}.")


def image(x, name="x"):
    """Refuse what is not an image batch (B, C, H, W) of finite floats."""
    return axes(floats(x, name), name)


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
    if noise is None and needed_by is not None:
        raise TypeError(
            f"{needed_by} needs the law of y; give one of course_lib.noise, such as "
            "noise.Gaussian(0.1)."
        )
    if noise is None or hasattr(noise, "variance"):
        return noise
    meant = "give one of course_lib.noise, such as noise.Gaussian(0.1), or None."
    if isinstance(noise, torch.Generator):
        meant = "pass the generator by its name, generator=g."
    elif torch.is_tensor(noise):
        meant = "a loss never sees x: only losses.Supervised takes it, with data.Pairs."
    raise TypeError(f"noise is a {type(noise).__name__}, not a law; {meant}")


def number(value, name, many="give one number"):
    """The value as a float; refuse what is not one number, and say what is for `many`."""
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError) as error:
        if hasattr(value, "shape"):
            raise ValueError(f"{name} has shape {tuple(value.shape)}; {many}.") from error
        raise TypeError(f"{name} is {value!r}; {many}.") from error


def finite(value, name):
    """Refuse what is not one finite number."""
    found = number(value, name)
    if not -float("inf") < found < float("inf"):
        raise ValueError(f"{name} is {found:g}; it must be a finite number.")
    return found


def positive(value, name, many="it must be one positive number"):
    """Refuse what is not a finite number above zero."""
    found = number(value, name, many)
    if not 0 < found < float("inf"):
        raise ValueError(f"{name} is {found:g}; it must be a positive number.")
    return found


def choice(value, name, *choices):
    """Refuse what is none of the choices."""
    if value not in choices:
        told = " or ".join(map(repr, choices))
        raise ValueError(f"{name} is {value!r}; use {told}.")
    return value


def fraction(value, name):
    """Refuse what is not strictly between 0 and 1."""
    found = number(value, name)
    if not 0 < found < 1:
        raise ValueError(f"{name} is {found:g}; it must lie strictly between 0 and 1.")
    return found


def between(value, name, low, high, meant, least=0.0):
    """Numbers in [low, high], 0 or at least `least` in size, as floats; say what was `meant`."""
    try:
        values = value if torch.is_tensor(value) else torch.as_tensor(value, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{name} is {value!r}; {meant}.") from error
    values = values if values.is_floating_point() else values.double()
    good = (values >= low) & (values <= high) & ((values == 0) | (values.abs() >= least))
    if not good.all():
        bad, verb = values[~good].flatten()[0], "is" if values.numel() == 1 else "holds"
        raise ValueError(f"{name} {verb} {bad:g}; {meant}.")
    return values


def per_image(values, name, shape=()):
    """A parameter (*shape) of all images, or (B, *shape) of each: a copy, (1 or B, *shape).

    A size in `shape` that is a letter may be any of at least 1.
    """
    one = values.ndim == len(shape)
    sizes = zip(values.shape[not one :], shape, strict=False)
    if values.ndim - len(shape) not in (0, 1) or 0 in values.shape or any(
        a != b for a, b in sizes if not isinstance(b, str)
    ):  # fmt: skip
        dims = ", ".join(map(str, shape))
        alone = "a number" if not shape else f"({dims},)" if len(shape) == 1 else f"({dims})"
        raise ValueError(
            f"{name} has shape {tuple(values.shape)}; use {alone} or "
            f"({', '.join(['B', dims] if shape else ['B,'])})."
        )
    return (values[None] if one else values).clone()


def same_batch(**parameters):
    """Refuse parameters for different numbers of images, where 1 serves all."""
    counts = {name: len(value) for name, value in parameters.items() if len(value) > 1}
    if len(set(counts.values())) > 1:
        told = " and ".join(f"{name} for {count}" for name, count in counts.items())
        raise ValueError(f"{told} images were given; give as many of each, or one for all.")


def density(value):
    """π, the probability that each entry is measured, as float64 (1 or B, 1 or C, 1 or H, W)."""
    pi = floats(torch.as_tensor(value, dtype=torch.float64), "density")
    if not ((pi > 0) & (pi <= 1)).all():
        raise ValueError(
            f"density lies in [{pi.min():g}, {pi.max():g}]; an entry that is never measured can't "
            "be learnt: it must be in (0, 1]."
        )
    return pi.reshape(*[1] * (4 - pi.ndim), *pi.shape)


def broadcasts(value, y, name):
    """Refuse a tensor of a shape that does not broadcast to y's."""
    sizes = zip(value.shape[::-1], y.shape[::-1], strict=False)
    if value.ndim > y.ndim or any(a not in (1, b) for a, b in sizes):
        raise ValueError(
            f"{name} has shape {tuple(value.shape)}, which does not broadcast to y's "
            f"{tuple(y.shape)}; make it for these measurements."
        )


def whole(value, name):
    """Refuse what is not a whole number of at least 1."""
    found = number(value, name, "it must be one whole number of at least 1")
    if not 1 <= found < float("inf") or found != int(found):
        raise ValueError(f"{name} is {value}; it must be a whole number of at least 1.")
    return int(value)


def size(value, name="size"):
    """(H, W), or one number for both."""
    pair = list(value) if isinstance(value, (tuple, list)) else [value, value]
    if len(pair) != 2:
        raise ValueError(f"{name} is {value}; use (H, W), or one number for a square.")
    return whole(pair[0], name), whole(pair[1], name)


def within(values, low, high, name):
    """Refuse values outside [low, high]; move what lies outside by rounding alone onto the edge."""
    slack = 1e-5 * float(values.abs().max()) if values.numel() else 0.0
    if (values < low - slack).any() or (values > high + slack).any():
        raise ValueError(
            f"{name} lies in [{values.min():g}, {values.max():g}]; it must stay in [{low}, {high}]."
        )
    return values.clamp(low, high)


def same_shape(a, b, name_a, name_b):
    """Refuse two tensors of different shapes."""
    if a.shape != b.shape:
        raise ValueError(
            f"{name_a} has shape {tuple(a.shape)} and {name_b} {tuple(b.shape)}; they must agree."
        )


def fits(f, y):
    """Refuse a network whose parameters lie on another device than y, or have another dtype."""
    parameter = next(f.parameters(), None) if isinstance(f, torch.nn.Module) else None
    if parameter is None:
        return
    for what in ("device", "dtype"):
        own, its = getattr(parameter, what), getattr(y, what)
        if own != its:
            raise ValueError(
                f"y has the {what} {its} and the network {own}; convert one of them, e.g. "
                f"y.to(torch.{str(own).removeprefix('torch.')})."
                if what == "dtype"
                else f"y is on {its} and the network on {own}; move one of them, e.g. "
                f"y.to({str(own)!r})."
            )
