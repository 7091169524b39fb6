"""Checks at the boundary: one clear sentence that names the value and the remedy."""

import torch


def floats(y, name="y"):
    """Refuse what is not a finite floating-point tensor."""
    if not torch.is_tensor(y):
        raise TypeError(f"{name} is a {type(y).__name__}; make it a tensor with torch.as_tensor.")
    if not y.is_floating_point():
        raise ValueError(
            f"{name} holds {y.dtype} values; scale it first, e.g. {name}.float() / 255."
        )
    if not torch.isfinite(y.sum()) and (bad := int((~torch.isfinite(y)).sum())):  # one pass
        raise ValueError(f"{name} holds {bad} NaN or infinite values; replace or drop them first.")
    return y


def image(x, name="x"):
    """Refuse what is not an image batch (B, C, H, W) of finite floats."""
    floats(x, name)
    if x.ndim != 4:
        raise ValueError(
            f"{name} has shape {tuple(x.shape)}; images are (B, C, H, W), "
            f"e.g. {name}[None, None] for one gray image."
        )
    return x


def operator(A):
    """Refuse what is no operator."""
    if not hasattr(A, "adjoint"):
        raise TypeError(
            f"A is a {type(A).__name__}, not an operator; give one of course_lib.operators, "
            "operators.Identity() for denoising."
        )
    return A


def law(noise):
    """Refuse what is neither a law nor None, saying what was probably meant."""
    if noise is None or hasattr(noise, "variance"):
        return noise
    meant = "give one of course_lib.noise, such as noise.Gaussian(0.1), or None."
    if isinstance(noise, torch.Generator):
        meant = "pass the generator by its name, generator=g."
    elif torch.is_tensor(noise):
        meant = "a loss never sees x: only losses.Supervised takes it, with data.Pairs."
    raise TypeError(f"noise is a {type(noise).__name__}, not a law; {meant}")


def positive(value, name):
    """Refuse what is not a finite number above zero."""
    number = float(value)
    if not 0 < number < float("inf"):
        raise ValueError(f"{name} is {number:g}; it must be a positive number.")
    return number


def fraction(value, name):
    """Refuse what is not strictly between 0 and 1."""
    number = float(value)
    if not 0 < number < 1:
        raise ValueError(f"{name} is {number:g}; it must lie strictly between 0 and 1.")
    return number


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
    if value != int(value) or value < 1:
        raise ValueError(f"{name} is {value}; it must be a whole number of at least 1.")
    return int(value)


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


def same_device(f, y):
    """Refuse a network whose parameters lie on another device than y."""
    if isinstance(f, torch.nn.Module):
        parameter = next(f.parameters(), None)
        if parameter is not None and parameter.device != y.device:
            raise ValueError(
                f"y is on {y.device} and the network on {parameter.device}; "
                f"move one of them, e.g. y.to({str(parameter.device)!r})."
            )
