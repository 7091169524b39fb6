"""The reader's own micrographs: MRC files, the format of cryo-electron microscopy."""

import warnings
from pathlib import Path

import numpy as np
import torch


def mrc(path):
    """The images of an .mrc or .mrcs file, as a float32 tensor (N, 1, H, W).

    A single micrograph gives N = 1; the frames of a stack, or the sections of a volume, are N
    images. The values are those of the file, not rescaled: usually detector counts, which a
    network wants standardised, (y - y.mean()) / y.std(). Files that end in .gz or .bz2 are
    unpacked. Rows are in the order of the file; some programs draw the first one at the bottom.
    Errors: ValueError, naming the file, when it is missing, truncated or not an MRC file, when it
    holds complex numbers or a stack of volumes, or values that are not finite; ImportError without
    the package mrcfile. Source of the format: Cheng et al. (2015), MRC2014.
    """
    try:
        import mrcfile
    except ImportError as error:
        raise ImportError("data.mrc needs the package mrcfile: pip install mrcfile.") from error
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path} is not a file: give the path of one .mrc or .mrcs file.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of a file longer than its header says
            with mrcfile.open(path) as file:
                values = file.data
    except (ValueError, OSError, EOFError, RuntimeWarning) as error:
        why = " ".join(str(error).split())
        raise ValueError(f"Cannot read {path} as an MRC file ({why}): fetch it again.") from error
    if np.iscomplexobj(values):
        raise ValueError(f"{path} holds complex numbers, a Fourier transform: give the image.")
    if values.ndim not in (2, 3) or values.size == 0:
        raise ValueError(
            f"{path} holds an array of shape {values.shape}: give a micrograph (H, W) or a stack "
            "(N, H, W)."
        )
    values = values.astype(np.float32)
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        raise ValueError(f"{path} holds {bad} NaN or infinite values: repair or drop them first.")
    return torch.from_numpy(values).reshape(-1, 1, *values.shape[-2:])
