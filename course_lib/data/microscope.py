"""The reader's own micrographs: MRC files, the format of cryo-electron microscopy."""

import math
import warnings

import numpy as np
import torch

from .opened import Bytes, believable, float32, regular, unreadable

KIND = "an MRC file"
MODES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
OTHER = {
    3: "complex numbers, a Fourier transform: give the image",
    4: "complex numbers, a Fourier transform: give the image",
    16: "colours: give grey images",
    101: "numbers of 4 bits: convert it to 8 bits first",
}
STAMPS = {0x44: "<", 0x11: ">"}  # little and big end first
IMOD, SIGNED = 1146047817, 1  # its stamp in word 39, and the flag in word 40


def mrc(path):
    """The images of an .mrc or .mrcs file, as a float32 tensor (N, 1, H, W).

    A single micrograph gives N = 1; the frames of a stack or movie, or the sections of a volume
    along its z axis, are N images (the format does not tell a stack from a volume reliably). The
    values are those of the file, not rescaled: usually detector counts, which a network wants
    standardised, (y - y.mean()) / y.std(). Axes are brought to the order z, y, x, whatever order
    (MAPC, MAPR, MAPS) they are stored in. Files of gzip or bzip2 are unpacked. Rows are in the
    order of the file; some programs draw the first one at the bottom. Bytes are signed unless the
    header says otherwise, by IMOD's flag or a largest value above 127. An old machine stamp, no
    mark of the format, no axes, or bytes after the values are warned of, and the values read.
    Errors: ValueError, naming the file, when it is missing, truncated or not an MRC file, when it
    holds complex numbers, colours or a stack of volumes, or values that are not finite. Source of
    the format: Cheng et al. (2015), MRC2014.
    """
    path = regular(path, ".mrc or .mrcs")
    with Bytes(path, KIND) as file:
        block = file.take(1024)
        order, doubts = _order(block, path)
        words = np.frombuffer(block, order + "i4").tolist()
        nx, ny, nz, mode = words[:4]
        if mode in OTHER:
            raise ValueError(f"{path} holds {OTHER[mode]}.")
        depth = words[9] if 401 <= words[22] <= 630 else nz  # sections of each volume
        if depth != nz:
            shape = (nz // depth, depth, ny, nx) if depth > 0 else (nz, depth, ny, nx)
            raise ValueError(
                f"{path} holds volumes, an array of shape {shape}: give a micrograph (H, W) or a "
                "stack (N, H, W)."
            )
        believable(path, nx * ny * nz)
        kind = np.dtype(order + ("u1" if mode == 0 and _unsigned(block, order) else MODES[mode]))
        file.take(words[23])  # the extended header
        values = np.frombuffer(file.take(nx * ny * nz * kind.itemsize), kind).reshape(nz, ny, nx)
        for doubt in doubts:
            warnings.warn(f"{path} {doubt}.", stacklevel=2)
        file.end()
    stored = words[18:15:-1] if any(words[16:19]) else [3, 2, 1]  # of sections, rows, columns
    values = values.transpose([stored.index(axis) for axis in (3, 2, 1)])
    return torch.from_numpy(float32(values, path))[:, None]


def _order(block, path):
    """The order of bytes, "<" or ">", and what is odd about the header, in words."""
    marked, stamp = bytes(block[208:211]) == b"MAP", bytes(block[212:214])
    stamped = STAMPS.get(block[212]) if stamp in (b"DD", b"DA", b"\x11\x11") else None
    fitting = [order for order in "<>" if _plausible(np.frombuffer(block, order + "i4"))]
    if not fitting:
        nx, ny, nz, mode = np.frombuffer(block, (stamped or "<") + "i4")[:4]
        raise unreadable(path, KIND, f"its header says mode {mode} and {nx} x {ny} x {nz} values")
    size = {o: math.prod(np.frombuffer(block, o + "i4")[:3].tolist()) for o in fitting}
    order = stamped if stamped in fitting else min(fitting, key=size.get)
    ends = {"<": "little", ">": "big"}[order]
    doubts = []
    if not marked:
        doubts.append("has no mark 'MAP', as files from before 2000")
    if order != stamped:
        doubts.append(
            f"has the machine stamp {stamp!r}: read with the {ends} end first, which fits"
        )
    if not any(np.frombuffer(block, order + "i4")[16:19]):
        doubts.append("does not name its axes: read as sections, rows, columns")
    return order, doubts


def _plausible(words):
    axes = sorted(words[16:19].tolist())
    known = words[3] in MODES or words[3] in OTHER
    return known and min(words[:3]) > 0 and words[23] >= 0 and axes in ([1, 2, 3], [0, 0, 0])


def _unsigned(block, order):
    words, limits = np.frombuffer(block, order + "i4"), np.frombuffer(block, order + "f4")[19:21]
    return not words[39] & SIGNED if words[38] == IMOD else 0 <= limits[0] <= 127 < limits[1] <= 255
