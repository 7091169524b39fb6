"""Arrays of an HDF5 file: its own, of a size that it can hold, read by slices."""

import math
from contextlib import contextmanager

import numpy as np

from .opened import believable, reading, regular

KIND = "an HDF5 file"


@contextmanager
def opened(path):
    """The file as h5py gives it, its path and the names of what it holds."""
    try:
        import h5py
    except ImportError as error:
        raise ImportError("data.fastmri needs the package h5py: pip install h5py.") from error
    path = regular(path, "fastMRI .h5")
    with reading(path, KIND):
        file = h5py.File(path, "r")
    with file:
        with reading(path, KIND):
            keys = sorted(file)
        yield file, path, keys


def array(file, path, key):
    """The array `key`, refused if it is a link or kept elsewhere: no other file is ever opened."""
    import h5py

    with reading(path, KIND):
        inside = isinstance(file.get(key, getlink=True), h5py.HardLink)
        found = file[key] if inside else None
        whole = isinstance(found, h5py.Dataset) and not found.is_virtual and not found.external
    if not whole:
        raise ValueError(
            f"'{key}' of {path} is a link, a group or kept in another file: store the array itself."
        )
    with reading(path, KIND):
        made = found.id.get_create_plist()
        filters = [made.get_filter(i) for i in range(made.get_nfilters())]
        missing = [str(f[0]) for f in filters if not h5py.h5z.filter_avail(f[0])]
        values = max(math.prod(found.shape or ()), math.prod(found.chunks or ()))
        size = found.dtype.itemsize
    if missing:
        raise ValueError(
            f"'{key}' of {path} is packed by filter {missing[0]}, which h5py lacks here: import "
            "hdf5plugin, or unpack it with h5repack."
        )
    believable(path, values * size // 4)
    return found


def chosen(slices, count, path):
    """The numbers of the slices asked for."""
    numbers = np.arange(count)
    if slices is None:
        return numbers
    try:
        if isinstance(slices, bool):
            raise TypeError("True and False are no numbers")
        numbers = numbers[list(slices) if isinstance(slices, tuple) else slices].reshape(-1)
        if not len(numbers):
            raise IndexError("none is chosen")
    except (IndexError, TypeError, ValueError) as error:
        raise ValueError(
            f"Cannot read slices {slices} of 'kspace' in {path}: it holds {count}, numbered from "
            f"0; give a number, a slice or a list ({error})."
        ) from error
    return numbers


def values(found, path, index=None):
    """The slices `index` of an array, in that order, or all of it."""
    with reading(path, KIND):
        if index is None:
            return np.asarray(found[()])
        if (np.diff(index) == 1).all():
            return found[index[0] : index[-1] + 1]
        return np.stack([found[i] for i in index])
