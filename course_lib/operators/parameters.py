"""What operators are made of: numbers, pairs and masks, one for all images or one for each."""

import torch

from .. import _checks

Numbers = "float | torch.Tensor"  # one for all images, or (B, ...) of them


def as_numbers(value, name, shape=None):
    """A parameter as finite floats: a tensor keeps its precision, all else gets the default one.

    shape: of the parameter of one image, which makes it (1 or B, *shape); letters are any size.
    """
    if not torch.is_tensor(value) or not (value.is_floating_point() or value.is_complex()):
        value, dtype = torch.as_tensor(value), torch.get_default_dtype()
        value = value.to(dtype.to_complex() if value.is_complex() else dtype)
    _checks.floats(torch.view_as_real(value.resolve_conj()) if value.is_complex() else value, name)
    return value if shape is None else _checks.per_image(value, name, shape)


def as_pairs(value, name):
    """Whole numbers (a, b) for all images, or (B, 2), as (1 or B, 2)."""
    value = torch.as_tensor(value)
    if value.is_floating_point():
        raise ValueError(f"{name} must hold whole numbers (a, b), with shape (2,) or (B, 2).")
    return _checks.per_image(value, name, (2,))


def as_mask(mask, what):
    """A mask of zeros and ones as floats (1 or B, 1 or C, H, W); `what` one without a 1 hides."""
    mask = as_numbers(mask, "mask")
    if _checks.reads(mask) and not ((mask == 0) | (mask == 1)).all():
        raise ValueError("mask holds values other than 0 and 1; threshold it first.")
    if not 2 <= mask.ndim <= 4:
        raise ValueError(f"mask has shape {tuple(mask.shape)}; use (H, W) or (B, C, H, W).")
    mask = mask.reshape(*[1] * (4 - mask.ndim), *mask.shape)
    if _checks.reads(mask) and not mask.flatten(1).any(1).all():
        raise ValueError(f"mask hides every {what} of an image; keep at least one.")
    return mask


def limited(limits, **values):
    """{name: tensor (1 or B, *shape)} of parameters of as many images, or floats; checked.

    limits: for each name the shape for one image, None for a single number, then the lowest and
    highest, what the number means, and the least size of one that is not 0 where there is one.
    """
    found = {}
    for name, value in values.items():
        shape, *limit = limits[name]
        if shape is None:
            value = _checks.number(value, name)
            _checks.between(value, name, *limit)
        else:
            value = _checks.per_image(_checks.between(value, name, *limit), name, shape)
        found[name] = value
    _checks.same_batch(**{n: value for n, value in found.items() if limits[n][0] is not None})
    return found
