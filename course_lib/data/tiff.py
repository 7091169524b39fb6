"""TIFF files, page by page: by tifffile, and by Pillow where the packing is one it lacks."""

import math
import re

import numpy as np
import tifffile
from PIL import Image

from .opened import Unfit, believable
from .raster import MODES, ORIENTATION, pixels, upright

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, YCBCR = 0, 1, 2, 3, 6


def pictures(path):
    """Yield each image of the file, upright, (H, W) or (H, W, 3), and the number that is white.

    ImageJ and others keep a long movie as one page with the other frames behind it.
    """
    with tifffile.TiffFile(path, is_ome=False) as file:  # OME's own text may name other files
        pages, series = list(file.pages), file.series
        listed, told = (sum(math.prod(p.shape) for p in parts) for parts in (pages, series))
        believable(path, max(listed, told))
        images = [page for page in pages if not page.tags.valueof(254, 0) & 5]  # thumbnails, masks
        if not images or not all(math.prod(page.shape) for page in images):
            raise ValueError("it holds no image")
        for page in images:
            _check(path, page)
        if told < 2 * listed:
            yield from (_picture(path, page) for page in images)
            return
        page, start = pages[0], series[0].dataoffset
        if len(pages) > 1 or start is None or page.compression != 1:
            raise Unfit(f"{path} tells of frames that have no page: save each as a page.")
        shape, kind = (told // listed, *page.shape), file.byteorder + page.dtype.char
        for frame in file.filehandle.memmap_array(kind, shape, start):
            yield _picture(path, page, frame)


def _check(path, page):
    """Refuse a page whose numbers can't be told to be grey or colour, or are not all there."""
    known, samples = page.tags.valueof(262, "undeclared"), page.samplesperpixel
    colours = 3 if known in (RGB, YCBCR) else 1
    rest = [] if colours == 3 else page.extrasamples[: samples - 1]
    if not (
        known in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, YCBCR)
        and samples >= colours
        and set(rest) <= {1, 2}  # transparency
        and set(page.axes) <= set("YXS")
        and str(page.dtype) in ("bool", "uint8", "uint16", "float16", "float32", "float64")
    ):
        name = getattr(known, "name", known)
        raise Unfit(
            f"{path} holds {name} values ({page.dtype}, {samples} a pixel, axes {page.axes}): save "
            "pages of grey or RGB, uint8, uint16 or float in [0, 1]."
        )
    pieces = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    row = math.ceil(page.imagewidth * samples * page.bitspersample / 8)
    least = row * page.imagelength if page.compression == 1 else 0
    missing = len(pieces) < math.prod(page.chunked) or sum(count for _, count in pieces) < least
    if missing or any(min(p) <= 0 or sum(p) > path.stat().st_size for p in pieces):
        raise ValueError("it is shorter than it says")


def _picture(path, page, stored=None):
    """The numbers of a page, or of the frame `stored` of it, and the one that is white."""
    known, limit = page.photometric, 2**page.bitspersample - 1
    if stored is None:
        try:
            stored = page.asarray(maxworkers=1)
        except (ValueError, NotImplementedError) as error:
            if not re.search("imagecodecs|not supported", str(error)):
                raise
            return _by_pillow(path, page, error)
    if "S" in page.axes:
        stored = np.moveaxis(stored, page.axes.index("S"), -1)
        stored = stored[..., :3] if known == RGB else stored[..., 0]
    if known == PALETTE:
        limit = 255 if page.colormap.max() < 256 else 65535  # as old programs wrote it
        stored = page.colormap.T[stored]
    limit = 1 if stored.dtype.kind == "f" else limit
    if known == WHITE_IS_ZERO:
        stored = 1 - stored if stored.dtype.kind == "f" else ~stored
    return upright(stored, page.tags.valueof(ORIENTATION, 1)), limit


def _by_pillow(path, page, error):
    """The same of a page that tifffile can't unpack, upright, refused where Pillow isn't exact."""
    small = page.bitspersample <= 8
    one = page.samplesperpixel == 1 and page.photometric == BLACK_IS_ZERO
    with Image.open(path, formats=("TIFF",)) as image:
        image.seek(page.index)
        image.load()
        if image.mode not in (MODES if small else ("I;16", "I;16B", "F") * one):
            raise Unfit(f"{path}: {error}; pip install imagecodecs, or save it without packing.")
        return pixels(image), 255 if small else 65535 if image.mode != "F" else 1
