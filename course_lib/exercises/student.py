"""Calling the student's function: on copies, within limits, all that it does told as its own."""

import contextlib
import copy
import inspect
import io
import signal
import sys
import threading
import traceback

import torch


class Said(Exception):
    """A sentence for the student that ends the check."""


class NotAttempted(Exception):
    """The function still returns `...`."""


class Stop(BaseException):
    """A limit is reached; no `except Exception` of the student holds it."""


class Call:
    """A function and its arguments, for one or several calls."""

    def __init__(self, function, arguments):
        self.function, self.arguments = function, arguments

    def __call__(self, generator):
        """What the function returns; it gets this generator where the arguments have one."""
        seeded = {id(v): generator for v in self.arguments if isinstance(v, torch.Generator)}
        self.given = copy.deepcopy(self.arguments, seeded)
        try:
            with _limits():
                result = self.function(*self.given)
        except SystemExit:
            raise Said("your function ends the program (sys.exit): use return.") from None
        except Stop as limit:
            raise Said(f"your function {limit}.") from None
        except Exception as error:
            raise Said(_raised(error)) from None
        if result is ... or isinstance(result, tuple) and any(part is ... for part in result):
            raise NotAttempted
        return result

    def names(self):
        """The names that the student gave to the arguments."""
        try:
            names = list(inspect.signature(self.function).parameters)
        except (TypeError, ValueError):
            names = []
        unnamed = range(len(names), len(self.arguments))
        return [*names, *(f"argument {k + 1}" for k in unnamed)][: len(self.arguments)]

    def changed(self):
        """A sentence on the arguments that the last call changed in place, or ""."""
        pairs = zip(self.names(), self.arguments, self.given, strict=True)
        names = " and ".join(name for name, old, new in pairs if not _same(old, new))
        return names and f" Your function changes {names} in place: write y = y + 1, not y += 1."


def _same(old, new):
    if isinstance(old, list):
        return len(old) == len(new) and all(map(_same, old, new))
    if torch.is_tensor(old):
        return old.shape == new.shape and torch.equal(old, new)
    return not isinstance(old, int | float) or old == new


def _raised(error):
    frames = traceback.extract_tb(error.__traceback__)[1:2]
    line = f" in the line `{frames[0].line}`" if frames and frames[0].line else ""
    said = f"your function raised {type(error).__name__}{line}: {error}"
    mixed = any(word in said for word in ("dtype", "Double", "scalar type"))
    return said + mixed * " (What you make must have the dtype of the arguments, y.dtype.)"


class _Capped(io.TextIOBase):
    """Passes on what is printed, up to a number of characters."""

    def __init__(self, stream, left=20_000):
        self.stream, self.left = stream, left

    def write(self, text):
        self.stream.write(text[: self.left])
        self.left -= len(text)
        if self.left < 0:
            raise Stop("prints without end")
        return len(text)


@contextlib.contextmanager
def _limits(seconds=30):
    """Stop a call that prints too much or, where there is an alarm to set, that takes too long."""

    def ring(*_):
        raise Stop(f"takes more than {seconds} seconds: does a loop never end?")

    with contextlib.redirect_stdout(_Capped(sys.stdout)), contextlib.ExitStack() as stack:
        if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
            stack.callback(signal.signal, signal.SIGALRM, signal.signal(signal.SIGALRM, ring))
            stack.callback(signal.setitimer, signal.ITIMER_REAL, 0)
            signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
