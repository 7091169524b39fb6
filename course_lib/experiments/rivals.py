"""The rows of the no-free-lunch table: how each method is told of the noise, and trained."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from .. import losses, noise
from ..models import PixelShuffle
from ..operators import Identity
from . import sweep
from .networks import STEPS, network

RATE = {"exact": 8e-3, "quick": 2e-3, "full": 2e-3}


@dataclass(frozen=True)
class Method:
    """How a row is trained: the loss, made from the law it is told, and the kind of network."""

    make: Callable  # (told law, steps) -> Loss
    told: bool = False  # does it use the law
    net: str = "plain"  # see `networks.network`
    copies: int = 1


METHODS = {
    "Supervised": Method(lambda law, steps: losses.Supervised()),
    "Noise2Noise": Method(lambda law, steps: losses.Noise2Noise(), copies=2),
    "R2R": Method(lambda law, steps: losses.R2R(law, draws=10), told=True),
    "SURE": Method(lambda law, steps: losses.SURE(law), told=True),
    "Noise2Score": Method(lambda law, steps: losses.Noise2Score(law), told=True),
    "blind Noise2Score": Method(lambda law, steps: losses.BlindNoise2Score()),
    "UNSURE": Method(lambda law, steps: losses.UNSURE()),
    "UNSURE correlated": Method(lambda law, steps: losses.UNSURECorrelated()),
    "UNSURE Poisson-Gaussian": Method(lambda law, steps: losses.UNSUREPoissonGaussian()),
    "blind-spot posterior": Method(
        lambda law, steps: losses.BlindSpotSURE(law), told=True, net="spread"
    ),
    "blind-spot mean": Method(lambda law, steps: losses.MeasurementConsistency(), net="mean"),
    "blind spot, shuffled": Method(
        lambda law, steps: losses.MeasurementConsistency(), net="shuffled"
    ),
    "Noise2Self": Method(lambda law, steps: losses.Noise2Self()),
    "Noise2Self, one pass": Method(
        lambda law, steps: losses.Noise2Self(test="single"), net="direct"
    ),
    "Noise2Void": Method(lambda law, steps: losses.Noise2Void()),
    "Noise2Void, median": Method(
        lambda law, steps: losses.Noise2Void(replace="median"), net="direct"
    ),
    "Neighbor2Neighbor": Method(lambda law, steps: losses.Neighbor2Neighbor(ramp=steps)),
    "Splitting": Method(lambda law, steps: losses.Splitting(draws=10)),
    "autoencoder": Method(lambda law, steps: losses.MeasurementConsistency(), net="autoencoder"),
    "deep image prior": Method(lambda law, steps: losses.MeasurementConsistency(), net="prior"),
    "naive": Method(lambda law, steps: losses.MeasurementConsistency()),
}


def train(name, law, told, x, seed, size, crop, copies, where):
    """(loss, f) trained on the images x under `law`, or (None, the sentence of its refusal)."""
    method, steps = METHODS[name], STEPS[size]
    try:
        loss, copies = method.make(told, steps), copies or method.copies
        measurements = sweep.measured(loss, x, Identity(), law, seed, crop, copies)
        y, prior = measurements.tensors[0], method.net == "prior"
        if copies < method.copies:  # the one copy stands for both
            measurements.tensors *= 2
        f, _ = sweep.train(
            lambda: network(method.net, size, y, seed), None if prior else loss, measurements,
            where, seed, steps=steps, lr=RATE[size],
        )  # fmt: skip
    except (NotImplementedError, ValueError) as error:
        return None, str(error)
    for part in f.modules():
        if isinstance(part, PixelShuffle):
            part.stride = 1  # trained on every fourth pixel, used on all
    return loss, f


class Counted:
    """f, counting its calls."""

    def __init__(self, f):
        self.f, self.calls = f, 0

    def __call__(self, y, A):
        self.calls += 1
        return self.f(y, A)


def evaluations(name):
    """(in training, in test): how often the loss and its estimator call f, by counting.

    A deep image prior has no training; each image of the test costs a fit.
    """
    method, A, x = METHODS[name], Identity(), torch.full((1, 1, 16, 16), 0.5)
    law = noise.Gaussian(0.1)
    f = Counted(network(method.net, "quick", x))
    if method.net == "prior":
        return 0, f.f.steps + 2  # every step, the last look at the held-out pixels, x̂ itself
    loss, y = method.make(law, 10), [law(x) for _ in range(method.copies)]
    y = y[0] if method.copies == 1 else tuple(y)
    loss(f, y, A, *([x] if name == "Supervised" else []))
    trained, f.calls = f.calls, 0
    loss.eval().reconstruct(f, law(x), A)
    return trained, f.calls
