"""Finished runs kept on disk, so that a table that was stopped goes on where it was."""

import json
import os
from pathlib import Path

import torch


class Store:
    """Results by key, one JSON line per finished run, in `path` (None: in memory only).

    A key is a tuple of words and numbers that says all that the result depends on. Each `put`
    writes the file anew beside the old one and renames it: a kill leaves all finished runs. The
    version of torch is kept with each, as a table may be finished on another machine.
    Raises ValueError when the file is not one of these.
    """

    def __init__(self, path=None):
        self.path, self.results, self.torch = path and Path(path), {}, {}
        if self.path is None or not self.path.exists():
            return
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                entry = json.loads(line)
                self.results[tuple(entry["key"])] = entry["result"]
                self.torch[tuple(entry["key"])] = entry["torch"]
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(
                    f"line {number} of {self.path} is not a kept result; delete the file to start "
                    "over."
                ) from error

    def __contains__(self, key):
        return tuple(key) in self.results

    def __getitem__(self, key):
        return self.results[tuple(key)]

    def versions(self, keys):
        """The versions of torch that gave the results of these keys, as words."""
        return ", ".join(sorted({self.torch[tuple(key)] for key in keys}))

    def put(self, key, result):
        self.results[tuple(key)], self.torch[tuple(key)] = result, torch.__version__
        if self.path is None:
            return
        entries = [{"key": k, "torch": self.torch[k], "result": r} for k, r in self.results.items()]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text("".join(json.dumps(e) + "\n" for e in entries), encoding="utf-8")
        os.replace(temporary, self.path)


def beside(json_path):
    """Where the finished runs of the table `json_path` are kept: the same name, .jsonl."""
    return None if json_path is None else Path(json_path).with_suffix(".jsonl")
