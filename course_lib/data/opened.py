"""What the readers of the user's own files share: regular files, stated sizes, float32, errors.

Memory: a file whose header declares more than 2²⁶ values (256 MiB in float32) must hold a byte for
every 64 of them, or it is refused before memory is taken: kilobytes that unpack to gigabytes are
damaged, or meant to harm.
"""

import bz2
import gzip
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np

MANY, RATIO = 2**26, 64
PACKED = {b"\x1f\x8b\x08": gzip.open, b"BZh": bz2.open}
FOREIGN = {b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"PK\x03\x04": "zip"}


def regular(path, kind):
    """`path` as a Path, refused unless it is a file: pipes, devices and folders are none."""
    try:
        path = Path(path)
    except TypeError as error:
        raise TypeError(f"path is {path!r}; give the path of one {kind} file.") from error
    if not path.is_file():
        raise ValueError(f"{path} is not a file: give the path of one {kind} file.")
    return path


def unreadable(path, kind, why):
    return ValueError(
        f"Cannot read {path} as {kind} ({why}): it must be a whole file of that kind."
    )


@contextmanager
def reading(path, kind):
    """Whatever a library raises over the bytes of a file becomes one ValueError that names it."""
    try:
        yield
    except Exception as error:
        why = " ".join(str(error).split())[:200] or type(error).__name__
        raise unreadable(path, kind, why) from error


def believable(path, values):
    """Refuse a file that declares far more values than it has bytes for."""
    size = path.stat().st_size
    if values > max(MANY, RATIO * size):
        raise ValueError(
            f"{path} has {size} bytes and declares {values} values: its header is wrong, or it "
            "must be unpacked first."
        )


class Bytes:
    """A file that is read from start to end in a `with`, unpacked if it is of gzip or bzip2."""

    def __init__(self, path, kind):
        self.path, self.kind = path, kind
        with reading(path, kind), open(path, "rb") as file:
            start = file.read(6)
        for mark, name in FOREIGN.items():
            if start.startswith(mark):
                raise ValueError(f"{path} is packed by {name}: unpack it first.")
        self._open = next((f for mark, f in PACKED.items() if start.startswith(mark)), open)

    def __enter__(self):
        self._file = self._open(self.path, "rb")
        return self

    def __exit__(self, *error):
        self._file.close()

    def take(self, count):
        """The next `count` bytes; refused, before memory is taken, when the file has fewer."""
        believable(self.path, count // 8)
        left = self.path.stat().st_size - self._file.tell() if self._open is open else count
        content = bytearray()
        with reading(self.path, self.kind):
            while left >= count and len(content) < count:
                piece = self._file.read(min(count - len(content), 2**24))
                if not piece:
                    break
                content += piece
        if len(content) < count:
            why = f"{len(content) if left >= count else left} bytes where its header says {count}"
            raise unreadable(self.path, self.kind, why)
        return content

    def end(self):
        """Read on to the end, where gzip has its checksum; warn of bytes that are left out."""
        extra = 0
        while True:
            with reading(self.path, self.kind):
                piece = self._file.read(2**20)
            if not piece:
                break
            extra += len(piece)
            believable(self.path, extra)
        if extra:
            warnings.warn(
                f"{self.path} has {extra} bytes after its values: left out.", stacklevel=3
            )


def float32(values, name, slope=1.0, offset=0.0):
    """slope·values + offset as a new float32 array, by planes along the first axis.

    Refused where values are NaN or infinite, or the largest lies outside the range of float32.
    """
    ends = float(values.max()), float(values.min())
    if not np.isfinite(ends).all():
        bad = int((~np.isfinite(values)).sum())
        raise ValueError(f"{name} holds {bad} NaN or infinite values: repair or drop them first.")
    peak, limits = max(abs(slope * end + offset) for end in ends), np.finfo(np.float32)
    if peak and not float(limits.tiny) <= peak <= float(limits.max):
        raise ValueError(
            f"{name} holds values up to {peak:.3g}, outside float32: rescale it first."
        )
    result = np.empty(values.shape, np.float32)
    for plane, out in zip(values, result, strict=True):
        out[...] = plane if (slope, offset) == (1, 0) else plane * slope + offset
    return result
