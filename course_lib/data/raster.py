"""PNG and JPEG files by Pillow, 16-bit colour too, which it reads as 8 bits."""

import warnings

import numpy as np
from PIL import Image

from .opened import Unfit, believable

MODES = ("1", "L", "LA", "I;16", "I", "P", "PA", "RGB", "RGBA")  # Pillow's, of grey and colour
LOW = {"RGB;16B": "RGB;16L", "RGBA;16B": "RGBA;16L", "LA;16B": "RGBA"}  # of 16-bit colour
ORIENTATION = 274  # the tag


def pictures(path):
    """Yield the image of the file, upright, (H, W) or (H, W, 3), and the number that is white."""
    with _opened(path) as image:
        if image.format == "PNG" and image.is_animated:
            raise Unfit(f"{path} is a movie: save its frames as files, or as pages of a TIFF.")
        if image.mode not in MODES:
            raise Unfit(f"{path} holds {image.mode} colours: save it as RGB or grey.")
        codec, box, start, raw = image.tile[0]
        image.verify()  # the checksums of a PNG, which are not looked at when it is decoded
    with _opened(path) as image:
        values = pixels(image)
        limit = 65535 if image.mode.startswith("I") or raw in LOW else 255
        turn = _orientation(image, path)
    if raw in LOW:
        with _opened(path) as image:  # Pillow took the high bytes: now as if they were the low ones
            image.tile = [(codec, box, start, LOW[raw])]
            low = pixels(image)
        high, low = (low[..., 0], low[..., 1]) if raw == "LA;16B" else (values, low)
        values = high.astype("u2") * 256 + low
    del image
    yield upright(values, turn), limit


def _opened(path):
    image = Image.open(path, formats=("PNG", "JPEG"))
    believable(path, image.width * image.height)
    return image


def pixels(image):
    """The numbers of Pillow's image, (H, W) or (H, W, 3): palettes as colours, no transparency."""
    plain = {"1": "L", "P": "RGB", "PA": "RGB"}.get(image.mode)
    values = np.asarray(image.convert(plain) if plain else image)
    return values[..., 0] if image.mode == "LA" else values[..., :3] if values.ndim == 3 else values


def _orientation(image, path):
    try:
        return image.getexif().get(ORIENTATION, 1)
    except Exception:  # whatever damaged tags make Pillow raise: the pixels are sound
        warnings.warn(f"The tags of {path} can't be read: taken as upright.", stacklevel=5)
        return 1


def upright(values, turn):
    """Turn an image as its orientation tag, 1 to 8, asks: quarter turns, then a reflection."""
    if turn not in range(2, 9):
        return values
    values = np.rot90(values, (0, 0, 2, 2, -1, -1, 1, 1)[turn - 1])
    return values[:, ::-1] if turn in (2, 4, 5, 7) else values
