"""TIFF files, page by page: by tifffile, and by Pillow where the packing is one it lacks."""

import math
import zlib

import numpy as np
import tifffile
from PIL import Image

from .opened import MANY, reading, unreadable
from .raster import pixels, planes
from .tiff_pages import BLACK_IS_ZERO, KIND, PALETTE, RGB, WHITE_IS_ZERO, opened, pages, turn

INFLATED = (8, 32946)  # by zlib
OWN = (1, 5, 32773, *INFLATED)  # packings left to tifffile, where it has them
TURNED = {
    1: lambda v: v,
    2: lambda v: v[:, ::-1],
    3: lambda v: v[::-1, ::-1],
    4: lambda v: v[::-1],
    5: lambda v: v.swapaxes(0, 1),
    6: lambda v: np.rot90(v, -1),
    7: lambda v: v[::-1, ::-1].swapaxes(0, 1),
    8: lambda v: np.rot90(v),
}  # by the orientation tag


def shapes(path):
    """[(H, W), …] of the images of the file, upright."""
    with opened(path) as file:
        sizes = [(p.imagelength, p.imagewidth, turn(p), n) for p, n in pages(file, path)]
    return [(w, h) if turned >= 5 else (h, w) for h, w, turned, n in sizes for _ in range(n)]


def parts(path):
    """Of each image a function, part(box) -> its pixels (h, w) or (h, w, 3) in [0, 1]."""
    with opened(path) as file:
        for page, frames in pages(file, path):
            for frame in range(frames):
                yield _part(file, path, page, frame)


def _part(file, path, page, frame):
    """part(box) of one frame of a page."""
    inverted, palette, bits = page.photometric == WHITE_IS_ZERO, None, page.bitspersample
    has = page.compression in OWN and page.compression in tifffile.TIFF.DECOMPRESSORS
    if has and page.predictor in tifffile.TIFF.UNPREDICTORS and bits in (1, 8, 16, 32, 64):
        _inflates(file, page, path)
        with reading(path, KIND):
            values = _read(file, page, frame)
            if page.photometric == PALETTE:
                scale = 255 if page.colormap.max() < 256 else 65535  # as old programs wrote it
                palette = page.colormap.reshape(3, 2**bits).T / scale
        limit = 1 if values.dtype.kind == "f" else 2**bits - 1
        if limit == 1:
            _in_range(values, path)
        values = TURNED[turn(page)](values)

        def cut(left, top, right, bottom):
            return values[top:bottom, left:right]

    else:
        split, limit = _by_pillow(path, page, bits)
        inverted = False  # Pillow has done it

        def cut(*box):
            return pixels(split, box)

        if limit == 1:
            _in_range(cut(0, 0, *split[0].size), path)

    def part(box):
        pixels = cut(*box)
        pixels = palette[pixels] if palette is not None else pixels / limit
        return 1 - pixels if inverted else pixels

    return part


def _read(file, page, frame):
    """(H, W) or (H, W, 3) as the file has them, colours last, transparency left out."""
    if frame:
        file.filehandle.seek(page.dataoffsets[0] + frame * page.nbytes)
        dtype = file.byteorder + page.dtype.char
        values = file.filehandle.read_array(dtype, math.prod(page.shape)).reshape(page.shape)
    else:
        values = page.asarray(maxworkers=1)
    if "S" not in page.axes:
        return values
    values = np.moveaxis(values, page.axes.index("S"), -1)
    return values[..., :3] if page.photometric == RGB else values[..., 0]


def _by_pillow(path, page, bits):
    """(planes, limit) of a page that tifffile can't unpack, refused where Pillow isn't exact."""
    one = page.samplesperpixel == 1 and page.photometric == BLACK_IS_ZERO
    exact = ("1", "L", "LA", "P", "RGB", "RGBA") if bits <= 8 else ("I;16", "I;16B", "F") * one
    with reading(path, KIND), Image.open(path, formats=("TIFF",)) as image:
        image.seek(page.index)
        image.load()
        mode = image.mode
        left = image.getexif().get(274, 1)  # none where Pillow has turned the image
        split = planes(image, left) if mode in exact else []
    if not split:
        raise ValueError(
            f"{path} is packed by {getattr(page.compression, 'name', page.compression)} at {bits} "
            "bits: pip install imagecodecs, or save it without packing."
        )
    return split, 1 if mode == "F" else 2 ** max(bits, 8) - 1


def _inflates(file, page, path):
    """Refuse a piece that could unpack to far more than the page: zlib would take the memory."""
    limit = max(page.nbytes, math.prod(page.chunks) * page.dtype.itemsize)
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        if page.compression in INFLATED and 1032 * count > 4 * MANY:
            file.filehandle.seek(offset)
            packed = file.filehandle.read(count)
            if len(zlib.decompressobj().decompress(packed, limit + 1)) > limit:
                raise unreadable(path, KIND, "it unpacks to more than it says")


def _in_range(values, path):
    low, high = values.min(), values.max()
    if not (low >= 0 and high <= 1):
        bad = int((~np.isfinite(values)).sum())
        cure = f"replace its {bad} NaN or infinite ones first" if bad else "rescale it to [0, 1]"
        raise ValueError(f"{path} has values from {low:.4g} to {high:.4g}: {cure}.")
