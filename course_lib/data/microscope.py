"""The reader's own micrographs: MRC files, the format of cryo-electron microscopy."""

import bz2
import gzip
import io
import math
import warnings

import numpy as np
import torch

from .opened import Unfit, believable, float32, library, reading

PACKED = {b"\x1f\x8b": gzip.open, b"BZ": bz2.open}
OTHER = {3: "complex numbers", 4: "complex numbers", 16: "colours", 101: "numbers of 4 bits"}
IMOD, SIGNED = 1146047817, 1  # IMOD's stamp, and its flag of signed bytes


def mrc(path: str) -> torch.Tensor:
    """The images of an .mrc or .mrcs file, as a float32 tensor (N, 1, H, W).

    A single micrograph gives N = 1; the frames of a stack or movie, or the sections of a volume
    along its z axis, are N images (the format does not tell a stack from a volume reliably). The
    values are those of the file, not rescaled: usually detector counts, which a network wants
    standardised, (y - y.mean()) / y.std(). Axes are brought to the order z, y, x, whatever order
    (MAPC, MAPR, MAPS) they are stored in. Rows are in the order of the file; some programs draw
    the first one at the bottom. Bytes are signed unless the header says otherwise, by IMOD's flag
    or a largest value above 127. An old machine stamp, no mark of the format, no axes, or bytes
    after the values are warned of, and the values read.
    Errors: ValueError, naming the file, when it is missing, truncated or not an MRC file, when it
    holds complex numbers, colours or a stack of volumes, or values that are not finite;
    ImportError without the package mrcfile. Source of the format: Cheng et al. (2015), MRC2014.

    Arguments:
        path: the file, str or Path; those of gzip and bzip2 are unpacked.

    Example:
        >>> import mrcfile, tempfile
        >>> path = tempfile.mkdtemp() + "/movie.mrcs"
        >>> mrcfile.write(path, torch.ones(3, 8, 6).numpy())
        >>> data.mrc(path).shape
        torch.Size([3, 1, 8, 6])
    """
    mrcfile = library("mrcfile", "data.mrc")
    with reading(path, "an MRC file") as path, warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with open(path, "rb") as file:
            packed = PACKED.get(file.read(2), open)
        with packed(path, "rb") as file:
            block = bytearray(file.read(1024))
        words, block[92:96] = bytes(block[92:96]), bytes(4)  # else mrcfile makes room for them
        header = mrcfile.mrcinterpreter.MrcInterpreter(io.BytesIO(block), True, True).header
        mode, extended = int(header.mode), int(np.frombuffer(words, header.mode.dtype)[0])
        if mode in OTHER:
            raise Unfit(f"{path} holds {OTHER[mode]}: give grey images of real numbers.")
        mrcfile.utils.data_dtype_from_header(header)
        shape = mrcfile.utils.data_shape_from_header(header)
        believable(path, max(math.prod(shape), extended))
        if len(shape) == 4 and shape[0] != 1:
            raise Unfit(f"{path} holds volumes, {shape}: give (H, W) or (N, H, W).")
        told.clear()
        with mrcfile.open(path, permissive=True) as file:
            values = file.data
        if values is None:
            raise ValueError(told[-1].message)
        if mode == 0 and _unsigned(header):
            values = values.view("u1")
        stored = [int(header[axis]) for axis in ("maps", "mapr", "mapc")]
        if not any(stored):
            warnings.warn("No axes are named: read as sections, rows, columns", stacklevel=2)
            stored = [3, 2, 1]
        values = values.reshape(-1, *shape[-2:]).transpose([stored.index(n) for n in (3, 2, 1)])
        values = torch.from_numpy(float32(values, path))[:, None]
    for warning in told:
        warnings.warn(f"{path}: {warning.message}.", stacklevel=2)
    return values


def _unsigned(header):
    """Whether bytes go from 0 to 255, by IMOD's words 39 and 40 or the limits in the header."""
    words = np.frombuffer(header.extra2.tobytes(), header.mode.dtype)
    if words[10] == IMOD:
        return not words[11] & SIGNED
    return 0 <= header.dmin <= 127 < header.dmax <= 255
