"""Around training and evaluation: modes, random numbers and autocast, put back afterwards."""

import contextlib

import torch

from ._random import stream


@contextlib.contextmanager
def alone(*parts, training, seed, name):
    """Run with all modules among `parts` in one mode, torch's own generators seeded, autocast off.

    What the caller had, mode by mode of every submodule, random numbers and autocast, comes back
    at the end, after an error or an interrupt too. Autocast from outside would keep bf16 copies of
    weights that training changes, and go on using them.
    """
    modules = [p for p in parts if isinstance(p, torch.nn.Module)]
    modes = [(m, m.training) for part in modules for m in part.modules()]
    types = {"cpu", *(p.device.type for part in modules for p in part.parameters())} - {"meta"}
    gpus = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=list(gpus)))
        for device in types:
            stack.enter_context(torch.autocast(device, enabled=False))
        try:
            for module in modules:
                module.train(training)
            reseed(seed, name)
            yield
        finally:
            for module, mode in modes:
                module.training = mode


def reseed(seed, name):
    """Seed torch's own generators, of which a network draws, for instance its dropout."""
    number = stream(seed, f"torch, {name}").initial_seed()  # not the numbers of stream(seed, name)
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(number)
