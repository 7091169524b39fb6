"""Files written whole or not at all: beside their place, then renamed into it."""

import contextlib
import errno
import os
import secrets
from pathlib import Path


def write(path, data):
    """Put the bytes `data` at `path`: a kill at any moment leaves the old file or the new one.

    The temporary file beside it is created under a name of its own (the file's, the process's and
    a random one), so that no other file or link is opened, and is removed when writing fails.
    Raises OSError with one sentence: no such folder, a folder in its place, a full disk.
    """
    with _temporary(path) as temporary, open(temporary, "xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        os.replace(temporary, path)


def check(path):
    """Refuse a `path` that `write` would refuse: called before the work whose result goes there."""
    with _temporary(path) as temporary:
        open(temporary, "xb").close()


@contextlib.contextmanager
def _temporary(path):
    path = Path(path)
    temporary = path.with_name(f".{path.name[:64]}.{os.getpid()}.{secrets.token_hex(8)}.tmp")
    remedies = {
        errno.ENOENT: f"there is no folder {path.parent}; make it first",
        errno.ENOSPC: "the disk is full; make room and run again",
    }
    try:
        if path.exists() and not path.is_file():
            raise OSError(errno.EISDIR, "a folder or device has this name; choose another")
        yield temporary
    except OSError as error:
        reason = remedies.get(error.errno, error.strerror or error)
        raise type(error)(f"{path} can't be written: {reason}.") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
