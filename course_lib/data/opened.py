"""What the readers of the user's own files share: one sentence for each fault, sizes, float32.

Memory: a file whose header declares more than 2²⁶ values (256 MiB in float32) must hold a byte for
every 64 of them, or it is refused before memory is taken: kilobytes that unpack to gigabytes are
damaged, or meant to harm.
"""

import importlib
from contextlib import contextmanager
from pathlib import Path

import numpy as np

MANY, RATIO = 2**26, 64


class Unfit(Exception):
    """A file that can be read but not taken, in a sentence that `reading` makes a ValueError."""


def regular(path, kind):
    """`path` as a Path, refused unless it is a file: pipes, devices and folders are none."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is not a file: give the path of {kind}.")
    return path


@contextmanager
def reading(path, kind):
    """The `regular` path; whatever a library raises over the bytes becomes one ValueError."""
    path = regular(path, kind)
    try:
        yield path
    except Unfit as refusal:
        raise ValueError(*refusal.args) from refusal.__cause__
    except Exception as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise ValueError(
            f"Cannot read {path} as {kind} ({why}): it must be a whole file of that kind."
        ) from error


def library(package, reader):
    """An optional package, or one sentence that says how to get it."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise ImportError(
            f"{reader} needs the package {package}: pip install {package}."
        ) from error


def believable(path, values):
    """Refuse a file that declares far more values than it has bytes for."""
    size = path.stat().st_size
    if values > max(MANY, RATIO * size):
        raise Unfit(f"{path} has {size} bytes and declares {values} values: mend or unpack it.")


def float32(values, name):
    """A new float32 array, refused where values are NaN or infinite, or all but 0 in float32."""
    peak, limits = float(np.abs([values.max(), values.min()]).max()), np.finfo(np.float32)
    if peak and not float(limits.tiny) <= peak <= float(limits.max):
        raise Unfit(f"{name} holds values up to {peak:.3g}, outside float32: rescale or mend them.")
    return np.array(values, np.float32, order="C")
