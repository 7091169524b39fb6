"""The reader's own k-space: fastMRI's HDF5 files, one coil or several."""

import re
import warnings
from typing import NamedTuple

import numpy as np
import torch

from .opened import Unfit, float32, library, reading

TARGETS = ("reconstruction_rss", "reconstruction_esc")  # of several coils, of one
PARTS = (("r", "i"), ("real", "imag"), ("re", "im"))  # how programs name the parts of a complex


class Scan(NamedTuple):
    """A volume of N slices, see `fastmri`; what the file does not have is None.

    Example:
        >>> k = torch.zeros(2, 2, 16, 12)
        >>> scan = data.Scan(k, None, None, (8, 8), torch.ones(16, 12))
        >>> scan.kspace.shape, scan.mask
        (torch.Size([2, 2, 16, 12]), None)
    """

    kspace: torch.Tensor  # (N, 2C, H, W): Re₁, Im₁, Re₂, … of C coils
    target: torch.Tensor | None  # (N, 1, h, w), magnitudes
    mask: torch.Tensor | None  # (H, W), zeros and ones
    size: tuple | None  # (h, w), the part of the image that is looked at
    acquired: torch.Tensor  # (H, W), ones on the columns that hold anything but zeros


def fastmri(path: str, slices: int | slice | list | None = None) -> Scan:
    """A fastMRI .h5 file, singlecoil or multicoil, as a `Scan` of float32 tensors.

    kspace has the layout of `operators.MRI` and `MultiCoilMRI`: centred, orthonormal, zero
    frequency at (H//2, W//2), so that `fourier.ifft(scan.kspace)` are the coil images; they are
    longer than `size`, whose centre is cut out of them for a comparison with the target. Values are
    those of the file, not rescaled (about 1e-4; divide kspace and target by `target.max()`).
    Test files have no target and a mask, train files a target and no mask.
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

    Arguments:
        path: the file, str or Path.
        slices: which to read, from 0: a number, a slice or a list of numbers; all unless given.

    Example:
        >>> import h5py, tempfile
        >>> path = tempfile.mkdtemp() + "/knee.h5"
        >>> with h5py.File(path, "w") as file:
        ...     file["kspace"] = torch.ones(3, 4, 32, 16, dtype=torch.complex64).numpy()
        >>> scan = data.fastmri(path, slices=[0, 2])
        >>> scan.kspace.shape, scan.target
        (torch.Size([2, 8, 32, 16]), None)
    """
    h5py = library("h5py", "data.fastmri")
    from .hdf5 import array, chosen, expect, read

    with reading(path, "an HDF5 file") as path, h5py.File(path) as file:
        if "kspace" not in file:
            held = ", ".join(file)[:200] or "nothing"
            raise Unfit(f"{path} has no 'kspace'; it holds {held}: give a fastMRI file.")
        stored = array(file, path, "kspace")
        fits = stored.ndim in (3, 4) and 0 not in stored.shape
        fits = fits and (_fields(stored) or stored.dtype.kind == "c")
        wanted = "complex values, (slices, H, W) for one coil or (slices, coils, H, W)"
        expect(fits, stored, path, "kspace", wanted)
        if "MATLAB_class" in stored.attrs:
            words = f"'kspace' of {path} was written by MATLAB: its shape {stored.shape} is "
            words += "taken as (slices, coils if several, H, W), the reverse of MATLAB's own order."
            warnings.warn(words, stacklevel=2)
        shape, numbers = stored.shape, chosen(slices, len(stored), path)
        kspace = torch.from_numpy(_channels(read(stored, numbers), f"'kspace' of {path}"))
        acquired = kspace.any(0).any(0).any(0)
        target, size, mask = None, None, None
        order = TARGETS if len(shape) == 4 else TARGETS[::-1]
        if key := next((key for key in order if key in file), None):
            found = array(file, path, key)
            fits = found.dtype.kind in "biuf" and found.ndim == 3 and len(found) == shape[0]
            fits = fits and 0 not in found.shape
            fits = fits and np.less_equal(found.shape[1:], shape[-2:]).all()
            wanted = f"real values, ({shape[0]}, h, w), at most as large as 'kspace', {shape}"
            expect(fits, found, path, key, wanted)
            target, size = float32(read(found, numbers), f"'{key}' of {path}"), found.shape[1:]
            target = torch.from_numpy(target)[:, None]
        elif "ismrmrd_header" in file:
            size = _recon_size(array(file, path, "ismrmrd_header")[()], shape)
        if "mask" in file:
            found = array(file, path, "mask")
            fits = found.dtype.kind in "biuf" and max(found.shape, default=0) == shape[-1]
            fits = fits and found.size == shape[-1] and np.isin(found[()], (0, 1)).all()
            wanted = f"0 or 1 for each of the {shape[-1]} columns of 'kspace'"
            expect(fits, found, path, "mask", wanted)
            mask = torch.from_numpy(found[()].reshape(-1).astype(bool)) & acquired
            mask = mask.float().repeat(shape[-2], 1)
    return Scan(kspace, target, mask, size, acquired.float().repeat(shape[-2], 1))


def _fields(array):
    """The names of the real and the imaginary part, where complex numbers are pairs; else ()."""
    kind, names = array.dtype, array.dtype.names or ()
    pair = tuple(name.lower() for name in names) in PARTS
    # HDF5 writes beyond its memory where fields overlap, as a damaged file may say
    return names if pair and kind[0] == kind[1] and kind.itemsize >= 2 * kind[0].itemsize else ()


def _channels(k, name):
    """Complex (N, H, W) or (N, C, H, W) as (N, 2C, H, W), the parts of each coil side by side."""
    parts = [k[field] for field in _fields(k)] or [k.real, k.imag]
    parts = [float32(p, name).reshape(len(k), -1, *k.shape[-2:]) for p in parts]
    return np.stack(parts, 2).reshape(len(k), -1, *k.shape[-2:])


def _recon_size(text, shape):
    """(h, w) of the header's reconSpace, at most kspace's; None where the header has none."""
    text = text.item() if isinstance(text, np.ndarray) and text.size == 1 else text
    text = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
    space = text.partition("<reconSpace>")[2].partition("</reconSpace>")[0]
    size = space.partition("<matrixSize>")[2].partition("</matrixSize>")[0][:500]
    found = [re.search(rf"<{axis}>\s*0*([1-9]\d{{0,8}})\s*</{axis}>", size) for axis in "xy"]
    limits = zip(found, shape[-2:], strict=True)
    return tuple(min(int(n[1]), limit) for n, limit in limits) if all(found) else None
