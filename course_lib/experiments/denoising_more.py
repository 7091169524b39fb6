"""`course table denoising-more`: further losses for one noisy copy of each photograph.

As `course table denoising`, for white Gaussian noise: the same photographs, noise, budget and
supervised reference, and the U-Net of the same widths. Noise2Self and Noise2Void take it without
its residual connection (`models.Direct`), with which f(y) may hand on pixels that these losses
never look at; x̂ is f(y) for both, and Noise2Void replaces pixels by medians; "Supervised direct" is
that network with ground truth. The blind-spot network has about as many weights, fewer
convolutions, and four passes in each evaluation.
"""

import functools

from .. import losses, models
from . import denoising
from .sweep import named

SEEDS = denoising.SEEDS


def methods(problem, steps):
    """{name: loss}, the supervised reference first."""
    law = denoising.NOISES[problem]
    found = [
        losses.Supervised(), losses.Noise2Score(law), losses.Neighbor2Neighbor(ramp=steps),
        losses.BlindSpotLikelihood(law), losses.Noise2Self(test="single"),
        losses.Noise2Void(replace="median"),
    ]  # fmt: skip
    return named(*found) | {"Supervised direct": losses.Supervised()}


def network(name):
    """The network of a row, not yet trained."""
    if name == "BlindSpotLikelihood":
        return models.BlindSpot(widths=(24, 48, 96), hidden=64, spread=True)
    if name in ("Noise2Self", "Noise2Void", "Supervised direct"):
        return models.Direct(models.UNet())
    return models.UNet()


def measure(scale, seeds, json_path=None):
    """All rows. Returns {"meta", "rows", "pictures"}."""
    return denoising.tabulated(one, methods, ["gaussian"], scale, seeds, json_path)[0]


def one(problem, name, seed, scale, where):
    """Train and test one network of the table."""
    steps, law = denoising.BUDGET[scale], denoising.NOISES[problem]
    make = functools.partial(network, name)
    return denoising.run(methods(problem, steps)[name], make, law, seed, where, steps=steps)
