"""The reader's own k-space: fastMRI's HDF5 files, one coil or several."""

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

TARGETS = ("reconstruction_rss", "reconstruction_esc")  # of several coils, of one


class Scan(NamedTuple):
    """A volume of N slices, see `fastmri`; what the file does not have is None."""

    kspace: torch.Tensor  # (N, 2C, H, W): Re₁, Im₁, Re₂, … of C coils
    target: torch.Tensor | None  # (N, 1, h, w), magnitudes
    mask: torch.Tensor | None  # (H, W), zeros and ones
    size: tuple | None  # (h, w), the part of the image that is looked at


def fastmri(path, slices=None):
    """A fastMRI .h5 file, singlecoil or multicoil, as a `Scan` of float32 tensors.

    kspace has the layout of `operators.MRI` and `MultiCoilMRI`: centred, orthonormal, zero
    frequency at (H//2, W//2), so that `fourier.ifft(scan.kspace)` are the coil images; they are
    longer than `size`, whose centre is cut out of them for a comparison with the target. Values are
    those of the file, not rescaled (about 1e-4; divide kspace and target by `target.max()`).
    slices: which to read, a slice or a list of numbers; all unless given. size comes from the
    header `ismrmrd_header`, or from the target where that is missing or unreadable. Test files have
    no target and a mask, train files a target and no mask.
    Errors: ValueError, naming the file, when it is missing, truncated or no HDF5 file, and naming
    the key that is missing or has another shape or values that are not finite; ImportError without
    the package h5py. Source of the format: Zbontar et al. (2018).
    """
    try:
        import h5py
    except ImportError as error:
        raise ImportError("data.fastmri needs the package h5py: pip install h5py.") from error
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is not a file: give the path of one fastMRI .h5 file.")
    try:
        with h5py.File(path, "r") as file:
            return _scan(file, path, slices)
    except OSError as error:
        why = " ".join(str(error).split())
        raise ValueError(f"Cannot read {path} as an HDF5 file ({why}): fetch it again.") from error


def _scan(file, path, slices):
    if "kspace" not in file:
        raise ValueError(
            f"{path} has no 'kspace'; it holds {', '.join(sorted(file)) or 'nothing'}: give a "
            "fastMRI file of raw data, singlecoil or multicoil."
        )
    k = _read(file, path, "kspace", slices)
    if k.ndim not in (3, 4) or not np.iscomplexobj(k):
        raise ValueError(
            f"'kspace' of {path} is {k.dtype} of shape {k.shape}; expected complex values, "
            "(slices, H, W) for one coil or (slices, coils, H, W)."
        )
    k = k.reshape(len(k), -1, *k.shape[-2:])
    channels = np.stack([k.real, k.imag], 2).reshape(len(k), -1, *k.shape[-2:])
    key = next((key for key in TARGETS if key in file), None)
    target, size = None, _recon_size(file)
    if key is not None:
        target = _read(file, path, key, slices)
        if target.ndim != 3 or len(target) != len(k) or np.iscomplexobj(target):
            raise ValueError(
                f"'{key}' of {path} is {target.dtype} of shape {target.shape}; expected real "
                f"values, ({len(k)}, h, w)."
            )
        size = size or target.shape[-2:]
        target = torch.from_numpy(target.astype(np.float32))[:, None]
    mask = None
    if "mask" in file:
        lines = _read(file, path, "mask", None).reshape(-1)
        if len(lines) != k.shape[-1] or not np.isin(lines, (0, 1)).all():
            raise ValueError(
                f"'mask' of {path} has {len(lines)} entries; expected 0 or 1 for each of the "
                f"{k.shape[-1]} columns of 'kspace'."
            )
        mask = torch.from_numpy(lines.astype(np.float32)).repeat(k.shape[-2], 1)
    return Scan(torch.from_numpy(channels.astype(np.float32)), target, mask, size)


def _read(file, path, key, slices):
    """One array of the file; `slices` chooses along its first axis."""
    try:
        values = file[key][()] if slices is None else file[key][slices]
    except (IndexError, TypeError, ValueError) as error:
        raise ValueError(f"Cannot read slices {slices} of '{key}' in {path}: {error}.") from error
    if not np.isfinite(values).all():
        raise ValueError(f"'{key}' of {path} holds NaN or infinite values: repair it first.")
    return values


def _recon_size(file):
    """(h, w) from the header's reconSpace, or None when there is no such header."""
    if "ismrmrd_header" not in file:
        return None
    header = file["ismrmrd_header"][()]
    header = header.decode(errors="replace") if isinstance(header, bytes) else str(header)
    space = re.search(r"<reconSpace>.*?<x>(\d+)</x>\s*<y>(\d+)</y>", header, re.DOTALL)
    return (int(space[1]), int(space[2])) if space else None
