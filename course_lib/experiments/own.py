"""The reader's own files for a table: some to learn from, others to test on."""

import functools
import hashlib
from typing import NamedTuple

import torch

from .. import data, operators
from .._random import stream
from ..data.files import SUFFIXES, listed
from ..data.opened import regular
from ..operators import coils, fourier, masks

KINDS = {"images": (SUFFIXES, "image"), "kspace": ((".h5",), "k-space file")}
TESTED = 4  # every fourth file, the last among them
ACCELERATION, KEPT = 4, 0.5  # of k-space that is complete; of the pixels of images
CENTRE, LEAST = 24, 12  # lines of k-space from which coil maps are estimated: at most, at least


class Recorded(NamedTuple):
    """Measurements of one split, and what they can be compared with; None is not known."""

    y: torch.Tensor
    A: operators.Operator
    x: torch.Tensor | None  # the image of complete measurements
    target: torch.Tensor | None  # magnitudes (N, 1, h, w), the middle of x


def files(kind, folder):
    """{"train": paths, "test": paths}: every fourth file, from the last on, is for the test.

    Raises ValueError for no folder and for fewer than two files.
    """
    paths = listed(folder, *KINDS[kind])
    if len(paths) < 2:
        raise ValueError(
            f"{folder} holds one file, {paths[0].name}; give two or more, some to test."
        )
    test = paths[::-1][::TESTED]
    return {"train": [path for path in paths if path not in test], "test": test[::-1]}


def digest(kind, folder):
    """Sixteen digits of all that the files hold. Raises ValueError when two are the same."""
    whole, seen = hashlib.sha256(), {}
    for part, paths in files(kind, folder).items():
        for path in paths:
            own = hashlib.sha256(regular(path, f"one {KINDS[kind][1]}").read_bytes()).digest()
            twin = seen.setdefault(own, path)
            if twin is not path:
                raise ValueError(f"{path.name} and {twin.name} in {folder} are the same; keep one.")
            whole.update(part.encode() + own)
    return whole.hexdigest()[:16]


@functools.lru_cache(maxsize=2)
def recorded(kind, folder, split, size=64):
    """The `Recorded` of one split. size: of the tiles into which images are cut.

    images: taken for the truth; half of the pixels of each tile are measured. kspace: fastMRI's
    files, all of one kind. With a mask they are used as they are, and x is None; complete k-space
    is the truth, and a quarter of the columns of each slice is used. Of several coils the maps are
    estimated from the lines in the middle that every mask has. Rows are cut to the image that the
    file's header says is looked at, values divided by the largest of the first Aᵀy.
    Raises ValueError, naming the file, where these differ from file to file.
    """
    paths = files(kind, folder)[split]
    if kind == "images":
        x = data.images(paths, size)
        kept = torch.rand(x.shape, generator=stream(0, f"{split} pixels")) < KEPT
        A = operators.Inpainting(kept)
        return Recorded(A(x), A, x, x)
    scans, first = [data.fastmri(path) for path in paths], files(kind, folder)["train"][0]
    wanted = _words(data.fastmri(first, slices=0))
    for path, scan in zip(paths, scans, strict=True):
        if _words(scan) != wanted:
            raise ValueError(
                f"{path.name} has {_words(scan)}, but {first.name} {wanted}; keep files of one "
                "kind in a folder."
            )
    drawn = [_mask(s, f"columns of {p.name}") for p, s in zip(paths, scans, strict=True)]
    k = _rows(torch.cat([scan.kspace for scan in scans]), scans[0].size)
    mask = torch.cat(drawn)[:, :, : k.shape[-2]]
    y = mask * k
    maps = None if k.shape[1] == 2 else _maps(y, mask, paths[0].name)
    A = operator(mask, maps)
    scale = A[:1].adjoint(y[:1]).abs().max()
    if not scale > 0:
        raise ValueError(f"the first slice of {paths[0].name} is zero where it is measured.")
    complete = operator(torch.ones_like(mask), maps)
    x = complete.adjoint(k / scale) if scans[0].mask is None else None
    targets = [scan.target for scan in scans]
    target = None if None in targets else torch.cat(targets) / scale
    return Recorded(y / scale, A, x, target)


def _maps(y, mask, name):
    count = min(CENTRE, middle(mask), y.shape[-2])
    if count < LEAST:
        raise ValueError(
            f"the masks of {name} and the files beside it share {count} columns in the middle; "
            f"coil maps need {LEAST}."
        )
    return coils.estimate(y, count)


def operator(mask, maps):
    """MRI of one coil (maps None) or of several."""
    return operators.MRI(mask) if maps is None else operators.MultiCoilMRI(mask, maps)


def middle(mask):
    """How many columns around the zero frequency every mask measures."""
    there = mask.amin((0, 1, 2)) > 0
    half = len(there) // 2
    right, left = (int(side.cumprod(0).sum()) for side in (there[half:], there[:half].flip(0)))
    return 2 * left + 1 if right > left else 2 * right


def _words(scan):
    """What must be the same for all files."""
    channels, *size = scan.kspace.shape[1:]
    mask, target = ("no" if part is None else "a" for part in (scan.mask, scan.target))
    coil = f"{channels // 2} coil(s) of {tuple(size)}"
    return f"{coil}, an image of {scan.size}, {mask} mask and {target} target"


def _mask(scan, name):
    """(N, 1, H, W): the file's, or one of a quarter of the columns for each slice."""
    count, size = len(scan.kspace), tuple(scan.kspace.shape[-2:])
    if scan.mask is not None:
        return scan.mask.expand(count, 1, *size)
    g = stream(0, name)
    return masks.gaussian(size, ACCELERATION, count=count, generator=g, acquired=scan.acquired)


def _rows(k, size):
    """k-space of the middle rows of the image, of which there are size[0]."""
    if size is None or size[0] == k.shape[-2]:
        return k
    height, first = size[0], k.shape[-2] // 2 - size[0] // 2
    return fourier.fft(fourier.ifft(k)[:, :, first : first + height])
