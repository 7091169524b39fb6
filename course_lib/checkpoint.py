"""The file from which a run of `fit` goes on: what it is a run of, and all that changes in it."""

import hashlib
import io
from pathlib import Path

import torch

from . import _files
from ._fingerprint import facts
from .data import Measurements

DIGEST = 32  # bytes of SHA-256 behind what torch.save wrote


class Checkpoint:
    """Written whole or not at all, with a checksum; it goes on with the run that wrote it only.

    path: the file. The run is told by `facts`: plan, of every setting and start value, and data, of
    the training set, or {} where it is not made of `Measurements`: then the first batch is
    compared, which first() draws. parts: {name: what has a state_dict}. A checkpoint of one device
    opens on another.
    """

    def __init__(self, path, plan, data, first, parts):
        self.path, self.first, self.parts = Path(path), first, parts
        self.run = {"plan": plan, "data": data, "seen": {}}

    def saw(self, batch):
        """Note the first batch."""
        self.run["seen"] = facts(list(batch), "first batch")

    def save(self, **rest):
        """Write the state of all parts, and `rest`."""
        state = {name: part.state_dict() for name, part in self.parts.items()}
        buffer = io.BytesIO()
        torch.save(state | self.run | rest, buffer)
        buffer.write(hashlib.sha256(buffer.getbuffer()).digest())
        _files.write(self.path, buffer.getbuffer())

    def restore(self):
        """Put all parts in the saved state and return the rest; None if there is no file.

        Raises ValueError for a damaged file and for one of another run.
        """
        if not self.path.is_file():
            return None
        state = self._read()
        compared = "data" if state["data"] and self.run["data"] else "seen"
        if compared == "seen":
            self.saw(self.first())
        was, now = (run["plan"] | run[compared] for run in (state, self.run))
        other = {k: was.get(k) for k in now | was if repr(was.get(k, ...)) != repr(now.get(k, ...))}
        if other:
            told = dict(list(other.items())[:3])
            more = f" and {len(other) - 3} more" if len(other) > 3 else ""
            raise ValueError(
                f"{self.path} is of another run, {told}{more}; delete it or use its settings, its "
                "data and its first weights (torch.manual_seed before f is made)."
            )
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        self.run["seen"] = state["seen"]
        return state

    def _read(self):
        try:
            raw = self.path.read_bytes()
            saved, digest = raw[:-DIGEST], raw[-DIGEST:]
            if hashlib.sha256(saved).digest() != digest:
                raise ValueError("its checksum is wrong")
            return torch.load(io.BytesIO(saved), map_location="cpu", weights_only=True)
        except Exception as error:
            raise ValueError(
                f"{self.path} is not a readable checkpoint; delete it to start over, or name "
                "another file if it is something else."
            ) from error


def contents(data, name):
    """The facts of a data set: all that `Measurements` hold, also behind torch's Subset, or {}."""
    if isinstance(data, torch.utils.data.Subset):
        inner = contents(data.dataset, name)
        return inner and inner | facts(list(data.indices), f"{name}.indices")
    if not isinstance(data, Measurements):
        return {}
    own = {"tensors": data.tensors, "A": data.A, "noise": data.noise, "crop": data.crop}
    return facts(own, name)
