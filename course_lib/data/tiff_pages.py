"""Which pages of a TIFF file are images, and whether its tags say what their numbers mean."""

import math

import tifffile

from .opened import believable, reading, unreadable

KIND = "an image"
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, YCBCR = 0, 1, 2, 3, 6


def opened(path):
    with reading(path, KIND):
        return tifffile.TiffFile(path, is_ome=False)  # OME's own text may name other files


def turn(page):
    """The orientation tag, 1 (upright) unless given."""
    value = page.tags.valueof(274, 1)
    return value if value in range(1, 9) else 1


def pages(file, path):
    """[(page, how many frames it holds)] but for thumbnails and masks; refused if one is unclear.

    ImageJ and others keep a long movie as one page with the other frames behind it.
    """
    with reading(path, KIND):
        every = list(file.pages)
        images = [page for page in every if not page.tags.valueof(254, 0) & 5]
        listed = sum(math.prod(page.shape) for page in every)
        told = sum(math.prod(series.shape) for series in file.series)
        offset = file.series[0].dataoffset
    if not images or not all(math.prod(page.shape) for page in images):
        raise unreadable(path, KIND, "it holds no image")
    believable(path, max(listed, told))
    for page in images:
        with reading(path, KIND):
            why = _unclear(page)
            short = _cut_short(page, path.stat().st_size)
        if why:
            raise ValueError(f"{path} {why}.")
        if short:
            raise unreadable(path, KIND, "it is shorter than it says")
    frames = told // listed
    if frames > 1 and (len(every) > 1 or offset is None or images[0].compression != 1):
        raise ValueError(f"{path} tells of frames that have no page: save each as a page.")
    if frames > 1 and offset + told * images[0].dtype.itemsize > path.stat().st_size:
        raise unreadable(path, KIND, "it is shorter than it says")
    return [(page, max(frames, 1)) for page in images]


def _unclear(page):
    """What keeps the numbers of a page from being read as grey or colour, or None."""
    known, samples = page.photometric, page.samplesperpixel
    colours = 3 if known in (RGB, YCBCR) else 1
    if 262 not in page.tags:
        return "does not say whether 0 is black or white: save it again with that tag"
    if known not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, YCBCR):
        name = getattr(known, "name", known)
        return f"holds {name} values: save it as RGB or grey"
    if not set(page.axes) <= set("YXS"):
        return "holds a volume in one page: save each section as a page"
    if samples < colours or (colours == 1 and not set(page.extrasamples[: samples - 1]) <= {1, 2}):
        return f"holds {samples} values a pixel that are no colours: save each channel as a page"
    if page.dtype is None or page.dtype.kind not in "buf" or page.dtype.str[1:] in ("u4", "u8"):
        return f"holds {page.dtype} values: save it as uint8, uint16 or float in [0, 1]"
    return None


def _cut_short(page, size):
    pieces = list(zip(page.dataoffsets, page.databytecounts, strict=False))
    if len(pieces) < math.prod(page.chunked) or any(
        min(offset, count) <= 0 or offset + count > size for offset, count in pieces
    ):
        return True
    row = math.ceil(page.imagewidth * page.samplesperpixel * page.bitspersample / 8)
    return page.compression == 1 and sum(c for _, c in pieces) < row * page.imagelength
