"""What a function returned, as a tensor, and whether it agrees with a trusted one."""

import numpy
import torch


def tensor(value):
    """Tensors, NumPy arrays, numbers, tuples and lists of these as int64, float64 or complex128.

    Anything else is a TypeError, ValueError or RuntimeError.
    """
    numbers = isinstance(value, list) and all(isinstance(v, (int, float)) for v in value)
    if isinstance(value, (tuple, list)) and not numbers:
        parts = [tensor(part) for part in value]
        if isinstance(value, tuple) and all(part.numel() == 1 for part in parts):
            parts = [part.reshape(()) for part in parts]
        return torch.stack(parts)
    if not torch.is_tensor(value):
        value = torch.as_tensor(numpy.array(value))
    kind = torch.float64 if value.is_floating_point() else torch.int64
    return value.detach().cpu().to(torch.complex128 if value.is_complex() else kind)


def close(answer, right, tolerance=1e-4):
    """Whether `answer` is `right`, to `tolerance` of its norm; a number may have any shape."""
    answer, right = tensor(answer).double(), tensor(right).double()
    if answer.numel() == right.numel() == 1:
        answer = answer.reshape(right.shape)
    known = right.isfinite()
    if answer.shape != right.shape or not torch.equal(known, answer.isfinite()):
        return False
    distance = (answer[known] - right[known]).norm()
    return torch.allclose(answer[~known], right[~known], equal_nan=True) and bool(
        distance <= tolerance * right[known].norm() + 1e-8
    )


def shown_by(answer, mistakes, tolerance=1e-4):
    """The sentence of {sentence: wrong answer, or a list of some} whose answer this is, or None."""
    for sentence, wrong in mistakes.items():
        several = wrong if isinstance(wrong, list) else [wrong]
        if any(close(answer, one, tolerance) for one in several):
            return sentence
    return None
