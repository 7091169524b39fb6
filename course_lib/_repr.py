"""How operators, laws and losses show themselves: as the call that made them, numbers included."""

import inspect

import torch


class Called(torch.nn.Module):
    """A module whose repr is Name(argument=value, ...), from the attributes of the same names."""

    def __repr__(self):
        names = inspect.signature(type(self).__init__).parameters
        values = {name: getattr(self, name, None) for name in names if name != "self"}
        shown = [f"{name}={short(v)}" for name, v in values.items() if v is not None]
        return f"{type(self).__name__}({', '.join(shown)})"


def short(value):
    """A value in a few words: a number, a few numbers, or the shape of a larger tensor."""
    if callable(value) and hasattr(value, "__name__"):
        return value.__name__
    if not torch.is_tensor(value):
        return f"{value:g}" if isinstance(value, float) else repr(value)
    if value.numel() > 4:
        return f"tensor{tuple(value.shape)}"
    numbers = [f"{number:g}" for number in value.flatten().tolist()]
    return numbers[0] if len(numbers) == 1 else f"[{', '.join(numbers)}]"
