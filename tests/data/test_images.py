"""The reader's own images: every depth, colour and order of bytes exact, or one clear refusal."""

import io
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from course_lib import data
from course_lib.data import opened

LUMINANCE = np.array([0.299, 0.587, 0.114])
RANDOM = np.random.RandomState(0)
GREY, GREY16 = (RANDOM.randint(0, 2**b, (12, 20)).astype(f"u{b // 8}") for b in (8, 16))
RGB, RGB16 = (RANDOM.randint(0, 2**b, (12, 20, 3)).astype(f"u{b // 8}") for b in (8, 16))


def save(path, array, **options):
    Image.fromarray(array).save(path, **options)


def tiff(path, array, **options):
    tifffile.imwrite(path, array, **options)


def read(folder, size=4):
    """The 12 x 20 images of a folder, put together again from their tiles, (N, 12, 20)."""
    x = data.images(folder, size)
    assert x.dtype == torch.float32 and x.shape[1:] == (1, size, size)
    tiles = x.reshape(-1, 12 // size, 20 // size, size, size)
    return tiles.swapaxes(2, 3).reshape(-1, 12, 20).double().numpy()


def same(found, *expected):
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-7)


def test_own_images_in_the_order_of_their_names(tmp_path):
    grey = (np.arange(20 * 33) % 256).astype(np.uint8).reshape(20, 33)
    save(tmp_path / "b.png", grey)
    save(tmp_path / "a.tif", np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16))
    save(tmp_path / "c.PNG", np.full((16, 16), 13107, dtype=np.uint16))
    save(tmp_path / "d.png", np.full((16, 16, 4), [255, 0, 0, 9], dtype=np.uint8))
    save(tmp_path / "e.jpg", np.full((16, 16), 51, dtype=np.uint8))
    (tmp_path / "notes.txt").write_text("not an image")
    (tmp_path / "._b.png").write_text("what a Mac leaves on other disks")
    x = data.images(tmp_path, size=16)
    assert x.shape == (6, 1, 16, 16) and x.dtype == torch.float32
    assert torch.allclose(x[0].flatten(), torch.linspace(0, 1, 256))
    assert torch.allclose(255 * x[2, 0], torch.tensor(grey[2:18, 16:32]).float(), atol=1e-4)
    means = x[3:].mean(dim=(1, 2, 3))
    assert torch.allclose(means, torch.tensor([0.2, 0.299, 0.2]), atol=1e-3)


# Adam7: the first row and column of each of the seven passes, and its steps
PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2),
          (1, 0, 2, 1))  # fmt: skip


def filtered(samples):
    """The bytes of 16-bit samples, row k with filter k mod 5, so that all are met."""
    height, width, channels = samples.shape
    rows = samples.astype(">u2").view(np.uint8).reshape(height, -1).astype(int)
    step, packed = 2 * channels, b""
    for k, row in enumerate(rows):
        left = np.concatenate([np.zeros(step, int), row[:-step]])
        up = rows[k - 1] if k else np.zeros_like(row)
        corner = np.concatenate([np.zeros(step, int), up[:-step]])
        far = [abs(left + up - corner - other) for other in (left, up, corner)]
        nearest = np.where(far[1] <= far[2], up, corner)
        paeth = np.where((far[0] <= far[1]) & (far[0] <= far[2]), left, nearest)
        guess = (0, left, up, (left + up) // 2, paeth)[k % 5]
        packed += bytes([k % 5]) + ((row - guess) % 256).astype(np.uint8).tobytes()
    return packed


def png(path, samples, interlaced=False):
    """A PNG of 16 bits."""
    height, width, channels = samples.shape
    parts = [samples[top::down, left::right] for top, left, down, right in PASSES]
    packed = b"".join(map(filtered, parts)) if interlaced else filtered(samples)
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 16, colour, 0, 0, interlaced)
    content = b"\x89PNG\r\n\x1a\n"
    for name, body in ((b"IHDR", header), (b"IDAT", zlib.compress(packed)), (b"IEND", b"")):
        content += struct.pack(">I", len(body)) + name + body
        content += struct.pack(">I", zlib.crc32(name + body))
    path.write_bytes(content)


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_png_of_16_bits_keeps_them(tmp_path, channels, interlaced):
    samples = RANDOM.randint(0, 2**16, (12, 20, channels))
    png(tmp_path / "a.png", samples, interlaced)
    colours = samples[..., :3] @ LUMINANCE if channels > 2 else samples[..., 0]
    same(read(tmp_path), colours / 65535)


def test_png_and_jpeg_of_8_bits_and_less(tmp_path):
    save(tmp_path / "a.png", GREY)
    save(tmp_path / "b.png", RGB)
    save(tmp_path / "c.png", GREY > 100)
    Image.fromarray(RGB).quantize(256).save(tmp_path / "d.png")
    with Image.open(tmp_path / "d.png") as image:
        palette = np.asarray(image.convert("RGB")) @ LUMINANCE
    save(tmp_path / "e.png", GREY16)
    save(tmp_path / "f.jpg", RGB)
    with Image.open(tmp_path / "f.jpg") as image:
        jpeg = np.asarray(image) @ LUMINANCE
    grey = (GREY / 255, RGB @ LUMINANCE / 255, GREY > 100, palette / 255, GREY16 / 65535)
    same(read(tmp_path), *grey, jpeg / 255)


def test_images_are_known_by_their_bytes_not_their_names(tmp_path):
    tiff(tmp_path / "a.png", GREY)
    save(tmp_path / "b.tif", GREY, format="PNG")
    same(read(tmp_path), GREY / 255, GREY / 255)


FLOAT = RANDOM.rand(12, 20)
TIFFS = {
    "8 bits": (GREY, {}, GREY / 255),
    "16 bits": (GREY16, {}, GREY16 / 65535),
    "16 bits, big end first": (GREY16, {"byteorder": ">"}, GREY16 / 65535),
    "1 bit": (GREY > 100, {}, GREY > 100),
    "white is zero": (GREY, {"photometric": "miniswhite"}, 1 - GREY / 255),
    "white is zero, 16 bits": (GREY16, {"photometric": "miniswhite"}, 1 - GREY16 / 65535),
    "white is zero, 1 bit": (GREY > 100, {"photometric": "miniswhite"}, GREY <= 100),
    "float16": (FLOAT.astype("f2"), {}, FLOAT.astype("f2")),
    "float32": (FLOAT.astype("f4"), {}, FLOAT.astype("f4")),
    "float64": (FLOAT, {}, FLOAT),
    "colour": (RGB, {"photometric": "rgb"}, RGB @ LUMINANCE / 255),
    "colour of 16 bits": (RGB16, {"photometric": "rgb"}, RGB16 @ LUMINANCE / 65535),
    "colour of floats": (np.float32(RGB16 / 65535), {"photometric": "rgb"},
                         RGB16 @ LUMINANCE / 65535),
    "planes of colour": (RGB16.transpose(2, 0, 1).copy(),
                         {"photometric": "rgb", "planarconfig": "separate"},
                         RGB16 @ LUMINANCE / 65535),
    "colour and transparency": (np.dstack([RGB16, GREY16]),
                                {"photometric": "rgb", "extrasamples": ["unassalpha"]},
                                RGB16 @ LUMINANCE / 65535),
    "grey and transparency": (np.dstack([GREY, GREY[::-1]]),
                              {"photometric": "minisblack", "extrasamples": ["unassalpha"],
                               "planarconfig": "contig"}, GREY / 255),
    "palette": (GREY, {"photometric": "palette",
                       "colormap": (np.arange(768).reshape(3, 256) * 85).astype("u2")},
                (85 * (GREY[..., None] + np.array([0, 256, 512]))) @ LUMINANCE / 65535),
    "palette of 8 bits": (GREY, {"photometric": "palette", "colormap": np.stack(
        [np.arange(256), np.arange(256)[::-1], np.zeros(256)]).astype("u2")},
        np.dstack([GREY, 255 - GREY, 0 * GREY]) @ LUMINANCE / 255),
    "deflate": (RGB16, {"photometric": "rgb", "compression": "zlib", "predictor": True},
                RGB16 @ LUMINANCE / 65535),
    "strips": (GREY16, {"rowsperstrip": 5, "compression": "zlib"}, GREY16 / 65535),
    "tiles": (GREY16, {"tile": (16, 16)}, GREY16 / 65535),
}  # fmt: skip


@pytest.mark.parametrize("kind", TIFFS)
def test_a_tiff_of_any_kind_has_its_values(kind, tmp_path):
    array, options, expected = TIFFS[kind]
    tiff(tmp_path / "a.tif", array, **{"photometric": "minisblack"} | options)
    same(read(tmp_path), expected)


@pytest.mark.parametrize("packing", ["tiff_lzw", "jpeg", "packbits", "group4"])
def test_packings_that_tifffile_lacks(packing, tmp_path):
    array = GREY > 100 if packing == "group4" else RGB
    save(tmp_path / "a.tif", array, compression=packing)
    with Image.open(tmp_path / "a.tif") as image:
        unpacked = np.asarray(image)
    colours = unpacked @ LUMINANCE / 255 if unpacked.ndim == 3 else unpacked
    same(read(tmp_path), colours)
    assert packing == "jpeg" or np.array_equal(unpacked, array)


@pytest.mark.parametrize("packing", ["raw", "tiff_lzw"])
def test_white_as_zero_under_any_packing(packing, tmp_path):
    save(tmp_path / "a.tif", 255 - GREY, compression=packing, tiffinfo={262: 0})
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages[0].photometric == 0
    with Image.open(tmp_path / "a.tif") as image:
        same(read(tmp_path), np.asarray(image) / 255)


@pytest.mark.parametrize("tag", range(1, 9))
def test_own_images_are_turned_upright(tag, tmp_path):
    """As Pillow turns a PNG; the same for the other formats, and for 16-bit colour."""
    exif = Image.Exif()
    exif[0x0112] = tag
    wide = np.full((32, 48), 0, np.uint8)
    wide[:16, :32], wide[16:, :16] = 100, 255
    save(tmp_path / "a.png", wide, exif=exif)
    save(tmp_path / "b.jpg", wide, exif=exif, quality=100)
    extra = [(274, "H", 1, tag, True)]
    tiff(tmp_path / "c.tif", np.dstack([wide * 257.0] * 3).astype("u2"), photometric="rgb",
         extratags=extra)  # fmt: skip
    save(tmp_path / "d.tif", wide, compression="tiff_lzw", tiffinfo={274: tag})
    turns = {
        2: wide[:, ::-1],
        3: wide[::-1, ::-1],
        4: wide[::-1],
        5: wide.T,
        6: np.rot90(wide, -1),
        7: wide[::-1, ::-1].T,
        8: np.rot90(wide),
    }
    turned = turns.get(tag, wide)
    height, width = turned.shape
    tiles = turned.reshape(height // 16, 16, width // 16, 16).swapaxes(1, 2).reshape(-1, 16, 16)
    x = (255 * data.images(tmp_path, 16)).reshape(4, 6, 16, 16)
    for found in x:
        assert (found - torch.tensor(tiles.copy())).abs().max() < 2


def test_every_page_of_a_tiff_is_an_image_but_thumbnails_and_masks(tmp_path):
    movie = RANDOM.randint(0, 2**16, (7, 12, 20)).astype("u2")
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for k, frame in enumerate(movie):
            file.write(frame, photometric="minisblack", metadata=None)
            small = GREY[:4, :5] > 9 if k % 2 else GREY[:4, :5]
            kind = {"subfiletype": 1 + 3 * (k % 2), "metadata": None}  # a thumbnail, a mask
            file.write(small, photometric="minisblack", **kind)
    tiff(tmp_path / "b.tif", movie, photometric="minisblack")
    tiff(tmp_path / "c.tif", movie, photometric="minisblack", imagej=True)
    tiff(tmp_path / "d.tif", movie, photometric="minisblack", ome=True)
    same(read(tmp_path), *np.concatenate([movie] * 4) / 65535)


def test_the_frames_behind_one_page(tmp_path):
    """As ImageJ writes a long movie: one page, and all the frames behind it."""
    movie = RANDOM.randint(0, 2**16, (7, 12, 20)).astype("u2")
    tiff(tmp_path / "a.tif", movie, photometric="minisblack", truncate=True)
    tiff(tmp_path / "b.tif", movie, photometric="minisblack", imagej=True, truncate=True)
    with tifffile.TiffFile(tmp_path / "b.tif") as file:
        assert len(file.pages) == 1
    same(read(tmp_path), *np.concatenate([movie] * 2) / 65535)
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(content[:-100])
    with pytest.raises(ValueError, match="Cannot read .*a.tif as an image"):
        data.images(tmp_path, 4)


def untagged(path, number):
    """A TIFF whose tag `number` is one that nobody knows."""
    tiff(path, GREY, photometric="minisblack", metadata=None)
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<H", number) + b"\3\0", b"\1\xff\3\0", 1))


CMYK = Image.fromarray(RGB).convert("CMYK")
REFUSED = {
    "holds CMYK colours: save it as RGB": ("jpg", lambda p: CMYK.save(p)),
    "holds SEPARATED values .uint8, 4 a pixel, axes YXS.: save pages of grey": (
        "tif", lambda p: CMYK.save(p)),
    "holds CIELAB values": ("tif", lambda p: tiff(p, RGB, photometric="cielab")),
    "holds MINISBLACK values .int16, .*: save pages of .* uint8, uint16 or float": (
        "tif", lambda p: tiff(p, GREY.astype("i2"), photometric="minisblack")),
    "holds MINISBLACK values .uint32": (
        "tif", lambda p: tiff(p, GREY.astype("u4"), photometric="minisblack")),
    "holds MINISBLACK values .complex64": (
        "tif", lambda p: tiff(p, GREY.astype("c8"), photometric="minisblack")),
    "holds undeclared values": ("tif", lambda p: untagged(p, 262)),
    "holds MINISBLACK values .uint8, 2 a pixel": (
        "tif", lambda p: tiff(p, np.dstack([GREY, GREY]), photometric="minisblack",
                              planarconfig="contig", extrasamples=["unspecified"])),
    "holds .* axes ZYX": (
        "tif", lambda p: tiff(p, np.stack([GREY] * 3), photometric="minisblack",
                              volumetric=True)),
    "has values from 0 to 255: rescale it to": (
        "tif", lambda p: tiff(p, np.linspace(0, 255, 240, dtype="f4").reshape(12, 20),
                              photometric="minisblack")),
    "has values from nan to nan: .* without NaN or infinite": (
        "tif", lambda p: tiff(p, np.where(np.arange(240).reshape(12, 20) < 3, np.nan, FLOAT),
                              photometric="minisblack")),
    "LZW.*; pip install imagecodecs, or save it": (
        "tif", lambda p: save(p, GREY16, compression="tiff_lzw", tiffinfo={262: 0})),
    "is a movie: save its frames": (
        "png", lambda p: Image.fromarray(GREY).save(
            p, save_all=True, append_images=[Image.fromarray(GREY[::-1])])),
    "Cannot read .* as an image .cannot identify": ("png", lambda p: save(p, GREY, format="GIF")),
    "is not a file": ("png", os.mkfifo),
    "is not a file: give": ("tif", os.mkdir),
}  # fmt: skip


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_no_grey_or_colour_image_is_refused(message, tmp_path):
    suffix, make = REFUSED[message]
    make(tmp_path / f"odd.{suffix}")
    with pytest.raises(ValueError, match=message) as error:
        data.images(tmp_path, 4)
    text = str(error.value)
    assert f"odd.{suffix}" in text and "\n" not in text
    assert not any(word in text for word in ("delete", "remove", "repair", "fetch"))


def test_own_images_errors(tmp_path):
    with pytest.raises(ValueError, match="absent is not a folder"):
        data.images(tmp_path / "absent")
    with pytest.raises(ValueError, match="No image in .*it needs files that end in .png"):
        data.images(tmp_path)
    with pytest.raises(ValueError, match="size is 1.5; it must be a whole number of at least 1"):
        data.images(tmp_path, size=1.5)
    save(tmp_path / "small.png", np.zeros((40, 70), dtype=np.uint8))
    with pytest.raises(ValueError, match="small.png is 40 x 70 pixels, smaller than size 64"):
        data.images(tmp_path)
    (tmp_path / "broken.png").write_bytes((tmp_path / "small.png").read_bytes()[:60])
    with pytest.raises(ValueError, match="Cannot read .*broken.png"):
        data.images(tmp_path, size=16)


def test_a_file_that_declares_more_than_it_holds_takes_no_memory(tmp_path, monkeypatch):
    content = io.BytesIO()
    Image.fromarray(GREY).save(content, "PNG")
    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + header
    bomb = start + struct.pack(">I", zlib.crc32(b"IHDR" + header)) + content.getvalue()[33:]
    (tmp_path / "bomb.png").write_bytes(bomb)
    with pytest.raises(ValueError, match="bomb.png"):
        data.images(tmp_path)
    (tmp_path / "bomb.png").unlink()
    monkeypatch.setattr(opened, "MANY", 10000)
    tiff(tmp_path / "zeros.tif", np.zeros((400, 400), np.uint8), compression="zlib",
         photometric="minisblack")  # fmt: skip
    with pytest.raises(ValueError, match=r"zeros.tif has \d+ bytes and declares 160000 values"):
        data.images(tmp_path)


MEASURE = """
import os, resource, sys
from course_lib import data

def peak():  # of this process alone: what getrusage tells begins at that of the parent
    try:
        status = open("/proc/self/status").read()
    except OSError:  # macOS
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])

data.images(sys.argv[1], 4)  # what Pillow and tifffile load when they are first used
for folder in sys.argv[2:]:
    if not os.fork():  # each in a process of its own, that has read nothing yet
        before = peak()
        result = 4 * data.images(folder, 64).numel()
        print(result, peak() - before, flush=True)
        os._exit(0)
    os.wait()
"""


def test_the_peak_of_memory_is_at_most_twice_the_result(tmp_path):
    array = RANDOM.randint(0, 256, (4, 1024, 1024, 3)).astype(np.uint8)
    folders = [tmp_path / name for name in ("png", "tif", "movie")]
    for folder in folders:
        folder.mkdir()
    for k, image in enumerate(array):
        save(folders[0] / f"{k}.png", image, compress_level=0)
        tiff(folders[1] / f"{k}.tif", image.astype("u2"), photometric="rgb")
    tiff(folders[2] / "a.tif", array[..., 0].repeat(2, 0), photometric="minisblack")
    first = tmp_path / "first"
    first.mkdir()
    save(first / "a.png", RGB)
    tiff(first / "b.tif", RGB16, photometric="rgb")
    command = [sys.executable, "-c", MEASURE, first, *folders]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(lines) == 3
    for line in lines:
        result, used = map(int, line.split())
        assert result >= 2**24 and 0.9 * result < used < 2 * result
