"""What tells one run from another: every setting and start value, by its name."""

import functools
import hashlib

import numpy
import torch

PLAIN = (bool, int, float, str, type(None))


def facts(value, name, around=()):
    """{name: what it is} of `value` and of all that it is made of, however deep.

    Numbers and words stand for themselves; a tensor is told by its dtype, its shape and a hash of
    its bits, a function by its code and what it holds, anything else by its class and its public
    attributes. Where tensors lie does not count: a run may move from a GPU to a CPU.
    """
    if id(value) in around:  # it is part of itself
        return {}
    own, parts = _split(value)
    if len(parts) > 8 and all(type(part) in PLAIN for part in parts.values()):
        return {name: f"{own} {_hash(repr(parts).encode())}"}
    table = {name: own}
    for key, part in parts.items():
        table |= facts(part, f"{name}.{key}", (*around, id(value)))
    return table


def _split(value):
    """(what one value is by itself, {key: its parts})."""
    kind = type(value).__qualname__
    if type(value) in PLAIN:
        return value, {}
    if isinstance(value, torch.Tensor):
        frozen = isinstance(value, torch.nn.Parameter) and not value.requires_grad
        told = f"{value.dtype} {tuple(value.shape)} {_bits(value)}"
        return f"{told} frozen" if frozen else told, {}
    if isinstance(value, (numpy.ndarray, numpy.generic)):
        return f"{value.dtype} {value.shape} {_hash(value.tobytes())}", {}
    if isinstance(value, torch.nn.Module):
        public = {key: part for key, part in _public(value).items() if key != "training"}
        return kind, public | value._parameters | value._buffers | value._modules
    if isinstance(value, dict):
        return kind, value
    if isinstance(value, (list, tuple, set, frozenset)):
        ordered = value if isinstance(value, (list, tuple)) else sorted(value, key=repr)
        return kind, dict(enumerate(ordered))
    if isinstance(value, functools.partial):
        return kind, {"of": value.func, "args": value.args} | value.keywords
    if hasattr(value, "__code__"):
        code, held = value.__code__, [cell.cell_contents for cell in value.__closure__ or ()]
        plain = [constant for constant in code.co_consts if type(constant) in PLAIN]
        told = _hash(code.co_code + repr((code.co_names, plain)).encode())
        return f"{value.__qualname__} {told}", dict(enumerate([value.__defaults__, *held]))
    if hasattr(value, "__qualname__"):  # a class, a function of torch's
        return value.__qualname__, {}
    if hasattr(value, "__dict__"):
        return kind, _public(value)
    return kind if isinstance(value, torch.device) or " at 0x" in repr(value) else repr(value), {}


def _public(value):
    return {key: part for key, part in vars(value).items() if not key.startswith("_")}


def _bits(tensor):
    if tensor.layout is not torch.strided:
        tensor = tensor.detach().to_sparse_coo().coalesce()
        return _bits(tensor.indices()) + _bits(tensor.values())
    if tensor.is_meta:
        return "meta"
    values = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
    return _hash(values.view(torch.uint8).numpy())


def _hash(data):
    return hashlib.sha256(data).hexdigest()[:16]
