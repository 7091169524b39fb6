"""Random tensors from an explicit generator, the same on every device for a CPU generator."""

import hashlib

import torch


def stream(seed, name):
    """A generator for `seed` that shares no numbers with manual_seed(seed) or another name's.

    Without it a signal drawn with seed 0, its noise drawn with seed 0 and a probe drawn with
    seed 0 would be the same numbers, where the theory wants independent ones.
    """
    digest = hashlib.sha256(f"{name} {int(seed)}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:4], "big"))


def normal_like(y, generator=None):
    """A standard normal tensor of y's shape, dtype and device."""
    device = y.device if generator is None else generator.device
    w = torch.randn(y.shape, generator=generator, dtype=y.dtype, device=device)
    return w.to(y.device)


def gamma_like(shape, y, generator=None):
    """Gamma(shape, 1) variables of y's shape, dtype and device (shape is a number)."""
    device = y.device if generator is None else generator.device
    a = torch.full(y.shape, float(shape), dtype=y.dtype, device=device)
    return torch._standard_gamma(a, generator=generator).to(y.device)


def beta_like(a, b, y, generator=None):
    """Beta(a, b) variables of y's shape, from two Gamma variables."""
    g = gamma_like(a, y, generator)
    return g / (g + gamma_like(b, y, generator))


def on_generator(function, *tensors, generator=None):
    """Run a torch sampler where its generator lives and bring the sample back."""
    device = tensors[0].device
    if generator is not None:
        tensors = [t.to(generator.device) for t in tensors]
    return function(*tensors, generator=generator).to(device)
