"""The reader's own images: a folder of PNG, JPEG or TIFF files, cut into tiles."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from .packs import check_size, tiles

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as in the packs


def _grey(path):
    """One file as a float (H, W) array in [0, 1]; the orientation tag of a camera is applied."""
    try:
        with Image.open(path) as image:
            image = ImageOps.exif_transpose(image)
            if image.mode == "F" or image.mode.startswith("I"):  # float, or 16 and 32 bit integer
                scale = 1 if image.mode == "F" else 65535
                values = np.asarray(image, dtype=np.float64) / scale
            else:
                values = np.asarray(image.convert("RGB")) / 255 @ LUMINANCE
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        message = f"Cannot read {path} as an image ({error}): remove or repair it."
        raise ValueError(message) from error
    if not (values.min() >= 0 and values.max() <= 1):
        raise ValueError(
            f"{path} has values from {values.min():.4g} to {values.max():.4g} after division by "
            f"{scale}: rescale it to [0, 1] (float) or [0, 65535] (integer)."
        )
    return values


def images(folder, size=64):
    """Your own images, as a float32 tensor (N, 1, size, size) with values in [0, 1].

    Reads the PNG, JPEG and TIFF files directly inside `folder` in the order of their names, and
    cuts each into the whole, non-overlapping size x size tiles of a centred grid. Colour becomes
    0.299 R + 0.587 G + 0.114 B; transparency is ignored; of a file with several pages the first is
    read. 8-bit files are divided by 255, 16-bit files by 65535, float TIFF must be in [0, 1].
    Errors: ValueError when the folder is missing or has no such file, and, naming the file, when
    one cannot be read, is out of range, or is smaller than `size`.
    """
    check_size(size)
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder: give the folder that holds your images.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise ValueError(f"No image in {folder}: it needs files that end in {', '.join(SUFFIXES)}.")
    stack = []
    for path in paths:
        image = _grey(path)
        if min(image.shape) < size:
            height, width = image.shape
            raise ValueError(
                f"{path} is {height} x {width} pixels, smaller than size {size}: remove it or "
                f"take size {min(image.shape)} or less."
            )
        stack.append(tiles(image, size))
    return torch.from_numpy(np.concatenate(stack).astype(np.float32)).unsqueeze(1)
