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


def place(generator, y=None):
    """The device on which to draw: the generator's, or without one that of y or the CPU."""
    if generator is None:
        return torch.device("cpu") if y is None else y.device
    if not hasattr(generator, "device"):
        raise TypeError(
            f"generator is {generator!r}; make one with torch.Generator().manual_seed(seed)."
        )
    return generator.device


def normal_like(y, generator=None):
    """A standard normal tensor of y's shape, dtype and device."""
    w = torch.randn(y.shape, generator=generator, dtype=y.dtype, device=place(generator, y))
    return w.to(y.device)


def gamma_like(shape, y, generator=None):
    """Gamma(shape, 1) variables of y's shape, dtype and device (shape is a number)."""
    shape = torch.full_like(y, float(shape))
    return on_generator(torch._standard_gamma, shape, generator=generator)


def beta_like(a, b, y, generator=None):
    """Beta(a, b) variables of y's shape, from two Gamma variables.

    Drawn in float64: for a and b near 0 both Gamma variables would be 0 in float32.
    """
    g, h = (gamma_like(shape, y.double(), generator) for shape in (a, b))
    return (g / (g + h)).to(y)


def binomial(n, p, generator=None):
    """Binomial(n, p) variables for a tensor n and a number or tensor p, of n's shape and dtype.

    Drawn in float64: from some 10⁷ trials on torch's are wrong in float32.
    """
    p = torch.as_tensor(p, dtype=torch.float64, device=n.device).expand_as(n)
    return on_generator(torch.binomial, n.double(), p, generator=generator).to(n)


def choose(weights, count, generator=None):
    """(rows, count) places, drawn without repetition with probabilities ∝ weights (rows, n)."""
    places = weights.to(place(generator, weights))
    return torch.multinomial(places, count, generator=generator).to(weights.device)


def on_generator(function, *tensors, generator=None):
    """Run a torch sampler where its generator lives and bring the sample back."""
    device = tensors[0].device
    tensors = [t.to(place(generator, t)) for t in tensors]
    return function(*tensors, generator=generator).to(device)
