"""Finished runs kept on disk, so that a table that was stopped goes on where it was."""

import contextlib
import json
import os
import warnings
from pathlib import Path

import torch

from .fingerprint import fingerprint

try:
    import fcntl
except ImportError:  # Windows, where one write call for each line has to do
    fcntl = None

BEGIN = b'{"key": ['  # of every line


class Store:
    """Results by key, one JSON line per finished run, in `path` (None: in memory only).

    A key is a tuple of words and numbers. On disk each ends in the `fingerprint` of `module`, so
    that it says all that the result depends on. Each `put` appends a line in one write, under a
    lock: a kill leaves all finished runs, and several commands may write to one file; of two
    results of one key the later counts. The version of torch is kept with each, as a table may be
    finished on another machine.
    Warns of a line that a kill cut, whose run is then measured again, and of results of another
    fingerprint, which stay and are not used. Raises ValueError when the file is not one of these.
    """

    def __init__(self, path=None, module=None):
        self.path, self.results, self.torch = path and Path(path), {}, {}
        self.depends = (fingerprint(module),) if self.path and module else ()
        if self.path is None or not self.path.exists():
            return
        with open(self.path, "rb") as file:
            _lock(file, shared=True)
            lines = file.read().split(b"\n")
        for number, line in enumerate(lines, 1):
            self._read(line, f"line {number} of {self.path}")
        others = sum(key[-1:] != self.depends for key in self.results) if self.depends else 0
        if others:
            warnings.warn(
                f"{others} results in {self.path} were measured with other code or settings: they "
                "stay there and are not used.",
                stacklevel=2,
            )

    def _read(self, line, where):
        if not line:
            return
        try:
            entry = json.loads(line)
            key = tuple(entry["key"])
            self.results[key], self.torch[key] = entry["result"], entry["torch"]
        except (ValueError, KeyError, TypeError) as error:
            begun = line.startswith(BEGIN) or BEGIN.startswith(line)
            if not begun or not isinstance(error, ValueError):
                raise ValueError(
                    f"{where} is not a kept result; take the line out, or name another file."
                ) from error
            warnings.warn(f"{where} was cut by a kill: that run is measured again.", stacklevel=3)

    def __contains__(self, key):
        return (*key, *self.depends) in self.results

    def __getitem__(self, key):
        return self.results[(*key, *self.depends)]

    def versions(self, keys):
        """The versions of torch that gave the results of these keys, as words."""
        return ", ".join(sorted({self.torch[(*key, *self.depends)] for key in keys}))

    def put(self, key, result):
        """Keep a result. Raises OSError when the disk is full or the file can't be written."""
        key = (*key, *self.depends)
        self.results[key], self.torch[key] = result, torch.__version__
        if self.path is None:
            return
        entry = {"key": key, "torch": torch.__version__, "result": result}
        line = json.dumps(entry).encode() + b"\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "a+b", buffering=0) as file:
            _lock(file)
            size = file.seek(0, os.SEEK_END)
            if size and (file.seek(size - 1), file.read(1))[1] != b"\n":
                line = b"\n" + line  # what a kill left stays a line of its own
            if file.write(line) < len(line):
                raise OSError(f"{self.path} took only a part of a result: is the disk full?")


def _lock(file, shared=False):
    """Wait for the other commands that use the file; it is unlocked when it is closed."""
    if fcntl:
        with contextlib.suppress(OSError):  # some network folders know no locks
            fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)


def beside(json_path):
    """Where the finished runs of the table `json_path` are kept: the same name, .jsonl."""
    return None if json_path is None else Path(json_path).with_suffix(".jsonl")
