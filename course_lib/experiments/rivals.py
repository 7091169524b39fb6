"""The rows of the no-free-lunch table: how each method is told of the noise, and trained."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from .. import losses, noise
from ..models import PixelShuffle
from ..operators import Identity
from . import sweep
from .networks import STEPS, network

RATE = {"exact": 8e-3, "quick": 2e-3, "full": 2e-3}


@dataclass(frozen=True)
class Method:
    """How a row is trained: the loss, made from the law it is told, and the kind of network."""

    kind: Callable  # the loss's class, with its options
    net: str = "plain"  # see `networks.network`
    told: bool = False  # does it use the law
    copies: int = 1

    def make(self, law, steps):
        """The loss, for the law that the method is told."""
        more = {"ramp": steps} if self.kind is losses.Neighbor2Neighbor else {}
        return self.kind(law) if self.told else self.kind(**more)


NAIVE = losses.MeasurementConsistency
METHODS = {
    "Supervised": Method(losses.Supervised),
    "Noise2Noise": Method(losses.Noise2Noise, copies=2),
    "R2R": Method(partial(losses.R2R, draws=10), told=True),
    "SURE": Method(losses.SURE, told=True),
    "Noise2Score": Method(losses.Noise2Score, told=True),
    "blind Noise2Score": Method(losses.BlindNoise2Score),
    "UNSURE": Method(losses.UNSURE),
    "UNSURE correlated": Method(losses.UNSURECorrelated),
    "UNSURE Poisson-Gaussian": Method(losses.UNSUREPoissonGaussian),
    "blind-spot posterior": Method(losses.BlindSpotSURE, "spread", told=True),
    "blind-spot mean": Method(NAIVE, "mean"),
    "blind spot, shuffled": Method(NAIVE, "shuffled"),
    "Noise2Self": Method(losses.Noise2Self),
    "Noise2Self, one pass": Method(partial(losses.Noise2Self, test="single"), "direct"),
    "Noise2Void": Method(losses.Noise2Void),
    "Noise2Void, median": Method(partial(losses.Noise2Void, replace="median"), "direct"),
    "Neighbor2Neighbor": Method(losses.Neighbor2Neighbor),
    "Splitting": Method(partial(losses.Splitting, draws=10)),
    "autoencoder": Method(NAIVE, "autoencoder"),
    "deep image prior": Method(NAIVE, "prior"),
    "naive": Method(NAIVE),
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


def evaluations(name):
    """(in training, in test): how often the loss and its estimator evaluate f.

    A deep image prior has no training; each image of the test costs a fit: every step, the last
    look at the held-out pixels, and x̂ itself.
    """
    if METHODS[name].net == "prior":
        return 0, STEPS["quick"] + 2
    loss = METHODS[name].make(noise.Gaussian(0.1), 10)
    return loss.train_evals, loss.test_evals
