"""The reader's own images: a folder of PNG, JPEG or TIFF files, cut into tiles."""

from pathlib import Path

import numpy as np
import torch

from . import raster
from .opened import reading, regular
from .packs import check_size

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # how such a file begins
ROWS = 16
LUMINANCE = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as in the packs


def images(folder, size=64):
    """Your own images, as a float32 tensor (N, 1, size, size) with values in [0, 1].

    Reads the PNG, JPEG and TIFF files directly inside `folder` in the order of their names (those
    that begin with a dot are passed over), or a list of files; of a TIFF all pages but thumbnails;
    and cuts each image into the whole, non-overlapping size x size tiles of a centred grid. 8-bit
    files are divided by 255, 16-bit files by 65535, of colour too; float TIFF must be in [0, 1].
    The orientation tag is applied, white is 1 also where the file stores it as 0, and colour (also
    of a palette) becomes 0.299 R + 0.587 G + 0.114 B; transparency is ignored. Memory: the result,
    and one decoded file (of a TIFF one page) at a time. `data.Measurements(y,
    operators.Identity())` takes the result.
    Errors: ValueError when the folder is missing or has no such file, and, naming the file, when
    one is no regular file, can't be read, is a movie of another format, has other colours (CMYK),
    other numbers (signed, 32-bit integer) or values out of range, or is smaller than `size`.
    """
    check_size(size)
    given = isinstance(folder, (list, tuple))
    paths = [Path(p) for p in folder] if given else listed(folder, SUFFIXES, "image")
    files = [(path, _reader(path)) for path in paths]
    shapes = [reader.shapes(path) for path, reader in files]
    for path, sizes in zip(paths, shapes, strict=True):
        for height, width in sizes:
            if min(height, width) < size:
                raise ValueError(
                    f"{path} is {height} x {width} pixels, smaller than size {size}: take size "
                    f"{min(height, width)} or less, or keep it in another folder."
                )
    count = sum((height // size) * (width // size) for sizes in shapes for height, width in sizes)
    x, first = np.empty((count, 1, size, size), np.float32), 0
    for (path, reader), sizes in zip(files, shapes, strict=True):
        parts = reader.parts(path)
        for height, width in sizes:
            part = next(parts)
            columns, left = width // size, width % size // 2
            for top in range(height % size // 2, height - size + 1, size):
                for row in range(0, size, ROWS):  # a few at a time, to take little memory
                    box = left, top + row, left + columns * size, top + min(row + ROWS, size)
                    band = part(box)
                    band = band @ LUMINANCE if band.ndim == 3 else band
                    tiles = band.reshape(-1, columns, size).swapaxes(0, 1)
                    x[first : first + columns, 0, row : row + ROWS] = tiles
                first += columns
            del part  # before the next file is decoded
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


def _reader(path):
    """The module that reads the file, by its first bytes: its name may be wrong."""
    with reading(regular(path, "image"), raster.KIND), open(path, "rb") as file:
        start = file.read(4)
    if start not in TIFF:
        return raster
    from . import tiff  # tifffile takes its time

    return tiff
