"""Damaged files of the reader's: the right value or one sentence that names the file, and no more.

Deterministic: flipped bits, cut ends, and numbers written over the header. Where the format has a
checksum (PNG, gzip) a value that is returned is the right one.
"""

import gzip
import io
import logging
import os
import resource
import struct
import time

import h5py
import mrcfile
import nibabel
import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from course_lib import data

RANDOM = np.random.RandomState(0)
GREY = RANDOM.randint(0, 256, (9, 11)).astype("u1")
RGB = RANDOM.randint(0, 2**16, (9, 11, 3)).astype("u2")
COUNT = 64
NUMBERS = (0, 1, -1, 9999, 65536, 2**24, 2**31 - 1)


def h5(file, **options):
    k = (RANDOM.randn(2, 2, 6, 4) + 1j * RANDOM.randn(2, 2, 6, 4)).astype("c8")
    with h5py.File(file, "w") as f:
        f.create_dataset("kspace", data=k, **options)
        f["mask"] = np.array([1, 1, 0, 1], "u1")
        f["reconstruction_rss"] = np.abs(k[:, 0, :4, :2])


def mrc(file):
    with mrcfile.new(file) as f:
        f.set_data(np.arange(40, dtype="i2").reshape(2, 5, 4))
        f.header.label[0] = b"without the time, so that the bytes are the same in every run"


def nifti(file):
    image = nibabel.Nifti1Image(np.arange(60, dtype="i2").reshape(3, 4, 5), np.eye(4))
    image.header.set_slope_inter(0.5, 1)
    nibabel.save(image, file)


def png(file, array, turn=1):
    exif = Image.Exif()
    exif[0x0112] = turn
    Image.fromarray(array).save(file, **({"exif": exif} if turn > 1 else {}))


def tiles(file):
    return data.images(file.parent, 4)


THREE = np.stack([GREY] * 3)
FILES = {
    "a.h5": (h5, data.fastmri),
    "packed.h5": (lambda f: h5(f, chunks=(1, 2, 6, 4), compression="gzip"), data.fastmri),
    "a.mrc": (mrc, data.mrc),
    "a.nii": (nifti, data.nifti),
    "a.png": (lambda f: png(f, GREY), tiles),
    "turned.png": (lambda f: png(f, np.dstack(THREE), 6), tiles),
    "a.jpg": (lambda f: png(f, np.dstack(THREE), 6), tiles),
    "movie.tif": (lambda f: tifffile.imwrite(f, THREE, photometric="minisblack"), tiles),
    "colour.tif": (lambda f: tifffile.imwrite(f, RGB, photometric="rgb", compression="zlib",
                                              predictor=True), tiles),
    "tiles.tif": (lambda f: tifffile.imwrite(f, np.tile(GREY, (3, 3)), tile=(16, 16),
                                             photometric="miniswhite"), tiles),
    "lzw.tif": (lambda f: Image.fromarray(GREY).save(f, compression="tiff_lzw"), tiles),
    "a.mrc.gz": (None, data.mrc),
    "a.nii.gz": (None, data.nifti),
}  # fmt: skip
SURE = ("a.png", "turned.png", "a.mrc.gz", "a.nii.gz")


def damaged(content):
    """`COUNT` ways in which the bytes may come."""
    random = np.random.RandomState(1)
    for n in range(COUNT):
        bad = bytearray(content)
        at = random.randint(len(bad))
        if n % 4 == 0:
            bad = bad[:at]
        elif n % 4 == 1:
            start = random.randint(min(len(bad), 1200) - 3)
            number = struct.pack("<>"[n % 8 // 4] + "i", NUMBERS[random.randint(len(NUMBERS))])
            bad[start : start + 4] = number
        elif n % 4 == 2:
            bad[at] = random.randint(256)
        else:
            for place in random.randint(len(bad), size=1 + n % 3):
                bad[place] ^= 1 << random.randint(8)
        yield bytes(bad)


def arrays(result):
    return [r for r in (result if isinstance(result, tuple) else [result]) if torch.is_tensor(r)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_gives_the_right_value_or_one_sentence(name, tmp_path):
    make, read = FILES[name]
    path = tmp_path / name
    if make is None:
        plain = tmp_path / name.removesuffix(".gz")
        FILES[plain.name][0](plain)
        path.write_bytes(gzip.compress(plain.read_bytes(), mtime=0))
    else:
        make(path)
    content, right, refused = path.read_bytes(), arrays(read(path)), 0
    logging.disable(logging.CRITICAL)  # tifffile's own notes
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    for bad in damaged(content):
        path.write_bytes(bad)
        try:
            found = arrays(read(path))
        except ValueError as error:
            text = str(error)
            assert name in text and "\n" not in text and len(text) < 600
            assert not any(word in text for word in ("fetch", "delete", "remove"))
            refused += 1
            continue
        assert all(f.dtype == torch.float32 and torch.isfinite(f).all() for f in found)
        if name in SURE:
            assert all(torch.equal(a, b) for a, b in zip(found, right, strict=True))
    logging.disable(logging.NOTSET)
    assert refused > COUNT / 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**18  # 256 MiB
    assert time.monotonic() - start < 60


def test_a_small_file_that_unpacks_to_far_more_takes_no_memory(tmp_path):
    header = np.zeros(256, "<i4")
    header[:4], header[16:19] = (2**14, 2**14, 1, 0), (1, 2, 3)
    header[52:54] = np.frombuffer(b"MAP \x44\x44\0\0", "<i4")
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb", compresslevel=1) as file:
        file.write(header.tobytes())
        file.write(bytes(2**22))
    (tmp_path / "bomb.mrc.gz").write_bytes(bomb.getvalue())
    with pytest.raises(ValueError, match="bomb.mrc.gz has .* bytes and declares 268435456 values"):
        data.mrc(tmp_path / "bomb.mrc.gz")
    nifti1 = nibabel.Nifti1Header()
    nifti1.set_data_shape((2000, 2000, 2000))
    nifti1["vox_offset"], nifti1["magic"] = 352, b"n+1"
    (tmp_path / "bomb.nii.gz").write_bytes(gzip.compress(nifti1.binaryblock + bytes(10**6)))
    with pytest.raises(ValueError, match="bomb.nii.gz has .* bytes and declares 8000000000 values"):
        data.nifti(tmp_path / "bomb.nii.gz")


@pytest.mark.parametrize("read", [data.mrc, data.nifti, data.fastmri])
def test_only_regular_files_are_opened(read, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "absent", "/dev/null"):
        with pytest.raises(ValueError, match=f"{path} is not a file: give the path of an?"):
            read(path)
    with pytest.raises(TypeError, match="os.PathLike"):
        read(None)
