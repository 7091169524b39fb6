"""The images that ship with the course: photographs, digits, micrographs, scans, simulations."""

import hashlib
import io
import json
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch

from .. import _checks
from . import blackholes, scans

PACKS = Path(__file__).parent / "packs"
PARTS = {"train": slice(0, 640), "validation": slice(640, 768), "test": slice(768, 1024)}  # rows
SPLITS = tuple(PARTS)
HOT = 6  # standard deviations: what lies beyond is a defect of the detector


@cache
def _pack(name):
    """The arrays of one pack, read once per process and checked against packs/checksums.json."""
    path = PACKS / f"{name}.npz"
    content = path.read_bytes() if path.is_file() else b""
    expected = json.loads((PACKS / "checksums.json").read_text())[path.name]["sha256"]
    if hashlib.sha256(content).hexdigest() != expected:
        raise OSError(
            f"Data pack {path} is missing or damaged: reinstall, or tools/build_packs.py."
        )
    with np.load(io.BytesIO(content)) as arrays:
        return dict(arrays)


def tiles(image, size):
    """The whole, non-overlapping size x size tiles of a (H, W) array, row by row: (N, size, size).

    The grid is centred; N = floor(H / size) floor(W / size), and the rest is cut off at the border.
    """
    rows, columns = image.shape[0] // size, image.shape[1] // size
    top, left = (image.shape[0] - rows * size) // 2, (image.shape[1] - columns * size) // 2
    image = image[top : top + rows * size, left : left + columns * size]
    return image.reshape(rows, size, columns, size).swapaxes(1, 2).reshape(-1, size, size)


def _photos(pack, split, size):
    photos = {k.removeprefix(f"{split}/"): v for k, v in pack.items() if k.startswith(f"{split}/")}
    largest = max(min(photo.shape) for photo in photos.values())
    if size > largest:
        raise ValueError(f"size is {size}, but the {split} photographs hold {largest} at most.")
    cut = {photo: tiles(image, size) for photo, image in photos.items()}
    return np.concatenate(list(cut.values())), [photo for photo in cut for _ in cut[photo]]


def _digits(pack, split, size):
    if size not in (28, 32):
        raise ValueError(f"size is {size}, but digits come in 28 (as they are) or 32 (padded).")
    pad = (size - 28) // 2
    images = np.pad(pack[f"{split}/images"], ((0, 0), (pad, pad), (pad, pad)))
    return images, [f"mnist_5k row {row}" for row in pack[f"{split}/rows"]]


def _micrograph(which, pack, split, size):
    """The tiles of one part of a micrograph, in units of the whole crop's standard deviation."""
    counts = pack[which].astype(np.float64)
    part = ((counts - counts.mean()) / counts.std()).clip(-HOT, HOT)[PARTS[split]]
    if size > len(part):
        raise ValueError(f"size is {size}, but the {split} part is {len(part)} rows high.")
    cut = tiles(part, size)
    return cut.astype(np.float32), [f"{which}, {split} rows"] * len(cut)


READERS = {  # name: the size unless given, the reader
    "photos": (64, _photos),
    "digits": (28, _digits),
    "micrographs/fei": (64, partial(_micrograph, "fei")),
    "micrographs/epu": (64, partial(_micrograph, "epu")),
    "mri": (128, partial(scans.slices, "mri")),
    "ct": (128, partial(scans.slices, "ct")),
    "kspace": (160, scans.kspace),
    "densities": (64, scans.molecules),
    "particles": (64, scans.molecules),
    "blackholes": (32, blackholes.simulate),
}


def _read(name, split, size):
    """The images, uint8 or float32, (N, H, W) or (N, C, H, W), and the source of each."""
    usual, reader = READERS[_checks.choice(name, "name", *READERS)]
    _checks.choice(split, "split", *SPLITS)
    size = usual if size is None else _checks.whole(size, "size")
    if name == "blackholes":
        return reader(split, size)
    return reader(_pack(name.split("/")[0]), split, size)


def load(name: str, split: str = "train", size: int | None = None) -> torch.Tensor:
    """Images as a float32 tensor (N, 1, size, size): clean ones unless said otherwise.

    "photos"
        Grey photographs, cut into the whole, non-overlapping tiles of a centred grid, in a fixed
        order. `size` is 64 unless given. Train, validation and test come from different
        photographs (12, 2 and 3). Up to size 300 each gives at least one tile; above, a photograph
        that is smaller than `size` gives none, and `sources` tells which remain.
    "digits"
        Handwritten digits, `size` 28, or 32 with a border of zeros. 4000 train, 500 validation and
        500 test images, the same number of each digit. The split is by image: the writers are not
        known in this subset, so one writer may occur on both sides.

    "micrographs/fei", "micrographs/epu"
        One raw cryo-electron micrograph each, 1024 x 1024 pixels, almost all of it noise. There is
        no ground truth: these are measurements y. Their unit is the standard deviation of the
        whole crop, whose mean is 0; pixels beyond 6 (ten in `fei`) are set to 6. The noise of
        `fei` is nearly independent between pixels (correlation 0.02 between neighbours), that of
        `epu` is not (0.58). The split is not by specimen: train, validation and test are the rows
        0-639, 640-767 and 768-1023 of the same exposure, disjoint and nothing more. `size` is 64
        unless given, and at most 128 for validation, 256 for test.

    "mri"
        Magnitude images of two heads, `size` 256, 128 (unless given), 64 or 32: train (21 slices)
        and validation (4 slices between them) are one subject, test (23) the other. Slices are
        6.5 mm apart. The unit is the 99.9th percentile of each subject's 256² volume; the brighter
        0.1 % are set to 1. There is no phase and no coil: k-space made from them is synthetic.

    "ct"
        Attenuation of two chests, `size` 128 (unless given), 64, 32 or 16: train (53 slices) and
        validation (8 between them) are one patient, test (48) the other. x = (1 + HU/1000)/2,
        clipped to [0, 1], so that air is 0, water 0.5, and bone beyond 1000 HU 1; the attenuation
        is 2x times that of water. Pixels of 128² are 2.5 mm (train) and 2.3 mm (test) wide.
        The scans were reconstructed at 512² and averaged; what noise is left is part of "truth".

    "kspace"
        A real scan, split="test" only: k-space of a phantom, two coils, (1, 4, size, size) as the
        channels Re₁, Im₁, Re₂, Im₂ of `operators.fourier`, zero frequency at (size//2, size//2).
        `size` is 160 unless given, less for the centre of k-space. With noise, and no truth.

    "densities"
        Electron densities of four molecules made from atom coordinates, (N, size, size, size) for
        `operators.CryoEM`; `size` 64 (unless given), 32, 16 or 8. Train: a ribosome and a receptor,
        validation: an enolase, test: a kinase. `sources` tells the side of a voxel.

    "particles"
        Clean projections of these densities in uniformly random orientations, 192 a density for
        train, 48 for validation, 128 for test. `size` as for densities. No CTF and no noise.

    "blackholes"
        Simulated rings and crescents, some with a hot spot or a jet, 160 microarcseconds wide, the
        brightest pixel 1; no image of a real one. 2000 train, 200 validation, 200 test, all of one
        law. `size` is 32 unless given. For a flux of F Jy multiply by F / x.sum().

    Units of photos and digits, in [0, 1]: grey level / 255, gamma-encoded as in the files (not
    proportional to light); colour photographs are reduced to 0.299 R + 0.587 G + 0.114 B (ITU-R
    BT.601). Most come from cameras or JPEG files and have a little noise of their own, so "ground
    truth" is theirs, not perfect.
    Errors: ValueError for an unknown name or split, or a size that does not fit; OSError when a
    pack is missing or damaged. Licences and credits of each image: course_lib/data/README.md.

    Arguments:
        name: one of the names above.
        split: "train" (the default), "validation" or "test": other photographs, patients,
            molecules, rows of the exposure.
        size: side of the images in pixels; None is that of the name.

    Example:
        >>> x = data.load("photos", "test", size=128)
        >>> x.shape, round(x.mean().item(), 3)
        (torch.Size([38, 1, 128, 128]), 0.483)
    """
    images, _ = _read(name, split, size)
    x = torch.from_numpy(images.astype(np.float32) / (1 if images.dtype == np.float32 else 255))
    return x if x.ndim == 4 else x.unsqueeze(1)


def sources(name: str, split: str = "train", size: int | None = None) -> list:
    """Where each tile of `load(name, split, size)` comes from: a list of N strings.

    For photos the name of the photograph, for digits the row of the file mnist_5k, for micrographs
    the part of the exposure, for scans the subject and the slice, for particles the molecule. Tiles
    of one photograph and slices of one subject are correlated: an interval over them says nothing
    of other photographs or subjects.

    Arguments:
        name, split, size: as in `load`.

    Example:
        >>> sorted(set(data.sources("photos", "test", size=128)))
        ['camera', 'coins', 'gravel']
    """
    return _read(name, split, size)[1]
