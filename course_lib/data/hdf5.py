"""Arrays of an HDF5 file: its own, of a size that it can hold, read by slices."""

import math

import h5py
import numpy as np

from .opened import Unfit, believable


def array(file, path, key):
    """The array `key`, refused if it is a link or kept elsewhere: no other file is ever opened."""
    found = file[key] if isinstance(file.get(key, getlink=True), h5py.HardLink) else None
    if not isinstance(found, h5py.Dataset) or found.is_virtual or found.external:
        raise Unfit(
            f"'{key}' of {path} is a link, a group or kept in another file: store the array itself."
        )
    made = found.id.get_create_plist()
    for code in (made.get_filter(i)[0] for i in range(made.get_nfilters())):
        if not h5py.h5z.filter_avail(code):
            raise Unfit(
                f"'{key}' of {path} is packed by filter {code}, which h5py lacks here: import "
                "hdf5plugin, or unpack it with h5repack."
            )
    values = max(math.prod(found.shape or ()), math.prod(found.chunks or ()))
    believable(path, values * found.dtype.itemsize // 4)
    return found


def expect(fits, found, path, key, wanted):
    """Refuse an array that does not fit what is wanted."""
    if not fits:
        raise Unfit(
            f"'{key}' of {path} is {found.dtype} of shape {found.shape}; expected {wanted}."
        )


def chosen(slices, count, path):
    """The numbers of the slices asked for."""
    numbers = np.arange(count)
    try:
        if isinstance(slices, bool):
            raise TypeError("True and False are no numbers")
        if slices is not None:
            numbers = numbers[list(slices) if isinstance(slices, tuple) else slices].reshape(-1)
        numbers[0]  # one at least
    except (IndexError, TypeError, ValueError) as error:
        raise Unfit(
            f"Cannot read slices {slices} of 'kspace' in {path}: it holds {count}, numbered from "
            f"0; give a number, a slice or a list ({error})."
        ) from error
    return numbers


def read(found, numbers):
    """The slices `numbers` of an array, in that order."""
    values = np.empty((len(numbers), *found.shape[1:]), found.dtype)
    for out, number in zip(values, numbers, strict=True):
        out[...] = found[number]
    return values
