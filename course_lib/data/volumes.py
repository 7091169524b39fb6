"""The reader's own volumes: NIfTI files, the format of neuroimaging."""

import zlib
from pathlib import Path

import numpy as np
import torch


def nifti(path):
    """The axial slices of a .nii or .nii.gz file, as a float32 tensor (N, 1, H, W).

    The volume is turned to the nearest standard orientation: slices go from the feet to the head,
    rows from the front of the body to its back, columns from its left to its right. Values are
    those of the file with its own scale and offset applied, not rescaled to [0, 1].
    Errors: ValueError, naming the file, when it is missing, truncated or not a NIfTI file, when it
    holds several volumes or complex numbers, or values that are not finite; ImportError without the
    package nibabel.
    """
    try:
        import nibabel
    except ImportError as error:
        raise ImportError("data.nifti needs the package nibabel: pip install nibabel.") from error
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is not a file: give the path of one .nii or .nii.gz file.")
    try:
        image = nibabel.as_closest_canonical(nibabel.load(path))
        values = np.asanyarray(image.dataobj)
    except (
        nibabel.filebasedimages.ImageFileError,
        nibabel.spatialimages.HeaderDataError,
        OSError,
        EOFError,
        ValueError,
        zlib.error,
    ) as error:
        why = " ".join(str(error).split())
        raise ValueError(f"Cannot read {path} as a NIfTI file ({why}): fetch it again.") from error
    if values.ndim == 4 and values.shape[3] == 1:
        values = values[..., 0]
    if values.ndim != 3 or values.size == 0 or np.iscomplexobj(values):
        raise ValueError(
            f"{path} holds {values.dtype} values of shape {values.shape}: give one volume of real "
            "values, (x, y, z)."
        )
    values = values.astype(np.float32)
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        raise ValueError(f"{path} holds {bad} NaN or infinite values: repair or drop them first.")
    slices = np.ascontiguousarray(values.transpose(2, 1, 0)[:, ::-1])  # rows from +y, the front
    return torch.from_numpy(slices)[:, None]
