"""The reader's own volumes: NIfTI files, the format of neuroimaging."""

import math
import warnings

import numpy as np
import torch

from .opened import Bytes, believable, float32, reading, regular, unreadable

KIND = "a NIfTI file"


def nifti(path):
    """The axial slices of a .nii or .nii.gz file, as a float32 tensor (N, 1, H, W).

    The volume is turned to the nearest standard orientation: slices go from the feet to the head,
    rows from the front of the body to its back, columns from its left to its right. Values are
    those of the file with its own scale and offset applied, not rescaled to [0, 1]. A file that
    does not tell its orientation is read as left, back, feet last (LAS), with a warning.
    Errors: ValueError, naming the file, when it is missing, truncated or not a NIfTI file, when it
    holds several volumes, complex numbers or colours, values that are not finite in float32, or an
    orientation that is none; ImportError without the package nibabel.
    """
    try:
        import nibabel
    except ImportError as error:
        raise ImportError("data.nifti needs the package nibabel: pip install nibabel.") from error
    path = regular(path, ".nii or .nii.gz")
    with Bytes(path, KIND) as file:
        block = bytes(file.take(348))
        two = 540 in (int.from_bytes(block[:4], end) for end in ("little", "big"))
        block += bytes(file.take(540 - 348)) if two else b""
        mark = block[4:8] if two else block[344:348]
        if mark in (b"ni1\0", b"ni2\0"):
            raise ValueError(f"{path} is half of a pair .hdr and .img: convert them to one .nii.")
        if mark not in (b"n+1\0", b"n+2\0"):
            raise unreadable(path, KIND, "its header lacks the mark n+1 or n+2")
        with reading(path, KIND):
            header = (nibabel.Nifti2Header if two else nibabel.Nifti1Header)(block, check=False)
            shape, kind = header.get_data_shape(), header.get_data_dtype()
            start, scale = float(header["vox_offset"]), header.get_slope_inter()
            axes = nibabel.io_orientation(header.get_best_affine())
        if kind.names:
            raise ValueError(f"{path} holds colours ({', '.join(kind.names)}): give grey values.")
        while len(shape) > 3 and shape[-1] == 1:
            shape = shape[:-1]
        if len(shape) != 3 or min(shape) < 1 or kind.kind not in "iuf":
            raise ValueError(
                f"{path} holds {kind.name} values of shape {shape}: give one volume of real "
                "values, (x, y, z)."
            )
        if not np.isfinite(axes).all():
            raise ValueError(f"{path} has an orientation without three axes: repair its affine.")
        count = math.prod(shape)
        believable(path, count)
        if not len(block) + 4 <= start < 2**31 or start % 1:
            why = f"its values begin at byte {start:g}, inside the header or nowhere"
            raise unreadable(path, KIND, why)
        file.take(int(start) - len(block))
        values = np.frombuffer(file.take(count * kind.itemsize), kind).reshape(shape, order="F")
        file.end()
    if not (header["qform_code"] > 0 or header["sform_code"] > 0):
        warnings.warn(f"{path} does not tell its orientation: read as LAS.", stacklevel=2)
    values = nibabel.apply_orientation(values, axes).transpose(2, 1, 0)[:, ::-1]  # rows from +y
    slope, offset = (1.0, 0.0) if scale[0] is None else map(float, scale)
    return torch.from_numpy(float32(values, path, slope, offset))[:, None]
