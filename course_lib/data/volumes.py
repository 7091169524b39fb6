"""The reader's own volumes: NIfTI files, the format of neuroimaging."""

import math
import warnings

import numpy as np
import torch

from .opened import Unfit, believable, float32, library, reading


def nifti(path: str) -> torch.Tensor:
    """The axial slices of a .nii or .nii.gz file, as a float32 tensor (N, 1, H, W).

    The volume is turned to the nearest standard orientation: slices go from the feet to the head,
    rows from the front of the body to its back, columns from its left to its right. Values are
    those of the file with its own scale and offset applied, not rescaled to [0, 1]. A file that
    does not tell its orientation is read as left, back, feet last (LAS), with a warning.
    Errors: ValueError, naming the file, when it is missing, truncated or not a NIfTI file, when it
    holds several volumes, complex numbers or colours, values that are not finite in float32, or an
    orientation that is none; ImportError without the package nibabel.

    Arguments:
        path: the file, str or Path; its name ends in .nii or .nii.gz.

    Example:
        >>> import nibabel, tempfile
        >>> path = tempfile.mkdtemp() + "/head.nii.gz"
        >>> volume, affine = torch.ones(4, 5, 3).numpy(), torch.eye(4).numpy()
        >>> nibabel.save(nibabel.Nifti1Image(volume, affine), path)
        >>> data.nifti(path).shape
        torch.Size([3, 1, 5, 4])
    """
    nibabel = library("nibabel", "data.nifti")
    with reading(path, "a NIfTI file") as path:
        image = nibabel.load(path)
        header, name = image.header, type(image).__name__
        if name not in ("Nifti1Image", "Nifti2Image"):
            raise Unfit(f"{path} is a {name}: convert it to one .nii file.")
        shape, kind, start = image.shape, image.get_data_dtype(), image.dataobj.offset
        if kind.names:
            raise Unfit(f"{path} holds colours ({', '.join(kind.names)}): give grey values.")
        if len(shape) < 3 or math.prod(shape[3:]) != 1 or kind.kind not in "iuf":
            raise Unfit(f"{path} holds {kind.name} values of shape {shape}: give real (x, y, z).")
        believable(path, math.prod(shape))
        if start < header.single_vox_offset:
            raise ValueError(f"its values begin at byte {start}, inside the header")
        with nibabel.openers.Opener(path) as stream:  # to the end, where gzip has its checksum
            length = sum(map(len, iter(lambda: stream.read(2**20), b"")))
        extra = length - start - math.prod(shape) * kind.itemsize
        values = np.asanyarray(nibabel.as_closest_canonical(image).dataobj)
        values = values.reshape(values.shape[:3]).transpose(2, 1, 0)[:, ::-1]  # rows from +y
        values = torch.from_numpy(float32(values, path))[:, None]
    if not (header["qform_code"] > 0 or header["sform_code"] > 0):
        warnings.warn(f"{path} does not tell its orientation: read as LAS.", stacklevel=2)
    if extra:
        warnings.warn(f"{path} has {extra} bytes after its values: left out.", stacklevel=2)
    return values
