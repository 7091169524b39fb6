"""Arrays of an HDF5 file: its own, of a size that it can hold, read by slices."""

import math

import h5py
import numpy as np

from .opened import Unfit, believable


def array(file, path, key):
    """The array `key`, refused if it is a link or kept elsewhere: no other file is ever opened."""
    found = file[key] if isinstance(file.get(key, getlink=True), h5py.HardLink) else None
    if not isinstance(found, h5py.Dataset) or found.is_virtual or found.external:
        why = "a link, a group or kept in another file: store the array itself"
        raise Unfit(f"'{key}' of {path} is {why}.")
    made = found.id.get_create_plist()
    for code in (made.get_filter(i)[0] for i in range(made.get_nfilters())):
        if not h5py.h5z.filter_avail(code):
            why = f"packed by filter {code}, which h5py lacks here: import hdf5plugin to have it"
            raise Unfit(f"'{key}' of {path} is {why}.")
    values = max(math.prod(found.shape or ()), math.prod(found.chunks or ()))
    believable(path, values * found.dtype.itemsize // 4)
    return found


def expect(fits, found, path, key, wanted):
    """Refuse an array that does not fit what is wanted."""
    if not fits:
        kind = f"{found.dtype} of shape {found.shape}"
        raise Unfit(f"'{key}' of {path} is {kind}; expected {wanted}.")


def chosen(slices, count, path):
    """The numbers of the slices asked for."""
    wanted = slice(None) if slices is None else slices
    try:
        numbers = np.arange(count)[list(wanted) if isinstance(wanted, tuple) else wanted]
        if isinstance(slices, bool) or numbers.size == 0:
            raise IndexError("no number of a slice")
    except (IndexError, TypeError, ValueError) as error:
        message = (
            f"No slices {slices} of 'kspace' in {path}: give some of 0 to {count - 1} ({error})."
        )
        raise Unfit(message) from error
    return numbers.reshape(-1)


def read(found, numbers):
    """The slices `numbers` of an array, in that order."""
    values = np.empty((len(numbers), *found.shape[1:]), found.dtype)
    for out, number in zip(values, numbers, strict=True):
        out[...] = found[number]
    return values
