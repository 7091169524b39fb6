"""PNG and JPEG files by Pillow; of 16-bit colour, which it cuts to 8 bits, the low bytes too."""

import io
import struct
import warnings
import zlib

import numpy as np
from PIL import Image

from .opened import believable, reading

KIND = "an image"
START = b"\x89PNG\r\n\x1a\n"
MODES = ("1", "L", "LA", "I;16", "I", "P", "PA", "RGB", "RGBA")  # Pillow's, of grey and colour
TURNS = dict(
    zip(
        range(2, 9),
        (
            Image.Transpose.FLIP_LEFT_RIGHT,
            Image.Transpose.ROTATE_180,
            Image.Transpose.FLIP_TOP_BOTTOM,
            Image.Transpose.TRANSPOSE,
            Image.Transpose.ROTATE_270,
            Image.Transpose.TRANSVERSE,
            Image.Transpose.ROTATE_90,
        ),
        strict=True,
    )
)  # what each orientation tag asks for


def shapes(path):
    """[(H, W)], upright: the file holds one image."""
    image, chunks = _opened(path)
    with image:
        return [image.size if _turn(image, chunks, path) >= 5 else image.size[::-1]]


def parts(path):
    """Of the one image a function, part(box) -> its pixels (h, w) or (h, w, 3) in [0, 1]."""
    layers = _decoded(path)
    limit = 65535 if len(layers) == 2 or layers[0][0].mode.startswith("I") else 255

    def part(box):
        high, *low = (pixels(layer, box) for layer in layers)
        return (high * 256.0 + low[0] if low else high) / limit

    yield part


def planes(image, turn):
    """A loaded image as planes, turned upright: three take less memory than Pillow's colour."""
    names = {"RGB": "RGB", "RGBA": "RGB", "LA": "L"}.get(image.mode, "")
    split = [image.getchannel(name) for name in names] or [image]
    return [plane.transpose(TURNS[turn]) if turn in TURNS else plane for plane in split]


def pixels(split, box):
    """The numbers in a box of the planes, (h, w) or (h, w, 3)."""
    plain = {"1": "L", "P": "RGB", "PA": "RGB"}
    cut = [np.asarray(p.crop(box).convert(plain.get(p.mode, p.mode))) for p in split]
    return cut[0] if len(cut) == 1 else np.stack(cut, -1)


def _decoded(path):
    """[planes], and for colour of 16 bits [planes of the high bytes, planes of the low ones]."""
    image, chunks = _opened(path)
    with image, reading(path, KIND):
        image.load()
        turn = _turn(image, chunks, path)
        layers = [planes(layer, turn) for layer in (image, *_low_bytes(chunks))]
    return [layer[: len(layers[-1])] for layer in layers]  # Pillow makes grey with alpha colour


def _opened(path):
    """The image, nothing decoded yet, and the parts of the file if it is PNG; or a refusal."""
    with reading(path, KIND), warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # see `believable`
        try:
            image = Image.open(path, formats=("PNG", "JPEG"))
        except Image.DecompressionBombError:
            image = None
    if image is None:
        raise ValueError(f"{path} has more pixels than Pillow takes: cut it, or save it as TIFF.")
    believable(path, image.width * image.height)
    chunks = _chunks(path) if image.format == "PNG" else {}
    if b"acTL" in chunks:
        raise ValueError(f"{path} is a movie: save its frames as files, or as pages of a TIFF.")
    depth, colour, *_, interlaced = chunks.get(b"IHDR", bytes(13))[8:]
    if depth == 16 and colour and interlaced:
        raise ValueError(f"{path} is interlaced colour of 16 bits: save it without interlacing.")
    if image.mode not in MODES:
        raise ValueError(f"{path} holds {image.mode} colours: save it as RGB or grey.")
    return image, chunks


def _turn(image, chunks, path):
    """The orientation tag of the camera, 1 (upright) where there is none that can be read."""
    if chunks and not chunks.keys() & {b"eXIf", b"tEXt", b"zTXt", b"iTXt"}:
        return 1  # else Pillow decodes all of a PNG to look for tags behind the pixels
    try:
        turn = image.getexif().get(0x0112, 1)
    except Exception:  # whatever damaged tags make Pillow raise: the pixels are sound
        warnings.warn(f"The tags of {path} can't be read: taken as upright.", stacklevel=4)
        return 1
    return turn if turn in TURNS else 1


def _chunks(path):
    """{name: content} of a PNG file's parts, all of whose checksums must hold.

    The packed pixels, IDAT, are kept only of 16-bit colour, where `_low_bytes` needs them.
    """
    chunks, packed = {}, []
    with reading(path, KIND), open(path, "rb") as file:
        file.seek(len(START))
        while b"IEND" not in chunks:
            length, name = struct.unpack(">I4s", file.read(8))
            body = file.read(min(length, path.stat().st_size))
            if struct.unpack(">I", file.read(4))[0] != zlib.crc32(body, zlib.crc32(name)):
                raise ValueError(f"the checksum of its part {name.decode('latin1')} fails")
            chunks[name] = body if name == b"IHDR" else b""
            if name == b"IDAT" and chunks[b"IHDR"][8:9] == b"\x10":
                packed.append(body)
    return chunks | {b"IDAT": packed}


def _low_bytes(chunks):
    """[the low bytes of 16-bit colour, as an image of 8 bits], or [] for other files.

    The filters of PNG work on each byte of a pixel by itself, so that every second byte of the
    filtered rows makes the filtered rows of the low bytes.
    """
    width, height, depth, colour, *_ = struct.unpack(">IIBBBBB", chunks.get(b"IHDR", bytes(13)))
    if depth != 16 or colour == 0:
        return []
    row = 1 + {2: 6, 4: 4, 6: 8}[colour] * width
    rows = zlib.decompressobj().decompress(b"".join(chunks[b"IDAT"]), height * row)
    rows = np.frombuffer(rows, np.uint8).reshape(height, row)
    rows = np.concatenate([rows[:, :1], rows[:, 2::2]], 1)
    made = START
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    for name, body in ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b"")):
        check = zlib.crc32(name + body)
        made += struct.pack(">I", len(body)) + name + body + struct.pack(">I", check)
    low = Image.open(io.BytesIO(made))
    low.load()
    return [low]
