"""Slips of science: a loss or a law of which one method is wrong, as a small subclass.

    slip(losses.R2R, offset=lambda s, right, noise, y, A=None: 0)

A loss that is written out as its docstring displays it has a method for each piece of the formula,
so that a slip is one piece: `slip(WrittenOut, target=lambda s, y1, y2: y1)`.
"""

import functools


def slip(family, **methods):
    """A subclass with these methods; one that has a parameter `right` is given the original's."""
    return type(family.__name__, (family,), {
        name: _of(getattr(family, name, None), method) for name, method in methods.items()
    })  # fmt: skip


def _of(original, method):
    if "right" not in method.__code__.co_varnames[: method.__code__.co_argcount]:
        return method

    @functools.wraps(method)
    def changed(self, *arguments, **keywords):
        return method(self, functools.partial(original, self), *arguments, **keywords)

    return changed


def seen(A, u):
    """u where A measures, 0 elsewhere."""
    M = A.measured()
    return u if M is None else M * u


def level(noise, y, A):
    """The noise variance where A measures, 0 elsewhere."""
    return seen(A, noise.variance(y))


def truth(self):
    """Ax of the problem `self.problem`: what only a leak could know."""
    return self.problem.A(self.problem.x)


SCALES = {  # slips of any loss that is a mean of squares
    "un-normalised sum": lambda s, right, f, y, *a, **k: right(f, y, *a, **k) * count(y),
    "half the square": lambda s, right, *a, **k: right(*a, **k) / 2,
}


def count(y):
    return (y if hasattr(y, "numel") else y[0]).numel()


def scales(family):
    return {name: slip(family, forward=forward) for name, forward in SCALES.items()}


def offsets(family, **more):
    """Slips of the offset: none, and `more`, functions of (self, noise, y, A)."""
    none = {"offset missing": lambda s, noise, y, A=None: 0}
    return {name: slip(family, offset=offset) for name, offset in (none | more).items()}
