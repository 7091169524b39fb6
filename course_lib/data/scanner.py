"""The reader's own k-space: fastMRI's HDF5 files, one coil or several."""

import math
import re
import warnings
from typing import NamedTuple

import numpy as np
import torch

from . import hdf5
from .opened import float32, reading

TARGETS = ("reconstruction_rss", "reconstruction_esc")  # of several coils, of one
PARTS = (("r", "i"), ("real", "imag"), ("re", "im"))  # how programs name the parts of a complex


class Scan(NamedTuple):
    """A volume of N slices, see `fastmri`; what the file does not have is None."""

    kspace: torch.Tensor  # (N, 2C, H, W): Re₁, Im₁, Re₂, … of C coils
    target: torch.Tensor | None  # (N, 1, h, w), magnitudes
    mask: torch.Tensor | None  # (H, W), zeros and ones
    size: tuple | None  # (h, w), the part of the image that is looked at
    acquired: torch.Tensor  # (H, W), ones on the columns that hold anything but zeros


def fastmri(path, slices=None):
    """A fastMRI .h5 file, singlecoil or multicoil, as a `Scan` of float32 tensors.

    kspace has the layout of `operators.MRI` and `MultiCoilMRI`: centred, orthonormal, zero
    frequency at (H//2, W//2), so that `fourier.ifft(scan.kspace)` are the coil images; they are
    longer than `size`, whose centre is cut out of them for a comparison with the target. Values are
    those of the file, not rescaled (about 1e-4; divide kspace and target by `target.max()`).
    slices: which to read, one number, a slice or a list of numbers; all unless given. Test files
    have no target and a mask, train files a target and no mask.
    target: reconstruction_esc of a file of one coil, (slices, H, W), reconstruction_rss of several;
    the other one where that is missing. size: the target's, or else that of the header
    `ismrmrd_header`, at most that of kspace. acquired: some scanners leave columns at the sides
    empty; these are zero in `mask` too, and the makers of `masks` take `acquired=scan.acquired`.
    Complex numbers may be pairs (r, i) or (real, imag). Of a file that MATLAB wrote the axes are
    in the order that h5py tells, the reverse of MATLAB's, and a warning says so.
    `data.Measurements(scan.kspace, operators.MRI(scan.mask))` are the measurements of one coil.
    Errors: ValueError, naming the file, when it is missing, truncated or no HDF5 file, and naming
    the key that is missing, a link to elsewhere, or has another shape or values that are not
    finite in float32; ImportError without the package h5py. Source of the format: Zbontar et al.
    (2018).
    """
    with hdf5.opened(path) as (file, path, keys):
        if "kspace" not in keys:
            raise ValueError(
                f"{path} has no 'kspace'; it holds {', '.join(keys)[:200] or 'nothing'}: give a "
                "fastMRI file of raw data, singlecoil or multicoil."
            )
        stored = hdf5.array(file, path, "kspace")
        shape = stored.shape or ()
        index = hdf5.chosen(slices, shape[0] if shape else 0, path)
        kspace = _kspace(stored, path, index)
        acquired = kspace.any((0, 1, 2))
        target, size, mask = None, None, None
        order = TARGETS if len(shape) == 4 else TARGETS[::-1]
        if key := next((key for key in order if key in keys), None):
            target = _target(hdf5.array(file, path, key), path, key, index, shape)
            size = tuple(target.shape[-2:])
        elif "ismrmrd_header" in keys:
            size = _recon_size(hdf5.array(file, path, "ismrmrd_header"), path, shape)
        if "mask" in keys:
            mask = _mask(hdf5.array(file, path, "mask"), path, shape[-1]) & acquired
    mask, acquired = (
        None if line is None else torch.from_numpy(line.astype(np.float32)).repeat(shape[-2], 1)
        for line in (mask, acquired)
    )
    return Scan(torch.from_numpy(kspace), target, mask, size, acquired)


def _kspace(stored, path, index):
    """(N, 2C, H, W), the parts of each coil beside each other."""
    shape, names = stored.shape, stored.dtype.names
    pair = bool(names) and tuple(name.lower() for name in names) in PARTS
    if len(shape) not in (3, 4) or 0 in shape or not (pair or stored.dtype.kind == "c"):
        raise ValueError(
            f"'kspace' of {path} is {stored.dtype} of shape {shape}; expected complex values, "
            "(slices, H, W) for one coil or (slices, coils, H, W)."
        )
    with reading(path, hdf5.KIND):
        matlab = "MATLAB_class" in stored.attrs
    if matlab:
        warnings.warn(
            f"'kspace' of {path} was written by MATLAB: its shape {shape} is taken as (slices, "
            "coils if several, H, W), where MATLAB's own order is the reverse.",
            stacklevel=3,
        )
    k = hdf5.values(stored, path, index)
    parts = [k[name] for name in names] if pair else [k.real, k.imag]
    parts = [float32(part, f"'kspace' of {path}") for part in parts]
    del k
    return np.stack([p.reshape(len(p), -1, *shape[-2:]) for p in parts], 2).reshape(
        len(index), -1, *shape[-2:]
    )


def _target(array, path, key, index, shape):
    real = array.dtype.kind in "biuf" and len(array.shape or ()) == 3 and 0 not in array.shape
    if (
        not real
        or len(array) != shape[0]
        or array.shape[1] > shape[-2]
        or array.shape[2] > shape[-1]
    ):
        raise ValueError(
            f"'{key}' of {path} is {array.dtype} of shape {array.shape}; expected real values, "
            f"({shape[0]}, h, w), at most as large as 'kspace', {shape}."
        )
    return torch.from_numpy(float32(hdf5.values(array, path, index), f"'{key}' of {path}"))[:, None]


def _mask(array, path, width):
    """The columns that the file's mask calls measured, (W,) booleans."""
    count, lines = math.prod(array.shape or ()), np.zeros(0)
    if array.dtype.kind in "biuf" and count == max(array.shape, default=0) == width:
        lines = hdf5.values(array, path).reshape(-1)
    if len(lines) != width or not np.isin(lines, (0, 1)).all():
        raise ValueError(
            f"'mask' of {path} has {count} entries; expected 0 or 1 for each of the {width} "
            f"columns of 'kspace', not shape {array.shape}."
        )
    return lines.astype(bool)


def _recon_size(array, path, shape):
    """(h, w) of the header's reconSpace, at most kspace's; None where the header has none."""
    text = hdf5.values(array, path) if array.dtype.kind in "OS" else np.zeros(0)
    text = text.item() if text.size == 1 else b""
    text = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    space = text.partition("<reconSpace>")[2].partition("</reconSpace>")[0]
    size = space.partition("<matrixSize>")[2].partition("</matrixSize>")[0][:500]
    found = [re.search(rf"<{axis}>\s*0*([1-9]\d{{0,8}})\s*</{axis}>", size) for axis in "xy"]
    limits = zip(found, shape[-2:], strict=True)
    return tuple(min(int(n[1]), limit) for n, limit in limits) if all(found) else None
