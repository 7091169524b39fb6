"""The reader's own images: a folder of PNG, JPEG or TIFF files, cut into tiles."""

from pathlib import Path

import numpy as np
import torch

from .. import _checks
from . import raster
from .opened import Unfit, reading

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # how such a file begins
LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as in the packs


def images(folder: str | list, size: int = 64) -> torch.Tensor:
    """Your own images, as a float32 tensor (N, 1, size, size) with values in [0, 1].

    Each image is cut into the whole, non-overlapping size x size tiles of a centred grid. 8-bit
    files are divided by 255, 16-bit files by 65535, of colour too; float TIFF must be in [0, 1]. Of
    a TIFF all pages but thumbnails are read. The orientation tag is applied, white is 1 also where
    the file stores it as 0, and colour (also of a palette) becomes 0.299 R + 0.587 G + 0.114 B;
    transparency is ignored. Memory: the result, and one decoded file (of a TIFF one page) at a
    time. `data.Measurements(y, operators.Identity())` takes the result.
    Errors: ValueError when the folder is missing or has no such file, and, naming the file, when
    one is no regular file, can't be read, is a movie of another format, has other colours (CMYK),
    other numbers (signed, 32-bit integer) or values out of range, or is smaller than `size`.

    Arguments:
        folder: where the PNG, JPEG and TIFF files are, read in the order of their names (those in
            folders inside it, or that begin with a dot, are passed over); or a list of files.
        size: side of the tiles in pixels, 64 unless given, as in `load`.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> folder = tempfile.mkdtemp()
        >>> Image.new("L", (200, 130), 51).save(folder + "/grey.png")
        >>> x = data.images(folder, size=64)
        >>> x.shape, round(x.mean().item(), 4)
        (torch.Size([6, 1, 64, 64]), 0.2)
    """
    size = _checks.whole(size, "size")
    paths = folder if isinstance(folder, (list, tuple)) else listed(folder, SUFFIXES, "image")
    x, count = np.empty((0, 1, size, size), np.float32), 0
    for path in paths:
        for picture, limit in _pictures(path):
            height, width = picture.shape[:2]
            if min(height, width) < size:
                raise ValueError(
                    f"{path} is {height} x {width} pixels, smaller than size {size}: take a "
                    "smaller size, or keep it in another folder."
                )
            rows, columns = height // size, width // size
            top, left = height % size // 2, width % size // 2
            x.resize((count + rows * columns, 1, size, size), refcheck=False)
            tiles = x[count:, 0].reshape(rows, columns, size, size)
            for row in range(rows * size):  # one at a time, to take little memory
                line = picture[top + row, left : left + columns * size]
                grey = (line @ LUMINANCE if line.ndim == 2 else line) / limit
                tiles[row // size, :, row % size] = grey.reshape(columns, size)
            count += rows * columns
            del picture, line  # before the next one is decoded
    return torch.from_numpy(x)


def listed(folder, suffixes, what):
    """The files directly inside `folder` whose names end so, in the order of their names."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder: give the folder that holds your {what}s.")
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in suffixes and p.name[0] != ".")
    if not paths:
        ends = ", ".join(suffixes)
        raise ValueError(f"No {what} in {folder}: it needs files that end in {ends}.")
    return paths


def _pictures(path):
    """Yield the images of one file and the number that is white, 1 for floats, all in range."""
    with reading(path, "an image") as path:
        with open(path, "rb") as file:
            reader = raster
            if file.read(4) in TIFF:  # its name may be wrong
                from . import tiff as reader  # tifffile takes its time
        for picture, limit in reader.pictures(path):
            low, high = picture.min(), picture.max()
            if not 0 <= low <= high <= limit:
                raise Unfit(
                    f"{path} has values from {low:.4g} to {high:.4g}: rescale it to [0, 1], "
                    "without NaN or infinite values."
                )
            yield picture, limit
